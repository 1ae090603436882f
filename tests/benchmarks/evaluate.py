"""Evaluations per second of `Namespace.boolean` and `variant`, with the full result, beside Flipt's Python client."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Any

from burgee.author.authored import SourceFile, author
from burgee.bundle.document import Document, encode
from burgee.bundle.flipt import client_snapshot
from burgee.core.model import DEFAULT_PROFILE
from burgee.core.snapshot import Namespace, Snapshot

from .flags import KINDS, Question, flag_files, kind_of, questions
from .flipt_client_process import serving
from .measure import Row, Table, side_by_side

COUNTS = (10, 100, 1_000, 10_000)
_PASSES = 10


def run(rounds: int) -> list[Table]:
    """Rates for several numbers of flags, and for each kind of flag."""
    by_count = tuple(_beside_the_client(count, rounds) for count in COUNTS)
    namespace, asked = namespace_of(published(1_000)[0]), questions(1_000, 5_000)
    by_kind = tuple(_of_kind(kind, namespace, asked, rounds) for kind in KINDS)
    return [
        Table("evaluate, warm, beside flipt-client 1.4.5", "evaluations/s", by_count),
        Table("evaluate, warm, by kind of flag (1,000 flags)", "ns", by_kind),
    ]


def published(count: int) -> tuple[bytes, bytes]:
    """The document and the client snapshot of `count` flags, as a publish makes them from authored files.

    They are made in a process of their own: a reader's memory is not that of one that has parsed YAML.
    """
    with ProcessPoolExecutor(1) as executor:
        return executor.submit(_publish, count).result()


def _publish(count: int) -> tuple[bytes, bytes]:
    authored = author([SourceFile(path, text.encode()) for path, text in flag_files(count).items()])
    assert not authored.problems, authored.problems[:3]
    content = encode(authored.documents["default"])
    return content, client_snapshot(Document(content))[0]


def namespace_of(content: bytes) -> Namespace:
    """The document ready to evaluate."""
    return Snapshot(DEFAULT_PROFILE, {"default": Document(content)}).namespace("default")


def _beside_the_client(count: int, rounds: int) -> Row:
    content, snapshot = published(count)
    namespace, asked = namespace_of(content), questions(count)
    with serving(snapshot) as client:
        client.load(asked[0])
        assert client.answers(asked) == [_value(namespace, question) for question in asked]
        contenders = {
            "burgee": lambda: _rate(namespace, asked),
            "flipt-client": lambda: len(asked) / client.seconds("sdk"),
            "its engine alone": lambda: len(asked) / client.seconds("engine"),
        }
        return side_by_side(f"{count:,} flags", rounds, contenders)


def _of_kind(kind: str, namespace: Namespace, asked: Sequence[Question], rounds: int) -> Row:
    chosen = [question for question in asked if kind_of(question) == kind]
    return side_by_side(kind, rounds, {"burgee": lambda: 1e9 / _rate(namespace, chosen)})


def _value(namespace: Namespace, question: Question) -> bool | str:
    """What the client's process answers with too: on or off, or the variant's key."""
    result: Any = namespace.evaluate(question.flag, question.entity, question.context, 0)
    return bool(result.enabled) if question.is_boolean else str(result.variant_key)


def _rate(namespace: Namespace, asked: Sequence[Question]) -> float:
    """Evaluations per second, the loop that asks included."""
    calls: list[tuple[Any, str, str, dict[str, str]]] = [
        (namespace.boolean if is_boolean else namespace.variant, flag, entity, context)
        for is_boolean, flag, entity, context in asked
    ]
    calls *= _PASSES
    started = perf_counter()
    for call, flag, entity, context in calls:
        call(flag, entity, context, 0)
    return len(calls) / (perf_counter() - started)
