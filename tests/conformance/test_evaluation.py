"""The core against worked vectors: hashing, limits, constraints, segments and whole flags, under each profile."""

from __future__ import annotations

from typing import Any

import pytest

from burgee.core.bucketing import limits, threshold_bucket, variant_bucket
from burgee.core.errors import UnknownConstraintType
from burgee.core.model import MATCH
from tests.builders import (
    EVERYBODY,
    a_boolean_flag,
    a_flag,
    a_rule,
    a_segment_rollout,
    a_threshold,
    matches,
    outcome_of,
)
from tests.conformance.vector_files import CONSTRAINT_VECTORS, cases, constraint_of, vectors

Case = dict[str, Any]
EVERY_DIALECT = pytest.mark.parametrize("dialect", ["server", "client"])
EVERY_ARITHMETIC = pytest.mark.parametrize("buckets", ["S1", "S2", "C"])


def test_entities_fall_into_the_worked_buckets() -> None:
    for case in cases("buckets"):
        flag, entity = case["flag"], case["entity"]
        assert variant_bucket(flag, entity) == case["variant_bucket"], case
        assert threshold_bucket(flag, entity) == case["threshold_bucket"], case


@EVERY_ARITHMETIC
def test_weights_give_the_worked_limits(buckets: str) -> None:
    for case in cases("limits"):
        weights = [weight for weight in case["weights"] if weight]
        assert limits(weights, buckets) == case[buckets], case


@EVERY_ARITHMETIC
def test_entities_get_the_worked_variant(buckets: str) -> None:
    for case in cases("distributions"):
        split = [(f"variant {place}", weight) for place, weight in enumerate(case["weights"], 1)]
        flag = a_flag(case["flag"], rules=[a_rule("everybody", split)], variants=[{"key": key} for key, _ in split])
        answer = outcome_of(flag, entity=case["entity"], profile=f"{buckets}/server")
        wanted = "" if case[buckets] is None else f"variant {case[buckets]}"
        assert (answer.variant_key, answer.match) == (wanted, bool(wanted)), case


@pytest.mark.parametrize("profile", ["S1/server", "S2/server", "C/server", "C/client"])
def test_thresholds_hit_the_worked_entities(profile: str) -> None:
    flag = vectors("thresholds")["flag"]
    for case in cases("thresholds"):
        for percentage, hit in case["hits"].items():
            rollout = a_threshold(float(percentage))
            answer = outcome_of(a_boolean_flag(flag, rollout), entity=case["entity"], profile=profile)
            assert answer.enabled is hit, (case["entity"], percentage)


@EVERY_DIALECT
@pytest.mark.parametrize("name", CONSTRAINT_VECTORS)
def test_constraints_hold_as_the_vectors_say(name: str, dialect: str) -> None:
    wrong = [
        case for case in cases(name) if matches(constraint_of(case), case["text"], dialect=dialect) != case[dialect]
    ]
    assert wrong == []


@EVERY_DIALECT
def test_segments_match_as_the_vectors_say(dialect: str) -> None:
    for case in cases("segments"):
        assert segment_outcome(case, dialect) == case[dialect], case


@pytest.mark.parametrize("profile", ["S1/server", "S2/server", "S2+/server", "C/server", "C/client", "C+/client"])
def test_flags_answer_as_the_vectors_say(profile: str) -> None:
    given = vectors("flags")
    concerned = [case for case in given["cases"] if profile in case["outcomes"]]
    assert concerned
    for case in concerned:
        answer = outcome_of(
            case["flag"], given["context"], entity=given["entity"], segments=given["segments"], profile=profile
        )
        seen = {name: getattr(answer, name) for name in case["outcomes"][profile]}
        assert {**seen, "segment_keys": list(answer.segment_keys)} == case["outcomes"][profile], case["rule"]


def segment_outcome(case: Case, dialect: str) -> bool | str:
    """Whether the segment matches, or `error` when the evaluation fails."""
    segment = {"key": "s", "name": "s", "match_type": case["match_type"], "constraints": case["constraints"]}
    flag = a_boolean_flag("flag", a_segment_rollout("s"))
    try:
        answer = outcome_of(flag, segments=[segment, EVERYBODY], profile=f"C/{dialect}")
    except UnknownConstraintType:
        return "error"
    return bool(answer.reason == MATCH)
