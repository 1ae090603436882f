"""Looking flags up: what is found, what is an error, and what is compiled when."""

from __future__ import annotations

import copy
import gc
import pickle
import tracemalloc
from typing import Any

import pytest

from burgee.core.context import NOBODY
from burgee.core.errors import (
    FlagNotFound,
    InvalidDocument,
    NamespaceNotFound,
    TargetingKeyMissing,
    UnknownConstraintType,
    WrongFlagType,
)
from burgee.core.model import ENTITY_ID
from burgee.core.snapshot import Snapshot
from tests.builders import (
    EVERYBODY,
    NO,
    YES,
    a_boolean_flag,
    a_constraint,
    a_document,
    a_flag,
    a_namespace,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
    an_entity_constraint,
    named,
    outcome_of,
)


class CountingDocument:
    """A document that counts how often each flag and segment is asked for."""

    def __init__(self, *flags: dict[str, Any]) -> None:
        self.document = a_document(flags)
        self.namespace = self.document.namespace
        self.asked: list[str] = []

    def flag(self, key: str) -> dict[str, Any] | None:
        self.asked.append(key)
        return self.document.flag(key)

    def segment(self, key: str) -> dict[str, Any] | None:
        self.asked.append(key)
        return self.document.segment(key)

    def flag_keys(self) -> list[str]:
        return self.document.flag_keys()

    def flags(self) -> Any:
        return self.document.flags()

    def next_step(self, at: int) -> int | None:
        return self.document.next_step(at)


def test_an_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(InvalidDocument, match="S3/server"):
        Snapshot("S3/server", {})


@pytest.mark.parametrize("profile", [["C", "server"], {"C": "server"}, None, 1])
def test_a_profile_that_is_no_text_is_refused(profile: Any) -> None:
    with pytest.raises(InvalidDocument, match="evaluation profile"):
        Snapshot(profile, {})


def test_the_empty_namespace_is_the_default_one() -> None:
    document = a_document()
    snapshot = Snapshot("C/server", {"default": document})
    assert snapshot.namespace("") is snapshot.namespace("default")


def test_a_missing_namespace_is_named() -> None:
    with pytest.raises(NamespaceNotFound, match='namespace "shop" not found'):
        Snapshot("C/server", {"default": a_document()}).namespace("shop")


def test_a_missing_flag_is_named_with_its_namespace() -> None:
    with pytest.raises(FlagNotFound, match='flag "default/ghost" not found'):
        a_namespace().evaluate("ghost", "e", {}, 0)
    with pytest.raises(FlagNotFound, match='flag "default" not found'):
        a_namespace().boolean("", "e", {}, 0)


@pytest.mark.parametrize("key", [None, 1, 1.5, b"flag", ()])
def test_a_key_that_is_no_text_names_no_flag(key: Any) -> None:
    with pytest.raises(FlagNotFound):
        a_namespace(a_flag()).evaluate(key, "e", {}, 0)


def test_the_wrong_type_is_told_before_and_after_a_flag_was_compiled() -> None:
    namespace = a_namespace(a_flag("v"), a_boolean_flag("b"))
    for _ in range(2):
        with pytest.raises(WrongFlagType, match="flag type VARIANT_FLAG_TYPE invalid"):
            namespace.boolean("v", "e", {}, 0)
        with pytest.raises(WrongFlagType, match="flag type BOOLEAN_FLAG_TYPE invalid"):
            namespace.variant("b", "e", {}, 0)
        assert namespace.evaluate("v", "e", {}, 0) == namespace.variant("v", "e", {}, 0)
        assert namespace.evaluate("b", "e", {}, 0) == namespace.boolean("b", "e", {}, 0)


def test_a_flag_and_its_segments_are_compiled_when_first_asked_for_and_once() -> None:
    document = CountingDocument(a_flag("a", rules=[a_rule("yes")]), a_flag("b", rules=[a_rule("yes")]))
    namespace = Snapshot("C/server", {"default": document}).namespace("")
    assert document.asked == []
    for flag in ("a", "a", "b", "b"):
        namespace.evaluate(flag, "e", {}, 0)
    assert document.asked == ["a", "yes", "b"]


def test_an_unknown_constraint_type_fails_a_server_evaluation() -> None:
    segment = a_segment("odd", [a_constraint("p", "eq", "y", type="COLOUR_COMPARISON_TYPE")])
    with pytest.raises(UnknownConstraintType, match="unknown constraint type"):
        outcome_of(a_boolean_flag("f", a_segment_rollout("odd")), segments=[segment])


def test_entity_constraints_look_at_the_entity_and_not_at_the_context() -> None:
    segment = a_segment("me", [an_entity_constraint("eq", "ann")])
    flag = a_boolean_flag("f", a_segment_rollout("me"))
    assert segment["constraints"][0]["type"] == ENTITY_ID
    assert outcome_of(flag, {"entity": "bob"}, entity="ann", segments=[segment]).enabled is True
    assert outcome_of(flag, {"entity": "ann"}, entity="bob", segments=[segment]).enabled is False


