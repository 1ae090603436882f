"""A small web server that plays another one: a function answers each request, and what was asked is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple


class Asked(NamedTuple):
    """A request; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


Answer = tuple[int, bytes, Mapping[str, str]]


@dataclass(slots=True)
class Played:
    """A running server, and its requests in their order."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def requests(self) -> list[str]:
        """As `GET /path`."""
        return [f"{asked.method} {asked.path}" for asked in self.asked]


@contextmanager
def played(answer: Callable[[Asked], Answer]) -> Iterator[Played]:
    """A server that answers GET and PUT by `answer`, until the context ends."""
    running = Played()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            running.asked.append(asked)
            status, content, headers = answer(asked)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_GET  # noqa: N815 - the name that the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join(5)
