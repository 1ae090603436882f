"""Flipt's official Python client, in a process of its own that times itself.

Its native engine aborts the whole process when a first fetch fails, so this file is run as a script: one JSON line in,
one JSON line out. It fetches its snapshot from a server on loopback in the process that started it.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import perf_counter
from typing import Any

Asked = Sequence[Any]  # is boolean, flag key, entity id, context


class ClientProcess:
    """The client behind two pipes; `serving` makes one."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self._url = url

    def load(self, question: Asked) -> float:
        """Seconds from the constructor to the first answer, with a new client."""
        seconds: float = self._exchange({"do": "load", "url": self._url, "questions": [question]})
        return seconds

    def answers(self, questions: Sequence[Asked]) -> list[Any]:
        """The value of each answer: on or off, or the variant's key. These questions are the ones timed from now on."""
        values: list[Any] = self._exchange({"do": "answers", "questions": questions})
        return values

    def seconds(self, way: str) -> float:
        """How long all questions take: through the `sdk`, or the `engine` alone with requests serialized before."""
        seconds: float = self._exchange({"do": way})
        return seconds

    def _exchange(self, message: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the client's process ended with {self._process.wait(timeout=30)}")
        return json.loads(line)


@contextmanager
def serving(snapshot: bytes) -> Iterator[ClientProcess]:
    """A client's process and the server of its snapshot."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(snapshot))
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    process = subprocess.Popen([sys.executable, "-I", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield ClientProcess(process, f"http://127.0.0.1:{server.server_port}")
    finally:
        process.communicate()
        server.shutdown()
        server.server_close()


def _handler(snapshot: bytes) -> type[BaseHTTPRequestHandler]:
    class Static(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(snapshot)))
            self.end_headers()
            self.wfile.write(snapshot)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Static


class _Worker:
    """The client, as far as it has been told what to do."""

    def __init__(self) -> None:
        self._client: Any = None
        self._questions: list[Asked] = []

    def load(self, message: dict[str, Any]) -> float:
        from flipt_client import FliptClient
        from flipt_client.models import ClientOptions

        if self._client:
            self._client.close()
        started = perf_counter()
        self._client = FliptClient(opts=ClientOptions(url=message["url"], namespace="default"))
        self._ask(message["questions"][0])
        return perf_counter() - started

    def answers(self, message: dict[str, Any]) -> list[Any]:
        self._questions = message["questions"]
        responses = map(self._ask, self._questions)
        return [
            response.enabled if asked[0] else response.variant_key
            for asked, response in zip(self._questions, responses, strict=True)
        ]

    def sdk(self, message: dict[str, Any]) -> float:
        boolean, variant = self._client.evaluate_boolean, self._client.evaluate_variant
        calls = [(boolean if is_boolean else variant, *asked) for is_boolean, *asked in self._questions]
        started = perf_counter()
        for call, flag, entity, context in calls:
            call(flag, entity, context)
        return perf_counter() - started

    def engine(self, message: dict[str, Any]) -> float:
        core, engine = self._client.ffi_core, self._client.engine
        calls = [
            (core.evaluate_boolean if is_boolean else core.evaluate_variant, _request(*asked))
            for is_boolean, *asked in self._questions
        ]
        started = perf_counter()
        for call, request in calls:
            response = call(engine, request)
            if not ctypes.cast(response, ctypes.c_char_p).value:
                raise RuntimeError("the engine gave no answer")
            core.destroy_string(response)
        return perf_counter() - started

    def _ask(self, asked: Asked) -> Any:
        is_boolean, flag, entity, context = asked
        ask = self._client.evaluate_boolean if is_boolean else self._client.evaluate_variant
        return ask(flag, entity, context)


def _request(flag: str, entity: str, context: dict[str, str]) -> bytes:
    fields = {"namespace_key": "default", "flag_key": flag, "entity_id": entity, "context": context}
    return json.dumps(fields).encode()


def _work() -> None:
    worker = _Worker()
    tasks: dict[str, Callable[[dict[str, Any]], Any]] = {
        "load": worker.load,
        "answers": worker.answers,
        "sdk": worker.sdk,
        "engine": worker.engine,
    }
    for line in sys.stdin.buffer:
        message = json.loads(line)
        sys.stdout.write(json.dumps(tasks[message["do"]](message)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _work()
