"""What a contender is: a module of this package that has a function `write` and a class `Contender`.

`write(workload, folder)` puts the flags into the folder in the contender's own format; it runs in a process that does
not measure. Everything else runs in the contender's own process. The constructor imports the SDK, and nothing before it
does; then come a source, the calls and their answers. A call is what a user of the SDK writes, by its public interface,
with a context as that interface wants it; its result is the fullest that the SDK gives: value, reason, metadata.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..agreement import Answer
from ..workload import Question

Call = Callable[[], Any]


class Source(NamedTuple):
    """Where the flags are: a folder, and an address on loopback that serves the file `snapshot.json` in it."""

    folder: Path
    url: str


class Contender(Protocol):
    """A flag SDK in this process."""

    def load(self, source: Source) -> None:
        """Everything from its local data until it can answer; what was loaded before is given up."""

    def call(self, question: Question) -> Call:
        """The call that asks, with everything prepared that a user has at hand."""

    def answer(self, result: Any) -> Answer:
        """What the result of a call says."""

    def close(self) -> None:
        """Stop threads and free what was loaded."""


class Batching(Contender, Protocol):
    """A contender that can answer for all flags at once."""

    def call_all(self, flags: list[str], question: Question) -> Call:
        """The call that evaluates all flags, which have these keys, for the entity of a question."""

    def answers(self, result: Any) -> dict[str, Answer]:
        """What the result of such a call says, by flag."""
