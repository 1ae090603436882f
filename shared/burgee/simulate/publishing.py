"""The publishing side: what is pushed becomes releases as it really does, in one store and its mirrors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from ..bundle.head import Head
from ..bundle.release import Origin, Release
from ..deliver.apply import apply, complete_log, released_documents
from ..deliver.candidate import Candidate, compile_bundle
from ..deliver.mirror import bring
from ..deliver.plan import Plan, Terms, plan
from ..store.objects import ObjectStore
from .place import Place
from .scenario import ENVIRONMENT, Push, Scenario, pushes, watched
from .way import Outage

# Of the lag, what writing the primary and its mirrors may take; the rest is until what was written is seen.
_WRITING, _MIRRORING = 0.25, 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """A place, how long (ms) what is written there may stay unseen, and when it answers no reader."""

    place: Place
    lag: int
    outages: tuple[Outage, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """The log that was made: its releases, and the places that show it, the primary first."""

    releases: tuple[Release, ...]
    shown: tuple[Shown, ...]


def publish(scenario: Scenario) -> Published:
    """Publish every push of the scenario, each by a publisher whose clock is wrong in its own way."""
    chance = Random(f"{scenario.seed} publishers")
    places = [Place(f"memory://store-{number}") for number in range(1, scenario.stores + 1)]
    releases = [_release(scenario, push, number, places, chance) for number, push in enumerate(pushes(scenario), 1)]
    writing, mirroring = int(scenario.lag * _WRITING), int(scenario.lag * _MIRRORING)
    lags = [scenario.lag - writing, *[scenario.lag - writing - mirroring] * (len(places) - 1)]
    return Published(tuple(releases), tuple(map(Shown, places, lags, _outages(scenario))))


def _release(scenario: Scenario, push: Push, number: int, places: Sequence[Place], chance: Random) -> Release:
    primary, *mirrors = places
    ahead = chance.randint(-scenario.skew, scenario.skew)
    store = ObjectStore(primary)
    found = store.read_head(ENVIRONMENT)
    head, etag = found[:2] if found else (None, None)
    planned = _plan(scenario, push, number, store, head, now=push.at + ahead)
    # Of the first one nothing is measured, so it may not take long.
    primary.now = push.at + (_some(scenario.lag * _WRITING, chance) if head else 0)
    made = apply(store, planned, head, etag, now=lambda: primary.now + ahead)
    complete_log(store, made)
    for mirror in mirrors:
        mirror.now = primary.now + _some(scenario.lag * _MIRRORING, chance)
        bring(store, ObjectStore(mirror), ENVIRONMENT, now=lambda: push.at)
    release: Release = made.last.release
    return release


def _plan(scenario: Scenario, push: Push, number: int, store: ObjectStore, head: Head | None, *, now: int) -> Plan:
    # The publisher believes of readers what it always has; the head tells readers the truth.
    believed = scenario.pace.reader_ttl // 1000
    known = head and head._replace(lags_ms=(scenario.lag,), max_reader_ttl_seconds=believed, ttl_until=None)
    terms = Terms(ENVIRONMENT, "C/server", scenario.pace, when=push.when)
    origin = Origin("https://example.org/flags", "main", f"{number:040x}", None)
    planned = plan(known, released_documents(store, head), _candidate(number), terms, origin=origin, now=now)
    assert planned.head is not None and planned.release is not None, "every push changes a flag"
    return replace(planned, head=planned.head._replace(max_reader_ttl_seconds=scenario.ttl // 1000))


def _candidate(number: int) -> Candidate:
    flag = {"key": "new-checkout", "name": f"As release {number} has it", "type": "BOOLEAN_FLAG_TYPE"}
    documents: list[Mapping[str, object]] = [{"namespace": "default", "flags": [flag]}]
    return compile_bundle(documents)


def _outages(scenario: Scenario) -> Iterator[tuple[Outage, ...]]:
    """For each place two spans of minutes, one of them around something that is published."""
    chance = Random(f"{scenario.seed} outages")
    begin, end = watched(scenario)
    published = [push.at for push in pushes(scenario)[1:]]
    for _ in range(scenario.stores):
        middles = chance.choice(published), chance.randint(begin, end)
        lengths = [chance.randint(scenario.ttl, 4 * scenario.ttl) for _ in middles]
        yield tuple((at - length // 2, at + length // 2) for at, length in zip(middles, lengths, strict=True))


def _some(most: float, chance: Random) -> int:
    """Nothing, all, or something between: the ends are where mistakes are."""
    return int(most * chance.choice((0.0, 1.0, chance.random())))
