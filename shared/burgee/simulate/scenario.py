"""The scenario: how many readers there are, what their clocks and networks may do, and what is pushed when."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.instant import parse_instant
from ..deliver.instants import AS_USUAL, ASSUMED_LAG_MS, Pace, When, margin

ENVIRONMENT = "production"
BEGIN = parse_instant("2027-03-01T09:00:00Z")
# The release that is charted: the first one that readers see arrive, with nothing else pending.
CHARTED = 2


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated; times are in milliseconds.

    `delay` is the environment's activation_delay, 0 for releases that are active at once. `lag` bounds how long a head
    takes from its planning until every place shows it, `skew` how far a clock is from the real time, either way.
    `believed_ttl` is what the publisher takes for `ttl`: another number is a mistake that has to show.
    """

    readers: int = 10_000
    stores: int = 4
    ttl: int = 60_000
    delay: int = 120_000
    lag: int = ASSUMED_LAG_MS
    skew: int = 5_000
    seed: int = 1
    believed_ttl: int | None = None

    @property
    def pace(self) -> Pace:
        """What the publishing decision is told; instants that are too near are shifted to the earliest safe one."""
        believed = self.ttl if self.believed_ttl is None else self.believed_ttl
        return Pace(self.delay, believed, self.skew, "shift")

    @property
    def fresh(self) -> int:
        """How old a reader's last successful look may be for the promise to hold."""
        return self.ttl + self.lag

    @property
    def span(self) -> int:
        """How long after its publishing a release becomes active at the latest, without an instant of its own."""
        # Of the first release nothing is measured.
        lags = (self.lag, ASSUMED_LAG_MS)
        return max(self.delay, margin(reader_ttl=self.ttl, lag=max(lags, default=ASSUMED_LAG_MS), clock_skew=self.skew))


@dataclass(frozen=True, slots=True)
class Push:
    """Something is published at the real instant `at`, to become active `when`."""

    at: int
    when: When = AS_USUAL


def pushes(scenario: Scenario) -> tuple[Push, ...]:
    """A first release, one alone, two in a row, and some around instants that somebody asked for."""
    span, pause = scenario.span, 2 * (scenario.lag + scenario.skew) + 1_000
    second = BEGIN + span + 2 * scenario.ttl + pause
    third = second + span + pause
    row = third + max(span // 4, pause)
    asked = row + span + pause
    asked_for = asked + 2 * span + pause
    last = asked_for + span + pause
    return (
        Push(BEGIN),
        Push(second),
        Push(third),
        Push(row),
        Push(asked, _at(asked_for, scenario)),
        # Inherits the instant.
        Push(asked + span // 2 + pause),
        # Would inherit it, were it not too near.
        Push(asked_for - scenario.lag - scenario.skew),
        Push(last, _at(last + 3 * span, scenario)),
        # An earlier instant, the earliest that is safe: the release before never becomes active by itself.
        Push(last + pause, _at(last + pause + 1, scenario)),
    )


def watched(scenario: Scenario) -> tuple[int, int]:
    """The instants between which readers live: from the first release's activity to some time after the last one's."""
    after = scenario.span + scenario.fresh + 4 * scenario.skew
    return BEGIN + scenario.span + scenario.skew, pushes(scenario)[-1].at + after


def _at(instant: int, scenario: Scenario) -> When:
    return When(instant, said_by="--at") if scenario.delay else AS_USUAL
