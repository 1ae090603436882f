"""One run of `git http-backend` for one request, by CGI: bodies flow through, a few pieces at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..git.names import line_text
from .asgi import Receive, Send, send_text

_PIECE = 64 * 1024
_LARGEST_HEAD = 64 * 1024
_ENDING_SECONDS = 30.0
_COMPLAINING_SECONDS = 1.0
_log = logging.getLogger("burgee.host")


@dataclass(frozen=True, slots=True)
class Backend:
    """The command, its whole environment and the folder it runs in."""

    program: str
    environ: Mapping[str, str]
    folder: Path


async def run_backend(backend: Backend, receive: Receive, send: Send) -> None:
    """Run it, feed it the request, and send what it answers.

    A client that goes away in the middle of its request ends the process; one that goes away later does not, so that a
    push that has been received whole is also finished. When the listener stops, it is ended.
    Raises OSError if it cannot start.
    """
    process = await asyncio.create_subprocess_exec(
        backend.program,
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(backend.environ),
        cwd=backend.folder,
        start_new_session=True,
        limit=_LARGEST_HEAD,
    )
    feed = asyncio.create_task(_feed(process, receive))
    complaints = asyncio.create_task(_log_complaints(process))
    try:
        await _relay(process, send)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _ENDING_SECONDS)
    finally:
        # Before anything is awaited: a loop that closes cancels what still waits, and the process would outlive it.
        _signal(process, signal.SIGTERM)
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)
        await _end(process)
        await asyncio.wait({complaints}, timeout=_COMPLAINING_SECONDS)
        complaints.cancel()


async def _feed(process: asyncio.subprocess.Process, receive: Receive) -> None:
    """The request's body into the process; its end, or that of the client, is the end of the input."""
    assert process.stdin is not None
    more = True
    try:
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                # At an early end of its input http-backend may turn around for ever: it counts to CONTENT_LENGTH.
                _signal(process, signal.SIGTERM)
                break
            process.stdin.write(message.get("body", b""))
            await process.stdin.drain()
            more = message.get("more_body", False)
    except (BrokenPipeError, ConnectionResetError):
        # It has read enough and answers; the rest of the body is of no use to it, but the client still sends it.
        while (await receive()).get("more_body", False):
            pass
    finally:
        process.stdin.close()


async def _log_complaints(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while piece := await process.stderr.read(_PIECE):
        for line in piece.splitlines():
            _log.info("git http-backend: %s", line_text(line))


async def _relay(process: asyncio.subprocess.Process, send: Send) -> None:
    assert process.stdout is not None
    head = await _head(process.stdout)
    if head is None:
        await send_text(send, 500, "git http-backend gave no answer; the log of the server says more", closing=True)
        return
    status, headers = head
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while piece := await process.stdout.read(_PIECE):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _head(output: asyncio.StreamReader) -> tuple[int, list[tuple[bytes, bytes]]] | None:
    """The status and headers of a CGI answer (RFC 3875, 6.3), or None if it is none."""
    status = 200
    headers: list[tuple[bytes, bytes]] = []
    for _ in range(100):
        try:
            line = await output.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None
        if not line.strip():
            return status, headers
        name, _, value = line.strip().partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
            continue
        headers.append((name.lower(), value.strip()))
    return None


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 2.0)
    if process.returncode is None:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
