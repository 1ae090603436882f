"""A reader's way to a place: slow at times, broken at times, and behind by up to the place's own lag."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ..core.errors import Unavailable
from ..fetch.port import MAX_BYTES, NOT_MODIFIED, Fetched
from .clock import ReaderClock
from .place import Place

TIMEOUT_MS = 10_000
# Shares of requests: that fail at once, that are never answered, during which the function is frozen, that are slow.
_FAILS, _HANGS, _FREEZES, _SLOW = 0.02, 0.03, 0.034, 0.06
_LATENCY_MS, _SLOW_MS = 40, 4_000

Outage = tuple[int, int]


class Way:
    """A fetcher (see fetch.port) for one reader, whose clock moves while it waits.

    `lag` (ms) is how long what was written may stay unseen here: one reader in two is always the last to see it, for
    the others it comes and goes. `outages` are spans of real time in which nothing is answered; `frozen` is how long
    (ms) a reader stands still that is frozen while it waits.
    """

    __slots__ = ("_chance", "_clock", "_frozen", "_lag", "_last_to_see", "_outages", "_place")

    def __init__(
        self, place: Place, clock: ReaderClock, chance: Random, *, lag: int, frozen: int, outages: Sequence[Outage]
    ) -> None:
        self._place = place
        self._clock = clock
        self._chance = chance.random
        self._lag = lag
        self._frozen = frozen
        self._outages = outages
        self._last_to_see = chance.random() < 0.5

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        fate = self._chance()
        self._travel(key, fate)
        seen = 1.0 if self._last_to_see else self._chance()
        found = self._place.as_of(key, self._clock.real - int(seen * self._lag))
        if _HANGS <= fate < _FREEZES:
            self._clock.freeze(self._frozen)
        self._clock.real += int(_LATENCY_MS * self._chance())
        return NOT_MODIFIED if found.etag == etag else Fetched(found.content, found.etag)

    def close(self) -> None:
        """Nothing is kept open."""

    def _travel(self, key: str, fate: float) -> None:
        """The way there. Raises Unavailable where it ends before."""
        clock = self._clock
        clock.real += int((_SLOW_MS if _FREEZES <= fate < _SLOW else _LATENCY_MS) * self._chance())
        away = any(begin <= clock.real < end for begin, end in self._outages)
        if _FAILS <= fate < _HANGS or (away and fate < 0.5):
            clock.real += TIMEOUT_MS
            raise Unavailable(f"wanted {key} in {self._place.url}, no answer within {TIMEOUT_MS} ms")
        if fate < _FAILS or away:
            raise Unavailable(f"wanted {key} in {self._place.url}, it is away")
