"""Clients of streams: one that reads as a person with curl does, and many at once."""

from __future__ import annotations

import asyncio
import http.client
import json
import resource
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

LINES = "/client/v2/environments/staging/namespaces/default/stream"
EVENTS = "/ofrep/v1/_stream/staging/default/events"
WANTS_EVENTS = {"Accept": "text/event-stream"}


class StreamClient:
    """An open stream, read when asked to."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self.response = response

    def line(self) -> bytes:
        """The next line, nothing at the end of the stream. Raises TimeoutError, IncompleteRead."""
        return self.response.readline()

    def flags(self) -> dict[str, bool]:
        """Which flags are enabled by the next line of a stream of snapshots."""
        return {flag["key"]: flag["enabled"] for flag in json.loads(self.line())["result"]["flags"]}

    def patience(self, seconds: float) -> None:
        """From now on the next line is waited for so long."""
        assert self._connection.sock is not None
        self._connection.sock.settimeout(seconds)

    def event(self) -> Any:
        """The data of the next event."""
        while not (line := self.line()).startswith(b"data: "):
            assert line, "the stream has ended"
        return json.loads(line.removeprefix(b"data: "))


@contextmanager
def streaming(port: int, path: str, headers: Mapping[str, str] | None = None) -> Iterator[StreamClient]:
    """A stream, which the server has begun to answer; it is read with ten seconds of patience."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path, headers=dict(headers or {}))
        with closing(connection.getresponse()) as response:
            yield StreamClient(connection, response)


def unread(port: int, path: str, *, buffer: int | None = None) -> socket.socket:
    """A client that asks for a stream and then takes nothing; its own system takes as much as `buffer`."""
    client = socket.socket()
    if buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(20)
    client.connect(("127.0.0.1", port))
    client.sendall(_request(path))
    return client


class Crowd:
    """Many open streams in one event loop, every other one of events."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._number = number
        self._writers: list[asyncio.StreamWriter] = []
        self._readers: list[asyncio.StreamReader] = []

    async def come(self) -> None:
        """Open all of them, some at a time, and read what each is sent first."""
        for begin in range(0, self._number, 50):
            numbers = range(begin, min(begin + 50, self._number))
            opened = await asyncio.gather(*(self._open(number) for number in numbers))
            self._readers += [reader for reader, _ in opened]
            self._writers += [writer for _, writer in opened]

    async def messages(self) -> list[bytes]:
        """The next message of each."""
        return list(await asyncio.gather(*map(_message, self._readers)))

    async def leave(self) -> None:
        """Be gone, all at once, without a word to the server."""
        for writer in self._writers:
            writer.transport.abort()

    async def _open(self, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(_request(EVENTS if number % 2 else LINES))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        await _message(reader)
        return reader, writer


def _request(path: str) -> bytes:
    accept = "text/event-stream" if path == EVENTS else "application/json"
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n\r\n".encode()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """The next chunk that is no heartbeat: a message that is not large is one chunk."""
    while True:
        size = int(await reader.readline(), 16)
        chunk = (await reader.readexactly(size + 2))[:-2]
        if chunk.strip(b" :\n"):
            return chunk


def allow_open_files(wanted: int) -> None:
    """Let this process have so many files open."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, most), most))
