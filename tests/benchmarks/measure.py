"""Measuring side by side: contenders take turns in every round, and the middle of the rounds counts.

A machine that others use too is slower now and faster then; what ran within the same second is still comparable.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Row:
    """Medians by contender, burgee first, and each other's value over burgee's: the median of the rounds' ratios."""

    name: str
    values: Mapping[str, float]
    ratios: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Target:
    """What an issue asks of a figure: of a ratio in `times` to be high, of one in any other unit to be low."""

    name: str
    measured: float
    reach: float
    aim: float
    unit: str = "times"

    @property
    def verdict(self) -> str:
        """How far the figure came: `aim`, `reached` or `missed`."""
        if self._at(self.aim):
            return "aim"
        return "reached" if self._at(self.reach) else "missed"

    def _at(self, limit: float) -> bool:
        return self.measured >= limit if self.unit == "times" else self.measured <= limit


@dataclass(frozen=True, slots=True)
class Table:
    """One comparison; `unit` is that of every value, less of which is better."""

    title: str
    unit: str
    rows: tuple[Row, ...]
    targets: tuple[Target, ...] = ()


def side_by_side(name: str, rounds: int, contenders: Mapping[str, Measure]) -> Row:
    """Measure every contender once per round, in turn; the first one is burgee."""
    taken: dict[str, list[float]] = {contender: [] for contender in contenders}
    for _ in range(rounds):
        for contender, measure in contenders.items():
            taken[contender].append(measure())
    ours, *others = taken
    ratios = {
        other: median(theirs / mine for mine, theirs in zip(taken[ours], taken[other], strict=True)) for other in others
    }
    return Row(name, {contender: median(values) for contender, values in taken.items()}, ratios)


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes once, what it made being thrown away afterwards."""
    gc.collect()
    started = perf_counter()
    made = work()
    took = perf_counter() - started
    del made
    return took * 1000


@contextmanager
def collector(*, enabled: bool) -> Iterator[None]:
    """The garbage collector on or off for a while."""
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if before else gc.disable)()
