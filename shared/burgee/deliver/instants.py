"""When a release becomes active: not before those who asked want it, and not before every reader can hold it.

Law: an instant is safe when a reader that looked just before the head could be seen has looked again until then. So it
is a reader's longest pause away, and twice the lag: once until the head can be seen, once for a look on its way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..bundle.head import LONGEST_LAG_MS, Head, pending_at
from ..core.errors import RefusedError
from ..core.instant import format_instant, parse_instant

# Without a measurement, as before the first release or in a registry, which does not say when it was written.
ASSUMED_LAG_MS = 5_000
KEPT_LAGS = 20
# What heads of before say nothing of: as burgee.yaml has it without saying.
_READER_TTL_SECONDS = 60
_CLOCK_SKEW_MS = 5_000

Near = Literal["refuse", "shift"]


@dataclass(frozen=True, slots=True)
class When:
    """When a release is wanted to become active, and who says so (`--at`, a trailer).

    Without an instant (milliseconds) as the environment has it, or with `now` at once. `commanded`: a person says so
    now, so that it counts for what is released already and pending; a commit said it at `said_at` (ms).
    """

    instant: int | None = None
    now: bool = False
    said_by: str = ""
    commanded: bool = False
    said_at: int | None = None


AS_USUAL = When()
NOW = When(now=True, said_by="--now", commanded=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """What an environment's instants depend on, in milliseconds: how long after its publishing a release becomes
    active, how long readers go without a look, and by how much clocks may differ. `near` says what becomes of an
    instant that somebody asked for and that is not safe; `late` is how long a try took that came too late."""

    delay: int
    reader_ttl: int
    clock_skew: int
    near: Near = "refuse"
    late: int = 0


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


def safe_from(head: Head | None, now: int, pace: Pace) -> int:
    """The earliest safe instant of a release that is published now; in milliseconds.

    After `max_reader_ttl` was made shorter, some readers go by the longer one until they have looked.
    """
    lag = max(pace.late, known_lag(head))
    safe = now + margin(reader_ttl=pace.reader_ttl, lag=lag, clock_skew=pace.clock_skew)
    if head is None or head.ttl_until is None:
        return safe
    until: int = head.ttl_until
    return max(safe, until + margin(reader_ttl=0, lag=lag, clock_skew=pace.clock_skew))


def margin(*, reader_ttl: int, lag: int, clock_skew: int) -> int:
    """How far ahead an instant has to be; all in milliseconds."""
    return reader_ttl + 2 * lag + clock_skew


def known_lag(head: Head | None) -> int:
    """The longest time (ms) that one of the last releases took until readers could see it."""
    lags: Sequence[int] = head.lags_ms if head else ()
    return max(lags, default=ASSUMED_LAG_MS)


def with_pace(head: Head, before: Head | None, pace: Pace, now: int) -> Head:
    """The head with what readers and moves have to know of the environment's instants; `before` is what they know."""
    seconds = pace.reader_ttl // 1000
    known = before.max_reader_ttl_seconds if before else None
    until = before.ttl_until if before and before.ttl_until is not None and before.ttl_until > now else None
    if known is not None and known > seconds:
        until = max(until or 0, now + known * 1000)
    return head._replace(max_reader_ttl_seconds=seconds, ttl_until=until, clock_skew_ms=pace.clock_skew)


def pace_of(head: Head, *, late: int = 0) -> Pace:
    """The pace of an environment as its head tells it, without a delay."""
    seconds = head.max_reader_ttl_seconds or _READER_TTL_SECONDS
    skew = _CLOCK_SKEW_MS if head.clock_skew_ms is None else head.clock_skew_ms
    return Pace(delay=0, reader_ttl=seconds * 1000, clock_skew=skew, late=late)


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
    safe = safe_from(head, published_at, pace)
    inherited = _inherited(head, published_at)
    if when.now:
        return Activation(published_at, warnings=tuple(_contained(inherited, "at once")))
    slack = safe - published_at - max(pace.late, known_lag(head))
    said: tuple[str, ...] = ()
    if when.instant is not None and when.instant <= published_at and _was_safe(when, slack):
        # It was fine when it was said: a hold, a freeze or an outage has outlived it.
        said = (f"{when.said_by} names {format_instant(when.instant)}, which has passed meanwhile",)
    elif when.instant is not None:
        # What was fine when it was said is not refused for what has kept it back since.
        near: Near = "shift" if _was_safe(when, slack) else pace.near
        instant, warnings = _wanted(when, safe, published_at, near)
        others = _before(head, instant, published_at, inherited)
        return Activation(instant, True, safe, instant - slack, (*warnings, *others))
    if not pace.delay and inherited is None:
        return Activation(published_at, warnings=said)
    usual = published_at + pace.delay
    instant = max(usual, safe, inherited or 0)
    warnings = (*said, *_moved(usual, safe, inherited, pace))
    return Activation(instant, inherited is not None, safe, instant - slack, warnings)


def _was_safe(when: When, slack: int) -> bool:
    """Whether the instant was far enough ahead when a commit said it."""
    return when.instant is not None and when.said_at is not None and when.instant - when.said_at >= slack


def _inherited(head: Head | None, published_at: int) -> int | None:
    """The latest instant that somebody asked for and that is still to come, also where something took it away."""
    if head is None:
        return None
    asked = [entry.release.activates_at for entry in pending_at(head, published_at) if entry.release.explicit]
    asked += [parse_instant(each["activates_at"]) for each in superseded_in(head) if each.get("explicit")]
    return max((instant for instant in asked if instant > published_at), default=None)


def superseded_in(head: Head) -> list[dict[str, Any]]:
    """The pending releases that a freeze or a rollback kept from becoming active, as the head lists them."""
    said = (head.freeze, head.hold)
    return [each for word in said if isinstance(word, dict) for each in word.get("superseded", ())]


def _wanted(when: When, safe: int, published_at: int, near: Near) -> tuple[int, tuple[str, ...]]:
    assert when.instant is not None
    if when.instant >= safe:
        return when.instant, ()
    word = "past" if when.instant <= published_at else "too near"
    named = f"{when.said_by} names {format_instant(when.instant)}, which is {word}"
    if near == "refuse":
        raise RefusedError(
            f"{named}: every reader can hold the release from {format_instant(safe)}; name that or a later instant, "
            "publish with --now, or set near_instant: shift"
        )
    return safe, (f"{named}; shifted to {format_instant(safe)}, from when every reader can hold it",)


def _before(head: Head | None, instant: int, published_at: int, inherited: int | None) -> Iterator[str]:
    """What becomes of what is pending when a release becomes active at an instant that was named."""
    if inherited is not None and instant < inherited:
        yield from _contained(inherited, f"at {format_instant(instant)}")
    for entry in pending_at(head, published_at) if head else ():
        release = entry.release
        if release.activates_at < instant:
            yield f"release {release.revision} becomes active before it, at {format_instant(release.activates_at)}"


def _moved(usual: int, safe: int, inherited: int | None, pace: Pace) -> Iterator[str]:
    if inherited is not None and inherited >= max(usual, safe):
        yield f"what is pending becomes active at {format_instant(inherited)}, and so does this, which contains it"
    elif safe > usual:
        waits = f"activation_delay of {pace.delay / 1000:g} s" if pace.delay else "instant of what is pending"
        yield f"the {waits} is too near for readers to be ready; shifted to {format_instant(safe)}"


def _contained(inherited: int | None, when: str) -> Iterator[str]:
    if inherited is not None:
        yield f"what was to become active at {format_instant(inherited)} is contained, and becomes active {when}"
