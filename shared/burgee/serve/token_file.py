"""The file of tokens, read again when it changes, so that tokens are rotated without a restart.

Law: a file that is gone or wrong leaves the last good tokens in force, and says so.
"""

from __future__ import annotations

from os import stat
from stat import S_ISREG

from ..core.errors import ConfigurationError
from .tokens import read_tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .tokens import Token

LOOK_MS = 1_000
# A file changed this recently may change again within the same tick of its clock: it is read again anyway.
_UNSETTLED_NS = 2_000_000_000
_LARGEST_BYTES = 4 * 1024 * 1024


class TokenFile:
    """Tokens of a file, at most a second old; safe among threads, for what is replaced is replaced whole."""

    __slots__ = ("_look_at", "_now", "_said", "_say", "_seen", "_tokens", "fault", "path")

    def __init__(self, path: str, *, now: Callable[[], int], say: Callable[[str], object]) -> None:
        """Reads the file. `now` is in milliseconds, `say` is told once of each fault.

        Raises ConfigurationError for a file that cannot be read, is wrong or holds no entry.
        """
        self.path = path
        self.fault: str | None = None
        self._now = now
        self._say = say
        self._said: str | None = None
        self._seen: tuple[int, int, int] | None = None
        self._tokens: Sequence[Token] = self._read()
        self._look_at = (now(), now() + LOOK_MS)

    def tokens(self) -> Sequence[Token]:
        """The tokens in force; the same object for as long as the file is the same."""
        now, (looked, due) = self._now(), self._look_at
        if not looked <= now < due:
            # Set before the look, so that one thread looks and the others go on.
            self._look_at = (now, now + LOOK_MS)
            self._look()
        return self._tokens

    def _look(self) -> None:
        try:
            if self._version() == self._seen and self.fault is None:
                return
            tokens = self._read()
        except ConfigurationError as error:
            self.fault = f"{error}; the last good tokens stay in force"
            if self._said != self.fault:
                self._said = self.fault
                self._say(f"tokens: {self.fault}")
            return
        self.fault = None
        if self._said is not None:
            self._said = None
            self._say(f"tokens: {self.path} is read again")
        if tokens != self._tokens:
            self._tokens = tokens

    def _version(self) -> tuple[int, int, int]:
        try:
            found = stat(self.path)  # noqa: PTH116 - importing pathlib would take longer than the rest of this room
        except OSError as error:
            raise ConfigurationError(f"cannot read {self.path}: {error.strerror}") from error
        if not S_ISREG(found.st_mode):
            # To read a pipe is to wait for who writes, and requests wait too.
            raise ConfigurationError(f"{self.path} is not a file; tokens are read again from it, which no pipe allows")
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Sequence[Token]:
        version = self._version()
        if version[1] > _LARGEST_BYTES:
            raise ConfigurationError(f"{self.path} has {version[1]} bytes, wanted at most {_LARGEST_BYTES}")
        try:
            with open(self.path, "rb") as file:  # noqa: PTH123 - as above
                lines = file.read(_LARGEST_BYTES).decode()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"cannot read {self.path}: {error}") from error
        tokens = read_tokens(lines, self.path)
        settled = self._now() * 1_000_000 - version[0] > _UNSETTLED_NS
        self._seen = version if settled else None
        return tokens
