"""Impact is arithmetic: it equals what brute force finds over every bucket and every combination of segments."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import count, product
from json import dumps
from operator import ne
from random import Random
from typing import Any

import pytest

from burgee.core.bucketing import BUCKETS, THRESHOLD_BUCKETS, threshold_bucket, variant_bucket
from burgee.core.instant import format_instant
from burgee.core.model import AND, PROFILES, BooleanResult
from burgee.core.segments import compile_segment
from burgee.core.snapshot import Namespace, Snapshot
from burgee.impact.answers import Answer
from burgee.impact.effects import FlagImpact, Side, impact
from burgee.impact.meanings import Meaning, meaning
from tests.builders import (
    Normal,
    a_boolean_flag,
    a_constraint,
    a_document,
    a_flag,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
    an_entity_constraint,
    named,
)

EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES)
VALUES = ("", "a", "b", "c")
PROPERTIES = ("p", "q", "r")
CONTEXTS = [dict(zip(PROPERTIES, values, strict=True)) for values in product(VALUES, repeat=len(PROPERTIES))]
WEIGHTS: tuple[list[float], ...] = (
    [100.0],
    [50.0, 50.0],
    [33.33, 33.33, 33.34],
    [14.9, 85.1],
    [10.0, 20.0],
    [0.0, 100.0],
    [70.0, 60.0],
    [0.0],
    [],
)


@EVERY_PROFILE
@pytest.mark.parametrize("kind", ["boolean", "variant"])
def test_every_share_is_what_asking_for_every_bucket_gives(profile: str, kind: str) -> None:
    """The share of buckets whose answer changes is exact, per rule and segment."""
    for number in range(60 if kind == "boolean" else 15):
        rng = Random(f"impact/{profile}/{kind}/{number}")
        sides = [(a_random_flag(rng, kind), random_segments(rng)) for _ in range(2)]
        if rng.random() < 0.5:
            sides[1] = (sides[0][0], sides[1][1])
        assert_exact(sides, (profile, profile))


def test_a_change_of_profile_is_a_change_of_every_flag_that_splits_otherwise() -> None:
    rng = Random("impact/profiles")
    for old, new in product(PROFILES, repeat=2):
        side = (a_random_flag(rng, "variant"), random_segments(rng))
        if old != new:
            assert_exact([side, side], (old, new))


def test_a_flag_that_comes_goes_or_changes_its_type_changes_for_everybody() -> None:
    rng = Random("impact/types")
    boolean, variant = ((a_random_flag(rng, kind), random_segments(rng)) for kind in ("boolean", "variant"))
    for old, new in ((boolean, None), (None, variant), (boolean, variant), (variant, boolean)):
        (flag,) = the_impact(old, new)
        assert {population.changed for population in flag.now.shares.populations} == {BUCKETS}


def test_segments_that_say_nothing_of_one_another_divide_into_groups_that_somebody_is_in() -> None:
    """'Combinations of segments are walked as far as they decide, so that what is certain divides nobody.'"""
    for number in range(40):
        rng = Random(f"impact/independent/{number}")
        segments = [
            [a_segment(f"s{at}", [a_constraint(name, "eq", value)]) for at, name in enumerate(PROPERTIES)]
            for value in "ab"
        ]
        kind = rng.choice(("boolean", "variant"))
        sides = [
            ({**a_random_flag(rng, kind), "name": name}, listed) for name, listed in zip("ab", segments, strict=True)
        ]
        found = the_impact(*sides)
        expected, _ = by_brute_force(sides, ("C/server", "C/server"), entities=1)
        assert {(each.before, each.after) for each in found[0].now.shares.populations} == expected.keys()


def test_a_combination_that_is_left_out_has_nobody_in_it() -> None:
    """'Only what is certain for every context is said.'"""
    for number in range(300):
        rng = Random(f"impact/meanings/{number}")
        dialect = rng.choice(("server", "client"))
        segments = [
            a_segment("s", random_constraints(rng) or [a_random_constraint(rng)], any_of=rng.random() < 0.5)
            for _ in range(2)
        ]
        one, other = (meaning(segment, dialect) for segment in segments)
        assert isinstance(one, Meaning) and isinstance(other, Meaning)
        first, second = (compile_segment(segment, dialect) for segment in segments)
        held = {(first("x", context), second("x", context)) for context in CONTEXTS}
        assert not (one.implies(other) and (True, False) in held)
        assert not (one.excludes(other) and (True, True) in held)


@EVERY_PROFILE
def test_each_step_of_a_schedule_has_the_share_that_asking_before_and_after_it_gives(profile: str) -> None:
    flag = a_scheduled_flag()
    document = a_document([flag], [a_segment("s0", [a_constraint("p", "eq", "a")])])
    old = a_document([{**flag, "name": "before"}], [a_segment("s0", [a_constraint("p", "eq", "a")])])
    (found,) = impact(Side({"default": old}, profile), Side({"default": document}, profile), 0).flags
    namespace = Snapshot(profile, {"default": document}).namespace("")
    assert [(step.since, step.until) for step in found.later] == [
        (1000, None),
        (2000, 4000),
        (4000, None),
        (5000, None),
    ]
    for step in found.later:
        assert step.since is not None
        # Up to the last moment of a ramp: what another step makes of its end is not its own.
        instants = (step.since, step.until - 1) if step.until else (step.since - 1, step.since)
        (population,) = (each for each in step.shares.populations if 1 in (each.before, each.after))
        before, after = (
            [answer_of(namespace, "flag", entity, {"p": "a"}, at) for entity in variant_entities("flag")]
            for at in instants
        )
        assert population.changed == sum(map(ne, before, after))


def a_scheduled_flag() -> Normal:
    steps = [
        {"at": format_instant(1000), "rule": 1, "weights": {"v": 90, "w": 10}},
        {
            "from": format_instant(2000),
            "until": format_instant(4000),
            "rule": 1,
            "weights": {"v": [90, 33.3], "w": [10, 66.7]},
        },
        {"at": format_instant(4000), "rule": 1, "weights": {"v": 0, "w": 100}},
        {"at": format_instant(5000), "enabled": False},
    ]
    variants = [a_variant("v"), a_variant("w", default=True)]
    rules = [a_rule("s0", [("v", 100.0), ("w", 0.0)])]
    return a_flag("flag", variants=variants, rules=rules, metadata={"burgee.schedule": dumps(steps)})


def assert_exact(sides: list[tuple[Normal, list[Normal]]], profiles: tuple[str, str]) -> None:
    found = the_impact(*sides, profiles=profiles)
    expected, asked = by_brute_force(sides, profiles)
    if not found:
        assert all(set(changes) <= {None, "reason"} for changes in expected.values())
        return
    populations = {(each.before, each.after): each for each in found[0].now.shares.populations}
    assert found[0].now.shares.exact
    assert expected.keys() <= populations.keys()
    for pair, changes in expected.items():
        told = {(change.old, change.new): change.buckets for change in populations[pair].transitions}
        assert told == {each: buckets for each, buckets in changes.items() if each not in (None, "reason")}, pair
        assert populations[pair].reasons == changes["reason"]
        assert populations[pair].changed == sum(told.values()) == asked - changes[None]


def by_brute_force(
    sides: list[tuple[Normal, list[Normal]]], profiles: tuple[str, str], *, entities: int = BUCKETS
) -> tuple[dict[Any, Counter[Any]], int]:
    """For each pair of deciding parts how many of 1,000 get which answers; two contexts of a pair have to agree."""
    namespaces = [a_namespace(*side, profile) for side, profile in zip(sides, profiles, strict=True)]
    key = sides[0][0]["key"]
    is_boolean = sides[0][0].get("type") == "BOOLEAN_FLAG_TYPE"
    asked = (threshold_entities(key) if is_boolean else variant_entities(key))[:entities]
    found: dict[Any, Counter[Any]] = {}
    seen: Counter[Any] = Counter()
    for context in CONTEXTS:
        pair = tuple(
            deciding(flag, segments, context, profile)
            for (flag, segments), profile in zip(sides, profiles, strict=True)
        )
        seen[pair] += 1
        if seen[pair] > 2:
            continue
        changes: Counter[Any] = Counter()
        for entity in asked:
            old, new = (answer_of(namespace, key, entity, context) for namespace in namespaces)
            changes[(old, new) if old != new else None] += BUCKETS // len(asked)
            changes["reason"] += BUCKETS // len(asked) if old == new and old.reason != new.reason else 0
        assert found.setdefault(pair, changes) == changes
    return found, BUCKETS


def a_namespace(flag: Normal, segments: list[Normal], profile: str) -> Namespace:
    document = a_document([flag], segments)
    return Snapshot(profile, {"default": document}).namespace("")


def answer_of(namespace: Namespace, key: str, entity: str, context: dict[str, str], at: int = 0) -> Answer:
    result = namespace.evaluate(key, entity, context, at)
    if isinstance(result, BooleanResult):
        return Answer(result.enabled, reason=result.reason)
    return Answer(result.variant_key, result.match, result.attachment, result.reason)


def deciding(flag: Normal, segments: list[Normal], context: dict[str, str], profile: str) -> int | None:
    """The first rule, or rollout with segments before a threshold of everybody, whose segments match."""
    if flag.get("type") != "BOOLEAN_FLAG_TYPE" and not flag.get("enabled"):
        return None
    known = {segment["key"]: segment for segment in segments}
    for number, part in enumerate((*flag.get("rules", ()), *flag.get("rollouts", ())), 1):
        if part.get("threshold", {}).get("percentage", 0) > THRESHOLD_BUCKETS - 1:
            return None
        if "segment" not in part:
            continue
        matched = [
            compile_segment(known.get(name), PROFILES[profile].dialect)("nobody", context)
            for name in part["segment"]["keys"]
        ]
        if all(matched) if part["segment"].get("operator") == AND else any(matched):
            return number
    return None


def the_impact(
    old: tuple[Normal, list[Normal]] | None,
    new: tuple[Normal, list[Normal]] | None,
    *,
    profiles: tuple[str, str] = ("C/server", "C/server"),
) -> tuple[FlagImpact, ...]:
    before, after = (
        Side({"default": a_document([side[0]], side[1])} if side else {}, profile)
        for side, profile in zip((old, new), profiles, strict=True)
    )
    return impact(before, after, 0).flags


def random_segments(rng: Random) -> list[Normal]:
    listed = [a_segment(f"s{number}", random_constraints(rng), any_of=rng.random() < 0.5) for number in range(4)]
    return listed if rng.random() < 0.8 else listed[1:]


def random_constraints(rng: Random) -> list[Normal]:
    return [a_random_constraint(rng) for _ in range(rng.choice((0, 1, 1, 2)))]


def a_random_constraint(rng: Random) -> Normal:
    value = rng.choice(("a", "b", '["a","b"]', '["b","c"]', '["a"]'))
    operator = ("isoneof" if value.startswith("[") else "eq") if rng.random() < 0.8 else "neq"
    if rng.random() < 0.1:
        return an_entity_constraint("eq", "nobody at all")
    return a_constraint(rng.choice(PROPERTIES), operator, value)


def a_random_flag(rng: Random, kind: str) -> Normal:
    enabled = rng.random() < 0.8
    if kind == "boolean":
        return a_boolean_flag("flag", *(a_random_rollout(rng) for _ in range(rng.randrange(5))), enabled=enabled)
    variants = [
        a_variant(key, rng.choice((None, {"x": 1}, {"x": 2})), default=default)
        for key, default in zip("vw", (rng.random() < 0.3, rng.random() < 0.3), strict=True)
    ]
    rules = [a_random_rule(rng) for _ in range(rng.randrange(4))]
    return a_flag("flag", enabled=enabled, variants=variants, **({"rules": rules} if rules else {}))


def a_random_rule(rng: Random) -> Normal:
    weights = rng.choice(WEIGHTS)
    keys = named(*rng.sample(["s0", "s1", "s2", "s3"], rng.choice((1, 1, 2))), every=rng.random() < 0.5)
    return a_rule(keys, list(zip(rng.sample("vwx", len(weights)), weights, strict=True)))


def a_random_rollout(rng: Random) -> Normal:
    value = rng.random() < 0.6
    if rng.random() < 0.4:
        return a_threshold(rng.choice((0.0, 0.5, 10.0, 33.3, 50.0, 99.9, 100.0)), value=value)
    keys = rng.sample(["s0", "s1", "s2", "s3"], rng.choice((1, 1, 2)))
    return a_segment_rollout(*keys, every=rng.random() < 0.5, value=value)


@cache
def variant_entities(flag: str) -> list[str]:
    return one_for_each(BUCKETS, lambda entity: variant_bucket(flag, entity))


@cache
def threshold_entities(flag: str) -> list[str]:
    return one_for_each(THRESHOLD_BUCKETS, lambda entity: threshold_bucket(flag, entity))


def one_for_each(buckets: int, bucket_of: Any) -> list[str]:
    found: dict[int, str] = {}
    for number in count():
        if len(found) == buckets:
            return list(found.values())
        found.setdefault(bucket_of(f"entity-{number}"), f"entity-{number}")
    raise AssertionError
