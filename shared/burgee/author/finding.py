"""Finding: a mistake at a place inside one document, before it is known in which file and line."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from ..core.errors import Problem
from .scalars import Timestamp

Path = tuple[str | int, ...]

ERROR = "error"
WARNING = "warning"
MOST_FINDINGS = 1000
MOST_HINTS = 20
TOO_MANY = "too-many-problems"
_LONGEST_SHOWN = 60
_LONGEST_STEP = 200
# Hints are for people: comparing words costs their product, and nobody needs a hint for a text.
_LONGEST_WORD = 60
_MOST_COMPARISONS = 200_000
_TYPE_NAMES = {dict: "a mapping", list: "a list", type(None): "null", Timestamp: "a date"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` is relative to the document; `on_key` says that the field's name is meant, not its value.

    `line` is 0 until the finding has been located, or when the whole file is meant.
    """

    path: Path
    code: str
    message: str
    hint: str = ""
    severity: str = ERROR
    on_key: bool = False
    document: int = 0
    line: int = 0
    column: int = 0

    def at(self, line: int, column: int) -> Finding:
        """The same finding, located."""
        return replace(self, line=line, column=column)

    def problem(self, file: str) -> Problem:
        """The finding as a Problem of `file`."""
        path = ".".join(str(step)[:_LONGEST_STEP] for step in self.path)
        return Problem(file, self.line, self.column, path, self.severity, self.code, self.message, self.hint)


class TooManyProblems(Exception):
    """A file has so many errors that the rest of it is not worth checking."""


class Findings(list[Finding]):
    """What is wrong with one file or a part of it, at most MOST_FINDINGS errors and as many warnings.

    `append` and `extend` raise TooManyProblems at an error too many, and leave out a warning too many; `fill` leaves
    out both; `complete` says that something was left out.
    """

    __slots__ = ("_errors", "_left_out", "_warnings")

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        super().__init__()
        self._errors = 0
        self._warnings = 0
        self._left_out: set[str] = set()
        self.extend(findings)

    @property
    def is_full(self) -> bool:
        """Whether another error would be too many."""
        return self._errors >= MOST_FINDINGS

    def append(self, finding: Finding) -> None:
        """Add a finding. Raises TooManyProblems."""
        severity = finding.severity
        if finding.code == TOO_MANY:
            self._left_out.add(severity)
        elif severity == ERROR:
            self.make_room()
            self._errors += 1
            super().append(finding)
        elif self._warnings < MOST_FINDINGS:
            self._warnings += 1
            super().append(finding)
        else:
            self._left_out.add(severity)

    def make_room(self) -> None:
        """Go on only if there is room for another error. Raises TooManyProblems."""
        if self.is_full:
            self._left_out.add(ERROR)
            raise TooManyProblems

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add findings, as `append` does. Raises TooManyProblems."""
        for finding in findings:
            self.append(finding)

    def fill(self, findings: Iterable[Finding]) -> None:
        """Add findings while there is room for errors."""
        with suppress(TooManyProblems):
            self.extend(findings)

    def complete(self) -> list[Finding]:
        """The findings, the last of them telling of those that were left out."""
        return [*self, *(_and_more(severity) for severity in sorted(self._left_out))]


def _and_more(severity: str) -> Finding:
    what = "mistakes" if severity == ERROR else "warnings"
    message = f"and more: the first {MOST_FINDINGS} {what} of this file are shown"
    return Finding((), TOO_MANY, message, "mend these first", severity)


def warning(path: Path, code: str, message: str, hint: str = "") -> Finding:
    """A finding that does not stop a publish."""
    return Finding(path, code, message, hint, WARNING)


def shown(value: Any) -> str:
    """How a message names an authored value: its short text, or its kind."""
    name = _TYPE_NAMES.get(type(value))
    if name:
        return f"{name} ({value})" if isinstance(value, str) else name
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value) if isinstance(value, str) else f"the number {value}"
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A hint naming the known word nearest to `word`, or an empty text."""
    if not isinstance(word, str):
        return ""
    known = list(known)
    if len(word) > _LONGEST_WORD or len(word) * sum(map(len, known)) > _MOST_COMPARISONS:
        return ""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if not near and word:
        near = [known_word for known_word in known if known_word.lower().startswith(word.lower())][:1]
    return f"did you mean '{near[0]}'?" if near else ""
