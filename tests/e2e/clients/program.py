"""A client's program from outside: it is started, asked in lines of JSON within bounded time, and stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from select import select
from typing import Any

from tests.e2e.clients.lines import Place, Question
from tests.e2e.clients.roster import FOLDER, REFRESH, Way

_ROOT = Path(__file__).resolve().parents[3]
_SECONDS = 60.0
# With these `flipt-client` 1.4.5 wants the stack of every failed connection, and aborts while it looks for it.
_NOT_FOR_CLIENTS = ("RUST_BACKTRACE", "RUST_LIB_BACKTRACE")
Answer = dict[str, Any]


class Program:
    """A process that answers a line of JSON with a line of JSON (see lines.py)."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        environ = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_CLIENTS}
        self._process = subprocess.Popen(command, cwd=_ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def ask(self, message: Mapping[str, Any]) -> Answer:
        """What it answers. Raises AssertionError when it ends or takes too long instead."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        # One line is asked for at a time, so nothing is left in the reader's buffer that select would not see.
        ready, _, _ = select([self._process.stdout], [], [], _SECONDS)
        assert ready, f"{self._command} did not answer {message} within {_SECONDS} s"
        line = self._process.stdout.readline()
        assert line, f"{self._command} ended with {self._process.wait(_SECONDS)} when asked {message}"
        answer: Answer = json.loads(line)
        return answer

    def stop(self) -> None:
        """Let it end by itself, or end it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._process.stdout.close()


class Asked:
    """A client that evaluates in a program, or in a page of one."""

    def __init__(self, way: Way, program: Program, page: Mapping[str, str]) -> None:
        self._way = way
        self._program = program
        self._page = page

    def open(self, place: Place) -> Answer | None:
        """Open a place instead of the one before; the error with which that fails, as far as it tells."""
        self.close()
        return self._say("open", **place._asdict()).get("error")

    def close(self) -> None:
        """Let go of what is open, so that nothing polls or streams any more."""
        self._say("close")

    def evaluate(self, *questions: Question) -> list[Answer]:
        """What the client says to each question, whatever it knew before."""
        answer = self._say("evaluate", questions=[question._asdict() for question in questions])
        assert "answers" in answer, answer
        answers: list[Answer] = answer["answers"]
        return answers

    def ask(self, question: Question) -> Answer:
        """What the client says now; one that looks for changes only when told to is told to."""
        if self._way.changes == REFRESH:
            self._say("refresh")
        return self.evaluate(question)[0]

    def failure(self, place: Place, question: Question) -> Answer | None:
        """The error with which a place cannot be opened, or else the question not be answered."""
        error = self.open(place)
        return error if error is not None else self.evaluate(question)[0].get("error")

    def batch(self, *questions: Question) -> list[Answer]:
        """What the client says to all questions in one call."""
        answers: list[Answer] = self._say("batch", questions=[question._asdict() for question in questions])["answers"]
        return answers

    def flags(self) -> list[str]:
        """The keys of the flags that the client lists."""
        return sorted(self._say("flags")["flags"])

    def _say(self, do: str, **more: Any) -> Answer:
        return self._program.ask({**self._page, "do": do, **more})


class Programs:
    """The programs of clients, each started when it is first asked for; pages share one browser."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[tuple[str, ...], Program] = {}

    def of(self, way: Way) -> Asked:
        """The client of a way, where nothing is open."""
        if not way.in_a_page:
            return Asked(way, self._started(way.program), {})
        browser = self._started((sys.executable, "-m", "tests.servers.chromium", str(FOLDER)))
        return Asked(way, browser, {"page": way.program[1]})

    def _started(self, command: tuple[str, ...]) -> Program:
        if command not in self._running or self._running[command].has_ended:
            program = self._running[command] = Program(command)
            self._stack.callback(program.stop)
        return self._running[command]


@contextmanager
def programs() -> Iterator[Programs]:
    """Programs that are stopped when the context ends."""
    with ExitStack() as stack:
        yield Programs(stack)
