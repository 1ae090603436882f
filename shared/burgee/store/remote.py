"""Objects behind a network, whoever keeps them: asked again when that may help, and written under conditions.

Law: every write carries a mark of its own. One that came to an unknown end is looked for by it, so that nobody takes
their own write for somebody else's, nor somebody else's for their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Literal, Protocol, TypeVar

from ..core.errors import BurgeeError, Conflict, InvalidDocument, InvalidRequest, Unavailable
from .pace import Pace
from .port import Object, checked_key, checked_prefix

# As much as readers take.
LARGEST_BYTES = 32 * 1024 * 1024

Right = Literal["read", "write", "list"]
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Write:
    """A conditional write: of the version whose etag is `expected`, or of an object that is not there (None).

    `mark` is kept with the object, as metadata of it.
    """

    content: bytes
    expected: str | None
    mark: str
    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the fault of one attempt means.

    `passes`: another attempt may do better. `is_missing`: there is no such object. Of a write, `is_lost`: its condition
    did not hold; `is_race`: another was going on, so it is not done and has not lost either; `may_be_done`: it may have
    been done in spite of the fault.
    """

    passes: bool = False
    is_missing: bool = False
    is_lost: bool = False
    is_race: bool = False
    may_be_done: bool = False


class Wire(Protocol):
    """One cloud's place for objects, by the cloud's own client; safe among threads.

    Each of the first four is one attempt, and raises one of `faults`, or a BurgeeError that no other attempt mends.
    """

    @property
    def url(self) -> str:
        """The place as messages name it."""

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """What its client raises, as `except` takes them."""

    def get(self, key: str) -> Object:
        """An object of at most LARGEST_BYTES. Raises InvalidDocument for a larger one."""

    def put(self, key: str, write: Write) -> str:
        """Write an object; its new etag."""

    def look(self, key: str) -> tuple[str, str | None]:
        """The etag of an object and the mark of the write that made it, None when that had none."""

    def list(self, prefix: str) -> Iterable[str]:
        """The keys that begin with a prefix, in any order, whoever wrote them."""

    def meaning(self, error: Exception) -> Meaning:
        """What one of `faults` means; a fault may say where to ask from now on."""

    def fault(self, attempt: str, right: Right, error: Exception) -> BurgeeError:
        """What to tell a person of an attempt that needs `right`."""

    @property
    def place(self) -> str:
        """Where exactly objects are asked for, for people."""

    def asked_by(self) -> str:
        """Who asks, as a person may see it. Raises Denied when that cannot be found out."""

    def clock_difference(self) -> float | None:
        """Seconds by which the server's clock is ahead of this machine's, by its last answer; None before one."""


class RemoteObjects:
    """The four verbs over a wire; safe among threads, and nobody is asked before the first of them."""

    def __init__(self, wire: Wire, *, pace: Pace, make_mark: Callable[[], str] = lambda: token_hex(16)) -> None:
        """`make_mark` gives another text each time."""
        self.wire = wire
        self._pace = pace
        self._make_mark = make_mark

    @property
    def url(self) -> str:
        return self.wire.url

    def get(self, key: str) -> Object:
        checked_key(key)
        return self.ask(f"GET {self.url}/{key}", "read", lambda: self.wire.get(key))

    def put_new(self, key: str, content: bytes, *, content_type: str, cache_control: str) -> str:
        return self.swap(key, content, expected=None, content_type=content_type, cache_control=cache_control)

    def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
        checked_key(key)
        if expected == "":
            raise self._conflict(key, expected)
        return self._written(key, Write(content, expected, self._make_mark(), content_type, cache_control))

    def list(self, prefix: str) -> Iterator[str]:
        checked_prefix(prefix)
        keys = self.ask(f"list {self.url}/{prefix}*", "list", lambda: list(self.wire.list(prefix)))
        return iter(sorted(filter(_is_key, keys)))

    def ask(self, attempt: str, right: Right, request: Callable[[], _Answer]) -> _Answer:
        """What `request` of the wire gives, asked again where that may help. Raises what its last fault means."""
        failed: Exception | None = None
        for _ in self._pace.attempts():
            try:
                return request()
            except self.wire.faults as error:
                failed = error
                if not self.wire.meaning(error).passes:
                    break
        assert failed is not None
        raise self.wire.fault(attempt, right, failed) from failed

    def _written(self, key: str, write: Write) -> str:
        """The etag of a write. Raises Conflict, or what the last fault means."""
        meanings: list[Meaning] = []
        failed: Exception | None = None
        for _ in self._pace.attempts():
            try:
                return self.wire.put(key, write)
            except self.wire.faults as error:
                failed = error
                meanings.append(self.wire.meaning(error))
                if not meanings[-1].passes:
                    break
        assert failed is not None
        if meanings[-1].is_race or any(meaning.may_be_done for meaning in meanings):
            return self._found_written(key, write, failed)
        raise self._refusal(key, write, failed) from failed

    def _found_written(self, key: str, write: Write, failed: Exception) -> str:
        """The etag of a write that was done in spite of its faults. Raises as `_written` does when it was not."""
        etag, mark = self._look(key)
        if etag is not None and mark == write.mark:
            return etag
        if etag != write.expected:
            raise self._conflict(key, write.expected) from failed
        raise self._refusal(key, write, failed) from failed

    def _look(self, key: str) -> tuple[str | None, str | None]:
        """As Wire says; None twice when there is no object."""

        def look() -> tuple[str | None, str | None]:
            try:
                return self.wire.look(key)
            except self.wire.faults as error:
                if self.wire.meaning(error).is_missing:
                    return None, None
                raise

        try:
            return self.ask(f"HEAD {self.url}/{key}", "read", look)
        except BurgeeError as error:
            raise Unavailable(f"whether {key} in {self.url} was written is not known: {error}") from error

    def _refusal(self, key: str, write: Write, error: Exception) -> BurgeeError:
        if self.wire.meaning(error).is_lost:
            return self._conflict(key, write.expected)
        return self.wire.fault(f"PUT {self.url}/{key}", "write", error)

    def _conflict(self, key: str, expected: str | None) -> Conflict:
        if expected is None:
            return Conflict(f"wanted to write {key} in {self.url} for the first time, it exists")
        return Conflict(f"wanted {key} in {self.url} at etag {expected}, it is at another")


def whole(pieces: Iterable[bytes], *, key: str, url: str) -> bytes:
    """The pieces of an object's content as one. Raises InvalidDocument when there is more than readers take."""
    kept: list[bytes] = []
    size = 0
    for piece in pieces:
        kept.append(piece)
        size += len(piece)
        if size > LARGEST_BYTES:
            raise InvalidDocument(f"{key} in {url}: {size} bytes or more, wanted at most {LARGEST_BYTES}")
    return b"".join(kept)


def milliseconds(instant: datetime | None) -> int | None:
    """An instant as the SDKs give it, in milliseconds since the epoch."""
    return None if instant is None else int(instant.timestamp() * 1000)


def _is_key(text: str) -> bool:
    """Whether burgee could have written it: a bucket may hold what others put there."""
    try:
        checked_key(text)
    except InvalidRequest:
        return False
    return True
