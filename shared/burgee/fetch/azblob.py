"""Objects in a container of Azure's Blob Storage, asked for by a signed URL, a key, an identity, or as nobody.

Law: nobody is asked before the first `get`; what proves who asks is in no message.
"""

from __future__ import annotations

from ..bundle.addresses import keeps_secrets
from ..bundle.azblob_address import read_azblob_address
from ..bundle.azblob_given import given_credentials
from ..bundle.azblob_refusals import Asked, Refusal, needed
from .azure_tokens import find_token
from .bearer import HeldToken, Token
from .clock import SystemClock
from .connections import Connections
from .http import condition, fetched_from
from .port import MAX_BYTES, Fetched
from .rim import system_rim
from .shared_key import signed
from .xml_answers import element

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..bundle.azblob_given import Given
    from .connections import Reply
    from .rim import Rim

# Of the protocol; the service refuses tokens in those before 2017.
_VERSION = "2021-08-06"
# As asked first, and with a token that is newer.
_TRIES = 2


class AzblobFetcher:
    """Safe among threads and after a fork; `close` drops the kept connections."""

    __slots__ = ("_connections", "_given", "_rim", "_tokens", "address")

    def __init__(
        self,
        url: str,
        environ: Mapping[str, str],
        *,
        rim: Rim | None = None,
        connections: Connections | None = None,
    ) -> None:
        """`url` is `azblob://account/container/prefix`.

        Raises ConfigurationError for another URL, or for variables that are wrong.
        """
        self._rim = rim = rim or system_rim(SystemClock.wall)
        self.address = read_azblob_address(url)
        self._connections = connections or Connections()
        account, endpoint = self.address.account, self.address.endpoint
        self._given: Given | None = given_credentials(environ, account, endpoint)
        if keeps_secrets(endpoint):
            patience = self._connections.patience
            tokens = HeldToken(lambda: find_token(environ, rim, patience, was_found=tokens.was_found), rim.now)
        else:
            unknown = Token(None, None, f"nobody, for an identity is proven over https only, not to {endpoint}")
            tokens = HeldToken(lambda: unknown, rim.now)
        self._tokens = tokens

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        deadline = self._connections.deadline()
        for _ in range(_TRIES):
            asker = self._asker()
            url, headers = self._request(key, asker, {"x-ms-version": _VERSION, **condition(etag)})
            reply = self._connections.get(url, headers, max_bytes=max_bytes, deadline=deadline)
            fetched = fetched_from(reply, etag)
            if fetched is not None:
                return fetched
            refusal = _refusal_of(reply)
            if not self._renews(refusal, asker):
                break
        attempt, lacks = f"GET {self.address.url}/{key} at {self.place}", needed("Reader", "r", self.address.container)
        raise refusal.error(Asked(attempt, asker.source, _is_nobody(asker), lacks, self._rim.now()))

    def close(self) -> None:
        """Close the connections that are kept; the next `get` opens a new one."""
        self._connections.close()

    @property
    def place(self) -> str:
        """Where objects are asked for."""
        return str(self.address.place)

    def asked_by(self) -> str:
        """Who asks, as a person may see it. Raises Denied and Unavailable as `HeldToken.current` does."""
        return str(self._asker().source)

    def _asker(self) -> Given | Token:
        return self._given or self._tokens.current()

    def _request(self, key: str, asker: Given | Token, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Where to ask, and what to say there."""
        from urllib.parse import quote

        url = f"{self.address.place}/{quote(self.address.prefix + key, safe='/~')}"
        if isinstance(asker, Token):
            return url, headers | asker.headers()
        if asker.sas:
            return f"{url}?{asker.sas}", headers
        return url, signed(url, headers, account=self.address.account, key=asker.key, instant=self._rim.now())

    def _renews(self, refusal: Refusal, asker: Given | Token) -> bool:
        """Whether there is another token than the one that was refused."""
        refused = refusal.may_be_outdated or (_is_nobody(asker) and refusal.may_be_for_nobody)
        return refused and isinstance(asker, Token) and self._tokens.renewed(asker)


def _is_nobody(asker: Given | Token) -> bool:
    return isinstance(asker, Token) and asker.text is None


def _refusal_of(reply: Reply) -> Refusal:
    code = reply.headers.get("x-ms-error-code") or element(reply.content, "Code")
    message = element(reply.content, "Message") or reply.reason
    return Refusal(reply.status, code, message, reply.headers.get("Date") or "")
