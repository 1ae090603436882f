"""One environment of a store, examined: its head, its log, its static snapshots, and what is there besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..bundle import keys
from ..bundle.head import Entry, Head, active_at, decode_head, encode_head
from ..core.errors import ContentError, NotFound
from . import statics
from .chain import walk
from .examined import Examined
from .fault import Fault, broken, rewritten, surplus

ENVIRONMENTS = "environments/"


@dataclass(frozen=True, slots=True)
class Log:
    """An environment, the number of its newest release (0: none), how many were looked at, and how many were sound."""

    environment: str
    revision: int
    walked: int
    sound: int


class Environment:
    """One look at an environment, with its head as it was `seen`."""

    def __init__(self, examined: Examined, name: str, seen: bytes | Fault) -> None:
        self._means = examined.means
        self._examined = examined
        self._name = name
        self._key = keys.head(name)
        self._head: Head | None = None
        self._seen = seen
        self._found: list[Fault | str] = []
        # The digests of the releases that are as they were written.
        self.sound: frozenset[str] = frozenset()

    def examine(self, revision: int | None) -> tuple[Log, Sequence[Entry], Sequence[Fault | str]]:
        """The log, the sound releases whose contents are to be looked at, and what was found."""
        listed = self._examined.list(f"{ENVIRONMENTS}{self._name}/")
        self._head = self._decoded(listed)
        newest = self._head.revision if self._head else _highest(self._name, listed or ())
        if revision is not None and not 1 <= revision <= newest:
            raise NotFound(f"environment {self._name!r} has releases 1 to {newest}, not {revision}")
        held = {entry.release.revision: entry for entry in self._head.releases} if self._head else {}
        chain = walk(self._examined, self._name, held, newest=newest, oldest=revision or 1)
        self._found += chain.found
        self.sound = frozenset(entry.digest for entry in chain.entries)
        log = Log(self._name, newest, newest + 1 - (revision or 1), len(chain.entries))
        if revision is not None:
            return log, [entry for entry in chain.entries if entry.release.revision == revision], self._found
        self._check_statics({entry.release.revision: entry for entry in chain.entries}, listed)
        self._found += [surplus(key) for key in sorted(listed or ()) if not self._is_known(key, newest)]
        return log, (*chain.entries, *held.values()), self._found

    def _decoded(self, listed: set[str] | None) -> Head | None:
        """The head, as far as it is one."""
        if isinstance(self._seen, Fault):
            if self._seen.kind != "missing" or self._has_releases(listed):
                self._found.append(self._seen)
            return None
        try:
            head = decode_head(self._seen)
            if head.environment != self._name:
                raise ContentError(f"it is the head of {head.environment!r}")
        except ContentError as error:
            self._found.append(broken(self._key, f"the head of {self._name!r}", error))
            return None
        try:
            if self._means.believe is not None:
                self._means.believe(self._seen)
        except ContentError as error:
            self._found.append(broken(self._key, f"the head of {self._name!r}, signed", error))
        self._found += rewritten(self._key, self._seen, encode_head(head))
        return head

    def _has_releases(self, listed: set[str] | None) -> bool:
        """An environment is in the index before it has any."""
        first = keys.release(self._name, 1)
        if listed is not None:
            return bool(listed)
        return not isinstance(self._examined.get(first, "a release"), Fault)

    def _check_statics(self, entries: Mapping[int, Entry], listed: set[str] | None) -> None:
        prefix = keys.static_snapshots(self._name)
        if self._head is not None:
            active = active_at(self._head, self._means.at)
        else:
            begun = [number for number, entry in entries.items() if entry.release.activates_at <= self._means.at]
            active = entries[max(begun)] if begun else None
        if active is None:
            return
        there = None if listed is None else {key.removeprefix(prefix) for key in listed if key.startswith(prefix)}
        self._found += statics.check(self._examined, self._name, active, entries, there, at=self._means.at)

    def _is_known(self, key: str, newest: int) -> bool:
        if key == self._key or key.startswith((keys.static_snapshots(self._name), keys.instances(self._name))):
            return True
        number = _number(self._name, key)
        return number is not None and 1 <= number <= newest


def _highest(environment: str, listed: Iterable[str]) -> int:
    return max((number for key in listed if (number := _number(environment, key)) is not None), default=0)


def _number(environment: str, key: str) -> int | None:
    """The number of the release that a key is of."""
    digits = key.rpartition("/")[2].partition(".")[0]
    if not (digits.isascii() and digits.isdecimal()):
        return None
    return int(digits) if key == keys.release(environment, int(digits)) else None
