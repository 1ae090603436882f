"""Objects behind a web server: conditional GETs, and what their answers mean."""

from __future__ import annotations

from ..core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from ..core.visible import visible
from .connections import PATIENCE, Connections, checked_base, origin_of
from .port import MAX_BYTES, NOT_MODIFIED, Fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connections import Patience, Reply

REDIRECTS = 3

REDIRECTED = (301, 302, 303, 307, 308)
# How long after its Last-Modified an answer must be given, so that no other version can have the same second.
_SETTLED_SECONDS = 2


class HttpFetcher:
    """Safe among threads and after a fork; `close` drops the kept connections.

    Proxies of the environment are not honoured. An ETag asks for news with If-None-Match, a Last-Modified with
    If-Modified-Since when it is strong enough to (RFC 9110, 8.8.2.2).
    """

    __slots__ = ("_base", "_connections")

    def __init__(self, base_url: str, *, patience: Patience = PATIENCE) -> None:
        """Raises ConfigurationError unless `base_url` is a plain http or https URL."""
        self._base = checked_base(base_url)
        self._connections = Connections(patience)

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        from urllib.parse import quote

        url = f"{self._base}/{quote(key, safe='/,')}"
        deadline = self._connections.deadline()
        for _ in range(REDIRECTS + 1):
            reply = self._connections.get(url, condition(etag), max_bytes=max_bytes, deadline=deadline)
            fetched = fetched_from(reply, etag)
            if fetched is not None:
                return fetched
            location = reply.headers.get("Location") if reply.status in REDIRECTED else None
            if not location:
                raise _refusal(reply)
            url = redirected(url, location)
        raise Unavailable(f"GET {self._base}/{key}: more than {REDIRECTS} redirects")

    def close(self) -> None:
        """Close the connections that are kept; the next `get` opens a new one."""
        self._connections.close()


def condition(etag: str | None) -> dict[str, str]:
    """The header that asks for news of the version that `fetched_from` gave this text to."""
    if etag is None:
        return {}
    # What begins with neither is the Last-Modified of a server without ETags.
    return {"If-None-Match" if etag.startswith(('"', "W/")) else "If-Modified-Since": etag}


def fetched_from(reply: Reply, etag: str | None) -> Fetched | None:
    """The object, or NOT_MODIFIED; None when the answer is neither."""
    if reply.status == 200:
        return Fetched(reply.content, _validator(reply))
    return NOT_MODIFIED if reply.status == 304 and etag is not None else None


def _validator(reply: Reply) -> str | None:
    etag: str | None = reply.headers.get("ETag")
    if etag is not None and etag.startswith(('"', "W/")):
        return etag
    modified, date = reply.headers.get("Last-Modified"), reply.headers.get("Date")
    if modified is None or date is None:
        return None
    from email.utils import parsedate_to_datetime

    try:
        settled = (parsedate_to_datetime(date) - parsedate_to_datetime(modified)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return str(modified) if settled >= _SETTLED_SECONDS else None


def _refusal(reply: Reply) -> BurgeeError:
    # Where it was led to may be signed.
    said = f"GET {reply.url.partition('?')[0]}: {reply.status} {visible(reply.reason)}"
    if reply.status in (404, 410):
        return NotFound(said)
    if reply.status in (401, 403):
        return Denied(f"{said}; check who may read there")
    return Unavailable(said)


def redirected(url: str, location: str) -> str:
    """The absolute address of a redirect. Raises Unavailable unless it keeps the scheme."""
    from urllib.parse import urljoin

    try:
        target = urljoin(url, location)
        if origin_of(target)[0] == origin_of(url)[0]:
            return target
    except (ConfigurationError, ValueError):
        pass
    asked, led = (address.partition("?")[0] for address in (url, location))
    raise Unavailable(f"GET {asked}: redirected to {led!r}, wanted an address of the same scheme")
