"""What goes with the SDK's errors: a note that says what to do, or a line in the log where a default was answered."""

from __future__ import annotations

from ..core.compile import flag_type
from ..core.errors import FlagNotFound, NamespaceNotFound, WrongFlagType
from ..core.model import BOOLEAN_FLAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..core.errors import BurgeeError
    from ..core.snapshot import Namespace

FLAG_NOT_FOUND = "FLAG_NOT_FOUND_EVALUATION_REASON"
ERROR = "ERROR_EVALUATION_REASON"

# Past so many flags a guess takes longer than it is worth; past so many lines nobody reads them.
_MOST_GUESSED = 500
_MOST_LOGGED = 100
# Of keys that are kept, for they may be a stranger's.
_LONGEST = 200


class Excuses:
    """Why defaults were answered: logged once for each flag, or once for all where it is not the flag's fault."""

    __slots__ = ("_logged",)

    def __init__(self) -> None:
        self._logged: set[tuple[type[BurgeeError], str]] = set()

    def reason(self, error: BurgeeError, flag: str) -> str:
        """The reason of the default that is answered instead."""
        about_flag = isinstance(error, (FlagNotFound, WrongFlagType))
        excuse = type(error), str(flag)[:_LONGEST] if about_flag else ""
        if excuse not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(excuse)
            from logging import getLogger

            said = str(error)[: 2 * _LONGEST]
            getLogger("burgee.client").warning("the default was answered for flag %.200r: %s", flag, said)
        return FLAG_NOT_FOUND if isinstance(error, (FlagNotFound, NamespaceNotFound)) else ERROR


class Guesses:
    """What was probably meant, kept for flags that are asked for again and again."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[str, str | None] = {}

    def advise(self, error: BurgeeError, flag: str, namespace: Namespace) -> None:
        """Add a note to the error where something can be advised."""
        if isinstance(error, WrongFlagType):
            other = "boolean" if flag_type(namespace.document.flag(flag) or {}) == BOOLEAN_FLAG else "variant"
            error.add_note(f"flag {flag!r} is a {other} flag: ask for it with {other}()")
        if isinstance(error, FlagNotFound) and (guess := self._guess(flag, namespace)):
            error.add_note(f"did you mean {guess!r}?")

    def _guess(self, flag: str, namespace: Namespace) -> str | None:
        if flag in self._made:
            return self._made[flag]
        keys = namespace.document.flag_keys()
        too_many = len(self._made) >= _MOST_LOGGED or len(keys) > _MOST_GUESSED
        if too_many or not isinstance(flag, str) or len(flag) > _LONGEST:
            return None
        from difflib import get_close_matches

        guess = self._made[flag] = next(iter(get_close_matches(flag, keys, 1)), None)
        return guess
