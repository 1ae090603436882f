"""Finding: a mistake at a place inside one document, before it is known in which file and line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from ..core.errors import Problem
from .scalars import Timestamp

Path = tuple[str | int, ...]

ERROR = "error"
WARNING = "warning"
_LONGEST_SHOWN = 60
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
        path = ".".join(map(str, self.path))
        return Problem(file, self.line, self.column, path, self.severity, self.code, self.message, self.hint)


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
    near = get_close_matches(word[:200], list(known), n=1, cutoff=0.6)
    if not near and word:
        near = [known_word for known_word in known if known_word.lower().startswith(word.lower())][:1]
    return f"did you mean '{near[0]}'?" if near else ""
