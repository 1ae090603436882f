"""Open streams: each is one task that waits until something may have changed, and sends what is new.

Law: `tell` says only that a look is worth while. What a client gets is decided when it can take it (see
`serve.streams`), so nothing is queued for anybody, and a client that takes nothing is cut off in a bounded time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from ..core.errors import RequestError
from ..serve.message import Response
from ..serve.streams import Stream
from .asgi import ABORT, Receive, Scope, Send, send_end, send_head, send_piece, send_text
from .threads import Threads

MOST_STREAMS = 1_500
HEARTBEAT_SECONDS = 15.0
# How long a client may take for a message; for a large one as long as it needs at this rate besides.
PATIENCE_SECONDS = 20.0
SLOWEST_BYTES_A_SECOND = 32 * 1024
# How much of a large message is on its way to one client at a time.
_PIECE = 64 * 1024
# So many clients are told of a change before the rest of the event loop has its turn.
_AT_ONCE = 64
_log = logging.getLogger("burgee.host")

News: TypeAlias = tuple[str, Sequence[bytes]] | None
Asked: TypeAlias = "tuple[Stream, str, asyncio.Future[News]]"


class Streaming:
    """Drives the streams of one listener. `tell` may be called from any thread; the rest belongs to its event loop."""

    def __init__(
        self, *, most: int = MOST_STREAMS, heartbeat: float = HEARTBEAT_SECONDS, patience: float = PATIENCE_SECONDS
    ) -> None:
        """Past `most` open streams the next client is told to come back (503). Times are in seconds."""
        self._most = most
        self._heartbeat = heartbeat
        self._patience = patience
        self._open: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False
        self._asked: list[Asked] = []
        self._asking: asyncio.Task[None] | None = None
        self._threads = Threads("burgee-streams", kept=1)

    def __len__(self) -> int:
        """How many streams are open."""
        return len(self._open)

    def tell(self) -> None:
        """Something may have changed: let every stream look for news."""
        if self._loop is not None:
            # Where the loop has been closed there are no streams.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def end(self) -> None:
        """End every stream and let none begin: clients come back, to another process."""
        self._ended = True
        self._threads.close()
        self._wake()

    async def drive(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a response whose body is a stream, until its client goes, is let in no longer, or `end` is called."""
        if self._ended or len(self._open) >= self._most:
            await send_text(send, 503, f"{len(self._open)} streams are open; come back in a second", closing=True)
            return
        self._loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        self._open.add(woken)
        gone = asyncio.create_task(_until_gone(receive, woken))
        try:
            await self._relay(response, woken, gone, send)
        except TimeoutError:
            # To close would be to wait until the client has taken what it does not take.
            scope["state"][ABORT]()
        finally:
            self._open.discard(woken)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _relay(self, response: Response, woken: asyncio.Event, gone: asyncio.Task[None], send: Send) -> None:
        stream: Stream = response.body
        await send_head(send, response)
        mark, is_quiet = stream.mark, False
        while not (self._ended or gone.done()):
            # Before it is asked: what changes while it answers is asked for once more.
            woken.clear()
            try:
                news = await self._news(stream, mark)
            except RequestError:
                break
            if news is not None:
                mark, message = news
                await self._send(send, message)
            elif is_quiet:
                await self._send(send, (stream.heartbeat,))
            is_quiet = not await _is_set(woken, self._heartbeat)
        if not gone.done():
            async with asyncio.timeout(self._patience):
                await send_end(send)

    async def _send(self, send: Send, message: Sequence[bytes]) -> None:
        """Raises TimeoutError when the client does not take it in time."""
        async with asyncio.timeout(self._patience + sum(map(len, message)) / SLOWEST_BYTES_A_SECOND):
            for piece in _pieces(message):
                await send_piece(send, piece)

    def _wake(self) -> None:
        for woken in self._open:
            woken.set()

    async def _news(self, stream: Stream, mark: str) -> News:
        """What the stream says, asked in a thread, together with others: many streams ask at the same moment."""
        loop = asyncio.get_running_loop()
        said: asyncio.Future[News] = loop.create_future()
        self._asked.append((stream, mark, said))
        if self._asking is None:
            self._asking = loop.create_task(self._ask())
        return await said

    async def _ask(self) -> None:
        while self._asked:
            asked, self._asked = self._asked[:_AT_ONCE], self._asked[_AT_ONCE:]
            try:
                answers = await self._threads.run(partial(_answers, asked))
            except RuntimeError as error:
                # The system gives no more threads.
                answers = [error] * len(asked)
            for (_, _, said), answer in zip(asked, answers, strict=True):
                if said.done():
                    continue
                if isinstance(answer, Exception):
                    said.set_exception(answer)
                else:
                    said.set_result(answer)
        self._asking = None


def _answers(asked: Sequence[Asked]) -> list[News | Exception]:
    """Called in a thread."""
    answers: list[News | Exception] = []
    for stream, mark, _ in asked:
        try:
            answers.append(stream.news(mark))
        except RequestError as error:
            answers.append(error)
        except Exception as error:
            _log.exception("a stream broke off")
            answers.append(error)
    return answers


def _pieces(message: Sequence[bytes]) -> Iterator[bytes]:
    """Small messages in one piece, and none larger than _PIECE; a large one is copied as it goes, not before."""
    if sum(map(len, message)) <= _PIECE:
        yield b"".join(message)
        return
    for part in message:
        for start in range(0, len(part), _PIECE):
            yield part[start : start + _PIECE]


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is, or comes to be within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def _until_gone(receive: Receive, woken: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    woken.set()
