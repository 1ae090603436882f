"""Requests over connections that are kept: what every reader behind HTTP shares.

Law: size is bounded, and so is the time to connect, to wait for each answer, and to read the whole of it.
"""

from __future__ import annotations

from collections import namedtuple
from io import BufferedReader, RawIOBase
from os import getpid
from time import monotonic
from weakref import finalize

from .. import __version__
from ..bundle.addresses import is_authority, shown_url
from ..core.errors import ConfigurationError, InvalidDocument, Unavailable
from ..core.visible import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPConnection, HTTPResponse
    from socket import SocketIO, socket
    from ssl import SSLContext
    from typing import Any

    from _typeshed import WriteableBuffer

Patience = namedtuple("Patience", "connect read whole")
Patience.__doc__ = """Seconds at most: to connect, between any two bytes, and for all of one `get` of a fetcher."""

PATIENCE = Patience(3.0, 5.0, 30.0)

Deadline = namedtuple("Deadline", "at seconds")
Deadline.__doc__ = (
    """When something has to be over, by the monotonic clock in seconds, and how long that was from its start."""
)

Reply = namedtuple("Reply", "url status reason headers content")
Reply.__doc__ = (
    """An answer: `headers.get(name)` finds in any case; `content` is the body, of an error its beginning."""
)

_HEADERS = {"User-Agent": f"burgee/{__version__}", "Accept": "*/*"}
_CHUNK = 65_536
_BEGINNING = 16_384
# Of connections to one place that nobody uses; a server closes them anyway after a while.
_MOST_KEPT = 8
_MOST_ORIGINS = 4


class Connections:
    """Safe among threads and after a fork; `close`, or letting go of it, drops the kept connections.

    Proxies are not honoured.
    """

    __slots__ = ("__weakref__", "_idle", "_pid", "_tls", "patience")

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self.patience = patience
        self._tls: SSLContext | None = None
        self._idle: dict[tuple[str, str, int], list[HTTPConnection]] = {}
        self._pid = getpid()
        # Not __del__: in a cycle the collector may end the sockets first, and warn of each that was open.
        finalize(self, _close, self._idle).atexit = False

    def deadline(self) -> Deadline:
        """When what begins now has to be over."""
        return Deadline(monotonic() + self.patience.whole, self.patience.whole)

    def get(self, url: str, headers: dict[str, str], *, max_bytes: int, deadline: Deadline) -> Reply:
        """What the server answers to a GET, whatever its status. Raises as `ask` does."""
        return self.ask("GET", url, headers, b"", max_bytes=max_bytes, deadline=deadline)

    def ask(
        self, method: str, url: str, headers: dict[str, str], body: bytes, *, max_bytes: int, deadline: Deadline
    ) -> Reply:
        """What the server answers, whatever its status.

        Raises Unavailable when there is no whole answer in time, InvalidDocument for more than `max_bytes`.
        """
        from http.client import HTTPException

        # What a query says may be a proof of who asks.
        shown = f"{method} {url.partition('?')[0]}"
        try:
            connection, response = self._asked(method, url, _HEADERS | headers, body, deadline)
            try:
                content = _content(shown, response, max_bytes, deadline)
                reusable = not response.will_close and response.isclosed()
            except BaseException:
                connection.close()
                raise
        except (OSError, HTTPException, ValueError) as error:
            # ValueError: an address that cannot be a host name or a request line.
            raise Unavailable(f"{shown}: {_said(error)}") from error
        self._keep(origin_of(url), connection) if reusable else connection.close()
        return Reply(url, response.status, response.reason, response.headers, content)

    def close(self) -> None:
        """Close the connections that are kept; the next request opens a new one."""
        _close(self._idle)

    def _asked(
        self, method: str, url: str, headers: dict[str, str], body: bytes, deadline: Deadline
    ) -> tuple[HTTPConnection, HTTPResponse]:
        from http.client import HTTPException

        kept = self._kept(origin_of(url))
        if kept is not None:
            try:
                return kept, self._ask(kept, method, url, headers, body, deadline)
            except (OSError, HTTPException):
                # The server, or something on the way, dropped it while it was idle: once more on a new one.
                kept.close()
            except BaseException:
                kept.close()
                raise
        connection = self._connected(url)
        try:
            return connection, self._ask(connection, method, url, headers, body, deadline)
        except BaseException:
            connection.close()
            raise

    def _kept(self, origin: tuple[str, str, int]) -> HTTPConnection | None:
        if self._pid != getpid():
            # The parent speaks on these; closing our copies says nothing to the server.
            self._pid = getpid()
            self.close()
        try:
            return self._idle[origin].pop()
        except (KeyError, IndexError):
            return None

    def _keep(self, origin: tuple[str, str, int], connection: HTTPConnection) -> None:
        if origin not in self._idle and len(self._idle) >= _MOST_ORIGINS:
            self.close()
        kept = self._idle.setdefault(origin, [])
        kept.append(connection) if len(kept) < _MOST_KEPT else connection.close()

    def _connected(self, url: str) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        scheme, host, port = origin_of(url)
        if scheme == "https":
            connection: HTTPConnection = HTTPSConnection(
                host, port, timeout=self.patience.connect, context=self._context()
            )
        else:
            connection = HTTPConnection(host, port, timeout=self.patience.connect)
        connection.connect()
        return connection

    def _ask(
        self,
        connection: HTTPConnection,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        deadline: Deadline,
    ) -> HTTPResponse:
        from http.client import HTTPResponse
        from urllib.parse import urlsplit

        # A kept connection must not refer to `self`, or nobody can let go of it.
        read_seconds = self.patience.read

        def bounded(connected: socket, **options: Any) -> HTTPResponse:
            return HTTPResponse(_Bounded(connected, deadline, read_seconds), **options)  # type: ignore[arg-type]

        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.sock.settimeout(read_seconds)
        connection.response_class = bounded  # type: ignore[assignment]
        connection.request(method, target, body or None, headers)
        return connection.getresponse()

    def _context(self) -> SSLContext:
        if self._tls is None:
            from ssl import create_default_context

            self._tls = create_default_context()
        return self._tls


