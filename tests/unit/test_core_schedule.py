"""Flags with a schedule: in a namespace, in a document, in an explanation, and when the schedule makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from burgee.core.errors import BurgeeError, FlagNotFound, InvalidDocument, WrongFlagType
from burgee.core.explain import explain
from burgee.core.instant import format_instant, parse_instant
from burgee.core.schedule import SCHEDULE, flag_at, is_scheduled, next_step
from burgee.core.schedule_text import in_force, schedule_sentences
from burgee.core.snapshot import Snapshot
from tests.builders import (
    Normal,
    a_boolean_flag,
    a_document,
    a_flag,
    a_namespace,
    a_rule,
    a_threshold,
    a_variant,
    scheduled,
)
from tests.unit.test_core_snapshot import CountingDocument

NOON = parse_instant("2026-12-01T12:00:00Z")
ONE = format_instant(NOON + 3_600_000)
ON = {"at": format_instant(NOON), "enabled": True}
OFF = {"at": ONE, "enabled": False}
RAMP = {"from": format_instant(NOON), "until": ONE, "rollout": 1, "percentage": [10, 60]}
BLUE = {"at": ONE, "rule": 1, "weights": {"blue": 53, "green": 47}}
SALE = scheduled(a_boolean_flag("sale"), ON, OFF)
BUTTON = scheduled(
    a_flag(
        "button",
        variants=[a_variant("blue"), a_variant("green")],
        rules=[a_rule("everybody", [("blue", 0), ("green", 100)])],
    ),
    BLUE,
)


def unreadable(text: str) -> Normal:
    return a_boolean_flag("odd", a_threshold(10)) | {"metadata": {SCHEDULE: text}}


def test_a_flag_without_schedule_is_given_back_itself() -> None:
    flag = a_boolean_flag("plain", a_threshold(10))
    assert flag_at(flag, NOON) is flag
    assert (is_scheduled(flag), next_step(flag, 0)) == (False, None)


def test_a_flag_at_an_instant_leaves_the_flag_as_it_is_written_alone() -> None:
    flag = scheduled(a_boolean_flag("half", a_threshold(10)), RAMP)
    before = repr(flag)
    assert flag_at(flag, NOON + 1_800_000)["rollouts"] == [a_threshold(35)]
    assert repr(flag) == before


def test_metadata_stay_as_they_are() -> None:
    assert flag_at(SALE, NOON)["metadata"] == SALE["metadata"]


def test_the_answer_is_that_of_the_instant_whichever_was_asked_before() -> None:
    namespace = a_namespace(SALE)
    asked = (NOON, NOON - 1, NOON + 3_600_000, NOON + 3_599_999, 0)
    assert [namespace.boolean("sale", "ada", {}, at).enabled for at in asked] == [True, False, False, True, False]


def test_between_two_steps_the_flag_is_compiled_once() -> None:
    document = CountingDocument(SALE)
    namespace = Snapshot("C/server", {"default": document}).namespace("")
    answers = [namespace.boolean("sale", "ada", {}, NOON + later) for later in (0, 1, 3_599_999)]
    assert answers[0] is answers[1] is answers[2]
    assert document.asked == ["sale"]


def test_flags_with_a_schedule_are_not_among_the_rows_that_hold_for_ever() -> None:
    namespace = a_namespace(SALE, BUTTON, a_boolean_flag("plain"))
    namespace.evaluate_all("ada", {}, NOON)
    assert (list(namespace.booleans), list(namespace.variants)) == (["plain"], [])


def test_all_flags_together_are_those_of_the_instant_in_order_of_their_keys() -> None:
    namespace = a_namespace(SALE, BUTTON, a_boolean_flag("plain"))
    for at in (NOON - 1, NOON):
        together = namespace.evaluate_all("ada", {}, at)
        assert list(together) == ["button", "plain", "sale"]
        assert together["sale"] is namespace.boolean("sale", "ada", {}, at)


def test_the_wrong_type_and_a_missing_flag_are_told_as_ever() -> None:
    namespace = a_namespace(SALE)
    namespace.boolean("sale", "ada", {}, NOON)
    with pytest.raises(WrongFlagType):
        namespace.variant("sale", "ada", {}, NOON)
    with pytest.raises(FlagNotFound):
        namespace.boolean("sales", "ada", {}, NOON)


def test_a_stale_twin_follows_the_schedule_too() -> None:
    twin = a_namespace(SALE).stale_twin()
    result = twin.boolean("sale", "ada", {}, NOON)
    assert (result.enabled, result.stale) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "never",
        "3",
        "[3]",
        "[{}]",
        '[{"at":"2026-12-01"}]',
        '[{"at":"2026-12-01T12:00:00Z"}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":2,"percentage":5}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":0,"percentage":5}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":1}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":1,"percentage":[1,2,3]}]',
        '[{"at":"2026-12-01T12:00:00Z","rule":1,"weights":{}}]',
        '[{"from":"2026-12-01T12:00:00Z","rollout":1,"percentage":[1,2]}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":1,"percentage":"5"}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":1,"percentage":[1,2]}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":1,"percentage":101}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":true,"percentage":5}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":1.0,"percentage":5}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":[],"percentage":5}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":1,"percentage":5,"rule":1}]',
        '[{"at":"2026-12-01T12:00:00Z","rollout":1,"percentage":5,"until":"2026-12-02T12:00:00Z"}]',
        '[{"at":"2026-12-01T12:00:00Z","enabled":1}]',
        '[{"at":"2026-12-01T12:00:00Z","enabled":[true,false]}]',
        '[{"at":"2026-12-01T12:00:00Z","enabled":true,"easing":"slow"}]',
        '[{"at":"9999-12-31T23:59:59-23:00","enabled":true}]',
        '[{"at":5,"enabled":true}]',
        '[{"from":"2026-12-01T12:00:00Z","until":"2026-12-02T12:00:00Z","rollout":1,"percentage":[true,5]}]',
        '[{"from":"2026-12-01T12:00:00Z","until":"2026-12-02T12:00:00Z","rollout":1,"percentage":["a",5]}]',
        '[{"from":"2026-12-01T12:00:00Z","until":"2026-12-02T12:00:00Z","rollout":1,"percentage":5}]',
        '[["at enabled"]]',
        "[" * 100_000,
    ],
)
def test_a_schedule_that_makes_no_sense_is_an_error_and_never_a_guess(text: str) -> None:
    flag = unreadable(text)
    for ask in (flag_at, next_step, in_force):
        with pytest.raises(InvalidDocument):
            ask(flag, NOON)
    namespace = a_namespace(flag, a_boolean_flag("plain", enabled=True))
    with pytest.raises(BurgeeError):
        namespace.boolean("odd", "ada", {}, NOON)
    assert namespace.boolean("plain", "ada", {}, NOON).enabled


@pytest.mark.parametrize("weights", [3, [50, 50], {"blue": 50}, {"blue": "50", "green": 50}, {"blue": -1, "green": 50}])
def test_weights_of_another_kind_are_an_error_too(weights: object) -> None:
    flag = scheduled(BUTTON, {"at": ONE, "rule": 1, "weights": weights})
    with pytest.raises(InvalidDocument, match="flag 'button' has a schedule that this burgee does not understand"):
        flag_at(flag, NOON + 7_200_000)


@pytest.mark.parametrize("metadata", [1, "burgee.schedule", ["burgee.schedule"], None])
def test_metadata_that_are_none_hold_no_schedule(metadata: object) -> None:
    flag = a_boolean_flag("odd", enabled=True) | {"metadata": metadata}
    assert flag_at(flag, NOON) is flag
    assert a_namespace(flag).boolean("odd", "ada", {}, NOON).enabled


def test_the_error_names_the_namespace_and_the_flag() -> None:
    with pytest.raises(InvalidDocument, match="namespace 'default': flag 'odd' has a schedule"):
        a_namespace(unreadable("[3]")).evaluate("odd", "ada", {}, NOON)


def test_a_document_knows_its_flags_with_a_schedule_without_parsing_the_others() -> None:
    # Each has the same bytes somewhere else than in its metadata.
    decoys = [
        a_flag("attached", variants=[a_variant("v", {SCHEDULE: "[]"})]),
        a_flag("told", description=f'"{SCHEDULE}":'),
        a_flag("in-a-key", variants=[a_variant("v", {f'"{SCHEDULE}': 1})]),
    ]
    document = a_document([SALE, BUTTON, a_boolean_flag("plain"), *decoys])
    assert document.scheduled() == ("button", "sale")


def test_a_documents_next_step_is_the_first_of_any_of_its_flags() -> None:
    later = scheduled(a_boolean_flag("later"), {"at": format_instant(NOON + 5), "enabled": True})
    document = a_document([SALE, later])
    assert [document.next_step(at) for at in (0, NOON, NOON + 5, NOON + 3_600_000)] == [
        *(NOON, NOON + 5, NOON + 3_600_000),
        None,
    ]
    assert a_document([a_boolean_flag("plain")]).next_step(0) is None


def test_steps_are_told_in_sentences() -> None:
    colours = {"from": format_instant(NOON), "until": ONE, "rule": 1, "weights": {"blue": [0, 100], "green": [100, 0]}}
    flag = scheduled(BUTTON, colours, OFF)
    assert schedule_sentences(flag) == (
        "from 2026-12-01T12:00:00.000Z until 2026-12-01T13:00:00.000Z rule 1 "
        "from blue 0%, green 100% to blue 100%, green 0%",
        "from 2026-12-01T13:00:00.000Z enabled false",
    )
    half = scheduled(a_boolean_flag("half", a_threshold(5)), RAMP)
    assert schedule_sentences(half) == (
        "from 2026-12-01T12:00:00.000Z until 2026-12-01T13:00:00.000Z rollout 1 from 10% to 60%",
    )


def test_what_is_in_force_is_the_last_step_of_each_part_and_when_it_goes_on() -> None:
    assert in_force(SALE, NOON - 1) == ("the next change is at 2026-12-01T12:00:00.000Z",)
    assert in_force(SALE, NOON) == (
        "from 2026-12-01T12:00:00.000Z enabled true",
        "the next change is at 2026-12-01T13:00:00.000Z",
    )
    assert in_force(SALE, NOON + 3_600_000)[1:] == ("no change is ahead",)
    assert in_force(a_boolean_flag("plain"), NOON) == ()


@pytest.mark.parametrize("profile", ["C/server", "S2/server"])
def test_an_explanation_shows_the_split_of_the_instant(profile: str) -> None:
    # Without a schedule S2 has 53 end at bucket 528 (Flipt semantics, trap 2).
    explanation = explain(a_namespace(BUTTON, profile=profile), "button", "ada", {}, NOON + 3_600_000)
    assert explanation.steps[0].shares == (("blue", 0, 529), ("green", 530, 999))
    assert explanation.schedule[0] == "from 2026-12-01T13:00:00.000Z rule 1 blue 53%, green 47%"


def test_an_explanation_shows_the_threshold_of_the_instant() -> None:
    flag: Any = scheduled(a_boolean_flag("half", a_threshold(5)), RAMP)
    (step,) = explain(a_namespace(flag), "half", "ada", {}, NOON + 1_800_000).steps
    assert step.shares == (("true", 0, 34),)
