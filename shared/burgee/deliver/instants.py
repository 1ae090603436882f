"""When a release becomes active: not before those who asked want it, and not before every reader can hold it.

Law: an instant is safe when a reader that looked just before the head could be seen has looked again until then. So it
is a reader's longest pause away, and twice the lag: once until the head can be seen, once for a look on its way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..bundle.head import Head, pending_at
from ..core.errors import RefusedError
from ..core.instant import format_instant, parse_instant

# Without a measurement, as before the first release or in a registry, which does not say when it was written.
ASSUMED_LAG_MS = 5_000
# A difference beyond this is one of clocks.
LONGEST_LAG_MS = 600_000
KEPT_LAGS = 20

Near = Literal["refuse", "shift"]


@dataclass(frozen=True, slots=True)
class When:
    """When a release is wanted to become active, and who says so (`--at`, a trailer).

    Without an instant (milliseconds) as the environment has it, or with `now` at once. `commanded`: a person says so
    now, so that it counts for what is released already and pending.
    """

    instant: int | None = None
    now: bool = False
    said_by: str = ""
    commanded: bool = False


AS_USUAL = When()
NOW = When(now=True, said_by="--now", commanded=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """What an environment's instants depend on, in milliseconds: how long after its publishing a release becomes
    active, how long readers go without a look, and by how much clocks may differ. `near` says what becomes of an
    instant that somebody asked for and that is not safe."""

    delay: int
    reader_ttl: int
    clock_skew: int
    near: Near = "refuse"


@dataclass(frozen=True, slots=True)
class Activation:
    """The instant a release becomes active; `explicit`: somebody asked for it.

    `safe_from` is the earliest that is safe, and None where everything is active at once; `write_by` is until when its
    head has to be written for the instant to be safe. `warnings` say where it is not what was wanted.
    """

    instant: int
    explicit: bool = False
    safe_from: int | None = None
    write_by: int | None = None
    warnings: tuple[str, ...] = ()


def safe_from(now: int, *, reader_ttl: int, lags: Sequence[int], clock_skew: int) -> int:
    """The earliest safe instant of a release that is published now; all in milliseconds."""
    return now + reader_ttl + 2 * worst_lag(lags) + clock_skew


def worst_lag(lags: Sequence[int]) -> int:
    """The longest time (ms) that one of the last releases took until readers could see it."""
    return max(lags, default=ASSUMED_LAG_MS)


def with_lag(head: Head, modified: int | None) -> Head:
    """The head with the lag of its own last release, where the store says when that was written (ms).

    Only a head that was written for its last release tells of it. Most stores say whole seconds.
    """
    published_at = head.last.release.published_at
    if modified is None or head.written_at != published_at:
        return head
    lag = max(0, modified + (999 if modified % 1000 == 0 else 0) - published_at)
    if modified < published_at - LONGEST_LAG_MS or lag > LONGEST_LAG_MS:
        return head
    return head._replace(lags_ms=(*head.lags_ms, lag)[-KEPT_LAGS:], written_at=None)


def activation(head: Head | None, published_at: int, when: When, pace: Pace) -> Activation:
    """When a release that follows `head` and is published at `published_at` (ms) becomes active.

    It contains what is pending: where that was given an instant, it inherits it, unless an earlier one is wanted.
    Raises RefusedError for an instant that is not safe, where such are refused.
    """
    lags = head.lags_ms if head else ()
    safe = safe_from(published_at, reader_ttl=pace.reader_ttl, lags=lags, clock_skew=pace.clock_skew)
    inherited = _inherited(head, published_at)
    if when.now:
        return Activation(published_at, warnings=tuple(_contained(inherited, "at once")))
    slack = safe - published_at - worst_lag(lags)
    if when.instant is not None:
        instant, warnings = _wanted(when.instant, when.said_by, safe, published_at, pace.near)
        early = _contained(inherited, f"at {format_instant(instant)}") if inherited and instant < inherited else ()
        return Activation(instant, True, safe, instant - slack, (*warnings, *early))
    if not pace.delay and inherited is None:
        return Activation(published_at)
    usual = published_at + pace.delay
    instant = max(usual, safe, inherited or 0)
    warnings = tuple(_moved(usual, safe, inherited, pace))
    return Activation(instant, inherited is not None, safe, instant - slack, warnings)


def _inherited(head: Head | None, published_at: int) -> int | None:
    """The latest instant that somebody asked for and that is still to come, also where a freeze took it away."""
    if head is None:
        return None
    asked = [entry.release.activates_at for entry in pending_at(head, published_at) if entry.release.explicit]
    asked += [instant for instant in _superseded(head.freeze) if instant > published_at]
    return max(asked, default=None)


def _superseded(freeze: Any) -> list[int]:
    """The instants that were asked for, of what a freeze kept from becoming active."""
    listed = freeze.get("superseded", ()) if isinstance(freeze, dict) else ()
    return [parse_instant(each["activates_at"]) for each in listed if each.get("explicit")]


def _wanted(instant: int, said_by: str, safe: int, published_at: int, near: Near) -> tuple[int, tuple[str, ...]]:
    if instant >= safe:
        return instant, ()
    named = f"{said_by} names {format_instant(instant)}, which is {'past' if instant <= published_at else 'too near'}"
    if near == "refuse":
        raise RefusedError(
            f"{named}: every reader can hold the release from {format_instant(safe)}; name that or a later instant, "
            "publish with --now, or set near_instant: shift"
        )
    return safe, (f"{named}; shifted to {format_instant(safe)}, from when every reader can hold it",)


def _moved(usual: int, safe: int, inherited: int | None, pace: Pace) -> Iterator[str]:
    if inherited is not None and inherited >= max(usual, safe):
        yield f"what is pending becomes active at {format_instant(inherited)}, and so does this, which contains it"
    elif safe > usual:
        waits = f"activation_delay of {pace.delay / 1000:g} s" if pace.delay else "instant of what is pending"
        yield f"the {waits} is too near for readers to be ready; shifted to {format_instant(safe)}"


def _contained(inherited: int | None, when: str) -> Iterator[str]:
    if inherited is not None:
        yield f"what was to become active at {format_instant(inherited)} is contained, and becomes active {when}"