def _close(idle: dict[tuple[str, str, int], list[HTTPConnection]]) -> None:
    # Others may take out of it, and close it too, at the same time.
    while idle:
        try:
            _, connections = idle.popitem()
            while True:
                connections.pop().close()
        except (KeyError, IndexError):
            continue


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises ConfigurationError for an address without."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        if parts.hostname:
            return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        # Not the cause of what is raised: it may repeat credentials.
        pass
    raise _no_address(url)


def checked_base(url: str) -> str:
    """`url` without a slash at its end. Raises ConfigurationError unless it is a plain http or https URL."""
    origin_of(url)
    if "?" in url or "#" in url or not is_authority(url.partition("://")[2].partition("/")[0]):
        raise _no_address(url)
    return url.rstrip("/")


def _no_address(url: str) -> ConfigurationError:
    return ConfigurationError(
        "wanted an address such as https://flags.example.org, with no credentials, query or fragment, "
        f"got {shown_url(url)!r}"
    )


def _said(error: Exception) -> str:
    # It may repeat what the server sent.
    return shortened(getattr(error, "strerror", None) or str(error) or type(error).__name__)


class _Bounded:
    """A socket as `http.client` reads from it: every wait ends at a deadline, however little comes at a time.

    Heads, sizes of chunks and trailers are read line by line inside of it, where a trickle would have no end.
    """

    __slots__ = ("_connected", "_deadline", "_read_seconds")

    def __init__(self, connected: socket, deadline: Deadline, read_seconds: float) -> None:
        self._connected = connected
        self._deadline = deadline
        self._read_seconds = read_seconds

    def makefile(self, mode: str) -> BufferedReader:
        """What the response is read from."""
        return BufferedReader(_Arriving(self, self._connected.makefile("rb", buffering=0)))

    def wait(self) -> None:
        """Let the next wait take no longer than it may. Raises TimeoutError when the time is up."""
        left = self._deadline.at - monotonic()
        if left <= 0:
            raise TimeoutError(f"not whole after {self._deadline.seconds:g} s")
        self._connected.settimeout(min(left, self._read_seconds))


class _Arriving(RawIOBase):
    def __init__(self, bounded: _Bounded, raw: SocketIO) -> None:
        self._bounded = bounded
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._bounded.wait()
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            # Says so itself when it was the deadline.
            self._bounded.wait()
            raise

    def close(self) -> None:
        # The socket itself is closed with the last that reads from it.
        self._raw.close()
        super().close()


def _content(asked: str, response: HTTPResponse, max_bytes: int, deadline: Deadline) -> bytes:
    if response.status == 200:
        return _whole(asked, response, max_bytes, deadline)
    return _beginning(asked, response, deadline)


def _whole(asked: str, response: HTTPResponse, max_bytes: int, deadline: Deadline) -> bytes:
    if response.getheader("Content-Encoding", "identity") != "identity":
        raise Unavailable(f"{asked}: sent {response.getheader('Content-Encoding')} although plain bytes were asked for")
    wanted = response.length
    if wanted is not None and wanted > max_bytes:
        raise InvalidDocument(f"{asked}: {wanted} bytes, wanted at most {max_bytes}")
    # One more than may be, to see that there is more.
    content = b"".join(_pieces(asked, response, max_bytes + 1 if wanted is None else wanted, deadline))
    if len(content) > max_bytes:
        raise InvalidDocument(f"{asked}: more than the {max_bytes} bytes wanted at most")
    if wanted is not None and len(content) != wanted:
        raise Unavailable(f"{asked}: ended after {len(content)} of {wanted} bytes")
    response.close()
    return content


def _beginning(asked: str, response: HTTPResponse, deadline: Deadline) -> bytes:
    """What an error says, as far as it comes; its status counts, also when the connection breaks."""
    from http.client import HTTPException

    wanted = response.length
    content = b""
    try:
        for piece in _pieces(asked, response, _BEGINNING if wanted is None else min(wanted, _BEGINNING), deadline):
            content += piece
    except (OSError, HTTPException, Unavailable):
        response.will_close = True
    if len(content) == wanted:
        response.close()
    return content


def _pieces(asked: str, response: HTTPResponse, at_most: int, deadline: Deadline) -> Iterator[bytes]:
    """The body as it arrives; one read of everything would have no end when bytes trickle."""
    # Counted here, because older Pythons' read1 forgets what it has read and waits for more on a kept connection.
    left = at_most
    while left and (piece := response.read1(min(left, _CHUNK))):
        left -= len(piece)
        yield piece
        if monotonic() > deadline.at:
            raise Unavailable(f"{asked}: not whole after {deadline.seconds:g} s")
