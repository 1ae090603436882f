"""How two versions of one flag or segment differ, as short sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ..bundle.digest import canonical_json
from ..core.schedule import SCHEDULE
from ..core.schedule_text import schedule_sentences

Fields = Mapping[str, Any]

# Fields of one value, with what holds when they are left out.
_FLAG_SCALARS = (("name", ""), ("description", ""), ("enabled", False), ("type", "VARIANT_FLAG_TYPE"))
_SEGMENT_SCALARS = (("name", ""), ("description", ""), ("match_type", "ALL_MATCH_TYPE"))


def flag_details(old: Fields, new: Fields) -> Iterator[str]:
    """The differences of two flags in normal form with the same key."""
    yield from _scalars(old, new, _FLAG_SCALARS)
    yield from _variants(_by_key(old, "variants"), _by_key(new, "variants"))
    yield from _numbered("rule", old.get("rules", ()), new.get("rules", ()), describe_rule)
    yield from _numbered("rollout", old.get("rollouts", ()), new.get("rollouts", ()), describe_rollout)
    yield from _schedule(old, new)
    if _other_metadata(old) != _other_metadata(new):
        yield "metadata changed"


def segment_details(old: Fields, new: Fields) -> Iterator[str]:
    """The differences of two segments in normal form with the same key."""
    yield from _scalars(old, new, _SEGMENT_SCALARS)
    before, after = old.get("constraints", ()), new.get("constraints", ())
    if before == after:
        return
    yield from _numbered("constraint", before, after, describe_constraint)


def describe_rule(rule: Fields) -> str:
    """A rule in a line: `pro AND beta -> a 53%, b 47%`."""
    split = ", ".join(f"{share['variant']} {share['rollout']}%" for share in rule.get("distributions", ()))
    return f"{describe_segments(rule['segment'])} -> {split or 'no variant'}"


def describe_rollout(rollout: Fields) -> str:
    """A rollout in a line: `25% -> true` or `pro -> true`."""
    if threshold := rollout.get("threshold"):
        return f"{threshold['percentage']}% -> {_text(bool(threshold.get('value')))}"
    if segment := rollout.get("segment"):
        return f"{describe_segments(segment)} -> {_text(bool(segment.get('value')))}"
    return "nothing"


def describe_segments(segment: Fields) -> str:
    """The segments of a rule or rollout with their operator: `pro AND beta`."""
    joint = " AND " if segment.get("operator") == "AND_SEGMENT_OPERATOR" else " OR "
    return joint.join(segment.get("keys", ())) or "no segment"


def describe_constraint(constraint: Fields) -> str:
    """A constraint in a line: `plan eq "pro"`."""
    entity = constraint["type"] == "ENTITY_ID_COMPARISON_TYPE"
    subject = "entity id" if entity else constraint["property"]
    value = constraint.get("value")
    return f"{subject} {constraint['operator']}" + (f" {canonical_json(value)}" if value else "")


def _scalars(old: Fields, new: Fields, fields: Sequence[tuple[str, Any]]) -> Iterator[str]:
    for name, default in fields:
        before, after = old.get(name, default), new.get(name, default)
        if before != after:
            yield f"{name} {_text(before)} -> {_text(after)}"


def _variants(old: Mapping[str, Fields], new: Mapping[str, Fields]) -> Iterator[str]:
    for key in sorted({*old, *new}):
        if key not in old:
            yield f"variant {key} added"
        elif key not in new:
            yield f"variant {key} removed"
        elif old[key] != new[key]:
            names = sorted(name for name in {*old[key], *new[key]} if old[key].get(name) != new[key].get(name))
            yield f"variant {key} changed ({', '.join(names)})"


def _numbered(
    word: str, old: Sequence[Fields], new: Sequence[Fields], describe: Callable[[Fields], str]
) -> Iterator[str]:
    if old == new:
        return
    if len(old) == len(new) and sorted(map(canonical_json, old)) == sorted(map(canonical_json, new)):
        yield f"{word}s reordered: " + ", ".join(map(describe, new))
        return
    for place, (before, after) in enumerate(zip_longest(old, new), 1):
        if before is None:
            yield f"{word} {place} added: {describe(after)}"
        elif after is None:
            yield f"{word} {place} removed: {describe(before)}"
        elif before != after:
            yield f"{word} {place}: {describe(before)} => {describe(after)}"


def _schedule(old: Fields, new: Fields) -> Iterator[str]:
    before, after = schedule_sentences(old), schedule_sentences(new)
    yield from (f"schedule, no more: {step}" for step in before if step not in after)
    yield from (f"schedule: {step}" for step in after if step not in before)


def _other_metadata(flag: Fields) -> Fields:
    return {name: value for name, value in flag.get("metadata", {}).items() if name != SCHEDULE}


def _by_key(flag: Fields, name: str) -> Mapping[str, Fields]:
    return {keyed["key"]: keyed for keyed in flag.get(name, ())}


def _text(value: Any) -> str:
    return canonical_json(value) if isinstance(value, bool) or value == "" else str(value)