def test_a_fifth_segment_under_or_is_told_apart_like_the_first() -> None:
    keys = [f"s{place}" for place in range(16)]
    segments = [a_segment(key, [a_constraint(key, "eq", "1")]) for key in keys]
    namespace = a_namespace(a_flag("f", rules=[a_rule(named(*keys))]), segments=segments)
    for chosen in (keys[:1], keys[3:9], keys[::2], keys):
        answer = namespace.variant("f", "e", dict.fromkeys(chosen, "1"), 0)
        assert list(answer.segment_keys) == chosen


def test_more_sets_of_matched_segments_than_are_kept_still_answer_rightly() -> None:
    keys = [f"s{place}" for place in range(13)]
    segments = [a_segment(key, [a_constraint(key, "eq", "1")]) for key in keys]
    namespace = a_namespace(a_flag("f", rules=[a_rule(named(*keys))]), segments=segments)
    for number in range(1, 1 << 13):
        chosen = [key for place, key in enumerate(keys) if number >> place & 1]
        assert list(namespace.variant("f", "e", dict.fromkeys(chosen, "1"), 0).segment_keys) == chosen


def test_rules_of_boolean_flags_and_rollouts_of_variant_flags_are_ignored() -> None:
    boolean = {**a_boolean_flag("b"), "rules": [a_rule("everybody", [("a", 100.0)])], "variants": [{"key": "a"}]}
    variant = a_flag("v", rollouts=[a_threshold(100)])
    assert outcome_of(boolean).enabled is False
    assert outcome_of(variant).match is False


def test_the_first_of_two_variants_of_one_key_gives_the_attachment() -> None:
    variants = [{"key": "a", "attachment": {"n": 1}}, {"key": "a", "attachment": {"n": 2}}]
    flag = a_flag(rules=[a_rule("everybody", [("a", 100.0)])], variants=variants)
    assert outcome_of(flag, segments=[YES, NO, EVERYBODY]).attachment == '{"n":1}'


def test_all_flags_together_fail_only_where_one_of_them_does() -> None:
    opened = a_boolean_flag("opened", a_segment_rollout("yes"), a_threshold(50))
    namespace = a_namespace(opened)
    assert namespace.evaluate_all(NOBODY, {"p": "y"}, 0) == {
        "opened": namespace.boolean("opened", NOBODY, {"p": "y"}, 0)
    }
    with pytest.raises(TargetingKeyMissing):
        namespace.evaluate_all(NOBODY, {"p": "n"}, 0)


def test_contexts_that_match_every_set_of_many_segments_take_little_memory() -> None:
    names = [f"s{place:02}" for place in range(12)]
    segments = [a_segment(name, [a_constraint(name, "eq", "1")]) for name in names]
    flag = a_flag("f", variants=[a_variant("v")], rules=[a_rule(named(*names), [("v", 100)])])
    namespace = a_namespace(flag, segments=segments)
    everyone = [{name: "1" for bit, name in enumerate(names) if which >> bit & 1} for which in range(4096)]
    namespace.evaluate("f", "e", everyone[0], 0)
    tracemalloc.start()
    try:
        matched = {len(namespace.evaluate("f", "e", context, 0).segment_keys) for context in everyone}
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert matched == set(range(13))
    assert taken < 100_000


@pytest.mark.parametrize("count", [1, 2, 6, 7, 20])
def test_the_first_of_any_number_of_rules_that_matches_decides(count: int) -> None:
    keys = [f"s{place}" for place in range(count)]
    segments = [a_segment(key, [a_constraint("p", "eq", key)]) for key in keys]
    variants = [a_variant(f"v-{key}") for key in keys]
    rules = [a_rule(key, [(f"v-{key}", 100)]) for key in keys]
    namespace = a_namespace(a_flag("many", variants=variants, rules=rules), segments=segments)
    for key in keys:
        assert namespace.variant("many", "u", {"p": key}, 0).variant_key == f"v-{key}"
        assert namespace.evaluate_all("u", {"p": key}, 0)["many"].segment_keys == (key,)
    assert namespace.variant("many", "u", {"p": "other"}, 0).match is False


def test_results_can_be_copied_and_sent_between_processes() -> None:
    split = a_flag("split", variants=[a_variant("a", {"x": 1})], rules=[a_rule("yes", [("a", 100)])])
    results = a_namespace(a_boolean_flag("on"), split).evaluate_all("u", {"p": "y"}, 0)
    for result in results.values():
        for copied in (copy.copy(result), copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
            assert copied == result
            assert type(copied) is type(result)
    assert results["split"].attachment_value == {"x": 1}  # type: ignore[union-attr]
