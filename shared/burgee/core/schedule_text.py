"""A flag's schedule in sentences, for people."""

from __future__ import annotations

from .instant import format_instant, parse_instant
from .schedule import SCHEDULE, check_schedule, is_scheduled, next_step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Fields = Mapping[str, Any]


def schedule_sentences(flag: Fields) -> tuple[str, ...]:
    """The steps of a flag in normal form, in order: `from 2026-12-01T08:00:00.000Z rollout 1 25%`."""
    return tuple(map(_sentence, _steps(flag)))


def in_force(flag: Fields, at: int) -> tuple[str, ...]:
    """What is to be said of a flag's schedule at an instant (milliseconds): the steps in force, and when it goes on.

    Nothing for a flag without schedule.
    """
    if not is_scheduled(flag):
        return ()
    # Of each part of the flag the last step that has begun; steps are in order of time.
    begun = {_subject(step): step for step in _steps(flag) if parse_instant(step.get("from") or step["at"]) <= at}
    following = next_step(flag, at)
    ahead = "no change is ahead" if following is None else f"the next change is at {format_instant(following)}"
    return (*map(_sentence, begun.values()), ahead)


def _steps(flag: Fields) -> list[Fields]:
    """The steps as they are written. Raises InvalidDocument for a schedule that cannot be understood."""
    if not is_scheduled(flag):
        return []
    from json import loads

    check_schedule(flag)
    steps: list[Fields] = loads(flag["metadata"][SCHEDULE])
    return steps


def _subject(step: Fields) -> str:
    if "enabled" in step:
        return "enabled"
    return f"rollout {step['rollout']}" if "rollout" in step else f"rule {step['rule']}"


def _sentence(step: Fields) -> str:
    subject = _subject(step)
    if "from" in step:
        return f"from {step['from']} until {step['until']} {subject} from {_value(step, 0)} to {_value(step, 1)}"
    return f"from {step['at']} {subject} {_value(step, 0)}"


def _value(step: Fields, side: int) -> str:
    """What a step sets its part to; of a ramp, on its first or its second side."""
    if "enabled" in step:
        return "true" if step["enabled"] else "false"
    if "rollout" in step:
        return f"{_side(step['percentage'], side)}%"
    return ", ".join(f"{variant} {_side(weight, side)}%" for variant, weight in step["weights"].items())


def _side(value: Any, side: int) -> Any:
    return value[side] if isinstance(value, list) else value
