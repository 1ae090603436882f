"""Objects in a bucket of Google Cloud Storage; asked for with a token when there is one.

Law: nobody is asked before the first `get`.
"""

from __future__ import annotations

from ..bundle.gs_address import endpoint_of, read_gs_address
from ..bundle.gs_refusals import LOG_IN, MISSING_OR_DENIED, NO_BUCKET, RENEW, refusal_of
from ..core.errors import BurgeeError, Denied, NotFound, Unavailable
from ..core.visible import visible
from .bearer import HeldToken
from .clock import SystemClock
from .connections import Connections
from .google_tokens import find_token
from .http import REDIRECTED
from .port import MAX_BYTES, NOT_MODIFIED, Fetched
from .rim import system_rim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .bearer import Token
    from .connections import Reply
    from .rim import Rim

# As asked first, and with a newer token.
_TRIES = 2


class GsFetcher:
    """Safe among threads and after a fork; `close` drops the kept connections. Etags are generations."""

    __slots__ = ("_connections", "_endpoint", "_token", "address")

    def __init__(
        self,
        url: str,
        environ: Mapping[str, str],
        *,
        rim: Rim | None = None,
        connections: Connections | None = None,
    ) -> None:
        """`url` is `gs://bucket/prefix`. Raises ConfigurationError for another URL, or for variables that are wrong."""
        rim = rim or system_rim(SystemClock.wall)
        self.address = read_gs_address(url)
        endpoint = self._endpoint = endpoint_of(self.address, environ)
        self._connections = connections or Connections()
        patience = self._connections.patience
        tokens = HeldToken(lambda: find_token(environ, rim, endpoint, patience, was_found=tokens.was_found), rim.now)
        self._token = tokens

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        deadline = self._connections.deadline()
        url = self._url(key, etag)
        for left in reversed(range(_TRIES)):
            token: Token = self._token.current()
            reply = self._connections.get(url, token.headers(), max_bytes=max_bytes, deadline=deadline)
            if reply.status == 200:
                return Fetched(reply.content, reply.headers.get("x-goog-generation"))
            if reply.status == 304 and etag is not None:
                return NOT_MODIFIED
            if reply.status != 401 or not left or not self._token.renewed(token):
                break
        raise self._fault(key, reply, token)

    def close(self) -> None:
        """Close the connections that are kept; the next `get` opens a new one."""
        self._connections.close()

    @property
    def place(self) -> str:
        """Where objects are asked for, for people."""
        return f"bucket {self.address.bucket}, prefix {self.address.prefix or 'none'}, at {self._endpoint}"

    def asked_by(self) -> str:
        """Who asks, as a person may see it. Raises Denied and Unavailable as `HeldToken.current` does."""
        return str(self._token.current().shown())

    def _url(self, key: str, etag: str | None) -> str:
        from urllib.parse import quote

        name = quote(self.address.prefix + key, safe="")
        # A reader that was moved here may still hold the etag of another store.
        condition = f"&ifGenerationNotMatch={etag}" if etag and etag.isascii() and etag.isdigit() else ""
        return f"{self._endpoint}/download/storage/v1/b/{self.address.bucket}/o/{name}?alt=media{condition}"

    def _fault(self, key: str, reply: Reply, token: Token) -> BurgeeError:
        refusal = refusal_of(reply.status, reply.reason, reply.content)
        said = f"GET {self.address.url}/{key} at {self._endpoint}: {refusal}"
        if refusal.is_of_bucket:
            return Unavailable(f"{said}; {NO_BUCKET}")
        if refusal.status in (404, 410):
            return NotFound(said)
        if refusal.status in REDIRECTED:
            location = reply.headers.get("Location") or "nowhere"
            return Unavailable(f"{said}; it leads to {visible(location.partition('?')[0])}")
        if refusal.status == 401 and token.text:
            return Denied(f"{said}; asked by {token.shown()}; {RENEW}")
        if refusal.status in (401, 403):
            needed = f"a reader needs storage.objects.get on the bucket {self.address.bucket}, and {MISSING_OR_DENIED}"
            return Denied(f"{said}; asked by {token.shown()}; {needed}{'' if token.text else f'; {LOG_IN}'}")
        return Unavailable(said)
