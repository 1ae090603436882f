"""Running a scenario: what is published, then one reader's life after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .answers import Answers, Change, Strayed
from .publishing import publish
from .reader import live, world_of
from .scenario import CHARTED, Scenario

_SAID_EVERY = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scenario came to; times are in milliseconds.

    `fresh` and `stale` count answers, `refused` how often a reader had nothing to answer from. `strayed` has some
    of the `strayed_count` answers that break the promise, `worst` the one furthest from its change if any was off.
    `charted_at` is when the release of the chart was published; `shares` maps steps of the time since then to how many
    fresh answers were given, and how many of them have it.
    """

    scenario: Scenario
    fresh: int
    stale: int
    refused: int
    changes: tuple[Change, ...]
    strayed_count: int
    strayed: tuple[Strayed, ...]
    worst: Strayed | None
    charted_at: int
    shares: dict[int, tuple[int, int]]

    @property
    def charted(self) -> Change:
        """How the release of the chart became active."""
        return next(change for change in self.changes if change.revision == CHARTED)

    @property
    def window(self) -> int:
        """The longest time (ms) in which fresh readers gave different answers."""
        return max(change.window for change in self.changes)


def simulate(scenario: Scenario, *, progress: Callable[[int], None] = lambda readers: None) -> Outcome:
    """Live through the whole scenario. The same scenario always comes to the same."""
    published = publish(scenario)
    world, answers = world_of(scenario, published), Answers(scenario, published.releases)
    refused = 0
    for number in range(scenario.readers):
        if number % _SAID_EVERY == 0:
            progress(number)
        answers.reader = number
        refused += live(number, world, answers.hear)
    return Outcome(
        scenario,
        answers.fresh,
        answers.stale,
        refused,
        answers.changes(),
        answers.strayed_count,
        tuple(answers.strayed),
        answers.worst,
        published.releases[CHARTED - 1].published_at,
        {step: (asked, new) for step, (asked, new) in sorted(answers.shares.items())},
    )
