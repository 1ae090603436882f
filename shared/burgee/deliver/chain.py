"""The hash chain of a log, from its end backwards: which releases are what the one after them names.

Law: a fault is said of the object that has it. Below a release that is damaged the chain goes on with what the head
holds of it, else with what the damaged one says, and what disagrees with that alone is unproven. What the head holds
and is missing in the log is no fault: a publish that ends between the two leaves it so, and the next one writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..bundle import keys
from ..bundle.digest import digest_of
from ..bundle.head import Entry, entry_of
from ..bundle.log import release_entry, waiting_before
from ..core.errors import ContentError
from ..core.instant import format_instant
from .examined import Examined
from .fault import Fault, Kind, broken, described

_RELEASE = "a release"


@dataclass(slots=True)
class Chain:
    """What a walk found: the releases that are what they should be, newest first, what is wrong with others, and in
    words which ones nothing proves."""

    entries: list[Entry] = field(default_factory=list)
    found: list[Fault | str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Later:
    """The release after the one that is looked at, and whether it is what it should be: `wanted`, if that is known."""

    entry: Entry
    sound: bool
    wanted: str | None

    def proves(self, entry: Entry) -> bool:
        """Whether it is damaged in just what it says of the release before it, and would be sound if it named this."""
        repaired = entry_of(self.entry.release._replace(previous=entry.digest))
        return bool(self.wanted == repaired.digest)


def walk(examined: Examined, environment: str, held: Mapping[int, Entry], *, newest: int, oldest: int = 1) -> Chain:
    """The releases from `newest` down to `oldest`; `held` are those that the head holds, by revision."""
    chain = Chain()
    later: _Later | None = None
    wanted = ((keys.release(environment, number), _RELEASE) for number in range(newest, oldest - 1, -1))
    for number, (key, found) in zip(range(newest, oldest - 1, -1), examined.releases(wanted), strict=True):
        digest = held[number].digest if number in held else later.entry.release.previous if later else None
        if isinstance(found, Fault) and found.kind == "missing" and number in held:
            chain.found.append(f"{key} is missing, and in the head: it will be written by the next publish")
            found = held[number].payload.encode()
        entry, faults = _judged(key, found, environment, number, digest, None if number in held else later)
        chain.found += faults
        if entry is not None and not faults:
            chain.entries.append(entry)
            chain.found += _order(key, entry, later)
            if digest is None:
                chain.found.append(f"{key} is proven by nothing: what names it by its digest is missing or no release")
        known = held.get(number) or entry
        later = known and _Later(known, number in held or not faults, digest)
    return chain


def _judged(
    key: str, found: bytes | Fault, environment: str, number: int, wanted: str | None, later: _Later | None
) -> tuple[Entry | None, list[Fault]]:
    """The release as it is there, if it is one, and what is wrong with it; without `later` the head says what it is."""
    if isinstance(found, Fault):
        return None, [Fault(key, found.kind, wanted or found.wanted, found.found)]
    try:
        entry = release_entry(found, environment=environment, revision=number)
    except ContentError as error:
        if wanted and digest_of(found) != wanted:
            return None, [Fault(key, "changed", wanted, described(found))]
        return None, [broken(key, f"release {number} of {environment!r}", error)]
    if entry.digest == wanted or (wanted is None and later is None):
        return entry, []
    if later is not None and not later.sound and later.proves(entry):
        return entry, []
    kind: Kind = "changed" if later is None or later.sound else "unproven"
    return entry, [Fault(key, kind, wanted or "none, for the release after it names none", described(found))]


def _order(key: str, entry: Entry, later: _Later | None) -> Iterator[Fault]:
    """What is wrong with a release whose bytes are those that were written."""
    release = entry.release
    try:
        waiting_before(release)
    except ContentError as error:
        yield broken(key, "a release that can follow the one before it", error)
    if (release.previous is None) != (release.revision == 1):
        wanted = "no release before the first" if release.revision == 1 else "the digest of the release before it"
        yield Fault(key, "broken", wanted, str(release.previous or "none"))
    if later is not None and later.sound and later.entry.release.published_at <= release.published_at:
        yield Fault(
            keys.release(release.environment, release.revision + 1),
            "broken",
            f"an instant of publishing after {format_instant(release.published_at)}",
            format_instant(later.entry.release.published_at),
        )
