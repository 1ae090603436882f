"""The front: authored files to one document in normal form for each namespace, and every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import Problem
from .finding import ERROR, TOO_MANY, Finding, Findings
from .locate import locate
from .merge import merge
from .parsed import ParsedFile, ParsedFiles, parse_file
from .read import is_json

__all__ = ["Authored", "ParsedFiles", "SourceFile", "author"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to be read; `path` is relative to the repository root."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Authored:
    """Documents in normal form by namespace key, and problems by file, line and column.

    When a problem is an error, the documents hold only what was right, and must not be published.
    """

    documents: Mapping[str, Mapping[str, Any]]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether no problem is an error."""
        return not any(problem.severity == ERROR for problem in self.problems)


def author(
    files: Iterable[SourceFile],
    *,
    parsed: ParsedFiles | None = None,
    progress: Callable[[int], None] | None = None,
) -> Authored:
    """Read, check, normalise and merge files; `progress` is told how many files are done."""
    parse: Callable[[str, bytes], ParsedFile] = parsed.parse if parsed else parse_file
    ordered = sorted(files, key=lambda file: file.path)
    done: list[tuple[str, ParsedFile]] = []
    for file in ordered:
        done.append((file.path, parse(file.path, file.content)))
        if progress:
            progress(len(done))
    merged = merge(done)
    problems = {finding.problem(path) for path, file in done for finding in file.findings}
    for file, (path, parsed_file) in zip(ordered, done, strict=True):
        found = _room_for(merged.findings[path], parsed_file) if path in merged.findings else ()
        located = locate(file.content, found, json=is_json(path), starts=parsed_file.starts)
        problems.update(finding.problem(path) for finding in located)
    return Authored(merged.documents, tuple(sorted(problems, key=_order)))


def _room_for(found: Iterable[Finding], parsed: ParsedFile) -> list[Finding]:
    """Those of a file's further findings that its first ones leave room for."""
    every = Findings(parsed.findings)
    first = len(every)
    every.fill(found)
    return every.complete()[first:]


def _order(problem: Problem) -> tuple[str, bool, int, int, str, str, str]:
    place = (problem.line, problem.column, problem.path, problem.code, problem.message)
    return (problem.file, problem.code == TOO_MANY, *place)
