"""Schedules against worked vectors: what a flag is at an instant, and when it is another."""

from __future__ import annotations

from typing import Any

import pytest

from burgee.core.bucketing import variant_bucket
from burgee.core.instant import format_instant, parse_instant
from burgee.core.model import PROFILES
from burgee.core.schedule import flag_at, next_step
from tests.builders import a_namespace
from tests.conformance.vector_files import cases, vectors

Case = dict[str, Any]
EVERY_CASE = pytest.mark.parametrize("case", cases("schedules"), ids=lambda case: str(case["rule"]))


def shown(flag: Any) -> Case:
    """What the vectors say of flags."""
    return {
        "enabled": flag.get("enabled", False),
        "percentages": [rollout["threshold"]["percentage"] for rollout in flag.get("rollouts", ())],
        "weights": [[share["rollout"] for share in rule["distributions"]] for rule in flag.get("rules", ())],
    }


@EVERY_CASE
def test_a_flag_is_at_an_instant_what_its_vector_says(case: Case) -> None:
    found = shown(flag_at(case["flag"], parse_instant(case["at"])))
    assert {name: found[name] for name in case["is"]} == case["is"]


@EVERY_CASE
def test_its_next_step_comes_when_its_vector_says(case: Case) -> None:
    step = next_step(case["flag"], parse_instant(case["at"]))
    assert (None if step is None else format_instant(step)) == case["next"]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_ramp_reaches_the_worked_buckets_when_their_turn_comes(profile: str) -> None:
    given = vectors("schedules")
    begins, flag = parse_instant(given["begins"]), given["ramp"]
    namespace = a_namespace(flag, profile=profile)
    for case in given["answers"]:
        assert variant_bucket(flag["key"], case["entity"]) == case["bucket"]
        answer = namespace.variant(flag["key"], case["entity"], {}, begins + 1000 * case["seconds"])
        assert answer.variant_key == ("blue" if case["blue"] else "green"), case
