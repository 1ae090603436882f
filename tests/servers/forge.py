"""The APIs of four Git hosts on loopback, as far as burgee asks them: statuses of commits, hooks, and comments.

What is sent is judged as the real hosts judge it, and what was said of a commit is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from .forge_comments import Comment
from .forge_hosts import HOSTS, Answer, Call, Hooks, Written

TOKEN = "tok3n-of-ann"
REPOSITORY = "acme/flags"
# Where each kind of host has its API below the server, as one of one's own has it.
PATHS = {
    "github": "/github/api/v3",
    "gitlab": "/gitlab/api/v4",
    "gitea": "/gitea/api/v1",
    "forgejo": "/forgejo/api/v1",
    "bitbucket": "/bitbucket/2.0",
}


class Fault(NamedTuple):
    """An answer that a host gives instead of the right one."""

    status: int
    headers: Mapping[str, str] = {}
    body: Any = None


class Asked(NamedTuple):
    """A request as it came; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class Forge:
    """A running server of all four.

    `faults` are answered, one after the other, before anything else is; `lacking` are the rights (`statuses`, `hooks`,
    `comments`, `user`) that the token does not have; `signs` is whether GitLab knows signing tokens; `page` is the most
    that a list holds. `comments` are those of request 7 of the repository, at each kind of host; `beside` is done
    before a comment is created, for what another job does meanwhile.
    """

    url: str = ""
    repository: str = REPOSITORY
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lacking: set[str] = field(default_factory=set)
    signs: bool = True
    page: int = 100
    written: list[Written] = field(default_factory=list)
    hooks: dict[str, Hooks] = field(default_factory=lambda: {kind: [] for kind in PATHS})
    comments: dict[str, list[Comment]] = field(default_factory=lambda: {kind: [] for kind in PATHS})
    beside: Callable[[], None] | None = None

    def api(self, kind: str) -> str:
        """The URL of the API of that kind of host."""
        return self.url + PATHS[kind]

    def environ(self, kind: str = "github") -> dict[str, str]:
        """The variables by which burgee finds that kind of host, and a repository there."""
        return {
            "BURGEE_REPOSITORY": f"https://{kind}.com/{self.repository}",
            "BURGEE_GIT_HOST": kind,
            "BURGEE_GIT_API": self.api(kind),
            "BURGEE_GIT_TOKEN": TOKEN,
        }

    def fail(self, times: int = 1, *, status: int = 502, headers: Mapping[str, str] | None = None) -> None:
        """Answer the next requests with a fault."""
        self.faults += [Fault(status, headers or {})] * times

    def statuses(self, commit: str) -> list[Written]:
        """What was said of a commit, in the order in which it was."""
        return [written for written in self.written if written.commit == commit]

    def requests(self) -> list[str]:
        """As `GET /path`."""
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def answer(self, asked: Asked) -> Answer:
        """What the host whose API the path is in says."""
        if self.faults:
            fault = self.faults.pop(0)
            return fault.status, {"message": "a fault"} if fault.body is None else fault.body, fault.headers
        parts = urlsplit(asked.path)
        for kind, below in PATHS.items():
            if parts.path.startswith(f"{below}/"):
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                call = Call(asked.method, parts.path.removeprefix(below), query, asked.body, asked.headers)
                return HOSTS[kind](self, kind, TOKEN).answer(call)
        return 404, {"message": "no host has its API here"}, {}


@contextmanager
def forge() -> Iterator[Forge]:
    """A server that knows the repository `acme/flags` and one token, until the context ends."""
    running = Forge()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: the second of two would wait for the client.
        wbufsize = -1

        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, json.loads(content) if content else None)
            running.asked.append(asked)
            status, body, more = running.answer(asked)
            self._send(status, json.dumps(body).encode(), more)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that the base class looks for

        def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        running.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join(5)
