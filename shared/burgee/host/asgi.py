"""ASGI for a function that answers: a Request goes in, a Response comes out, each in a thread of its own.

Law: an answer never holds the event loop, and an iterator is read no faster than its client takes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from threading import Event, Semaphore, Thread
from typing import Any, TypeAlias

from ..core.errors import BurgeeError
from ..serve.message import Request, Response

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer: TypeAlias = Callable[[Request], Response]

LARGEST_BODY = 4 * 1024 * 1024
MOST_AT_ONCE = 1_200
BODY_SECONDS = 30.0
_AHEAD = 4
_NO_BODY = (204, 304)
_ENDLESS = "text/event-stream"
STOPPING = "burgee.stopping"
_log = logging.getLogger("burgee.host")


class BodyTooLarge(Exception):
    """The request's body is larger than the limit."""


class Answering:
    """The ASGI application of a function. A HEAD request is answered as GET without the body.

    Once the event that a listener puts into the scope under STOPPING is set, event streams end: they have no end of
    their own, and their clients come back.
    """

    def __init__(self, answer: Answer, *, largest_body: int = LARGEST_BODY, most_at_once: int = MOST_AT_ONCE) -> None:
        """Past `most_at_once` requests that are being answered the next one is told to come back (503)."""
        self._answer = answer
        self._largest_body = largest_body
        self._most_at_once = most_at_once
        self._answering = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(scope, receive, self._largest_body)
        except TimeoutError:
            message = f"the body did not come within {BODY_SECONDS:g} seconds; send it again, faster"
            await send_text(send, 408, message, closing=True)
            return
        except BodyTooLarge:
            message = f"the body is larger than {self._largest_body} bytes; send less"
            await send_text(send, 413, message, closing=True)
            return
        if body is None:
            return
        if self._answering >= self._most_at_once:
            await send_text(send, 503, f"{self._answering} requests are being answered; come back in a second")
            return
        self._answering += 1
        try:
            await self._exchange(scope, body, receive, send)
        finally:
            self._answering -= 1

    async def _exchange(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        exchange = _Exchange(asyncio.get_running_loop())
        exchange.start(self._answer, request_of(scope, body))
        watches = [asyncio.create_task(_end_when_client_goes(receive, exchange))]
        watches += [asyncio.create_task(_end_when_stopping(scope[STOPPING], exchange))] if STOPPING in scope else []
        try:
            await _relay(exchange, send, whole=scope["method"] != "HEAD")
        finally:
            exchange.gone.set()
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)


def request_of(scope: Scope, body: bytes) -> Request:
    """The Request in an ASGI scope; repeated headers are joined as RFC 9110 (5.3) has it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        between = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{between}{value}" if name in headers else value
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return Request(method, scope["path"], scope["query_string"].decode("latin-1"), headers, body)


async def send_text(send: Send, status: int, message: str, *, closing: bool = False) -> None:
    """A whole response of one line of text; `closing` also ends the connection."""
    content = f"{message}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(content)).encode())]
    if closing:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _read_body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
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


class _Exchange:
    """The way of one answer out of its thread: at most _AHEAD pieces wait; `gone` says that nobody wants the rest."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pieces: asyncio.Queue[Response | bytes | None] = asyncio.Queue()
        self.room = Semaphore(_AHEAD)
        self.gone = Event()
        self.endless = False
        self._loop = loop

    def start(self, answer: Answer, request: Request) -> None:
        Thread(target=self._run, args=(answer, request), name="burgee-answer", daemon=True).start()

    def put(self, piece: Response | bytes | None) -> bool:
        """Called in the thread. Whether the piece is on its way: False once the client or the loop is gone."""
        while not self.room.acquire(timeout=0.2):
            if self.gone.is_set():
                return False
        if self.gone.is_set():
            return False
        try:
            self._loop.call_soon_threadsafe(self.pieces.put_nowait, piece)
        except RuntimeError:
            return False
        return True

    def _run(self, answer: Answer, request: Request) -> None:
        response = _answered(answer, request)
        if self.put(response) and not isinstance(response.body, bytes):
            self._stream(response.body, request)
            self.put(None)
        elif not isinstance(response.body, bytes):
            _close(response.body)

    def _stream(self, body: Iterable[bytes], request: Request) -> None:
        try:
            for piece in body:
                if not self.put(piece):
                    break
        except Exception:
            # The status has been sent: all that is left is to break the connection off, which `gone` does.
            _log.exception("the body of %s %s broke off", request.method, request.path)
            self.put(_BROKEN)
        finally:
            _close(body)


_BROKEN = Response(0)


def _answered(answer: Answer, request: Request) -> Response:
    try:
        return answer(request)
    except BurgeeError as error:
        return _plain(error.status, str(error))
    except Exception:
        _log.exception("%s %s failed", request.method, request.path)
        return _plain(500, "internal error; the log of the server says more")


def _plain(status: int, message: str) -> Response:
    return Response(status, (("content-type", "text/plain; charset=utf-8"),), f"{message}\n".encode())


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


async def _end_when_client_goes(receive: Receive, exchange: _Exchange) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    exchange.gone.set()
    exchange.pieces.put_nowait(None)


async def _end_when_stopping(stopping: asyncio.Event, exchange: _Exchange) -> None:
    await stopping.wait()
    if exchange.endless:
        exchange.pieces.put_nowait(None)


async def _relay(exchange: _Exchange, send: Send, *, whole: bool) -> None:
    response = await exchange.pieces.get()
    if not isinstance(response, Response):
        return
    exchange.room.release()
    exchange.endless = any(
        name.lower() == "content-type" and value.startswith(_ENDLESS) for name, value in response.headers
    )
    await send({"type": "http.response.start", "status": response.status, "headers": _headers(response)})
    if isinstance(response.body, bytes) or not whole:
        content = response.body if isinstance(response.body, bytes) and whole else b""
        await send({"type": "http.response.body", "body": b"" if response.status in _NO_BODY else content})
        return
    while (piece := await exchange.pieces.get()) is not None:
        if isinstance(piece, Response):
            raise ConnectionAbortedError("the body broke off")
        exchange.room.release()
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    known = any(name == b"content-length" for name, _ in headers)
    if isinstance(response.body, bytes) and not known and response.status not in _NO_BODY:
        headers.append((b"content-length", str(len(response.body)).encode()))
    return headers
