"""Changes are told in terms of flags, rules and percentages."""

from __future__ import annotations

from typing import Any

from burgee.bundle.document import Document, encode
from burgee.deliver.changes import compare
from tests.builders import a_constraint, a_rule, a_segment, a_segment_rollout, a_threshold, a_variant, scheduled


def documents(*flags: dict[str, Any], segments: tuple[dict[str, Any], ...] = ()) -> dict[str, Document]:
    return {"default": Document(encode({"namespace": "default", "flags": flags, "segments": segments}))}


def a_boolean(**fields: Any) -> dict[str, Any]:
    return {"key": "f", "name": "F", "type": "BOOLEAN_FLAG_TYPE", **fields}


def told(old: dict[str, Document], new: dict[str, Document]) -> list[str]:
    return [str(change) for change in compare(old, new)]


def test_equal_documents_have_no_changes() -> None:
    assert told(documents(a_boolean()), documents(a_boolean())) == []


def test_added_and_removed_flags_are_told_by_key() -> None:
    other = {"key": "g", "name": "G"}
    assert told(documents(a_boolean()), documents(other)) == ["- flag default/f", "+ flag default/g"]


def test_a_changed_percentage_is_told_with_both_values() -> None:
    old, new = a_boolean(rollouts=[a_threshold(10)]), a_boolean(rollouts=[a_threshold(25.5)])
    assert told(documents(old), documents(new)) == ["~ flag default/f: rollout 1: 10% -> true => 25.5% -> true"]


def test_a_switch_is_told_as_a_switch() -> None:
    assert told(documents(a_boolean()), documents(a_boolean(enabled=True))) == [
        "~ flag default/f: enabled false -> true"
    ]


def test_rules_that_only_change_places_are_told_as_reordered() -> None:
    first, second = a_segment_rollout("a"), a_segment_rollout("b", "c", every=True)
    old, new = a_boolean(rollouts=[first, second]), a_boolean(rollouts=[second, first])
    assert told(documents(old), documents(new)) == ["~ flag default/f: rollouts reordered: b AND c -> true, a -> true"]


def test_variants_and_splits_are_told() -> None:
    old = {"key": "v", "name": "V", "variants": [a_variant("a"), a_variant("b", {"x": 1})]}
    new = {
        **old,
        "variants": [a_variant("a"), a_variant("b", {"x": 2}), a_variant("c")],
        "rules": [a_rule("pro", [("a", 53), ("b", 47)])],
    }
    assert told(documents(old), documents(new)) == [
        "~ flag default/v: variant b changed (attachment); variant c added; rule 1 added: pro -> a 53%, b 47%"
    ]


def test_a_changed_constraint_is_told_with_its_values() -> None:
    old, new = (a_segment("s", [a_constraint("plan", "eq", value)]) for value in ("pro", "team"))
    assert told(documents(segments=(old,)), documents(segments=(new,))) == [
        '~ segment default/s: constraint 1: plan eq "pro" => plan eq "team"'
    ]


def test_texts_of_flags_cannot_forge_lines_or_move_a_cursor() -> None:
    old, new = a_boolean(), a_boolean(description="\x1b[2J\n= accepted\u2028\u202e")
    assert told(documents(old), documents(new)) == [
        '~ flag default/f: description "" -> \\x1b[2J\\x0a= accepted\\u2028\\u202e'
    ]


def test_a_new_namespace_is_told_before_its_flags() -> None:
    assert told({}, documents(a_boolean())) == ["+ namespace default", "+ flag default/f"]


def test_a_schedule_is_told_step_by_step() -> None:
    on = {"at": "2026-12-01T09:00:00.000Z", "enabled": True}
    more = {"at": "2026-12-02T09:00:00.000Z", "rollout": 1, "percentage": 50}
    flag = a_boolean(rollouts=[a_threshold(10)], metadata={"owner": "me"})
    old, new = scheduled(flag, on), scheduled(flag, more)
    assert told(documents(flag), documents(old)) == [
        "~ flag default/f: schedule: from 2026-12-01T09:00:00.000Z enabled true"
    ]
    assert told(documents(old), documents(new)) == [
        "~ flag default/f: schedule, no more: from 2026-12-01T09:00:00.000Z enabled true; "
        "schedule: from 2026-12-02T09:00:00.000Z rollout 1 50%"
    ]
