"""A function that answers as an ASGI application: each answer is made in a thread.

Law: an answer never holds the event loop, and an iterator is read no faster than its client takes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import Event, Semaphore
from typing import TypeAlias

from ..core.errors import BurgeeError
from ..serve.message import Request, Response
from ..serve.streams import Stream
from .asgi import (
    BodyTooLarge,
    Receive,
    Scope,
    Send,
    plain,
    read_body,
    request_of,
    send_end,
    send_head,
    send_piece,
    send_text,
    send_whole,
)
from .streaming import Streaming
from .threads import Threads

Answer: TypeAlias = Callable[[Request], Response]

LARGEST_BODY = 4 * 1024 * 1024
MOST_AT_ONCE = 1_200
BODY_SECONDS = 30.0
_AHEAD = 4
_log = logging.getLogger("burgee.host")


class Answering:
    """The ASGI application of a function. A HEAD request is answered as GET without the body."""

    def __init__(
        self,
        answer: Answer,
        *,
        largest_body: int = LARGEST_BODY,
        most_at_once: int = MOST_AT_ONCE,
        streaming: Streaming | None = None,
    ) -> None:
        """Past `most_at_once` requests that are being answered the next one is told to come back (503).

        `streaming` drives the streams among the answers, which do not count against that.
        """
        self._answer = answer
        self._largest_body = largest_body
        self._most_at_once = most_at_once
        self._answering = 0
        self._streaming = Streaming() if streaming is None else streaming
        self._threads = Threads("burgee-answer")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await read_body(scope, receive, self._largest_body)
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
            response = await self._exchange(request_of(scope, body), scope, receive, send)
        finally:
            self._answering -= 1
        if response is not None:
            await self._streaming.drive(response, scope, receive, send)

    def close(self) -> None:
        """Let the threads that wait for requests end."""
        self._threads.close()

    async def _exchange(self, request: Request, scope: Scope, receive: Receive, send: Send) -> Response | None:
        """Answer, unless the answer is a stream, which is returned."""
        response = await self._threads.run(partial(_answered, self._answer, request))
        if isinstance(response.body, bytes):
            await send_whole(send, response, body=scope["method"] != "HEAD")
        elif scope["method"] == "HEAD":
            await send_head(send, response)
            await send_end(send)
            _close(response.body)
        elif isinstance(response.body, Stream):
            return response
        else:
            await send_head(send, response)
            await self._relay(response.body, request, receive, send)
        return None

    async def _relay(self, body: Iterator[bytes], request: Request, receive: Receive, send: Send) -> None:
        pieces = _Pieces(asyncio.get_running_loop())
        self._threads.start(partial(pieces.read, body, request))
        watch = asyncio.create_task(_end_when_client_goes(receive, pieces))
        try:
            while (piece := await pieces.next()) is not None:
                await send_piece(send, piece)
            await send_end(send)
        finally:
            pieces.gone.set()
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


class _Pieces:
    """The way of a body out of its thread: at most _AHEAD pieces wait; `gone` says that nobody wants the rest."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.gone = Event()
        self._waiting: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self._room = Semaphore(_AHEAD)
        self._loop = loop

    async def next(self) -> bytes | None:
        """The next piece, None at the end. Raises ConnectionAbortedError if the body broke off."""
        piece = await self._waiting.get()
        if isinstance(piece, Exception):
            # The status has been sent: all that is left is to break the connection off.
            raise ConnectionAbortedError("the body broke off") from piece
        self._room.release()
        return piece

    def end(self) -> None:
        """Called in the loop: nobody takes any more."""
        self.gone.set()
        self._waiting.put_nowait(None)

    def read(self, body: Iterator[bytes], request: Request) -> None:
        """Called in the thread."""
        try:
            for piece in body:
                if not self._put(piece):
                    break
            self._put(None)
        except Exception as error:
            _log.exception("the body of %s %s broke off", request.method, request.path)
            self._put(error)
        finally:
            _close(body)

    def _put(self, piece: bytes | Exception | None) -> bool:
        """Whether the piece is on its way: False once the client or the loop is gone."""
        while not self._room.acquire(timeout=0.2):
            if self.gone.is_set():
                return False
        if self.gone.is_set():
            return False
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._waiting.put_nowait, piece)
            return True
        return False


def _answered(answer: Answer, request: Request) -> Response:
    try:
        return answer(request)
    except BurgeeError as error:
        return plain(error.status, str(error))
    except Exception:
        _log.exception("%s %s failed", request.method, request.path)
        return plain(500, "internal error; the log of the server says more")


def _close(body: object) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


async def _end_when_client_goes(receive: Receive, pieces: _Pieces) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    pieces.end()
