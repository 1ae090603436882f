"""Flipt's official client engine, as an oracle.

With RUST_BACKTRACE set PyPI's flipt-client aborts its whole process when a fetch fails, so it lives in a subprocess
(this file, run as a script). It fetches snapshots from a loopback server in the tests' process and answers one JSON
line for each JSON line it is given. It evaluates by the engine's own batch call: the SDK around it refuses blank entity
ids and spends seven times as long as the engine on building requests.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

Question = tuple[str, str, dict[str, str]]  # flag key, entity id, context


class OfficialEngine:
    """A context manager: `ask(snapshot, questions)` gives the engine's answers, in order."""

    def __enter__(self) -> OfficialEngine:
        self._snapshots: dict[str, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._snapshots))
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        command = [sys.executable, "-I", __file__]
        self._worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pipe in (self._worker.stdin, self._worker.stdout):
            if pipe:
                pipe.close()
        self._worker.wait(timeout=30)
        self._server.shutdown()
        self._server.server_close()

    def ask(self, snapshot: bytes, questions: list[Question], *, by_sdk: bool = False) -> list[dict[str, Any]]:
        """Each answer is the response of the flag's type; an evaluation that fails is a RuntimeError."""
        self._snapshots["default"] = snapshot
        requests = [
            {"namespace_key": "default", "flag_key": flag, "entity_id": entity, "context": context}
            for flag, entity, context in questions
        ]
        url = f"http://127.0.0.1:{self._server.server_port}"
        answer = self._exchange({"url": url, "by_sdk": by_sdk, "requests": requests})
        if answer["status"] != "success":
            raise RuntimeError(f"the engine failed: {answer['error_message']}")
        return [
            response["boolean_evaluation_response"] or response["variant_evaluation_response"] or response
            for response in answer["result"]["responses"]
        ]

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._worker.stdin
        assert self._worker.stdout
        self._worker.stdin.write(json.dumps(message).encode() + b"\n")
        self._worker.stdin.flush()
        line = self._worker.stdout.readline()
        if not line:
            raise RuntimeError(f"the engine's process ended with {self._worker.wait(timeout=30)}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _handler(snapshots: dict[str, bytes]) -> type[BaseHTTPRequestHandler]:
    class Static(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = snapshots.get(self.path.rpartition("/")[2])
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Static


def _work() -> None:
    from flipt_client import FliptClient
    from flipt_client.models import ClientOptions

    for line in sys.stdin.buffer:
        message = json.loads(line)
        client = FliptClient(opts=ClientOptions(url=message["url"], namespace="default"))
        answer = _by_sdk if message["by_sdk"] else _by_engine
        sys.stdout.buffer.write(answer(client, message["requests"]) + b"\n")
        sys.stdout.buffer.flush()
        client.close()


def _by_engine(client: Any, requests: list[dict[str, Any]]) -> bytes:
    response = client.ffi_core.evaluate_batch(client.engine, json.dumps(requests).encode())
    content = ctypes.cast(response, ctypes.c_char_p).value or b""
    client.ffi_core.destroy_string(response)
    return content


def _by_sdk(client: Any, requests: list[dict[str, Any]]) -> bytes:
    from flipt_client.models import EvaluationRequest

    asked = [
        EvaluationRequest(flag_key=request["flag_key"], entity_id=request["entity_id"], context=request["context"])
        for request in requests
    ]
    result: str = client.evaluate_batch(asked).model_dump_json()
    return b'{"status":"success","result":' + result.encode() + b"}"


if __name__ == "__main__":
    _work()
