"""All flags together answer as one by one, and numbers and booleans in a context as the texts they are written as."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.bundle.document import Document, encode
from burgee.client import NOBODY, Client
from burgee.core.context import text_of, texts_of
from burgee.core.errors import InvalidContext, TargetingKeyMissing, UnknownConstraintType
from burgee.core.model import BOOLEAN, NUMBER, PROFILES, STRING, BooleanResult
from burgee.core.snapshot import Namespace, Snapshot
from tests.builders import a_boolean_flag, a_constraint, a_segment, a_segment_rollout
from tests.conformance.generated import NUMBERS, PROPERTIES, Normal, a_generated_document, questions
from tests.conformance.naive import EvaluationFails, Naive
from tests.fakes.clients import ClientScene

EXAMPLES = settings(max_examples=60, deadline=None)
EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES)
SEEDS = st.integers(0, 2**32)
FAILURES = (UnknownConstraintType, TargetingKeyMissing, InvalidContext)

INTEGERS = st.one_of(
    st.integers(-25, 25), st.integers(), st.sampled_from([2**31 - 1, 2**31, -(2**31), 2**53 + 1, 10**21, 10**400])
)
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-25, 25).map(float),
    st.integers(-50, 50).map(lambda number: number / 2),
    st.sampled_from([-0.0, 1e21, 1e22, 1e-7, 2.0**53, 0.1, 1e300]),
)
VALUES = st.one_of(INTEGERS, FLOATS, st.booleans(), st.none(), st.text(max_size=4))
CONTEXTS = st.dictionaries(st.sampled_from(PROPERTIES), VALUES)


def a_namespace(normal: Normal, profile: str) -> Namespace:
    return Snapshot(profile, {"default": Document(encode(normal))}, revision=7, digest="sha256:7").namespace("")


def outcome(evaluate: Callable[..., Any], *asked: Any) -> Any:
    """What it returns, or the kind of what it raises."""
    try:
        return evaluate(*asked, 0)
    except FAILURES as error:
        return type(error)


def assert_together_as_one_by_one(namespace: Namespace, entity: str, context: dict[str, Any]) -> None:
    keys = namespace.document.flag_keys()
    singly = {key: outcome(namespace.evaluate, key, entity, context) for key in keys}
    failures = {found for found in singly.values() if isinstance(found, type)}
    together = outcome(namespace.evaluate_all, entity, context)
    if failures:
        assert together in failures
    else:
        assert list(together) == keys
        assert together == singly


# Together as one by one


@EVERY_PROFILE
@EXAMPLES
@given(seed=SEEDS)
def test_generated_flags_answer_together_as_one_by_one(profile: str, seed: int) -> None:
    """'Whatever has another shape is evaluated by itself. A property test holds all of it to one flag at a time.'"""
    rng = Random(seed)
    normal = a_generated_document(rng, flags=25, unknown_types=PROFILES[profile].dialect == "client")
    namespace = a_namespace(normal, profile)
    for _, entity, context in questions(rng, normal, 1):
        assert_together_as_one_by_one(namespace, entity, context)


@EXAMPLES
@given(seed=SEEDS, context=CONTEXTS, entity=st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
def test_they_do_so_with_contexts_as_users_have_them(seed: int, context: dict[str, Any], entity: str) -> None:
    rng = Random(seed)
    namespace = a_namespace(a_generated_document(rng, flags=25, unknown_types=False), "C/server")
    assert_together_as_one_by_one(namespace, entity, context)


@EXAMPLES
@given(seed=SEEDS)
def test_the_order_in_which_flags_were_asked_for_first_makes_no_difference(seed: int) -> None:
    rng = Random(seed)
    normal = a_generated_document(rng, flags=25, unknown_types=False)
    asked = questions(rng, normal, 1)
    fresh, used = a_namespace(normal, "C/server"), a_namespace(normal, "C/server")
    for key, entity, context in rng.sample(asked, 10):
        used.evaluate(key, entity, context, 0)
    for _, entity, context in asked[:5]:
        assert fresh.evaluate_all(entity, context, 0) == used.evaluate_all(entity, context, 0)


@EXAMPLES
@given(seed=SEEDS, context=CONTEXTS)
def test_nobody_is_answered_together_only_where_no_answer_depends_on_who_asks(
    seed: int, context: dict[str, Any]
) -> None:
    """'TargetingKeyMissing where NOBODY would need a bucket.'"""
    namespace = a_namespace(a_generated_document(Random(seed), flags=4, unknown_types=False), "C/server")
    singly = [outcome(namespace.evaluate, key, NOBODY, context) for key in namespace.document.flag_keys()]
    together = outcome(namespace.evaluate_all, NOBODY, context)
    if TargetingKeyMissing in singly:
        assert together is TargetingKeyMissing
    elif together is not TargetingKeyMissing:
        assert list(together.values()) == singly


# Values as their texts


def typed(rng: Random, text: str) -> Any:
    """A value that is written as this text or nearly so, or the text itself."""
    if text in ("true", "false"):
        return text == "true"
    for read in rng.sample([int, float], 2):
        try:
            number = read(text)
            text_of(number)
        except (ValueError, OverflowError, InvalidContext):
            continue
        return number
    return text


@EVERY_PROFILE
@EXAMPLES
@given(seed=SEEDS, more=CONTEXTS)
def test_a_value_is_read_as_the_text_it_is_written_as(profile: str, seed: int, more: dict[str, Any]) -> None:
    """'Values are texts, numbers, booleans or None, and evaluation reads them as texts.'"""
    rng = Random(seed)
    normal = a_generated_document(rng, flags=20, unknown_types=False)
    namespace = a_namespace(normal, profile)
    for key, entity, context in questions(rng, normal, 1):
        mixed = {name: typed(rng, text) for name, text in context.items()} | more
        texts = texts_of(mixed)
        assert namespace.evaluate(key, entity, mixed, 0) == namespace.evaluate(key, entity, texts, 0)
    assert namespace.evaluate_all(entity, mixed, 0) == namespace.evaluate_all(entity, texts, 0)


def every_operator() -> Normal:
    """A namespace with a flag for each kind of constraint on `p`, alone and beside another one."""
    constraints = [
        a_constraint("p", operator, value, type=NUMBER)
        for operator in ("eq", "neq", "lt", "lte", "gt", "gte", "present", "notpresent")
        for value in ("0", "1", "-3", "7.5", "2147483647", "1e21", "nope", *NUMBERS[:6])
    ]
    constraints += [
        a_constraint("p", operator, value, type=NUMBER)
        for operator in ("isoneof", "isnotoneof")
        for value in ("[1, 2.5, -3]", "[]", "null", "[1e21]", "nope")
    ]
    constraints += [
        a_constraint("p", operator, type=BOOLEAN) for operator in ("true", "false", "present", "notpresent")
    ]
    constraints += [
        a_constraint("p", operator, value, type=STRING)
        for operator in ("eq", "neq", "prefix", "suffix", "contains", "notcontains", "empty", "notempty")
        for value in ("1", "true", "0.5", "e", "")
    ]
    constraints += [
        a_constraint("p", operator, '["1", "true", "0.5", "1e+22", ""]') for operator in ("isoneof", "isnotoneof")
    ]
    segments = [a_segment(f"s{place}", [constraint]) for place, constraint in enumerate(constraints)]
    beside = a_constraint("q", "neq", "x")
    for any_of in (False, True):
        segments += [
            a_segment(f"t{any_of}{place}", [constraint, beside, constraint], any_of=any_of)
            for place, constraint in enumerate(constraints)
        ]
    flags = [a_boolean_flag(f"f-{segment['key']}", a_segment_rollout(segment["key"])) for segment in segments]
    return {"namespace": "default", "flags": flags, "segments": segments}


EVERY_OPERATOR = every_operator()
BY_EVERY_OPERATOR = {profile: a_namespace(EVERY_OPERATOR, profile) for profile in ("C/server", "C/client")}


@pytest.mark.parametrize("profile", BY_EVERY_OPERATOR)
@settings(max_examples=150, deadline=None)
@given(value=VALUES)
def test_every_operator_reads_a_value_as_the_text_it_is_written_as(profile: str, value: Any) -> None:
    namespace = BY_EVERY_OPERATOR[profile]
    wanted = namespace.evaluate_all("x", {"p": text_of(value)}, 0)
    assert namespace.evaluate_all("x", {"p": value}, 0) == wanted
    assert {key: namespace.evaluate(key, "x", {"p": value}, 0) for key in wanted} == wanted
    if isinstance(value, str) and value:
        (member,) = StrEnum("Member", {"IT": value})
        assert namespace.evaluate_all("x", {"p": member}, 0) == wanted


@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_the_prose_of_the_specification_agrees_about_the_text_of_a_value(value: Any) -> None:
    namespace = BY_EVERY_OPERATOR["C/server"]
    naive = Naive(EVERY_OPERATOR, buckets="C", dialect="server", plus=True)
    for key, result in namespace.evaluate_all("x", {"p": value}, 0).items():
        assert isinstance(result, BooleanResult)
        try:
            wanted = naive.evaluate(key, "x", {"p": text_of(value)})
        except EvaluationFails:
            continue
        assert (result.enabled, result.reason, result.segment_keys) == wanted, key


def test_values_have_the_texts_that_json_writes() -> None:
    """'`true`, `42`, `0.5`; an integral float is written as an integer, None is "".'"""
    texts = {"true": True, "false": False, "42": 42, "-1": -1.0, "0.5": 0.5, "": None, "0": -0.0, " x ": " x "}
    texts |= {"1e+21": 1e21, "100000000000000000000": 1e20, "1e-07": 1e-7}
    assert {text_of(value): value for value in texts.values()} == texts


@settings(max_examples=300, deadline=None)
@given(st.one_of(INTEGERS, FLOATS))
def test_the_text_of_a_number_reads_back_as_that_number(number: int | float) -> None:
    """'`42`, `0.5`; an integral float is written as an integer.'"""
    text = text_of(number)
    assert type(number)(text) == number
    if isinstance(number, float) and number.is_integer() and abs(number) < 1e21:
        assert text == str(int(number))


# The client


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, more=CONTEXTS, entity=st.one_of(st.integers(), st.booleans(), st.text(max_size=5)))
def test_a_client_answers_together_as_one_by_one_on_its_fast_way_and_on_its_slow_one(
    seed: int, more: dict[str, Any], entity: Any
) -> None:
    rng = Random(seed)
    normal = a_generated_document(rng, flags=15, unknown_types=False)
    scene = ClientScene()
    scene.publish(encode(normal))
    fast, slow = scene.client(), scene.client(on_exposure=lambda *exposure: None)
    for _, _, context in questions(rng, normal, 1)[:3]:
        mixed = {name: typed(rng, text) for name, text in context.items()} | more
        together = fast.evaluate_all(entity, mixed)
        assert together == slow.evaluate_all(entity, mixed)
        for client in (fast, slow):
            assert {key: client.evaluate(key, entity, mixed) for key in together} == together
            assert {key: _by_type(client, key, entity, mixed) for key in together} == together


def _by_type(client: Client, key: str, entity: Any, context: dict[str, Any]) -> Any:
    if isinstance(client.evaluate(key, entity, context), BooleanResult):
        return client.boolean(key, entity, context)
    return client.variant(key, entity, context)
