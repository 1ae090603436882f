"""The core under profile `C+/client` against Flipt's official client engine: no difference is let pass.

`BURGEE_DIFFERENTIAL` is how many evaluations are compared (60,000 unless set); `BURGEE_DIFFERENTIAL_SEED` makes other
documents. A difference that the specification says cannot be pinned would be listed here by name and reason; there is
none, and nothing is filtered. Work is done a document at a time, so memory does not grow with the number.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from itertools import pairwise, product
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from burgee.bundle.document import Document, encode
from burgee.bundle.flipt import client_snapshot
from burgee.core.instant import format_instant, parse_instant
from burgee.core.model import (
    BOOLEAN,
    DATETIME,
    DEFAULT,
    ENTITY_ID,
    FLAG_DISABLED,
    MATCH,
    NUMBER,
    STRING,
    UNKNOWN,
    BooleanResult,
)
from burgee.core.snapshot import Snapshot
from tests.builders import (
    EVERYBODY,
    a_boolean_flag,
    a_constraint,
    a_document,
    a_flag,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    scheduled,
)
from tests.conformance.flipt_engine import OfficialEngine
from tests.conformance.generated import (
    BOOLEANS,
    DATES,
    NUMBER_LISTS,
    NUMBERS,
    OPERATORS,
    TEXT_LISTS,
    TEXTS,
    a_generated_document,
    questions,
)
from tests.conformance.vector_files import CONSTRAINT_VECTORS, cases, constraint_of, vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from burgee.core.model import VariantResult

pytestmark = pytest.mark.integration

Question = tuple[str, str, dict[str, str]]

EVALUATIONS = int(os.environ.get("BURGEE_DIFFERENTIAL", "60000"))
SEED = os.environ.get("BURGEE_DIFFERENTIAL_SEED", "2026")
FLAGS, QUESTIONS_EACH = 150, 40


@pytest.fixture(scope="module")
def engine() -> Iterator[OfficialEngine]:
    with OfficialEngine() as engine:
        yield engine


def test_generated_documents_give_the_official_engines_answers(engine: OfficialEngine) -> None:
    reasons: Counter[str] = Counter()
    done = number = 0
    while done < EVALUATIONS:
        rng = Random(f"{SEED}/{number}")
        document = a_generated_document(rng, flags=FLAGS)
        asked = questions(rng, document, QUESTIONS_EACH)
        answers = compared(engine, document, asked, f"BURGEE_DIFFERENTIAL_SEED={SEED}, document {number}")
        reasons.update(answer.reason for answer in answers)
        done, number = done + len(answers), number + 1
    print(f"\n{done} evaluations of {number} documents, seed {SEED}, no difference: {dict(reasons)}")
    assert_not_vacuous(reasons)


PRODUCTS = {
    STRING: (TEXTS, TEXT_LISTS),
    ENTITY_ID: (TEXTS, TEXT_LISTS),
    NUMBER: (NUMBERS, NUMBER_LISTS),
    BOOLEAN: (BOOLEANS, TEXT_LISTS),
    DATETIME: (DATES, TEXT_LISTS),
}


@pytest.mark.parametrize("kind", PRODUCTS)
def test_every_operator_agrees_over_every_awkward_value_and_text(engine: OfficialEngine, kind: str) -> None:
    texts, lists = PRODUCTS[kind]
    constraints = [
        a_constraint("p", operator, value, type=kind)
        for operator in OPERATORS[kind]
        for value in (lists if operator in ("isoneof", "isnotoneof") else texts)
    ]
    flags = [a_boolean_flag(f"f{place}", a_segment_rollout(f"s{place}")) for place in range(len(constraints))]
    segments = [a_segment(f"s{place}", [constraint]) for place, constraint in enumerate(constraints)]
    of_entity = kind == ENTITY_ID
    asked = [
        (flag["key"], text, {}) if of_entity else (flag["key"], "someone", {"p": text})
        for flag, text in product(flags, [*texts, *members_of(lists)])
    ]
    answers = compared(engine, {"namespace": "default", "flags": flags, "segments": segments}, asked, kind)
    assert {answer.reason for answer in answers} == {MATCH, DEFAULT}


@pytest.mark.parametrize("name", CONSTRAINT_VECTORS)
def test_the_engine_agrees_with_the_client_column_of_the_vectors(engine: OfficialEngine, name: str) -> None:
    listed = cases(name)
    segments = [a_segment(f"s{place}", [constraint_of(case)]) for place, case in enumerate(listed)]
    flags = [a_boolean_flag(f"f{place}", a_segment_rollout(f"s{place}")) for place in range(len(listed))]
    asked = [_question(f"f{place}", case) for place, case in enumerate(listed)]
    official = engine.ask(snapshot_of(flags, segments), asked)
    wrong = [case for case, answer in zip(listed, official, strict=True) if answer["enabled"] != case["client"]]
    assert wrong == []


def test_the_engine_agrees_with_the_vectors_of_whole_flags(engine: OfficialEngine) -> None:
    given = vectors("flags")
    flags = [{**case["flag"], "key": f"flag{place}"} for place, case in enumerate(given["cases"])]
    asked = [(flag["key"], given["entity"], given["context"]) for flag in flags]
    official = engine.ask(snapshot_of(flags, given["segments"]), asked)
    for case, answer in zip(given["cases"], official, strict=True):
        wanted = case["outcomes"]["C+/client"]
        seen = {name: answer[name] for name in wanted}
        assert seen | {"segment_keys": sorted(seen["segment_keys"])} == wanted | {
            "segment_keys": sorted(wanted["segment_keys"])
        }, case["rule"]


def test_the_engine_agrees_with_the_worked_distributions(engine: OfficialEngine) -> None:
    for case in cases("distributions"):
        split = [(f"variant {place}", weight) for place, weight in enumerate(case["weights"], 1)]
        flag = a_flag(case["flag"], rules=[a_rule("everybody", split)], variants=[{"key": key} for key, _ in split])
        (answer,) = engine.ask(snapshot_of([flag], [EVERYBODY]), [(case["flag"], case["entity"], {})])
        assert answer["variant_key"] == f"variant {case['C']}", case


def test_the_engine_follows_schedules_by_the_snapshots_of_their_instants(engine: OfficialEngine) -> None:
    start, rng = parse_instant("2026-12-01T08:00:00Z"), Random(f"{SEED}/schedules")
    ramp = {"from": format_instant(start), "until": format_instant(start + 10_000)}
    names = ("a", "b", "c", "d")
    flags = []
    for place in range(40):
        first, last = ([end - begin for begin, end in pairwise(_limits(rng, len(names)))] for _ in range(2))
        split = [(name, tenths / 10) for name, tenths in zip(names, first, strict=True)]
        weights = {name: [one / 10, two / 10] for name, one, two in zip(names, first, last, strict=True)}
        flag = a_flag(
            f"v{place}", rules=[a_rule("everybody", split)], variants=[{"key": name, "name": name} for name in names]
        )
        flags.append(scheduled(flag, {**ramp, "rule": 1, "weights": weights}))
        half = a_boolean_flag(f"b{place}", a_threshold(rng.randrange(101)))
        flags.append(scheduled(half, {**ramp, "rollout": 1, "percentage": [rng.randrange(101), rng.randrange(101)]}))
    document = {"namespace": "default", "flags": flags, "segments": [EVERYBODY]}
    asked: list[Question] = [(flag["key"], f"user-{rng.randrange(10_000)}", {}) for flag in flags for _ in range(50)]
    for later in (-1, 0, 1, 777, 5_000, 9_999, 10_000):
        compared(engine, document, asked, f"{later} ms after the start", start + later)


def _limits(rng: Random, count: int) -> list[int]:
    """So many parts of a thousand; some are empty."""
    return [0, *sorted(rng.choice((0, 530, rng.randrange(1001), 1000)) for _ in range(count - 1)), 1000]


def test_the_engines_own_call_answers_as_the_sdk_around_it(engine: OfficialEngine) -> None:
    rng = Random(f"{SEED}/sdk")
    document = a_generated_document(rng, flags=FLAGS)
    asked = [(flag, entity, context) for flag, entity, context in questions(rng, document, 2) if entity.strip()]
    snapshot, _ = client_snapshot(Document(encode(document)), 0)
    by_sdk = engine.ask(snapshot, asked, by_sdk=True)
    assert list(map(theirs, engine.ask(snapshot, asked))) == list(map(theirs, by_sdk))


def snapshot_of(flags: list[dict[str, Any]], segments: list[dict[str, Any]]) -> bytes:
    return client_snapshot(a_document(flags, segments), 0)[0]


def _question(flag: str, case: dict[str, Any]) -> Question:
    text = case["text"]
    if case["type"] == "ENTITY_ID":
        return (flag, text, {})
    return (flag, "somebody", {} if text is None else {"p": text})


def compared(
    engine: OfficialEngine, normal: dict[str, Any], asked: list[Question], place: str, at: int = 0
) -> list[BooleanResult | VariantResult]:
    """Our answers at an instant, which are also the engine's from the snapshot of that instant."""
    document = Document(encode(normal))
    snapshot, _ = client_snapshot(document, at)
    namespace = Snapshot("C+/client", {"default": document}).namespace("")
    answers = [namespace.evaluate(flag, entity, context, at) for flag, entity, context in asked]
    for question, answer, official in zip(asked, answers, engine.ask(snapshot, asked), strict=True):
        if ours(answer) != theirs(official):
            pytest.fail(_report(place, normal, question, ours(answer), theirs(official)))
    return answers


