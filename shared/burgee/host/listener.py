"""The listener: one socket, an answering function, and routes beside it, until it is told to stop.

Law: the socket is bound before anything else happens, so that a port that is taken is told at once, and the port is
known before the first request.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Self

import uvicorn

from ..core.errors import ConfigurationError, Unavailable
from .answering import LARGEST_BODY, Answer, Answering
from .asgi import Application, Receive, Scope, Send, send_text
from .connection import Connection
from .streaming import Streaming

HOST = "127.0.0.1"
GRACE_SECONDS = 3
# Idle and slow ones included; past it a request is told to come back (503) and its connection is closed.
MOST_CONNECTIONS = 2_000
# Besides connections: what is read from the store, pipes of git commands, and the like.
_OTHER_FILES = 500
# A client that has not been heard of for a minute is gone (milliseconds, and seconds where nothing is to be sent); and
# of what it does not take, little is kept by the kernel either.
_TCP_OPTIONS = {
    "TCP_USER_TIMEOUT": 60_000,
    "TCP_KEEPIDLE": 30,
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_NOTSENT_LOWAT": 128 * 1024,
}
_LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
_START_SECONDS = 15.0
_ENDING_SECONDS = 5.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Options:
    """`port` 0 takes a free one; `grace` is how many seconds open requests have to end once the listener stops; a body
    of more than `largest_body` bytes is refused with 413. With `only_local_names` a request is answered only under a
    name of this machine: a page of another site can make its own name point here, and then read and push."""

    host: str = HOST
    port: int = 8080
    grace: int = GRACE_SECONDS
    largest_body: int = LARGEST_BODY
    only_local_names: bool = False


class Listener:
    """Serves `answer`, and below each path of `routes` its application (the longest path wins), in a thread.

    As a context manager it starts and stops: `with Listener(answer) as listener: listener.url`.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        routes: Mapping[str, Application] | None = None,
        options: Options | None = None,
        streaming: Streaming | None = None,
    ) -> None:
        self._options = options or Options()
        self._streaming = Streaming() if streaming is None else streaming
        self._application = Answering(answer, largest_body=self._options.largest_body, streaming=self._streaming)
        self._routes = sorted((routes or {}).items(), key=lambda route: -len(route[0]))
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that is bound. Raises RuntimeError before `bind`."""
        if self._socket is None:
            raise RuntimeError("wanted the port of a listener that is not bound; call bind() first")
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The URL that clients on this machine use, without a slash at its end."""
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
        host = anywhere.get(self._options.host, self._options.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def bind(self) -> None:
        """Take the port. Raises ConfigurationError if it is taken, or may not be taken."""
        if self._socket is None:
            self._socket = _bound(self._options.host, self._options.port)

    def start(self) -> None:
        """Bind, and serve in a thread; returns once requests are answered."""
        self.bind()
        assert self._socket is not None
        self._server = _server(self._serve, self._options.grace)
        self._thread = Thread(target=self._run, args=(self._server, self._socket), name="burgee-listener", daemon=True)
        self._thread.start()
        waited = Event()
        for _ in range(int(_START_SECONDS / 0.01)):
            if self._server.started or not self._thread.is_alive():
                break
            waited.wait(0.01)
        if not self._server.started:
            raise Unavailable(f"the listener on {self.url} did not start; the log says why")

    def tell(self) -> None:
        """What is served may have changed: open streams look for news. To be called from any thread, at any time."""
        self._streaming.tell()

    def stop(self) -> None:
        """Stop taking connections, give open requests their grace, and end; stopping twice is fine."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._end_streams()
            self._thread.join(_STOP_SECONDS)
            for application in (self._application, *(application for _, application in self._routes)):
                if isinstance(application, Answering):
                    application.close()
            self._server = self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def run_until_signal(self, *, ready: Callable[[], object] | None = None) -> int:
        """Start, serve until Ctrl-C or SIGTERM, and stop; the signal's number. Only for the main thread.

        `ready` is called as soon as it serves and can be told to stop. A second signal ends the grace that open
        requests have.
        """
        told = Event()
        received: list[int] = []

        def tell(number: int, _: object) -> None:
            if received and self._server is not None:
                self._server.force_exit = True
            received.append(number)
            told.set()

        before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            if self._thread is None:
                self.start()
            if ready is not None:
                ready()
            while not told.wait(1.0):
                if self._thread is None or not self._thread.is_alive():
                    raise Unavailable("the listener ended by itself; the log says why")
            self.stop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return received[0]

    def _run(self, server: uvicorn.Server, bound: socket.socket) -> None:
        asyncio.run(self._main(server, bound))

    async def _main(self, server: uvicorn.Server, bound: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        await server.serve(sockets=[bound])
        # What was cancelled still has processes to end and to wait for; once the loop is closed nobody can.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left, timeout=_ENDING_SECONDS)
        self._loop = None

    def _end_streams(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._streaming.end)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._options.only_local_names and not _is_local(scope):
            await send_text(send, 421, "this server answers under 127.0.0.1 and localhost only", closing=True)
            return
        path = scope["path"]
        for prefix, application in self._routes:
            if path == prefix.rstrip("/") or path.startswith(prefix.rstrip("/") + "/"):
                await application(scope, receive, send)
                return
        await self._application(scope, receive, send)


def allow_open_files() -> None:
    """Let this process have as many connections as the listener takes, as far as it may allow itself that."""
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != resource.RLIM_INFINITY and now < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        # Some systems have a limit of their own below that.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


def _is_local(scope: Scope) -> bool:
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return host.rpartition(":")[0] in _LOCAL_NAMES if ":" in host else host in _LOCAL_NAMES


def _server(application: Application, grace: int) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            application,
            access_log=False,
            http=Connection,
            interface="asgi3",
            lifespan="off",
            limit_concurrency=MOST_CONNECTIONS,
            log_config=None,
            log_level=logging.CRITICAL,
            loop="asyncio",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=grace,
            ws="none",
        )
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only with the protocol named does asyncio send without Nagle's delay, which costs 40 ms a response.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _notice_who_is_gone(bound)
        bound.bind((host, port))
        bound.listen(512)
    except OverflowError as error:
        bound.close()
        raise ConfigurationError(f"wanted a port from 0 to 65535, got {port}; change --port or PORT") from error
    except OSError as error:
        bound.close()
        raise ConfigurationError(_refusal(host, port, error)) from error
    return bound


def _notice_who_is_gone(bound: socket.socket) -> None:
    """Let the connections, which inherit these options, end when their client no longer answers."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _TCP_OPTIONS.items():
        # Not every system has all of them.
        if hasattr(socket, name):
            bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken by another program; choose another with --port or PORT"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} may not be taken by this user; choose one above 1023 with --port or PORT"
    return f"{host} port {port} cannot be listened on: {error.strerror or error}; change --host, or --port or PORT"
