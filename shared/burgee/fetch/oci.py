"""Heads, releases and documents in a repository of an OCI registry.

Law: what is read is verified by its digest, the head by the one that its artifact names. Wherever a registry leads to
for a blob, what was shown to the registry is not shown there.
"""

from __future__ import annotations

from ..bundle.digest import digest_of, verify
from ..bundle.keys import BLOBS
from ..bundle.oci_address import read_repository
from ..bundle.oci_auth import MISSING_OR_DENIED, refusal_of
from ..bundle.oci_records import first_layer, tag_of
from ..core.errors import BurgeeError, Denied, InvalidDocument, NotFound, Unavailable
from .clock import SystemClock
from .connections import Connections, origin_of
from .http import REDIRECTED, REDIRECTS, redirected
from .oci_tokens import OciTokens
from .port import MAX_BYTES, NOT_MODIFIED, Fetched
from .rim import system_rim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .bearer import Token
    from .connections import Deadline, Reply
    from .rim import Rim

_ACCEPT = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
# As much as registries take.
_MANIFEST_BYTES = 4 * 1024 * 1024
# As asked first, and with what the registry wants to be shown.
_TRIES = 2


class OciFetcher:
    """Safe among threads and after a fork; `close` drops the kept connections. Etags are digests of artifacts."""

    __slots__ = ("_connections", "_tokens", "address")

    def __init__(
        self,
        url: str,
        environ: Mapping[str, str],
        *,
        rim: Rim | None = None,
        connections: Connections | None = None,
    ) -> None:
        """`url` is `oci://registry/repository`. Raises ConfigurationError for another one."""
        self.address = read_repository(url)
        self._connections = connections or Connections()
        self._tokens = OciTokens(self.address, environ, rim or system_rim(SystemClock.wall), self._connections.patience)

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        deadline = self._connections.deadline()
        if key.startswith(f"{BLOBS}/"):
            digest = f"sha256:{key.rpartition('/')[2]}"
            return Fetched(self._blob(digest, max_bytes, deadline), digest)
        found = tag_of(key)
        if found is None:
            raise NotFound(f"{key} is nothing that a registry keeps, as {self.address.url} is one")
        kind, tag = found
        headers = _ACCEPT | ({"If-None-Match": f'"{etag}"'} if etag else {})
        reply = self._asked(f"manifests/{tag}", headers, _MANIFEST_BYTES, deadline)
        if reply.status == 304:
            return NOT_MODIFIED
        digest = digest_of(reply.content)
        # Of a registry that knows no conditions.
        if digest == etag:
            return NOT_MODIFIED
        layer = first_layer(reply.content, kind)
        if not 0 <= layer.size <= max_bytes:
            raise InvalidDocument(f"{key} in {self.address.url}: {layer.size} bytes, wanted at most {max_bytes}")
        return Fetched(self._blob(layer.digest, layer.size, deadline), digest)

    def close(self) -> None:
        """Close the connections that are kept; the next `get` opens a new one."""
        self._connections.close()

    @property
    def place(self) -> str:
        """Where the registry is asked."""
        return str(self.address.base)

    def asked_by(self) -> str:
        """Who asks, as a person may see it. Raises Denied and Unavailable as `OciTokens.current` does."""
        return self._tokens.current().shown()

    def _blob(self, digest: str, max_bytes: int, deadline: Deadline) -> bytes:
        return verify(self._asked(f"blobs/{digest}", {}, max_bytes, deadline).content, digest)

    def _asked(self, path: str, headers: dict[str, str], max_bytes: int, deadline: Deadline) -> Reply:
        """An answer of 200, or 304. Raises what another one means."""
        url = f"{self.address.base}/v2/{self.address.repository}/{path}"
        for left in reversed(range(_TRIES)):
            token = self._tokens.current()
            reply = self._followed(url, headers, token, max_bytes, deadline)
            if reply.status == 200 or (reply.status == 304 and "If-None-Match" in headers):
                return reply
            if reply.status != 401 or not left or not self._renews(reply, token):
                break
        raise self._fault(path, reply, token)

    def _followed(self, url: str, headers: dict[str, str], token: Token, max_bytes: int, deadline: Deadline) -> Reply:
        """The answer at the end of the redirects, each asked without what was shown to the registry."""
        shown = token.headers()
        for _ in range(REDIRECTS + 1):
            reply = self._connections.get(url, headers | shown, max_bytes=max_bytes, deadline=deadline)
            location = reply.headers.get("Location") if reply.status in REDIRECTED else None
            if not location:
                return reply
            url, shown = redirected(url, location), {}
        raise Unavailable(f"GET {self.address.url}: more than {REDIRECTS} redirects")

    def _renews(self, reply: Reply, token: Token) -> bool:
        """Whether there is something else to show to the registry; to nobody else."""
        at_home = origin_of(reply.url) == origin_of(self.address.base)
        # Each challenge may have a header of its own (RFC 9110, 11.6.1).
        challenges = ", ".join(reply.headers.get_all("WWW-Authenticate") or ())
        return at_home and self._tokens.renewed(challenges, token)

    def _fault(self, path: str, reply: Reply, token: Token) -> BurgeeError:
        _, refusal = refusal_of(reply.status, reply.reason, reply.content)
        said = f"GET {path} of {self.address.url} at {self.address.base}: {refusal}"
        if reply.status == 404:
            return NotFound(said)
        if reply.status in (401, 403):
            return Denied(
                f"{said}; asked by {token.shown()}; a reader needs the right to pull, and {MISSING_OR_DENIED}"
            )
        return Unavailable(said)
