"""What lies between a client and its server, in a test's hand: it passes bytes on, answers 503, or ends connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_SECONDS = 10.0


class Between:
    """A relay to one server. `url` is the address that clients are given."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._to = (parts.hostname or "", parts.port or 0)
        self._path = parts.path
        self._state = "open"
        self._refused = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._path}"

    @property
    def refused(self) -> int:
        """How many connections found no server, since the state last changed."""
        return self._refused

    def answer_503(self) -> None:
        """From now on every request is answered 503."""
        self._change("503")

    def cut(self) -> None:
        """From now on every connection is reset."""
        self._change("cut")

    def mend(self) -> None:
        """Pass everything on again."""
        self._change("open")

    def _change(self, state: str) -> None:
        asyncio.run_coroutine_threadsafe(self._changed(state), self._loop).result(_SECONDS)

    async def _changed(self, state: str) -> None:
        if state == self._state:
            return
        self._state, self._refused = state, 0
        await self._end_all()

    async def _end_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._state == "open":
            await self._relay(reader, writer)
            return
        self._refused += 1
        if self._state == "cut":
            writer.transport.abort()
            return
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_UNAVAILABLE)
        await writer.drain()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection(*self._to)
        try:
            await asyncio.gather(_copy(reader, ahead), _copy(behind, writer))
        finally:
            ahead.close()

    def run(self) -> None:
        """Relay until stopped, in this thread."""
        self._loop.run_forever()
        self._server.close()
        self._loop.run_until_complete(self._end_all())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while read := await reader.read(65536):
        writer.write(read)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()


@contextmanager
def between(server: str) -> Iterator[Between]:
    """A relay to the server at this address, until the context ends."""
    relay = Between(server)
    thread = Thread(target=relay.run, name="between", daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop()
        thread.join(_SECONDS)
