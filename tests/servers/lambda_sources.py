"""What invokes a function: a function URL, which real HTTP clients can ask, and the poller of a queue."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol

from .lambda_events import sqs_event, url_event
from .lambdas import Function, FunctionError

_LARGEST_REQUEST = 6 * 1024 * 1024
_BATCH = 10


class Invocable(Protocol):
    """A function, whose `invoke` raises FunctionError."""

    def invoke(self, event: Any) -> Any: ...


@contextmanager
def front(function: Invocable) -> Iterator[str]:
    """The function's URL, with a slash at its end as AWS has it, until the context ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Front, function)) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), name="function url")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join(10)


class _Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(self, function: Invocable, *arguments: Any) -> None:
        self._function = function
        super().__init__(*arguments)

    def do_GET(self) -> None:
        assert "Transfer-Encoding" not in self.headers, "a body in chunks, which no client has sent so far"
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if len(body) > _LARGEST_REQUEST:
            self._answer(413, [("content-type", "application/json")], b'{"Message":"Request Too Long"}')
            return
        path, _, query = self.path.partition("?")
        event = url_event(self.command, path, self.headers.items(), body, query)
        try:
            status, headers, content = _response(self._function.invoke(event))
        except FunctionError:
            # What went wrong is in the function's log, and not for whoever asks.
            status, headers, content = 502, [("content-type", "application/json")], b"Internal Server Error"
        self._answer(status, headers, content)

    do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = do_GET  # noqa: N815 - as the base class wants

    def _answer(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        if status >= 200 and status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _response(result: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """What a result comes to: one that has no status is the content itself, in JSON."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return 200, [("content-type", "application/json")], json.dumps(result).encode()
    headers = [(name, str(value)) for name, value in (result.get("headers") or {}).items()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    headers += [("set-cookie", cookie) for cookie in result.get("cookies") or ()]
    body = result.get("body") or ""
    return int(result["statusCode"]), headers, b64decode(body) if result.get("isBase64Encoded") else body.encode()


@dataclass(frozen=True, slots=True)
class Polled:
    """What became of one batch: the messages that were deleted, those that come again, and why that was."""

    deleted: tuple[dict[str, Any], ...] = ()
    returned: tuple[dict[str, Any], ...] = ()
    result: Any = None
    error: FunctionError | None = None

    @property
    def received(self) -> int:
        return len(self.deleted) + len(self.returned)


class Poller:
    """An event source mapping of one queue, with `ReportBatchItemFailures`, that polls when it is told to.

    `sqs` is a client with the rights of the function's role: that is who receives and deletes on AWS.
    """

    def __init__(self, sqs: Any, queue_url: str, function: Function, batch_size: int = _BATCH) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._function = function
        self._batch_size = batch_size
        asked = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        self._arn: str = asked["Attributes"]["QueueArn"]

    def run_once(self) -> Polled:
        """Receive a batch, if there is one, and invoke the function; delete what it does not report as failed."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=self._batch_size,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = tuple(answer.get("Messages", ()))
        if not messages:
            return Polled()
        try:
            result = self._function.invoke(sqs_event(messages, self._arn))
        except FunctionError as error:
            return Polled(returned=messages, error=error)
        failed = _failed(result, {message["MessageId"] for message in messages})
        deleted = tuple(message for message in messages if message["MessageId"] not in failed)
        for message in deleted:
            self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        returned = tuple(message for message in messages if message["MessageId"] in failed)
        return Polled(deleted, returned, result)

    def bring_back(self, polled: Polled) -> None:
        """Let the visibility timeout of what was not deleted be over now."""
        for message in polled.returned:
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )


def _failed(result: Any, batch: set[str]) -> set[str]:
    """The ids in a report of failed items. One that cannot be read, or names others, fails the whole batch."""
    if result is None or result == {} or (isinstance(result, dict) and result.get("batchItemFailures") is None):
        return set()
    try:
        failed = {item["itemIdentifier"] for item in result["batchItemFailures"]}
    except (TypeError, KeyError):
        return batch
    return failed if failed <= batch else batch
