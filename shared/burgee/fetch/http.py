"""Objects behind a web server: conditional GETs over connections that are kept.

Law: size is bounded, and so is the time to connect, to wait for each answer, and to read the whole body.
"""

from __future__ import annotations

import os
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic
from urllib.parse import quote, urljoin, urlsplit

from .. import __version__
from ..core.errors import ConfigurationError, Denied, InvalidDocument, NotFound, Unavailable
from .port import MAX_BYTES, NOT_MODIFIED, Fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse
    from ssl import SSLContext

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
WHOLE_SECONDS = 30.0
REDIRECTS = 3

_CHUNK = 65_536
_REDIRECTED = (301, 302, 303, 307, 308)
# How long after its Last-Modified an answer must be given, so that no other version can have the same second.
_SETTLED_SECONDS = 2


class HttpFetcher:
    """Safe among threads and after a fork; `close` drops the kept connections.

    Proxies of the environment are not honoured. An ETag asks for news with If-None-Match, a Last-Modified with
    If-Modified-Since when it is strong enough to (RFC 9110, 8.8.2.2).
    """

    __slots__ = ("_base", "_headers", "_idle", "_origin", "_pid", "_tls")

    def __init__(self, base_url: str) -> None:
        """Raises ConfigurationError unless `base_url` is a plain http or https URL."""
        parts = urlsplit(base_url)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ConfigurationError(
                f"an address to read from has no credentials, query or fragment; the one for {parts.hostname} has"
            )
        self._base = base_url.rstrip("/")
        self._origin = _origin(base_url)
        self._headers = {"User-Agent": f"burgee/{__version__}", "Accept": "*/*"}
        self._tls: SSLContext | None = None
        self._idle: list[HTTPConnection] = []
        self._pid = os.getpid()

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        url = f"{self._base}/{quote(key, safe='/,')}"
        deadline = monotonic() + WHOLE_SECONDS
        for _ in range(REDIRECTS + 1):
            answer = self._get(url, etag, max_bytes, deadline)
            if isinstance(answer, Fetched):
                return answer
            url = _redirected(url, answer)
        raise Unavailable(f"GET {self._base}/{key}: more than {REDIRECTS} redirects")

    def close(self) -> None:
        """Close the connections that are kept; the next `get` opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def _get(self, url: str, etag: str | None, max_bytes: int, deadline: float) -> Fetched | str:
        """What was fetched, or where the server sends us."""
        try:
            connection, response = self._asked(url, self._headers | _condition(etag))
            try:
                answer = _answer(url, response, etag, max_bytes, deadline)
                reusable = not response.will_close and response.isclosed()
            except BaseException:
                connection.close()
                raise
        except (OSError, HTTPException, ValueError) as error:
            # ValueError: a redirect to what cannot be a host name or a request line.
            raise Unavailable(f"GET {url}: {_said(error)}") from error
        self._keep(connection) if reusable and _origin(url) == self._origin else connection.close()
        return answer

    def _asked(self, url: str, headers: dict[str, str]) -> tuple[HTTPConnection, HTTPResponse]:
        kept = self._kept() if _origin(url) == self._origin else None
        if kept is not None:
            try:
                return kept, _ask(kept, url, headers)
            except (ConnectionError, HTTPException):
                # The server closed it while it was idle: once more on a new one.
                kept.close()
            except BaseException:
                kept.close()
                raise
        connection = self._connected(url)
        try:
            return connection, _ask(connection, url, headers)
        except BaseException:
            connection.close()
            raise

    def _kept(self) -> HTTPConnection | None:
        if self._pid != os.getpid():
            # The parent speaks on these; closing our copy says nothing to the server.
            self._pid, inherited, self._idle = os.getpid(), self._idle, []
            for connection in inherited:
                connection.close()
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _keep(self, connection: HTTPConnection) -> None:
        self._idle.append(connection)

    def _connected(self, url: str) -> HTTPConnection:
        scheme, host, port = _origin(url)
        if scheme == "https":
            connection: HTTPConnection = HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=self._context())
        else:
            connection = HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        connection.connect()
        connection.sock.settimeout(READ_SECONDS)
        return connection

    def _context(self) -> SSLContext:
        if self._tls is None:
            from ssl import create_default_context

            self._tls = create_default_context()
        return self._tls


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises ConfigurationError for an address without."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError) as error:
        raise ConfigurationError(f"wanted an address such as https://flags.example.org, got {url!r}") from error
    if not parts.hostname:
        raise ConfigurationError(f"wanted an address such as https://flags.example.org, got {url!r}")
    return parts.scheme, parts.hostname, port


def _condition(etag: str | None) -> dict[str, str]:
    if etag is None:
        return {}
    # What begins with neither is the Last-Modified of a server without ETags.
    return {"If-None-Match" if etag.startswith(('"', "W/")) else "If-Modified-Since": etag}


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _ask(connection: HTTPConnection, url: str, headers: dict[str, str]) -> HTTPResponse:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers=headers)
    return connection.getresponse()


def _answer(url: str, response: HTTPResponse, etag: str | None, max_bytes: int, deadline: float) -> Fetched | str:
    status = response.status
    if status == 200:
        return Fetched(_body(url, response, max_bytes, deadline), _validator(response))
    if status == 304 and etag is not None:
        response.read()
        return NOT_MODIFIED
    if status in _REDIRECTED and (location := response.getheader("Location")):
        return location
    said = f"GET {url}: {status} {response.reason}"
    if status in (404, 410):
        raise NotFound(said)
    if status in (401, 403):
        raise Denied(f"{said}; check who may read there")
    raise Unavailable(said)


def _body(url: str, response: HTTPResponse, max_bytes: int, deadline: float) -> bytes:
    if response.getheader("Content-Encoding", "identity") != "identity":
        raise Unavailable(
            f"GET {url}: sent {response.getheader('Content-Encoding')} although plain bytes were asked for"
        )
    wanted = response.length
    if wanted is not None and wanted > max_bytes:
        raise InvalidDocument(f"GET {url}: {wanted} bytes, wanted at most {max_bytes}")
    content = b"".join(_pieces(url, response, max_bytes, deadline))
    if wanted is not None and len(content) != wanted:
        raise Unavailable(f"GET {url}: ended after {len(content)} of {wanted} bytes")
    response.close()
    return content


def _pieces(url: str, response: HTTPResponse, max_bytes: int, deadline: float) -> Iterator[bytes]:
    """The body as it arrives; one read of everything would have no end when bytes trickle."""
    # Counted here, because older Pythons' read1 forgets what it has read and waits for more on a kept connection.
    left = max_bytes + 1 if response.length is None else response.length
    while left and (piece := response.read1(min(left, _CHUNK))):
        left -= len(piece)
        yield piece
        if monotonic() > deadline:
            raise Unavailable(f"GET {url}: not whole after {WHOLE_SECONDS:g} s")
    if left == 0 and response.length is None:
        raise InvalidDocument(f"GET {url}: more than the {max_bytes} bytes wanted at most")


def _validator(response: HTTPResponse) -> str | None:
    etag = response.getheader("ETag")
    if etag is not None and etag.startswith(('"', "W/")):
        return etag
    modified, date = response.getheader("Last-Modified"), response.getheader("Date")
    if modified is None or date is None:
        return None
    from email.utils import parsedate_to_datetime

    try:
        settled = (parsedate_to_datetime(date) - parsedate_to_datetime(modified)).total_seconds()
    except (TypeError, ValueError):
        return None
    return modified if settled >= _SETTLED_SECONDS else None


def _redirected(url: str, location: str) -> str:
    """The absolute address of a redirect. Raises Unavailable unless it keeps the scheme."""
    try:
        target = urljoin(url, location)
        if _origin(target)[0] == _origin(url)[0]:
            return target
    except (ConfigurationError, ValueError):
        pass
    raise Unavailable(f"GET {url}: redirected to {location!r}, wanted an address of the same scheme")
