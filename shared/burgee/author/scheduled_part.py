"""Check one step of a schedule against the flag it is in: the rollout or rule it names, and the weights it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.bucketing import BUCKETS, tenths
from ..core.model import BOOLEAN_FLAG
from .fields import items_of
from .finding import Finding, Path, did_you_mean, shown
from .numerals import weight

Fields = Mapping[str, Any]


def sides_of(value: Any) -> Sequence[Any]:
    """The values of a ramp, which has two, or the one of any other step."""
    return value if type(value) is list else (value,)


def check_part(step: Fields, flag: Fields, path: Path) -> Iterator[Finding]:
    """What is wrong with a step at `path`, right by itself, in a flag that is right too."""
    if "rollout" in step:
        yield from _check_rollout(step["rollout"], flag, (*path, "rollout"))
    elif "rule" in step:
        yield from _check_rule(step, flag, path)


def uneven_rules(steps: Sequence[Fields], flag: Fields, path: Path) -> Iterator[Finding]:
    """What is wrong with rules that steps change, as they are before the first of these; `path` is the flag's."""
    for number in sorted({step["rule"] for step in steps if "rule" in step}):
        here = (*path, "rules", number - 1, "distributions")
        shares = _shares(flag, number)
        variants = [share["variant"] for share in shares]
        if len(set(variants)) < len(variants):
            message = f"rule {number} has a schedule, and weights for a variant twice"
            yield Finding(here, "bad-schedule", message, "make one weight of the two")
        yield from _uneven([share["rollout"] for share in shares], here)


def _check_rollout(number: int, flag: Fields, path: Path) -> Iterator[Finding]:
    is_boolean = flag.get("type") == BOOLEAN_FLAG
    rollouts = items_of(flag, "rollouts") if is_boolean else []
    if number > len(rollouts):
        hint = "rollouts are counted from 1" if is_boolean else "only boolean flags have rollouts"
        yield _no_such("rollout", number, len(rollouts), flag, path, hint)
    elif type(rollouts[number - 1].get("threshold")) is not dict:
        message = f"rollout {number} of {shown(flag['key'])} has no threshold whose percentage could change"
        yield Finding(path, "bad-schedule", message, "name a rollout that has one")


def _check_rule(step: Fields, flag: Fields, path: Path) -> Iterator[Finding]:
    is_boolean, number = flag.get("type") == BOOLEAN_FLAG, step["rule"]
    rules = [] if is_boolean else items_of(flag, "rules")
    if number > len(rules):
        hint = "the rules of boolean flags are ignored" if is_boolean else "rules are counted from 1"
        yield _no_such("rule", number, len(rules), flag, (*path, "rule"), hint)
        return
    here, weights = (*path, "weights"), step["weights"]
    known = list(dict.fromkeys(share["variant"] for share in _shares(flag, number)))
    for variant in weights:
        if variant not in known:
            message = f"rule {number} of {shown(flag['key'])} has no weight for variant {shown(variant)} to change"
            hint = did_you_mean(variant, known) or "give it a weight in the rule, 0 for nobody"
            yield Finding((*here, variant), "unknown-variant", message, hint, on_key=True)
    lacking = [variant for variant in known if variant not in weights]
    if lacking:
        message = f"wanted weights for all variants of rule {number}, got none for {', '.join(map(shown, lacking[:8]))}"
        yield Finding(here, "bad-schedule", message, "write 0 for nobody")
    for side in zip(*map(sides_of, weights.values()), strict=True):
        yield from _uneven(side, here)


def _no_such(part: str, number: int, count: int, flag: Fields, path: Path, hint: str) -> Finding:
    has = f"has {count} {part}{'' if count == 1 else 's'}"
    return Finding(path, "bad-schedule", f"{shown(flag['key'])} {has}, and the step names {part} {number}", hint)


def _uneven(weights: Sequence[Any], path: Path) -> Iterator[Finding]:
    """Weights that do not share out the thousand buckets exactly, so that readers could split them differently."""
    numbers = list(map(weight, weights))
    odd = next((number for number in numbers if tenths(number) / 10 != number), None)
    if odd is not None:
        message = f"wanted weights with at most one decimal in a rule with a schedule, got {odd}"
        yield Finding(path, "uneven-weights", message, "there are a thousand buckets to share out")
    elif sum(map(tenths, numbers)) != BUCKETS:
        message = f"wanted weights that add up to 100 in a rule with a schedule, got {sum(map(tenths, numbers)) / 10:g}"
        yield Finding(path, "uneven-weights", message, "make them add up")


def _shares(flag: Fields, number: int) -> list[Any]:
    return items_of(items_of(flag, "rules")[number - 1], "distributions")
