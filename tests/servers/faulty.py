"""What lies between a client and its HTTP server and does harm, request by request, as a test has planned it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import time
from urllib.parse import urlsplit

from tests.servers.played import Answer, Asked

_SECONDS = 10
# What belongs to one connection, or is written anew.
_NOT_PASSED_ON = {"connection", "transfer-encoding", "date", "server", "content-length"}


@dataclass(frozen=True, slots=True)
class Harm:
    """What becomes of one request: whether it reaches the server, what is done then, and what comes back of it.

    Without an answer of its own the connection is cut; one that `hangs` is left open, and silent.
    """

    arrives: bool = False
    answer: Answer | None = None
    hangs: bool = False
    then: Callable[[], object] = lambda: None


@dataclass(slots=True)
class Faulty:
    """A running relay. Requests that nothing is planned for are passed on."""

    url: str = ""
    plan: dict[str, list[Harm]] = field(default_factory=dict)
    always: Callable[[Asked], Harm | None] = lambda asked: None
    without: Sequence[str] = ()
    ahead_seconds: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def next(self, method: str, *harms: Harm) -> None:
        """What becomes of the next requests of that method."""
        self.plan[method] = list(harms)

    def harm(self, asked: Asked) -> Harm | None:
        self.asked.append(asked)
        planned = self.plan.get(asked.method)
        return planned.pop(0) if planned else self.always(asked)

    def methods(self) -> list[str]:
        """Of all requests, in their order."""
        return [asked.method for asked in self.asked]


@contextmanager
def faulty(server: str) -> Iterator[Faulty]:
    """A relay to the server at this address, until the context ends; `without` are headers it takes away."""
    running = Faulty()
    parts = urlsplit(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            harm = running.harm(asked)
            answer = self._passed_on(asked, body) if harm is None or harm.arrives else None
            if harm is not None:
                harm.then()
                answer = harm.answer
                if harm.hangs:
                    running.over.wait(_SECONDS)
            if answer is None:
                self.close_connection = True
                return
            self._give(*answer)

        do_PUT = do_POST = do_HEAD = do_GET  # noqa: N815 - the names that the base class looks for

        def _passed_on(self, asked: Asked, body: bytes) -> Answer:
            headers = {name: value for name, value in asked.headers.items() if name not in running.without}
            connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
            try:
                connection.request(asked.method, asked.path, body, headers)
                response = connection.getresponse()
                content = response.read()
                kept = {name: text for name, text in response.getheaders() if name.lower() not in _NOT_PASSED_ON}
                return response.status, content, kept
            finally:
                connection.close()

        def _give(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304 and "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time()) + running.ahead_seconds)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as relay:
        running.url = f"http://127.0.0.1:{relay.server_port}"
        thread = Thread(target=relay.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            running.over.set()
            relay.shutdown()
            thread.join(5)
