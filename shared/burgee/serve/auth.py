"""Who may ask: client tokens, known only by their digests.

Source: Flipt semantics 3.5. The scheme word is case-sensitive and followed by exactly one space.
"""

from __future__ import annotations

from hmac import compare_digest

from ..bundle.digest import digest_of
from ..core.errors import ConfigurationError, Unauthenticated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..settings import Settings
    from .message import Request

_SCHEME = "Bearer "
_COOKIE = "flipt_client_token"


def token_digests(settings: Settings) -> frozenset[str] | None:
    """The digests that are let in, None when everybody is. Raises ConfigurationError when neither was said."""
    if settings.auth == "none":
        return None
    if not settings.tokens:
        raise ConfigurationError(
            "no client tokens: set BURGEE_TOKENS to their digests (sha256:<hex>, comma-separated), "
            "or BURGEE_AUTH=none to let everybody evaluate"
        )
    return frozenset(settings.tokens)


def admit(request: Request, digests: frozenset[str] | None) -> None:
    """Return for a request that may be answered. Raises Unauthenticated otherwise."""
    if digests is None:
        return
    presented = digest_of(_token(request).encode("utf-8", "replace"))
    # Every digest is compared, so the time taken does not tell which one came near.
    if not sum([compare_digest(presented, known) for known in digests]):
        raise Unauthenticated("request was not authenticated")


def _token(request: Request) -> str:
    header: str = request.headers.get("authorization", "")
    if header.startswith(_SCHEME):
        return header[len(_SCHEME) :]
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == _COOKIE:
            return str(value)
    return ""
