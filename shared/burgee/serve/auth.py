"""Who may ask: client tokens, known only by their digests, each for its scopes and until it expires.

Source: Flipt semantics 3.5. The scheme word is case-sensitive and followed by exactly one space.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest, digest

from ..bundle.digest import hex_of
from ..core.errors import ConfigurationError, Forbidden, Unauthenticated
from .scopes import Scopes
from .token_file import TokenFile
from .tokens import tokens_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..settings import Settings
    from .message import Request
    from .tokens import Token

_SCHEME = "Bearer "
_COOKIE = "flipt_client_token"
# Pages cannot send a header with a request for events, so there an address may stand for a token.
EVENTS = "/ofrep/v1/_stream/"
_TICKET = "ticket="


class Gate:
    """Lets requests in by their tokens; safe among threads."""

    __slots__ = ("_file", "_known", "_listed", "_of_file")

    def __init__(self, tokens: Sequence[Token] = (), *, file: TokenFile | None = None) -> None:
        """Those of `tokens`, and those that `file` lists at the time of asking."""
        self._listed = tuple(tokens)
        self._file = file
        self._of_file: Sequence[Token] = ()
        self._known = _by_digest(self._listed)

    @property
    def fault(self) -> str | None:
        """What is wrong with the file, if something is."""
        return self._file.fault if self._file else None

    def admit(self, request: Request, now: Callable[[], int], *, history: bool = False) -> Scopes:
        """What the request's token is for, as to the present or to its `history`.

        `now` gives the instant, and is asked only of a token that expires. Raises Unauthenticated when it is not let
        in, Forbidden when it may not ask of the past.
        """
        if self._file is not None:
            self._see(self._file.tokens())
        # Every digest is compared, so the time taken does not tell which one came near.
        presented = _presented(request)
        found = [known for known in self._known if compare_digest(presented, known[0])]
        if not found and request.path.startswith(EVENTS) and (shown := _shown(request)):
            found = [known for known in self._known if compare_digest(shown, _ticket(known[0], request.path))]
        valid = [known for known in found if known[2] is None or now() < known[2]]
        if not valid:
            raise Unauthenticated("request was not authenticated")
        if history and not (valid := [known for known in valid if known[3]]):
            raise Forbidden("the token is not for the past: its entry needs the word +history")
        return valid[0][1] if len(valid) == 1 else Scopes(frozenset().union(*(scopes for _, scopes, *_ in valid)))

    def ticket(self, request: Request, path: str) -> str:
        """The query that lets whoever has it follow the events at `path` as the request's token could, and no more."""
        return _TICKET + _ticket(_presented(request), path).decode()

    def _see(self, tokens: Sequence[Token]) -> None:
        if tokens is not self._of_file:
            self._known = _by_digest((*self._listed, *tokens))
            self._of_file = tokens


def open_gate(settings: Settings, *, now: Callable[[], int], say: Callable[[str], object]) -> Gate | None:
    """The gate that the settings describe, None when everybody is let in; `say` is told of faults later on.

    Raises ConfigurationError when neither was said, and for entries that are wrong.
    """
    if settings.auth == "none":
        return None
    tokens = tokens_of(settings.tokens, "BURGEE_TOKENS")
    file = TokenFile(settings.tokens_file, now=now, say=say) if settings.tokens_file else None
    if not tokens and file is None:
        raise ConfigurationError(
            "no client tokens: set BURGEE_TOKENS to entries that `burgee token create` makes, or BURGEE_TOKENS_FILE "
            "to a file of them, or BURGEE_AUTH=none to let everybody evaluate"
        )
    return Gate(tokens, file=file)


def _by_digest(tokens: Sequence[Token]) -> list[tuple[bytes, Scopes, int | None, bool]]:
    return [(bytes.fromhex(hex_of(token.digest)), *token[1:]) for token in tokens]


def _presented(request: Request) -> bytes:
    return sha256(_token(request).encode("utf-8", "replace")).digest()


def _shown(request: Request) -> bytes:
    """The ticket of a request, as bytes; none is empty."""
    parts = [part for part in request.query.split("&") if part.startswith(_TICKET)]
    return parts[0][len(_TICKET) :].encode("utf-8", "replace") if parts else b""


def _ticket(token: bytes, path: str) -> bytes:
    return digest(token, path.encode("utf-8", "replace"), "sha256").hex().encode()


def _token(request: Request) -> str:
    header: str = request.headers.get("authorization", "")
    if header.startswith(_SCHEME):
        return header[len(_SCHEME) :]
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == _COOKIE:
            return str(value)
    return ""
