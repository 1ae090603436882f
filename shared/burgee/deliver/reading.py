"""What a tree says: the project file, and an environment's files as documents and problems."""

from __future__ import annotations

from collections.abc import Callable

from ..author.authored import Authored, ParsedFiles, SourceFile, author
from ..author.project import Environment, Project, read_project
from ..author.select import INDEX_FILE, select
from ..core.errors import InvalidFiles, Problem
from ..git.tree import Entry, Source

PROJECT_FILE = "burgee.yaml"

Progress = Callable[[int], None]


def project_of(source: Source) -> Project:
    """The project file of a tree. Raises InvalidFiles when there is none or it has mistakes."""
    for entry in source.entries():
        if entry.path == PROJECT_FILE:
            return read_project(source.read(entry), PROJECT_FILE)
    missing = f"there is no {PROJECT_FILE} at the top of the repository"
    hint = "`burgee init` writes one; it names the environments and the directory of each"
    raise InvalidFiles((Problem(PROJECT_FILE, 0, 0, "", "error", "project-missing", missing, hint),))


def author_environment(
    source: Source, environment: Environment, *, parsed: ParsedFiles | None = None, progress: Progress | None = None
) -> Authored:
    """The documents of an environment's directory in a tree, with every problem found."""
    entries = source.entries()
    index = _index_of(source, entries, environment.directory)
    selection = select(entries, directory=environment.directory, ignore=environment.ignore, index=index)
    by_path = {entry.path: entry for entry in entries}
    files = (SourceFile(path, source.read(by_path[path])) for path in selection.paths)
    authored = author(files, parsed=parsed, progress=progress)
    if not selection.problems:
        return authored
    return Authored(authored.documents, (*selection.problems, *authored.problems))


def _index_of(source: Source, entries: object, directory: str) -> bytes | None:
    path = INDEX_FILE if directory in ("", ".") else f"{directory}/{INDEX_FILE}"
    for entry in source.entries():
        if entry.path == path and _is_file(entry):
            return source.read(entry)
    return None


def _is_file(entry: Entry) -> bool:
    return entry.mode & 0o170000 == 0o100000
