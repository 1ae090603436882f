"""An explanation gives the result of evaluation, its steps lead to that result, and its lines say so."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import click
import pytest

from burgee.bundle.document import Document, encode
from burgee.cli.explaining import explanation_lines
from burgee.core.errors import UnknownConstraintType
from burgee.core.explain import Explanation, explain
from burgee.core.model import BOOLEAN_FLAG, DEFAULT, FLAG_DISABLED, MATCH, PROFILES, UNKNOWN
from burgee.core.snapshot import Namespace, Snapshot
from tests.builders import (
    a_boolean_flag,
    a_constraint,
    a_flag,
    a_namespace,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
    an_entity_constraint,
    named,
)
from tests.conformance.generated import Question, a_generated_document, questions

PRO = a_segment("pro", [a_constraint("plan", "eq", "pro"), a_constraint("seats", "isoneof", '["5","9"]')], any_of=True)
STAFF = a_segment("staff", [an_entity_constraint("prefix", "user-"), a_constraint("office", "notempty")])
SEGMENTS = [PRO, STAFF, a_segment("everybody")]


@pytest.mark.parametrize("profile", PROFILES)
def test_explaining_gives_the_result_of_evaluation_and_steps_that_lead_to_it(profile: str) -> None:
    """A property test holds the two to the same answer (core/explain.py)."""
    reasons = set()
    for number in range(3):
        rng = Random(f"explain/{profile}/{number}")
        normal = a_generated_document(rng, flags=80, unknown_types=False)
        namespace = Snapshot(profile, {"default": Document(encode(normal))}).namespace("")
        for question in questions(rng, normal, 6):
            explanation = explain(namespace, *question, 0)
            assert explanation.result == namespace.evaluate(*question, 0), question
            assert_led_to(explanation, namespace, question)
            reasons.add(explanation.result.reason)
    assert {MATCH, DEFAULT, UNKNOWN, FLAG_DISABLED} - reasons <= {FLAG_DISABLED}


def test_explaining_fails_wherever_evaluation_does() -> None:
    """Not only there: it looks at every constraint, evaluation stops at the one that decides."""
    rng = Random("fails")
    normal = a_generated_document(rng, flags=150)
    namespace = Snapshot("C/server", {"default": Document(encode(normal))}).namespace("")
    failed = [asked for asked in questions(rng, normal, 4) if fails(namespace.evaluate, *asked)]
    assert failed
    assert all(fails(explain, namespace, *asked) for asked in failed)


def fails(attempt: Callable[..., object], *arguments: Any) -> bool:
    try:
        attempt(*arguments, 0)
    except UnknownConstraintType:
        return True
    return False


def assert_led_to(explanation: Explanation, namespace: Namespace, question: Question) -> None:
    """The steps end with the one that decided, and what they show is what was answered."""
    result, steps = explanation.result, explanation.steps
    assert not any(step.matched for step in steps[:-1]), question
    for step in steps:
        assert_segments_agree(step)
        if step.bucket is not None and step.kind == "threshold":
            assert step.matched == any(first <= step.bucket <= last for _, first, last in step.shares), question
    decided = steps[-1] if steps and steps[-1].matched else None
    if explanation.flag_type == BOOLEAN_FLAG:
        assert (result.reason == MATCH) == (decided is not None), question
        assert decided is None or decided.outcome == f"answers {str(result.enabled).lower()}", question
        assert decided is not None or result.enabled == explanation.enabled, question
    else:
        assert result.variant_key == chosen(explanation, decided), question
        assert decided is not None or not result.match, question
        if decided is not None and decided.bucket is not None:
            assert result.match == (owner(decided) is not None), question
    if decided is not None and result.reason == MATCH:
        assert result.segment_keys == tuple(trace.key for trace in decided.segments if trace.matched), question


def assert_segments_agree(step: Any) -> None:
    for trace in step.segments:
        holds = [constraint.matched for constraint in trace.constraints]
        join = any if trace.match_type == "ANY" else all
        assert trace.matched == (trace.known and (not holds or join(holds)))
    if step.segments:
        matched = [trace.matched for trace in step.segments]
        assert step.matched == (all(matched) if step.operator == "AND" else any(matched))


def chosen(explanation: Explanation, decided: Any) -> str:
    default = explanation.default_variant or ""
    if decided is None or decided.bucket is None:
        return default
    return owner(decided) or default


def owner(step: Any) -> str | None:
    """The variant that has the bucket."""
    return next((variant for variant, first, last in step.shares if first <= step.bucket <= last), None)


def explained(flag: dict[str, Any], entity: str = "user-1", **context: str) -> list[str]:
    namespace = a_namespace(flag, segments=SEGMENTS)
    explanation = explain(namespace, flag["key"], entity, context, 0)
    return [click.unstyle(line) for line in explanation_lines(flag["key"], entity, explanation)]


def test_a_threshold_shows_the_bucket_on_either_side_of_its_size() -> None:
    """crc32("user-1" + "flag") % 100 is 3."""
    assert explained(a_boolean_flag("flag", a_threshold(100)))[3:] == [
        "  ✓ rollout 1: answers true",
        "      bucket 3 of 100; true 0-99",
    ]
    assert explained(a_boolean_flag("flag", a_threshold(3.5, value=False), a_threshold(100)))[3:] == [
        "  ✓ rollout 1: answers false",
        "      bucket 3 of 100; false 0-3",
    ]
    assert explained(a_boolean_flag("flag", a_threshold(3), a_threshold(0), enabled=True)) == [
        "flag for user-1: true",
        "  because nothing matched, so what the flag's `enabled` says (DEFAULT_EVALUATION_REASON)",
        "  the flag is BOOLEAN_FLAG_TYPE, `enabled: true`",
        "  ✗ rollout 1: passes on: bucket 3 is not below 3",
        "      bucket 3 of 100; true 0-2",
        "  ✗ rollout 2: passes on: bucket 3 is not below 0",
        "      bucket 3 of 100; no bucket counts",
    ]


def test_segments_under_and_or_with_any_and_all_show_what_each_constraint_saw() -> None:
    both = a_segment_rollout("pro", "staff", every=True)
    either = a_segment_rollout("pro", "staff", value=False)
    seen = [
        "      ✓ segment pro (ANY of 2)",
        "          ✓ plan eq 'pro': it is 'pro'",
        '          ✗ seats isoneof \'["5","9"]\': it is absent',
        "      ✗ segment staff (ALL of 2)",
        "          ✓ entity id prefix 'user-': it is 'user-1'",
        "          ✗ office notempty: it is absent",
    ]
    assert explained(a_boolean_flag("flag", both, either), plan="pro") == [
        "flag for user-1: false",
        "  because a rule or rollout matched (MATCH_EVALUATION_REASON)",
        "  the flag is BOOLEAN_FLAG_TYPE, `enabled: false`",
        "  ✗ rollout 1: passes on: its segments do not match",
        "      AND over 2 segments",
        *seen,
        "  ✓ rollout 2: answers false",
        "      OR over 2 segments",
        *seen,
    ]


def test_a_disabled_variant_flag_shows_its_default_and_no_rules() -> None:
    flag = a_flag("flag", enabled=False, variants=[a_variant("a", default=True)], rules=[a_rule("everybody")])
    assert explained(flag) == [
        "flag for user-1: a (match: false)",
        "  because the flag is disabled (FLAG_DISABLED_EVALUATION_REASON)",
        "  the flag is VARIANT_FLAG_TYPE, disabled, default variant a",
    ]


def test_a_disabled_boolean_flag_says_so() -> None:
    assert explained(a_boolean_flag("flag"))[:2] == [
        "flag for user-1: false",
        "  because the flag is disabled (FLAG_DISABLED_EVALUATION_REASON)",
    ]


def test_a_variant_of_weight_zero_has_no_share() -> None:
    """crc32("flag" + "user-1") % 1000 is 672."""
    split = a_rule("everybody", [("a", 0), ("b", 25), ("c", 75)])
    flag = a_flag("flag", variants=[a_variant("a"), a_variant("b"), a_variant("c", {"x": 1})], rules=[split])
    assert explained(flag) == [
        'flag for user-1: c with {"x":1}',
        "  because a rule or rollout matched (MATCH_EVALUATION_REASON)",
        "  the flag is VARIANT_FLAG_TYPE, enabled",
        "  ✓ rule 1: answers c",
        "      ✓ segment everybody (everybody)",
        "      bucket 672 of 1000; b 0-249, c 250-999",
    ]


@pytest.mark.parametrize("split", [[], [("a", 0), ("b", 0)]])
def test_a_rule_without_a_share_above_zero_answers_the_default_variant(split: list[tuple[str, float]]) -> None:
    variants = [a_variant("a", default=True), a_variant("b")]
    lines = explained(a_flag("flag", variants=variants, rules=[a_rule("everybody", split)]))
    assert lines[0] == "flag for user-1: a"
    assert lines[3] == "  ✓ rule 1: matches without a share above zero, so the default variant or none is answered"


def test_a_segment_that_does_not_exist_is_said() -> None:
    lines = explained(a_boolean_flag("flag", {"segment": {**named("ghost"), "value": True}}))
    assert lines[-1] == "      ✗ segment ghost does not exist"
