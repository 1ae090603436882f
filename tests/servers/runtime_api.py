"""The Runtime API of AWS Lambda on loopback: where a runtime asks for events and brings results.

Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import sys
from contextlib import suppress
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, NamedTuple

_VERSION = "2018-06-01"
_SECONDS = 10


class Kind(Enum):
    """What a runtime has done."""

    ASKED = "asked for an event"
    ANSWERED = "brought a result"
    FAILED = "brought an error"
    FAILED_INIT = "could not begin"
    EXITED = "ended"


class Said(NamedTuple):
    """One of these things, with the JSON that came with it, and when it was, by `perf_counter`."""

    kind: Kind
    content: bytes = b""
    at: float = 0.0


class Event(NamedTuple):
    """JSON for the handler, and what its context says of this invocation."""

    request_id: str
    content: bytes
    deadline_ms: int
    arn: str


class RuntimeApi:
    """The API for one process. `said` is what it does, in order; `hand_over` is for when it has asked."""

    def __init__(self) -> None:
        self.said: SimpleQueue[Said] = SimpleQueue()
        self.events: SimpleQueue[Event | None] = SimpleQueue()
        self._server = _Server(self)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), name="runtime api")
        self._thread.start()

    def hand_over(self, event: Event) -> None:
        """Let the runtime have an event."""
        self.events.put(event)

    def stop(self) -> None:
        """End every connection; the process must have ended."""
        self.events.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_SECONDS)


class _Server(ThreadingHTTPServer):
    # So that closing the server waits for them.
    daemon_threads = False

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that is killed leaves connections that are reset; everything else is an error of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these two each answer waits for the acknowledgement of its first half, some 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        assert self.path == f"/{_VERSION}/runtime/invocation/next", self.path
        api = self.server.api
        api.said.put(Said(Kind.ASKED, at=perf_counter()))
        event = api.events.get()
        if event is None:
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": event.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-5759e988-{event.request_id[-12:]}000000000000;Sampled=0",
        }
        self._answer(200, event.content, headers)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        match self.path.split("/"):
            case ["", _, "runtime", "init", "error"]:
                kind = Kind.FAILED_INIT
            case ["", _, "runtime", "invocation", _, "response"]:
                kind = Kind.ANSWERED
            case ["", _, "runtime", "invocation", _, "error"]:
                kind = Kind.FAILED
            case _:
                raise AssertionError(self.path)
        self.server.api.said.put(Said(kind, content, perf_counter()))
        self._answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def finish(self) -> None:
        """What cannot be sent any more to a process that was killed is not missed."""
        with suppress(ConnectionError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass
