"""Entries that name client tokens by their digests, as text: what is configured never holds a token itself.

    sha256:<64 hex digits> production/checkout staging/* +history expires=2027-06-30

A digest, then the scopes it is for (none: everything), then whether it may ask of the past, then when it ends (never,
if not said); blanks between them.
"""

from __future__ import annotations

from collections import namedtuple

from ..bundle.digest import is_digest
from ..bundle.keys import checked_environment, checked_namespace
from ..core.errors import ConfigurationError, InvalidRequest
from ..core.instant import format_instant
from .scopes import ANY, EVERYTHING, Scopes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_EXPIRES = "expires="
HISTORY = "+history"
_OF_NOTHING = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Token(namedtuple("Token", "digest scopes expires_at history", defaults=(EVERYTHING, None, False))):
    """What is known of a token: its digest, its Scopes, the instant from which on it is not let in, or None, and
    whether it may also ask what was answered before."""

    __slots__ = ()

    def __str__(self) -> str:
        """The entry."""
        until = "" if self.expires_at is None else _EXPIRES + format_instant(self.expires_at).replace(".000Z", "Z")
        return " ".join(filter(None, (self.digest, str(self.scopes), HISTORY if self.history else "", until)))


def read_token(entry: str) -> Token:
    """The token of an entry. Raises ConfigurationError that repeats no word of it: one may be a token by mistake."""
    first, *words = entry.split()
    if not is_digest(first):
        raise ConfigurationError("an entry begins with the digest of a token, sha256:<64 lower-case hex digits>")
    if first == _OF_NOTHING:
        raise ConfigurationError(
            "an entry has the digest of the empty text, which everybody without a token presents; "
            "the variable that was hashed was empty"
        )
    scopes, expires_at, history = [], None, False
    for number, word in enumerate(words, 2):
        if word.startswith(_EXPIRES):
            expires_at = _instant(word.removeprefix(_EXPIRES))
        elif word == HISTORY:
            history = True
        elif (scope := read_scope(word)) is not None:
            scopes.append(scope)
        else:
            raise ConfigurationError(
                f"word {number} of an entry is neither a scope, <environment>/<namespace> with * for any, "
                f"nor {HISTORY}, nor {_EXPIRES}<date>"
            )
    return Token(first, Scopes(scopes) if scopes else EVERYTHING, expires_at, history)


def read_tokens(lines: str, place: str) -> list[Token]:
    """The tokens of a text with an entry on each line; `#` begins a comment.

    Raises ConfigurationError naming `place` and line when one is wrong, and when there is none at all.
    """
    tokens = []
    for number, line in enumerate(lines.splitlines(), 1):
        entry = line.partition("#")[0].strip()
        try:
            tokens += [read_token(entry)] if entry else []
        except ConfigurationError as error:
            raise ConfigurationError(f"{place}:{number}: {error}") from None
    if not tokens:
        raise ConfigurationError(f"{place} has no entry")
    return tokens


def tokens_of(entries: Iterable[str], name: str) -> list[Token]:
    """The tokens of entries. Raises ConfigurationError that begins with `name`."""
    try:
        return [read_token(entry) for entry in entries]
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def read_scope(word: str) -> tuple[str, str] | None:
    """`environment/namespace`, or `environment` for all of it; None when the word is neither."""
    environment, slash, namespace = word.partition("/")
    namespace = namespace if slash else ANY
    try:
        return (
            environment if environment == ANY else checked_environment(environment),
            namespace if namespace == ANY else checked_namespace(namespace),
        )
    except InvalidRequest:
        return None


def _instant(text: str) -> int:
    from ..core.dates import parse_server_date

    nanos = parse_server_date(text)
    if nanos is None:
        raise ConfigurationError(f"{_EXPIRES} takes a date or an instant, such as 2027-06-30 or 2027-06-30T12:00:00Z")
    return nanos // 1_000_000
