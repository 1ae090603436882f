"""Rules and rollouts that decide for nobody: what comes before them has decided already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..author.reach import everybody, lint_reach
from ..bundle.digest import canonical_json
from .answers import State, segment_keys


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A part of a flag that is never reached: its number from 1, why, and whether that is so only since the change."""

    number: int
    why: str
    is_new: bool


def shadowed(old: State, new: State) -> tuple[Shadowed, ...]:
    """The parts of the new flag that are never reached.

    One for the same segments that was not reached before either is not new, whatever its number and answer were.
    """
    before = {_part(old, number) for number, _ in _unreachable(old)}
    return tuple(Shadowed(number, why, _part(new, number) not in before) for number, why in _unreachable(new))


def _unreachable(state: State) -> Iterable[tuple[int, str]]:
    flag = state.plain
    if flag is None:
        return
    everyone = everybody({key: found for key in segment_keys(flag) if (found := state.segment(key)) is not None})
    for finding in lint_reach(flag, 0, everyone):
        if finding.code == "unreachable":
            yield int(finding.path[3]) + 1, finding.message


def _part(state: State, number: int) -> str:
    flag = state.plain or {}
    part = (*flag.get("rollouts", ()), *flag.get("rules", ()))[number - 1]
    return canonical_json(part.get("segment", "threshold"))
