"""Whether every byte of a store is the one that was written, as far as digests and the chain of releases can tell.

Law: a fault names the object that has it, and one fault does not hide another.

What nothing names by a digest is the head, beside the releases in it, and the index: these are proven by signatures if
there is a check for them, else as far as burgee would write the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..bundle import keys
from ..bundle.digest import is_digest
from ..bundle.index import decode_index, encode_index
from ..core.errors import ContentError, InvalidRequest, NotFound
from . import contents
from .contents import Contents
from .environment import ENVIRONMENTS, Environment, Log
from .examined import Examined, Means
from .fault import Fault, broken, rewritten, surplus

# An environment in which something is wrong is looked at again when its head has moved meanwhile.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: `notes` say what is no fault, `objects` is how many were read."""

    logs: Sequence[Log]
    faults: Sequence[Fault]
    notes: Sequence[str]
    objects: int


def verify_store(means: Means) -> Verified:
    """Every environment of a store, and all that is there besides.

    Raises NotFound where nothing was ever published, Unavailable, Denied.
    """
    with Examined(means) as examined:
        work = _Work(examined)
        for environment in work.environments():
            work.environment(environment)
        work.contents()
        work.rest()
        return work.done()


def verify_environment(means: Means, environment: str, revision: int | None = None) -> Verified:
    """One environment; or one release of it, and the chain that leads to it from the head.

    Raises NotFound when it has no such release, Unavailable, Denied.
    """
    with Examined(means) as examined:
        work = _Work(examined)
        work.environment(environment, revision)
        work.contents()
        return work.done()


class _Work:
    """What is known so far."""

    def __init__(self, examined: Examined) -> None:
        self._examined = examined
        self._contents = Contents()
        self._logs: list[Log] = []
        self._sound: dict[str, frozenset[str]] = {}
        self._faults: list[Fault] = []
        self._notes: list[str] = []

    def done(self) -> Verified:
        return Verified(self._logs, self._faults, self._notes, self._examined.read)

    def environments(self) -> Sequence[str]:
        """Those that the index lists or that there are objects of: of a branch that is gone the log stays."""
        indexed = self._indexed()
        folders = {name for key in self._listed(ENVIRONMENTS) if (name := _environment_of(key))}
        if isinstance(indexed, Fault):
            if indexed.kind == "missing" and not folders:
                raise NotFound(f"nothing has been published there: no {keys.INDEX}")
            self._faults.append(indexed)
            return sorted(folders)
        return sorted({*indexed, *folders})

    def environment(self, name: str, revision: int | None = None) -> None:
        for left in reversed(range(_TRIES)):
            key = keys.head(name)
            seen = self._examined.get(key, f"the head of {name!r}")
            looked = Environment(self._examined, name, seen)
            log, entries, found = looked.examine(revision)
            faults = [one for one in found if isinstance(one, Fault)]
            if not faults or not left or self._examined.get(key, "") == seen:
                break
        self._logs.append(log)
        self._sound[name] = looked.sound
        self._contents.add(entries)
        self._faults += faults
        self._notes += [one for one in found if isinstance(one, str)]

    def contents(self) -> None:
        """Of a release whose contents are damaged nobody can say that it is sound."""
        faults = list(contents.check(self._examined, self._contents))
        users = self._contents.users({fault.key for fault in faults}) if faults else {}
        for fault in faults:
            named = [entry.release for entry in users[fault.key]]
            self._faults.append(replace(fault, used_by=tuple(f"{one.environment}@{one.revision}" for one in named)))
        damaged = {entry.digest for entries in users.values() for entry in entries}
        self._logs = [replace(log, sound=len(self._sound[log.environment] - damaged)) for log in self._logs]

    def rest(self) -> None:
        """What is there and named by nothing."""
        listed = list(self._listed(""))
        named = self._contents.keys()
        known = {keys.INDEX, keys.PROBE, *named}
        unnamed = []
        for key in listed:
            if key in known or _environment_of(key):
                continue
            if key.startswith(f"{keys.BLOBS}/") and is_digest(f"sha256:{key.removeprefix(keys.BLOBS + '/')}"):
                unnamed.append(key)
            else:
                self._faults.append(surplus(key))
        self._faults += contents.check_unnamed(self._examined, unnamed)
        if unnamed:
            count = f"{len(unnamed)} blob is" if len(unnamed) == 1 else f"{len(unnamed)} blobs are"
            self._notes.append(f"{count} named by no release, as a publish leaves them that was overtaken by another")

    def _indexed(self) -> Fault | Iterable[str]:
        found = self._examined.get(keys.INDEX, "the index of environments")
        if isinstance(found, Fault):
            return found
        try:
            index = decode_index(found)
        except ContentError as error:
            return broken(keys.INDEX, "an index of environments", error)
        self._faults += rewritten(keys.INDEX, found, encode_index(index.repository, index.environments))
        return tuple(index.environments)

    def _listed(self, prefix: str) -> Iterable[str]:
        return self._examined.list(prefix) or ()


def _environment_of(key: str) -> str | None:
    """The environment that an object is one of."""
    beginning, _, rest = key.removeprefix(ENVIRONMENTS).partition("/")
    try:
        return keys.checked_environment(beginning) if rest and key.startswith(ENVIRONMENTS) else None
    except InvalidRequest:
        return None
