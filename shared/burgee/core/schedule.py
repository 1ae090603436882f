"""Schedules: what a flag is at an instant, by the dated steps that its metadata holds as canonical JSON.

Law: a ramp moves no entity back and forth. Each cumulative limit goes one way and none overtakes another: once a limit
has risen past a bucket, those above it stay past it, and none below can fall past it any more, for it would have been
above the one that rose. So owners follow one another in one direction, and a ramp back gives buckets back in the other.

    [{"at":"2026-12-01T08:00:00.000Z","enabled":true},
     {"from":"...","percentage":[5,100],"rollout":1,"until":"..."},
     {"from":"...","rule":1,"until":"...","weights":{"blue":[0,100],"green":[100,0]}}]

Steps are in order of time, rollouts and rules are counted from 1, and no two steps of one of them overlap. On its way
from one end to the other, up or down, a ramp's number of buckets is rounded down.
"""

from __future__ import annotations

from itertools import accumulate

from .bucketing import tenths
from .errors import InvalidDocument
from .instant import parse_instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    Flag: TypeAlias = Mapping[str, Any]
    # Start and end (the same but for a ramp), field and place from 0, and pairs of what it is at start and at end:
    # whether the flag is enabled, the size of a threshold, or the cumulative limit of each distribution.
    Step: TypeAlias = tuple[int, int, str, int, Sequence[tuple[int, int]]]

SCHEDULE = "burgee.schedule"
# The fields of the steps that there are; a step of another shape is of a newer burgee, and nobody guesses at it.
_SHAPES = (
    *("at enabled", "at percentage rollout", "at rule weights"),
    *("from percentage rollout until", "from rule until weights"),
)
_NO_RULES: frozenset[int] = frozenset()


def is_scheduled(flag: Flag) -> bool:
    """Whether a flag in normal form has a schedule."""
    metadata = flag.get("metadata")
    return isinstance(metadata, dict) and SCHEDULE in metadata


def flag_at(flag: Flag, at: int) -> Flag:
    """The flag as it is at an instant (milliseconds), in normal form; its metadata stay as they are.

    Without a schedule that is the flag itself. Raises InvalidDocument for a schedule that cannot be understood.
    """
    if not is_scheduled(flag):
        return flag
    made = dict(flag)
    for start, end, field, place, pairs in _steps(flag):
        if start <= at:
            _apply(made, field, place, [_between(pair, start, end, at) for pair in pairs])
    return made


def next_step(flag: Flag, at: int) -> int | None:
    """The first instant after `at` (milliseconds) at which the flag may be another; None if there is none.

    Raises InvalidDocument as `flag_at` does.
    """
    steps = _steps(flag) if is_scheduled(flag) else []
    return min([next_at for step in steps for next_at in _changes(step, at)], default=None)


def stepped_rules(flag: Flag) -> frozenset[int]:
    """Places, from 0, of the rules whose weights are a matter of time; at any instant they are split exactly."""
    if not is_scheduled(flag):
        return _NO_RULES
    return frozenset(place for _, _, field, place, _ in _steps(flag) if field == "rules")


def check_schedule(flag: Flag) -> None:
    """Raises InvalidDocument for a schedule that cannot be understood."""
    _steps(flag)


def _steps(flag: Flag) -> list[Step]:
    from json import loads

    try:
        return [_step(flag, written) for written in loads(flag["metadata"][SCHEDULE])]
    except (InvalidDocument, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidDocument(
            f"flag {flag['key']!r} has a schedule that this burgee does not understand: {error}; "
            "a newer one wrote it, or it was not made by burgee"
        ) from error


def _step(flag: Flag, written: Mapping[str, Any]) -> Step:
    if not isinstance(written, dict) or " ".join(sorted(written)) not in _SHAPES:
        raise ValueError("a step of an unknown shape")
    is_ramp = "from" in written
    start = parse_instant(written["from" if is_ramp else "at"])
    end = parse_instant(written["until"]) if is_ramp else start
    if "enabled" in written:
        return start, end, "enabled", 0, [_pair(written["enabled"], (bool,), is_ramp)]
    field, number = ("rollouts", written["rollout"]) if "rollout" in written else ("rules", written["rule"])
    if type(number) is not int or not 1 <= number <= len(flag[field]):
        raise ValueError(f"there is none of its {field} at {number!r}")
    part = flag[field][number - 1]
    if field == "rollouts":
        if not part["threshold"]:
            raise ValueError(f"rollout {number} has no threshold")
        return start, end, field, number - 1, [_pair(written["percentage"], (int,), is_ramp)]
    weights = [_pair(written["weights"][share["variant"]], (int, float), is_ramp) for share in part["distributions"]]
    first, last = (accumulate(map(tenths, side)) for side in zip(*weights, strict=True))
    return start, end, field, number - 1, list(zip(first, last, strict=True))


def _pair(value: Any, kinds: Sequence[type], is_ramp: bool) -> tuple[Any, Any]:
    first, last = value if is_ramp else (value, value)
    if not (type(first) in kinds and type(last) in kinds and 0 <= first <= 100 and 0 <= last <= 100):
        raise ValueError(f"{value!r} is no value of a step")
    return first, last


def _between(pair: tuple[int, int], start: int, end: int, at: int) -> int:
    first, last = pair
    return last if at >= end else first + (last - first) * (at - start) // (end - start)


def _changes(step: Step, at: int) -> Iterator[int]:
    """When the parts of a step change for the first time after `at`."""
    start, end, _, _, pairs = step
    if at < start:
        yield start
    elif at < end:
        length = end - start
        for first, last in pairs:
            distance = last - first
            passed = distance * (at - start) // length
            if passed != distance:
                # The first instant at which the same division gives another number.
                whole = -(-(passed + 1) * length // distance) if distance > 0 else passed * length // distance + 1
                yield start + whole


def _apply(flag: dict[str, Any], field: str, place: int, values: list[int]) -> None:
    if field == "enabled":
        flag.pop("enabled", None)
        flag |= {"enabled": True} if values[0] else {}
        return
    parts = flag[field] = list(flag[field])
    part = parts[place]
    if field == "rollouts":
        parts[place] = {**part, "threshold": {**part["threshold"], "percentage": values[0]}}
        return
    buckets = [limit - before for before, limit in zip([0, *values], values, strict=False)]
    shares = zip(part["distributions"], buckets, strict=True)
    parts[place] = {**part, "distributions": [{**share, "rollout": _weight(count)} for share, count in shares]}


def _weight(buckets: int) -> int | float:
    return buckets / 10 if buckets % 10 else buckets // 10
