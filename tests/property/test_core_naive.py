"""Compiled evaluation equals a naive interpreter of the specification's prose, under every profile.

The official engine proves the client dialect; this proves the server dialect and the other arithmetics.
"""

from __future__ import annotations

import json
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from burgee.bundle.document import Document, encode
from burgee.core.errors import UnknownConstraintType
from burgee.core.model import NUMBER, PROFILES, BooleanResult
from burgee.core.snapshot import Namespace, Snapshot
from tests.builders import a_boolean_flag, a_constraint, a_segment, a_segment_rollout
from tests.conformance.generated import (
    NUMBER_LISTS,
    OPERATORS,
    TEXT_LISTS,
    VALUES,
    Question,
    a_generated_document,
    questions,
)
from tests.conformance.naive import EvaluationFails, Naive

if TYPE_CHECKING:
    from burgee.core.model import VariantResult

EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES)
FAILS = ("error", "unknown constraint type")


@EVERY_PROFILE
def test_generated_documents_evaluate_as_the_prose_says(profile: str) -> None:
    for number in range(3):
        rng = Random(f"naive/{profile}/{number}")
        # A server fails the evaluation at an unknown type or stops before it; section 2.7 leaves open which.
        normal = a_generated_document(rng, flags=100, unknown_types=PROFILES[profile].dialect == "client")
        assert_the_same(profile, normal, questions(rng, normal, 12))


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize("profile", ["C/server", "C/client"])
def test_every_operator_reads_awkward_texts_as_the_prose_says(kind: str, profile: str) -> None:
    lists = NUMBER_LISTS if kind == NUMBER else TEXT_LISTS
    constraints = [
        a_constraint("p", operator, value, type=kind)
        for operator in OPERATORS[kind]
        for value in (lists if operator in ("isoneof", "isnotoneof") else VALUES[kind])
    ]
    flags = [a_boolean_flag(f"f{place}", a_segment_rollout(f"s{place}")) for place in range(len(constraints))]
    segments = [a_segment(f"s{place}", [constraint]) for place, constraint in enumerate(constraints)]
    rng = Random(kind)
    asked = [(flag["key"], text, {"p": text}) for flag, text in product(flags, VALUES[kind]) if rng.random() < 0.2]
    assert_the_same(profile, {"namespace": "default", "flags": flags, "segments": segments}, asked)


def assert_the_same(profile: str, normal: dict[str, Any], asked: list[Question]) -> None:
    document = Document(encode(normal))
    namespace = Snapshot(profile, {"default": document}).namespace("")
    known = PROFILES[profile]
    naive = Naive(normal, buckets=known.buckets, dialect=known.dialect, plus=known.disabled_reason)
    for question in asked:
        assert _compiled(namespace, question) == _interpreted(naive, question), question


def _compiled(namespace: Namespace, question: Question) -> tuple[object, ...]:
    try:
        answer: BooleanResult | VariantResult = namespace.evaluate(*question, 0)
    except UnknownConstraintType as error:
        return ("error", str(error))
    if isinstance(answer, BooleanResult):
        return (answer.enabled, answer.reason, answer.segment_keys)
    attachment = None if answer.attachment is None else json.loads(answer.attachment)
    return (answer.match, answer.variant_key, attachment, answer.reason, answer.segment_keys)


def _interpreted(naive: Naive, question: Question) -> tuple[object, ...]:
    try:
        return naive.evaluate(*question)
    except EvaluationFails:
        return FAILS
