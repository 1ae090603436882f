"""The front: authored files to one document in normal form for each namespace, and every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import Problem
from .finding import ERROR, TOO_MANY, Finding, Findings
from .merge import merge
from .parsed import NamedFile, ParsedFile
from .parsed_files import File, ParsedFiles, SourceFile

__all__ = ["Authored", "File", "ParsedFiles", "SourceFile", "author"]


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
    files: Iterable[File], *, parsed: ParsedFiles | None = None, progress: Callable[[int], None] | None = None
) -> Authored:
    """Read, check, normalise and merge files; `progress` is told how many files are done.

    What is in `parsed` already is not made again; the documents are then the same objects.
    """
    parsed = ParsedFiles() if parsed is None else parsed
    ordered = sorted(files, key=lambda file: file.path)
    done: list[NamedFile] = []
    for file in ordered:
        done.append(parsed.parse(file))
        if progress:
            progress(len(done))
    merged = merge(done, parsed.namespaces)
    problems = {finding.problem(file.path) for file in done for finding in file.parsed.findings}
    for file, named in zip(ordered, done, strict=True):
        if file.path in merged.findings:
            found = _room_for(merged.findings[file.path], named.parsed)
            problems.update(finding.problem(file.path) for finding in parsed.located(file, named, found))
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
