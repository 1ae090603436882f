"""One reader's life: it starts, is asked, is frozen and asked again, on its own clocks and ways to the stores.

Law: readers do not meet. Each is as it is whatever the others are, so each can be lived through by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from ..bundle.head import decode_head
from ..core.errors import NotReady
from ..fetch.fallbacks import Fallbacks
from ..fetch.live import Live
from .clock import ReaderClock, reader_clock
from .publishing import Published, Shown
from .scenario import CHARTED, ENVIRONMENT, Scenario, pushes, watched
from .way import Way

# The real instant of an answer, the revision it is from, the reader's age (ms), and whether it would say STALE.
Hear = Callable[[int, int, int | None, bool], None]

_ASKS_IN_A_TTL = 6
_ASKS_AROUND = 10
_STARTS_AT_A_WORST_MOMENT = 0.3
_READS_ONE_STORE = 0.5
_MOST_FREEZES = 3
# Thousands of readers check the same few heads before each decodes them for itself.
_decode = lru_cache(maxsize=64)(decode_head)


@dataclass(frozen=True, slots=True)
class World:
    """What is the same for all readers: where they read, the span of real time (ms) in which they live, that of the
    chart, and the `moments` at which mistakes show: publishing, and the instants of what is published."""

    scenario: Scenario
    shown: tuple[Shown, ...]
    begin: int
    end: int
    charted: range
    moments: tuple[int, ...]


def world_of(scenario: Scenario, published: Published) -> World:
    """The world in which `published` was made."""
    begin, end = watched(scenario)
    instants = {release.activates_at for release in published.releases[1:]}
    moments = sorted(instants | {push.at for push in pushes(scenario)[1:]})
    at = pushes(scenario)[CHARTED - 1].at
    charted = range(at - scenario.ttl // 4, at + scenario.span + scenario.fresh // 2)
    return World(scenario, published.shown, begin, end, charted, tuple(moments))


def live(number: int, world: World, hear: Hear) -> int:
    """Live through one reader's life, telling `hear` every answer: how often it had nothing to answer from."""
    chance = Random(f"{world.scenario.seed} reader {number}")
    clock = reader_clock(_start(world, chance), world.end, skew=world.scenario.skew, chance=chance)
    reader = _reader(number, world, clock, chance)
    refused = 0
    for instant, frozen in _events(clock.real, world, chance):
        if instant < clock.real:
            continue
        clock.real = instant
        clock.freeze(frozen)
        try:
            revision = reader.current().release.revision
        except NotReady:
            refused += 1
            continue
        hear(clock.real, revision, reader.age_ms(), reader.sure_ms() <= 0)
    return refused


def _start(world: World, chance: Random) -> int:
    scenario = world.scenario
    if chance.random() < _STARTS_AT_A_WORST_MOMENT:
        beside = chance.choice((-1, 0, 1, chance.randint(-scenario.skew, scenario.lag)))
        return chance.choice(world.moments) + beside
    return world.begin + chance.randint(0, scenario.ttl)


def _reader(number: int, world: World, clock: ReaderClock, chance: Random) -> Live:
    """A reader of one store, or of one and its neighbour; some want to look more often, or more seldom."""
    ttl, home = world.scenario.ttl, number % len(world.shown)
    places = [home] if chance.random() < _READS_ONE_STORE else [home, (home + 1) % len(world.shown)]
    frozen = chance.randint(1, 3) * ttl
    ways = [
        Way(shown.place, clock, chance, lag=shown.lag, frozen=frozen, outages=shown.outages)
        for shown in (world.shown[place] for place in places)
    ]
    fetcher = ways[0] if len(ways) == 1 else Fallbacks(ways, monotonic=clock.monotonic, decode=_decode)
    wanted = chance.choice((ttl, ttl, ttl, ttl // 6, 10 * ttl))
    return Live(fetcher, ENVIRONMENT, ttl_ms=wanted, clock=clock, random=chance.random)


def _events(begin: int, world: World, chance: Random) -> Sequence[tuple[int, int]]:
    """In their order: the instant, and how long (ms) the reader is frozen then before it is asked."""
    asked = [(instant, 0) for instant in _asked(begin, world, chance)]
    return sorted([*asked, *_freezes(world, chance)])


def _asked(begin: int, world: World, chance: Random) -> Iterator[int]:
    skew, lag = world.scenario.skew, world.scenario.lag
    pause, instant = world.scenario.ttl / _ASKS_IN_A_TTL, float(begin)
    while instant < world.end:
        yield int(instant)
        instant += chance.expovariate(1 / pause)
    # Often and evenly, so that every step of the chart has as many answers.
    step = max(1, int(pause) // 4)
    yield from range(world.charted.start + chance.randint(0, step), world.charted.stop, step)
    for moment in world.moments:
        yield moment - skew - 1
        yield moment + skew + 1
        for _ in range(_ASKS_AROUND):
            yield moment - 2 * skew + int(chance.random() * (4 * skew + lag))


def _freezes(world: World, chance: Random) -> Iterator[tuple[int, int]]:
    """When and how long; half of them end around a worst moment."""
    ttl, skew, lag = world.scenario.ttl, world.scenario.skew, world.scenario.lag
    for _ in range(chance.randint(0, _MOST_FREEZES)):
        frozen = chance.randint(ttl // 2, 5 * ttl)
        thaw = chance.choice(world.moments) + chance.randint(-skew, 2 * skew + lag)
        yield (thaw - frozen if chance.random() < 0.5 else chance.randint(world.begin, world.end)), frozen
