"""Shares of flag tests beside a count by hand: every bucket's entities, evaluated by the naive evaluator."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.bundle.document import Document, encode
from burgee.core.errors import UnknownConstraintType
from burgee.core.model import BOOLEAN_FLAG, ENTITY_ID, PROFILES
from burgee.core.snapshot import Snapshot
from burgee.deliver.shares import EntityDecides, shares
from tests.conformance.generated import Normal, a_generated_document, questions
from tests.conformance.naive import EvaluationFails, Naive

EXAMPLES = settings(max_examples=25, deadline=None)
FURTHER = 200


def entities_of(flag: Normal, rng: Random) -> Iterator[tuple[int, str]]:
    """Entities of every bucket, one each and some more, with the bucket that the prose of the semantics gives them."""
    boolean = flag.get("type") == BOOLEAN_FLAG
    seen: set[int] = set()
    further = FURTHER
    while len(seen) < (100 if boolean else 1000) or further:
        entity = f"user-{rng.getrandbits(40):x}"
        text = entity + flag["key"] if boolean else flag["key"] + entity
        bucket = zlib.crc32(text.encode()) % (100 if boolean else 1000)
        if bucket not in seen or further:
            further -= bucket in seen
            seen.add(bucket)
            yield bucket, entity


def by_hand(naive: Naive, flag: Normal, context: dict[str, str], rng: Random) -> dict[str, float] | None:
    """Percentages by answer; None where entities of one bucket get different answers."""
    found: dict[int, str] = {}
    for bucket, entity in entities_of(flag, rng):
        result = naive.evaluate(flag["key"], entity, context)
        answer = str(result[0]).lower() if flag.get("type") == BOOLEAN_FLAG else str(result[1])
        if found.setdefault(bucket, answer) != answer:
            return None
    return {answer: count * 100 / len(found) for answer, count in Counter(found.values()).items()}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
@EXAMPLES
@given(seed=st.integers(0, 2**32))
def test_a_share_is_counted_over_every_bucket(profile: tuple[str, str, str, bool], seed: int) -> None:
    """'What an answer depends on beside context and instant is the entity's bucket.'"""
    rng = Random(seed)
    document = a_generated_document(rng, flags=4)
    name, buckets, dialect, plus = profile
    naive = Naive(document, buckets=buckets, dialect=dialect, plus=plus)
    namespace = Snapshot(name, {"default": Document(encode(document))}).namespace("")
    looks_at_entities = any(
        constraint["type"] == ENTITY_ID
        for segment in document["segments"]
        for constraint in segment.get("constraints", ())
    )
    for key, _, context in questions(rng, document, 1):
        try:
            found = shares(namespace, key, context, 0)
        except EntityDecides:
            assert looks_at_entities
        except UnknownConstraintType:
            with pytest.raises(EvaluationFails):
                for _, entity in entities_of(naive.flags[key], rng):
                    naive.evaluate(key, entity, context)
        else:
            try:
                wanted = by_hand(naive, naive.flags[key], context, rng)
            except EvaluationFails:
                # Of an unknown type of constraint, which nobody can publish: burgee does not come to look at it where a
                # segment before it, or another entity, has decided.
                continue
            assert found == pytest.approx(wanted)