def ours(answer: BooleanResult | VariantResult) -> tuple[object, ...]:
    """What is compared; segment keys as a set, for the engine's have no order."""
    keys = frozenset(answer.segment_keys)
    if isinstance(answer, BooleanResult):
        return (answer.flag_key, answer.enabled, answer.reason, keys)
    # A snapshot writes `null` for a variant without attachment, and the engine passes texts through.
    attachment = answer.attachment or ("null" if answer.variant_key else None)
    return (answer.flag_key, answer.match, answer.variant_key, attachment, answer.reason, keys)


def theirs(answer: dict[str, Any]) -> tuple[object, ...]:
    if "reason" not in answer:
        return ("error", json.dumps(answer))
    keys = frozenset(answer["segment_keys"])
    if "enabled" in answer:
        return (answer["flag_key"], answer["enabled"], answer["reason"], keys)
    attachment = answer.get("variant_attachment")
    return (answer["flag_key"], answer["match"], answer["variant_key"], attachment, answer["reason"], keys)


def assert_not_vacuous(reasons: Counter[str]) -> None:
    total = reasons.total()
    shares = {reason: reasons[reason] / total for reason in (MATCH, DEFAULT, UNKNOWN, FLAG_DISABLED)}
    assert min(shares.values()) > 0.05, shares
    assert shares[MATCH] > 0.3, shares


def members_of(lists: list[str]) -> list[str]:
    """What members of the awkward lists are when a context says them."""
    return ["a/b", "u\u2028s", "\x7f", "\ufeff"] if lists is TEXT_LISTS else ["-0.0", "2"]


def _report(place: str, normal: dict[str, Any], question: Question, mine: object, official: object) -> str:
    flag = next(flag for flag in normal["flags"] if flag["key"] == question[0])
    segments = [segment for segment in normal["segments"] if f'"{segment["key"]}"' in json.dumps(flag)]
    shown = json.dumps([flag, *segments], ensure_ascii=False)
    return f"{place}: {question}\nours     {mine}\nofficial {official}\n{shown}"
