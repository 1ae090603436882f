"""ASGI in burgee's words: a scope becomes a Request, and the parts of a Response become messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from ..serve.message import Request, Response

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# Under this name the `state` of a scope has a function that breaks the connection off, without waiting for its client.
ABORT = "burgee.abort"
_NO_BODY = (204, 304)


class BodyTooLarge(Exception):
    """The request's body is larger than the limit."""


def request_of(scope: Scope, body: bytes) -> Request:
    """The Request in an ASGI scope; repeated headers are joined as RFC 9110 (5.3) has it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        between = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{between}{value}" if name in headers else value
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return Request(method, scope["path"], scope["query_string"].decode("latin-1"), headers, body)


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None if the client went away. Raises BodyTooLarge as soon as it is known."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge
    content = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        content += message.get("body", b"")
        more = message.get("more_body", False)
        if len(content) > limit:
            raise BodyTooLarge
    return bytes(content)


async def send_head(send: Send, response: Response) -> None:
    """The status and the headers of a response, with its length if it is known."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    known = any(name == b"content-length" for name, _ in headers)
    if isinstance(response.body, bytes) and not known and response.status not in _NO_BODY:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def send_piece(send: Send, piece: bytes) -> None:
    """A part of a body, after which more will come."""
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def send_end(send: Send, piece: bytes = b"") -> None:
    """The last part of a body."""
    await send({"type": "http.response.body", "body": piece})


async def send_whole(send: Send, response: Response, *, body: bool = True) -> None:
    """A response whose body is bytes, of which HEAD leaves the `body` out."""
    await send_head(send, response)
    await send_end(send, response.body if body and response.status not in _NO_BODY else b"")


async def send_text(send: Send, status: int, message: str, *, closing: bool = False) -> None:
    """A whole response of one line of text; `closing` also ends the connection."""
    ending = (("connection", "close"),) if closing else ()
    await send_whole(send, plain(status, message, ending))


def plain(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A response of one line of text."""
    return Response(status, (("content-type", "text/plain; charset=utf-8"), *headers), f"{message}\n".encode())
