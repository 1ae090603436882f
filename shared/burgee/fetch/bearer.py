"""Tokens that whoever has them may ask with: read from a service's answer, and kept until shortly before they expire.

Law: what still holds goes on being used when another cannot be had; one thread looks, the others go on.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections import namedtuple
from os import getpid

from ..core.errors import BurgeeError, ConfigurationError, Denied, Unavailable
from ..core.visible import shortened, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable
    from typing import Any

    from .connections import Reply

RENEWED_BEFORE_MS = 300_000
# Between two attempts to renew what still holds.
PAUSE_MS = 10_000
PATIENCE_SECONDS = 10.0
# Then it is looked again whether there is somebody by now.
_NOBODY_MS = RENEWED_BEFORE_MS + 60_000


class Token(namedtuple("Token", "text expires_at source")):
    """`text` is None for nobody and is not shown; `expires_at` is an instant or None, `source` words for people."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Token({self.shown()})"

    def shown(self) -> str:
        """Who has it, as a person may see it."""
        return str(self.source)

    def headers(self) -> dict[str, str]:
        """What a request has to say to be asked with it."""
        return {"Authorization": f"Bearer {self.text}"} if self.text else {}


class HeldToken:
    """A token that was found, renewed when it is about to expire or was refused.

    Whatever else has an `expires_at` is kept in the same way.
    """

    __slots__ = ("_early_ms", "_find", "_held", "_locks", "_now", "_wanted")

    def __init__(
        self,
        find: Callable[[], Any],
        now: Callable[[], int],
        *,
        wanted: str = "a token",
        early_ms: int = RENEWED_BEFORE_MS,
    ) -> None:
        """Looks for nothing yet.

        `find` may raise any BurgeeError, `now` gives milliseconds since the epoch, `wanted` says what is looked for,
        `early_ms` how long before it expires.
        """
        self._find = find
        self._now = now
        self._wanted = wanted
        self._early_ms = early_ms
        # What was found and when it is due to be renewed: replaced whole, other threads read it.
        self._held: tuple[Any, float] | None = None
        self._locks: dict[int, LockType] = {}

    @property
    def was_found(self) -> bool:
        """Whether the last token was somebody's, though it may have expired since."""
        return self._held is not None and self._held[0].text is not None

    def current(self) -> Any:
        """What to ask with. Raises Denied and Unavailable while there is nothing that still holds."""
        fresh = self._fresh()
        if fresh is not None:
            return fresh
        lock = self._own_lock()
        if not lock.acquire(timeout=PATIENCE_SECONDS if self._valid() is None else 0):
            return self._while_another_looks()
        try:
            # Another thread may have renewed it while this one waited.
            return self._fresh() or self._renewed()
        finally:
            lock.release()

    def renewed(self, refused: Any) -> bool:
        """Whether there is another, after a look if need be, than the one that was refused. Raises as `current`."""
        lock = self._own_lock()
        if not lock.acquire(timeout=PATIENCE_SECONDS):
            return False
        try:
            held = self._held[0] if self._held else None
            return not _is_same(self._found() if held == refused else held, refused)
        finally:
            lock.release()

    def _fresh(self) -> Any:
        """What is held, unless it is time to renew it."""
        held = self._held
        return held[0] if held is not None and self._now() < held[1] else None

    def _valid(self) -> Any:
        """What is held, unless it has expired."""
        found = self._held[0] if self._held else None
        return found if found and (found.expires_at is None or self._now() < found.expires_at) else None

    def _while_another_looks(self) -> Any:
        valid = self._valid()
        if valid is None:
            raise Unavailable(f"another thread has looked for {self._wanted} for {PATIENCE_SECONDS:g} s")
        return valid

    def _renewed(self) -> Any:
        try:
            return self._found()
        except BurgeeError:
            valid = self._valid()
            if valid is None:
                raise
            self._held = (valid, self._now() + PAUSE_MS)
            return valid

    def _found(self) -> Any:
        """What a look finds, held from now on."""
        try:
            found = self._find()
        except ConfigurationError as error:
            raise Denied(f"no credentials to ask with: {error}") from error
        # A service may hand out what is about to expire: it is not asked again at once either.
        soon = self._now() + PAUSE_MS
        due_at = float("inf") if found.expires_at is None else max(found.expires_at - self._early_ms, soon)
        self._held = (found, due_at)
        return found

    def _own_lock(self) -> LockType:
        """That of this process: one that a thread held when its process forked is held in the child for ever."""
        pid = getpid()
        return self._locks.get(pid) or self._locks.setdefault(pid, allocate_lock())


def nobody(looked: str, *, now: int) -> Token:
    """What to ask with after a look in vain, for a while: a machine may just have started."""
    return Token(None, now + _NOBODY_MS, f"nobody, for there are no credentials ({looked})")


def granted(reply: Reply, *, now: int, source: str, seconds: int = 0) -> Token:
    """The token of an answer as OAuth has it (RFC 6749, 5): `access_token` or `token`, and how long it holds.

    `seconds` is how long when the answer does not say. Raises Denied and Unavailable.
    """
    fields = _fields(reply.content)
    if reply.status != 200:
        raise _refused(reply, fields, source)
    text, lasts = fields.get("access_token") or fields.get("token"), fields.get("expires_in")
    try:
        # Microsoft's services write numbers as text, and one of them an instant instead of a time.
        until = now + int(lasts) * 1000 if lasts else int(fields["expires_on"]) * 1000
    except (KeyError, TypeError, ValueError, OverflowError):
        until = now + seconds * 1000
    if not isinstance(text, str) or not is_token(text):
        raise Unavailable(f"{reply.url} answered no token for {source}")
    return Token(text, until, source)


def is_token(text: str) -> bool:
    """Whether it can stand in a header as it is."""
    return text != "" and text.isascii() and text.isprintable() and " " not in text


def _is_same(found: Any, refused: Any) -> bool:
    """Whether it is what was refused, for however long it holds."""
    return found is not None and found._replace(expires_at=None) == refused._replace(expires_at=None)


def _refused(reply: Reply, fields: dict[str, Any], source: str) -> BurgeeError:
    told = [shortened(str(fields[name]).splitlines()[0]) for name in ("error", "error_description") if fields.get(name)]
    said = ": ".join((f"{reply.url}: {reply.status} {reply.reason}", *told))
    message = f"{visible(said.rstrip('.'))}; asked for a token of {source}"
    return Denied(message) if reply.status in (400, 401, 403) else Unavailable(message)


def _fields(content: bytes) -> dict[str, Any]:
    from json import loads

    try:
        fields = loads(content)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
