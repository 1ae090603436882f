"""Check the schedule in one flag's metadata, and bring it to its normal form: one canonical JSON text.

Law: what is accepted means the same to every reader. So instants name their zone, weights have one decimal and make
100, and no two steps say something about the same part of a flag at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from ..bundle.digest import canonical_json
from ..core.errors import InvalidDocument
from ..core.instant import format_instant, parse_instant
from ..core.schedule import SCHEDULE
from .fields import BOOLEAN, Kind, Shape, check_fields, is_number
from .finding import Finding, Path, shown
from .numerals import plain, weight
from .scheduled_part import check_part, sides_of, uneven_rules
from .strict_json import read_json

Step = Mapping[str, Any]

MOST_STEPS = 1000
_EXAMPLE = "write [{at: 2026-12-01T09:00:00+01:00, enabled: true}]"


def _instant(value: Any) -> int | None:
    try:
        instant = parse_instant(value)
    except InvalidDocument:
        return None
    return instant if instant >= 0 else None


def _zone_hint(value: Any) -> str:
    return f"add a zone: {value}Z" if isinstance(value, str) and _instant(f"{value}Z") is not None else ""


def _is_share(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 100


_INSTANT = Kind(
    lambda value: _instant(value) is not None,
    "an instant with a zone, such as 2026-12-01T09:00:00+01:00",
    "bad-instant",
    _zone_hint,
)
_NUMBER = Kind(lambda value: type(value) is int and value > 0, "a number counted from 1")
_PERCENTAGE = Kind(
    lambda value: all(_is_share(side) and float(side).is_integer() for side in sides_of(value)),
    "a whole number from 0 to 100, or for a ramp a list of two",
    "out-of-range",
)
_WEIGHTS = Kind(
    lambda value: type(value) is dict and all(_is_share(side) for one in value.values() for side in sides_of(one)),
    "a mapping of variants to weights from 0 to 100, or for a ramp to lists of two",
    "out-of-range",
)
STEP = Shape(
    "a step",
    {
        "at": _INSTANT,
        "from": _INSTANT,
        "until": _INSTANT,
        "enabled": BOOLEAN,
        "rollout": _NUMBER,
        "percentage": _PERCENTAGE,
        "rule": _NUMBER,
        "weights": _WEIGHTS,
    },
)
_TIMES = frozenset(("at", "from", "until"))


def check_schedule(flag: Mapping[str, Any], path: Path, findings: list[Finding], *, is_right: bool) -> None:
    """Report everything wrong with the schedule at `path`; what it says of the flag, if that one `is_right` so far."""
    written = flag["metadata"][SCHEDULE]
    steps = _read(written)
    if not steps or len(steps) > MOST_STEPS:
        got = shown(written) if steps is None else f"{len(steps)} of them"
        message = f"wanted a list of 1 to {MOST_STEPS} steps, or its JSON as text, got {got}"
        findings.append(Finding(path, "bad-schedule", message, _EXAMPLE))
        return
    whole: list[tuple[int, Step]] = []
    for number, step in enumerate(steps):
        found: list[Finding] = []
        if check_fields(step, STEP, (*path, number), found) and not found:
            found.extend(_faults(step, (*path, number)))
        if is_right and not found:
            found.extend(check_part(step, flag, (*path, number)))
        findings.extend(found)
        if not found:
            whole.append((number, step))
    findings.extend(_overlaps(whole, path))
    if is_right:
        findings.extend(uneven_rules([step for _, step in whole], flag, path[:2]))


def normal_schedule(written: Any) -> str:
    """The canonical text of a schedule that has no errors: instants in UTC, steps in order of time."""
    steps = sorted(map(_normal, _read(written) or ()), key=lambda step: (_start(step), _subject(step)))
    return canonical_json(steps)


def _read(written: Any) -> list[Any] | None:
    """The steps of a schedule that is a list, or text that holds one as JSON; None if it is neither."""
    if isinstance(written, str):
        documents, findings = read_json(written)
        written = documents[0] if documents and not findings else None
    return written if type(written) is list else None


def _faults(step: Step, path: Path) -> Iterator[Finding]:
    """What is wrong with the fields of a step together, each of which is right by itself."""
    times, change = _TIMES & step.keys(), step.keys() - _TIMES
    if times not in ({"at"}, {"from", "until"}):
        message = f"wanted a step with 'at', or with 'from' and 'until', got {_names(times)}"
        yield _bad(path, message, "a ramp has 'from' and 'until'")
    elif change not in ({"enabled"}, {"rollout", "percentage"}, {"rule", "weights"}):
        wanted = "'enabled', or 'rollout' and 'percentage', or 'rule' and 'weights'"
        yield _bad(path, f"wanted a step with {wanted}, got {_names(change)}", "make a step for each change")
    elif _end(step) < _start(step) or (times != {"at"} and _end(step) == _start(step)):
        yield _bad((*path, "until"), f"wanted 'until' after 'from', got {step['until']} after {step['from']}", "")
    elif "enabled" in step and "until" in step:
        yield _bad(path, "a ramp moves a percentage or weights, not 'enabled'", "write {at: ..., enabled: true}")
    else:
        yield from _wrong_sides(step, path)


def _wrong_sides(step: Step, path: Path) -> Iterator[Finding]:
    """A ramp has two values, to come from and to go to; whatever else has one."""
    count = 2 if "until" in step else 0
    wanted = "a list of two numbers, such as [5, 100]" if count else "one number"
    hint = "" if count else "a ramp has 'from' and 'until' instead of 'at'"
    values: dict[Path, Any] = {("percentage",): step["percentage"]} if "percentage" in step else {}
    values |= {("weights", variant): value for variant, value in step.get("weights", {}).items()}
    for where, value in values.items():
        if count != (len(value) if type(value) is list else 0):
            yield _bad((*path, *where), f"wanted {wanted} as '{where[-1]}', got {canonical_json(value)[:60]}", hint)


def _overlaps(steps: list[tuple[int, Step]], path: Path) -> Iterator[Finding]:
    """Steps that begin while another one of the same part has not ended, or at the same instant."""
    ordered = sorted(steps, key=lambda numbered: (_subject(numbered[1]), _start(numbered[1])))
    for (_, step), (number, following) in pairwise(ordered):
        start, end = _start(following), _end(step)
        if _subject(step) == _subject(following) and (start < end or start == _start(step)):
            part = " ".join(map(str, filter(None, _subject(step))))
            message = f"wanted one step at a time for {part}, got another at {format_instant(start)}"
            yield _bad((*path, number), message, f"the one before it ends at {format_instant(end)}")


def _normal(step: Step) -> Step:
    made = dict(step)
    for name in _TIMES & step.keys():
        made[name] = format_instant(parse_instant(step[name]))
    if "percentage" in step:
        made["percentage"] = plain(step["percentage"])
    if "weights" in step:
        made["weights"] = {variant: _normal_weights(value) for variant, value in step["weights"].items()}
    return made


def _normal_weights(value: Any) -> Any:
    return list(map(weight, value)) if type(value) is list else weight(value)


def _start(step: Step) -> int:
    return parse_instant(step["from"] if "from" in step else step["at"])


def _end(step: Step) -> int:
    return parse_instant(step["until"]) if "until" in step else _start(step)


def _subject(step: Step) -> tuple[str, int]:
    """What a step is about: which number of which part; a flag is enabled as a whole."""
    return next(((part, step[part]) for part in ("rollout", "rule") if part in step), ("enabled", 0))


def _names(fields: set[str] | frozenset[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(fields)) or "neither"


def _bad(path: Path, message: str, hint: str) -> Finding:
    return Finding(path, "bad-schedule", message, hint)
