"""Which files of an environment's directory are read.

Without an index file the union of both server lines' default globs applies, each path once, hidden directories
skipped. With an index (`.flipt.yml` in the directory) its include and exclude apply, and nothing else.
Law: symbolic links are never followed. `ignore` patterns are relative to the directory, as globs are. Flag tests are
never read as flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..core.errors import Problem
from .fields import ANYTHING, Kind, Shape, check_fields, texts
from .finding import WARNING, Finding, warning
from .globs import BadGlob, compile_glob
from .ignore import MOST_PATTERNS, compile_ignore, is_ignored
from .locate import locate
from .read import read

INDEX_FILE = ".flipt.yml"
TEST_SUFFIXES = (".test.yaml", ".test.yml")
DEFAULT_GLOBS = (
    "**features.yml",
    "**features.yaml",
    "**.features.yml",
    "**.features.yaml",
    "*/features.yaml",
    "*/features.yml",
    "*/features.json",
)
_SUFFIXES = frozenset(("", ".yml", ".yaml", ".json"))
_GLOBS = Kind(lambda value: value is None or (type(value) is list and texts(value)), "a list of patterns")
_INDEX = Shape("an index", {"version": ANYTHING, "include": _GLOBS, "exclude": _GLOBS})
_TYPE_BITS, _FILE, _SYMLINK = 0o170000, 0o100000, 0o120000


class Entry(Protocol):
    """A file of a tree: its path from the repository root, and its mode as Git has it."""

    @property
    def path(self) -> str:
        """Relative to the repository root, with `/`."""

    @property
    def mode(self) -> int:
        """Git's mode: 0o100644, 0o100755, 0o120000 (symbolic link) or 0o160000 (submodule)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Paths to be read, relative to the repository root, in lexical order; and what is wrong with the choice."""

    paths: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Globs:
    include: tuple[re.Pattern[str], ...]
    exclude: tuple[re.Pattern[str], ...] = ()
    are_default: bool = False

    def select(self, path: str) -> bool:
        """Whether the path, relative to the environment's directory, is to be read."""
        return any(glob.fullmatch(path) for glob in self.include) and not any(
            glob.fullmatch(path) for glob in self.exclude
        )


def select(
    entries: Iterable[Entry], *, directory: str = ".", ignore: Sequence[str] = (), index: bytes | None = None
) -> Selection:
    """The files to read of those in `entries`; `index` is the content of the directory's `.flipt.yml`, if any."""
    root = "" if directory in ("", ".") else directory.strip("/") + "/"
    globs, problems = _DEFAULT, []
    if index is not None:
        globs, findings = _read_index(index)
        problems = [finding.problem(root + INDEX_FILE) for finding in findings]
    ignored = [pattern for pattern in map(compile_ignore, ignore) if pattern]
    paths = []
    for entry in entries:
        inside = entry.path.removeprefix(root)
        if not entry.path.startswith(root) or not globs.select(inside):
            continue
        if is_ignored(inside, ignored) or _is_git(inside) or inside.endswith(TEST_SUFFIXES):
            continue
        problem = _refusal(entry, inside, globs)
        if problem:
            problems.append(problem.problem(entry.path))
        elif entry.mode & _TYPE_BITS == _FILE and inside != INDEX_FILE:
            paths.append(entry.path)
    return Selection(tuple(sorted(set(paths))), tuple(sorted(set(problems))))


def select_tests(entries: Iterable[Entry], *, directory: str = ".", ignore: Sequence[str] = ()) -> Selection:
    """The flag tests of those in `entries`, wherever they are below the directory; an index says nothing of them."""
    root = "" if directory in ("", ".") else directory.strip("/") + "/"
    named = [entry for entry in entries if entry.path.endswith(TEST_SUFFIXES) and entry.path.startswith(root)]
    ignored = [pattern for pattern in map(compile_ignore, ignore) if pattern] if named else []
    paths, problems = [], []
    for entry in named:
        inside = entry.path.removeprefix(root)
        if is_ignored(inside, ignored) or any(name.startswith(".") for name in inside.split("/")[:-1]):
            continue
        if entry.mode & _TYPE_BITS == _SYMLINK:
            message = "wanted a flag test file, got a symbolic link; links are never followed"
            finding = Finding((), "symlink-skipped", message, "put the file itself here, or ignore the link")
            problems.append(finding.problem(entry.path))
        elif entry.mode & _TYPE_BITS == _FILE:
            paths.append(entry.path)
    return Selection(tuple(sorted(set(paths))), tuple(problems))


def _refusal(entry: Entry, inside: str, globs: _Globs) -> Finding | None:
    """Why a file that the globs select is not read, when its owner should hear of it."""
    directories = inside.split("/")[:-1]
    if globs.are_default and any(name.startswith(".") for name in directories):
        message = "a flags file in a hidden directory is not read"
        return warning((), "hidden-directory-skipped", message, "move it, or name it in a .flipt.yml index")
    if entry.mode & _TYPE_BITS == _SYMLINK:
        message = "wanted a flags file, got a symbolic link; links are never followed"
        return Finding((), "symlink-skipped", message, "put the file itself here, or ignore the link")
    name = inside.rpartition("/")[2]
    dot = name.rfind(".")
    suffix = name[dot:] if dot >= 0 else ""
    if suffix not in _SUFFIXES and inside != INDEX_FILE:
        message = f"wanted a file that ends in .yml, .yaml or .json, got '{suffix}'"
        return Finding((), "unexpected-extension", message, "narrow the index's include, or exclude the file")
    return None


def _is_git(path: str) -> bool:
    """Whether the file belongs to Git itself, which a folder shows."""
    return path.startswith(".git/") or "/.git/" in path


def _read_index(content: bytes) -> tuple[_Globs, list[Finding]]:
    reading = read(INDEX_FILE, content)
    findings = list(reading.findings)
    index = reading.documents[0] if reading.documents else None
    if index is not None:
        check_fields(index, _INDEX, (), findings)
    include: list[re.Pattern[str]] = []
    exclude: list[re.Pattern[str]] = []
    if type(index) is dict:
        include.extend(_compiled(index, "include", findings))
        exclude.extend(_compiled(index, "exclude", findings))
    if not include and not findings:
        message = "the index includes nothing, so no flags are read"
        findings.append(warning(("include",), "index-without-include", message, 'add include: ["**features.yml"]'))
    lenient = [replace(found, severity=WARNING) if found.code == "unknown-field" else found for found in findings]
    return _Globs(tuple(include), tuple(exclude)), locate(content, lenient, json=False)


def _compiled(index: dict[str, Any], field: str, findings: list[Finding]) -> Iterator[re.Pattern[str]]:
    patterns = index.get(field)
    if type(patterns) is not list or not texts(patterns):
        return
    if len(patterns) > MOST_PATTERNS:
        message = f"wanted at most {MOST_PATTERNS} patterns as '{field}', got {len(patterns)}"
        findings.append(Finding((field,), "bad-glob", message, "let a pattern name more files"))
        return
    for number, pattern in enumerate(patterns):
        try:
            yield compile_glob(pattern)
        except BadGlob as error:
            findings.append(Finding((field, number), "bad-glob", str(error)))


_DEFAULT = _Globs(tuple(map(compile_glob, DEFAULT_GLOBS)), are_default=True)
