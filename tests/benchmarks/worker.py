"""One contender in a process of its own, which times itself: the name of a task in, a JSON line out.

It is run as `python -m tests.benchmarks.worker CONTENDER COUNT FOLDER URL`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from itertools import cycle
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Any, TypeAlias

from .agreement import Answer
from .peers.port import Call, Source
from .workload import FLAGS_PER_ENTITY, Question, questions, workload

CONTENDERS = (
    "burgee",
    "flipt_client",
    "statsig",
    "growthbook",
    "powertools",
    "launchdarkly",
    "flagd",
    "unleash",
)
_TURN = 1_000
_TURNS_TO_WARM = 5
_LEAST_SECONDS = 0.2
_LEAST_CALLS = 20_000
_BATCHES = 8
_PRIVATE = ("Private_Clean:", "Private_Dirty:")

Append: TypeAlias = Callable[[int], None]


class _Worker:
    """A contender and what it is asked; each public method is a task."""

    def __init__(self, contender: str, count: int, source: Source) -> None:
        assert contender in CONTENDERS, contender
        self._contender = import_module(f".peers.{contender}", __package__).Contender()
        self._source = source
        self._asked = questions(count)
        self._flags = workload(count).flags
        self._turns: Iterator[list[Call]] = iter(())
        self._batches: list[Call] = []
        _freeze()

    def load(self) -> float:
        """Seconds from local data to the first answer."""
        self._turns, self._batches = iter(()), []
        gc.collect()
        started = perf_counter()
        self._contender.load(self._source)
        self._contender.call(self._asked[0])()
        return perf_counter() - started

    def answers(self) -> list[Any]:
        """What every question is answered with; the calls are ready and warm from now on."""
        calls = list(map(self._contender.call, self._asked))
        answers = [self._contender.answer(call()) for call in calls]
        self._turn, asked = _written_out(calls)
        self._turns = cycle([asked[start : start + _TURN] for start in range(0, len(asked), _TURN)])
        _freeze()
        return answers

    def evaluation(self) -> float:
        """Nanoseconds for one question, the loop included."""
        turns, started = 0, perf_counter()
        while (took := perf_counter() - started) < _LEAST_SECONDS:
            turns += 1
            self._turn(next(self._turns), None)
        return took * 1e9 / (turns * _TURN)

    def tail(self) -> float:
        """The 99th percentile of nanoseconds for a single call, the clock's own included."""
        took: list[int] = []
        # Others had their turn before: what they have displaced from the processor's caches comes back first.
        for _ in range(_TURNS_TO_WARM):
            self._turn(next(self._turns), None)
        while len(took) < _LEAST_CALLS:
            self._turn(next(self._turns), took.append)
        return sorted(took)[len(took) * 99 // 100]

    def batch(self) -> float:
        """Nanoseconds for all flags of one entity; before the first time the answers are compared with single ones."""
        if not self._batches:
            asked = self._asked[::FLAGS_PER_ENTITY][:_BATCHES]
            keys = [flag.key for flag in self._flags]
            self._batches = [self._contender.call_all(keys, question) for question in asked]
            assert self._contender.answers(self._batches[0]()) == self._single_answers(asked[0])
            _freeze()
        passes, started = 0, perf_counter()
        while (took := perf_counter() - started) < _LEAST_SECONDS:
            passes += 1
            for call in self._batches:
                call()
        return took * 1e9 / (passes * len(self._batches))

    def memory(self) -> list[int]:
        """Private bytes more than before, once everything is loaded, and once every flag was asked about."""
        before = _private_bytes()
        self.load()
        loaded = _private_bytes()
        for question in {question.flag: question for question in self._asked}.values():
            self._contender.call(question)()
        return [loaded - before, _private_bytes() - before]

    def _single_answers(self, question: Question) -> dict[str, Answer]:
        asked = [question._replace(is_boolean=flag.is_boolean, flag=flag.key) for flag in self._flags]
        return {one.flag: self._contender.answer(self._contender.call(one)()) for one in asked}


def _written_out(calls: list[Call]) -> tuple[Callable[[Any, Append | None], None], list[Any]]:
    """(turn, what it wants): how to make all the calls the way a program does that has them in its text.

    Nearly all SDKs take three arguments by position. A partial in between would take as long again as a fast one.
    """
    if all(isinstance(call, partial) and len(call.args) == 3 and not call.keywords for call in calls):
        # One method for all calls, as a program has it: binding makes a new object each time.
        bound: dict[Any, Any] = {}
        return _turn_of_three, [
            (bound.setdefault(call.func, call.func), *call.args) for call in calls if isinstance(call, partial)
        ]
    return _turn_of_any, calls


def _turn_of_three(asked: list[tuple[Any, Any, Any, Any]], append: Append | None) -> None:
    if append is None:
        for ask, first, second, third in asked:
            ask(first, second, third)
        return
    clock = perf_counter_ns
    for ask, first, second, third in asked:
        before = clock()
        ask(first, second, third)
        append(clock() - before)


def _turn_of_any(asked: list[Call], append: Append | None) -> None:
    if append is None:
        for call in asked:
            call()
        return
    clock = perf_counter_ns
    for call in asked:
        before = clock()
        call()
        append(clock() - before)


def _freeze() -> None:
    # What the harness holds, and what is loaded, is nobody's garbage: no collection walks it while time is taken.
    gc.collect()
    gc.freeze()


def _private_bytes() -> int:
    gc.collect()
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_PRIVATE))


def _work() -> None:
    # Some SDKs print to standard output, which belongs to the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    contender, count, folder, url = sys.argv[1:]
    worker = _Worker(contender, int(count), Source(Path(folder), url))
    tasks: dict[str, Callable[[], Any]] = {
        "load": worker.load,
        "answers": worker.answers,
        "evaluation": worker.evaluation,
        "tail": worker.tail,
        "batch": worker.batch,
        "memory": worker.memory,
    }
    for line in sys.stdin:
        answers.write(json.dumps(tasks[line.strip()]()) + "\n")
        answers.flush()
    # Threads of an SDK must not keep the process.
    os._exit(0)


if __name__ == "__main__":
    _work()
