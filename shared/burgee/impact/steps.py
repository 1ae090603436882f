"""The dated steps of a flag's schedule as changes of their own: each with the states before and after it.

A ramp is one change, from its start to its end or to where another step cuts into it, and not one for each bucket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from json import dumps, loads
from typing import Any

from ..core.instant import format_instant, parse_instant
from ..core.schedule import SCHEDULE, is_scheduled
from .answers import State

_NEVER = parse_instant("9999-12-31T00:00:00.000Z")


@dataclass(frozen=True, slots=True)
class Step:
    """A change of one flag at the instant `since`; or gradually, until `until`."""

    since: int
    until: int | None
    old: State
    new: State


def steps(state: State) -> Iterator[Step]:
    """What becomes of a flag after the instant of its state, in order of time."""
    flag = state.flag
    if flag is None or not is_scheduled(flag):
        return
    written = loads(flag["metadata"][SCHEDULE])
    since, before = state.at, state
    for instant in _instants(written, state.at):
        arrived = replace(state, at=instant, flag=_without_starts_at(flag, written, instant))
        after = replace(state, at=instant)
        if _differ(before, arrived):
            yield Step(since, instant, before, arrived)
        if _differ(arrived, after):
            yield Step(instant, None, arrived, after)
        since, before = instant, after


def _instants(written: Sequence[Mapping[str, Any]], after: int) -> list[int]:
    found = {parse_instant(step[name]) for step in written for name in ("at", "from", "until") if name in step}
    return sorted(instant for instant in found if instant > after)


def _without_starts_at(flag: Mapping[str, Any], written: Sequence[Mapping[str, Any]], instant: int) -> dict[str, Any]:
    """The flag as if the steps that start at an instant never came.

    They stay in its schedule: which rules it touches decides how these are split, whenever that is.
    """
    kept = [_never(step) if parse_instant(step.get("from", step.get("at"))) == instant else step for step in written]
    return {**flag, "metadata": {**flag["metadata"], SCHEDULE: dumps(kept)}}


def _never(step: Mapping[str, Any]) -> Mapping[str, Any]:
    if "at" in step:
        return {**step, "at": format_instant(_NEVER)}
    return {**step, "from": format_instant(_NEVER), "until": format_instant(_NEVER + 1)}


def _differ(old: State, new: State) -> bool:
    return _without_metadata(old) != _without_metadata(new)


def _without_metadata(state: State) -> dict[str, Any]:
    return {name: value for name, value in (state.plain or {}).items() if name != "metadata"}
