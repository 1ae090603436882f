"""OpenFeature's provider of burgee beside OpenFeature's own in-memory provider, through the SDK and alone.

Both have flags of the same keys, types and variants. In memory there are no rules: what that provider answers is there
already, and it looks at no context. One evaluation asks for full details, with a context made beforehand.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from burgee.client.openfeature import BurgeeProvider

from .contenders import OURS
from .measure import Row, Table, Target, side_by_side
from .peers.burgee import write
from .workload import CONTROL, VARIANTS, Question, Workload, questions, workload

COUNTS = (100, 1_000)
_THEIRS = "in memory"
_ASKED = 20_000
_TURN = 1_000
# Some ten milliseconds each: contenders of one process that differ by a tenth must take turns often.
_TURNS_A_ROUND = 20

Call = Callable[[], Any]


def run(rounds: int) -> list[Table]:
    """Microseconds of one evaluation."""
    through_the_sdk, alone = [], []
    for count in COUNTS:
        with _both(count) as providers:
            asked = questions(count)[:_ASKED]
            title = f"{count:,} flags"
            through_the_sdk.append(_row(title, rounds, {name: _details(name, asked) for name in providers}))
            alone.append(_row(title, rounds, {name: _resolved(held, asked) for name, held in providers.items()}))
    targets = tuple(_at_most(row) for row in through_the_sdk)
    return [
        Table("one evaluation through OpenFeature's SDK", "µs", tuple(through_the_sdk), targets),
        Table("of that, the provider alone", "µs", tuple(alone)),
    ]


def _at_most(row: Row) -> Target:
    return Target(f"{row.name}, beside the in-memory provider", 1 / row.ratios[_THEIRS], 1.4, 1.2, "of its time")


@contextmanager
def _both(count: int) -> Iterator[dict[str, Any]]:
    """Both providers, each set for a domain of its own."""
    flags = workload(count)
    with TemporaryDirectory(prefix="burgee-bench-") as folder:
        write(flags, Path(folder))
        # The release is held before the first question, and nothing new comes: no thread needs to look.
        ours = BurgeeProvider(Path(folder, "store").as_uri(), environment="production", ttl=86_400.0, refresh="lazy")
        providers = {OURS: ours, _THEIRS: InMemoryProvider(_in_memory(flags))}
        try:
            for name, provider in providers.items():
                api.set_provider_and_wait(provider, name)
            yield providers
        finally:
            api.shutdown()


def _in_memory(flags: Workload) -> dict[str, InMemoryFlag[Any]]:
    return {
        flag.key: InMemoryFlag("true", {"true": True, "false": False})
        if flag.is_boolean
        else InMemoryFlag(CONTROL, {variant: variant for variant in VARIANTS})
        for flag in flags.flags
    }


def _details(domain: str, asked: list[Question]) -> list[Call]:
    client = api.get_client(domain)
    return [_call(client.get_boolean_details, client.get_string_details, question) for question in asked]


def _resolved(provider: Any, asked: list[Question]) -> list[Call]:
    return [_call(provider.resolve_boolean_details, provider.resolve_string_details, question) for question in asked]


def _call(boolean: Callable[..., Any], string: Callable[..., Any], question: Question) -> Call:
    ask, default = (boolean, False) if question.is_boolean else (string, "")
    key, context = question.flag, EvaluationContext(question.entity, question.context)

    def call() -> Any:
        return ask(key, default, context)

    found = call()
    assert found.error_code is None, found
    return call


def _row(name: str, rounds: int, calls: dict[str, list[Call]]) -> Row:
    gc.collect()
    gc.freeze()
    try:
        measures = {contender: _measure(theirs) for contender, theirs in calls.items()}
        return side_by_side(name, rounds * _TURNS_A_ROUND, measures)
    finally:
        gc.unfreeze()


def _measure(calls: list[Call]) -> Callable[[], float]:
    turns = cycle([calls[start : start + _TURN] for start in range(0, len(calls), _TURN)])

    def microseconds() -> float:
        turn, started = next(turns), perf_counter()
        for call in turn:
            call()
        return (perf_counter() - started) * 1e6 / _TURN

    return microseconds
