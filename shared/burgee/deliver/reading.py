"""What a tree says: the project file, and an environment's files as documents and problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from ..author.authored import Authored, ParsedFiles, SourceFile, author
from ..author.project import PROJECT_FILE, Environment, Project, read_project
from ..author.select import INDEX_FILE, Selection, select
from ..core.errors import InvalidFiles, Problem, TooLarge
from ..git.tree import EXECUTABLE, FILE, SYMLINK, Entry, Source

Progress = Callable[[int], None]


def project_of(source: Source) -> Project:
    """The project file of a tree. Raises InvalidFiles when there is none or it has mistakes."""
    entries = source.entries()
    entry = _file_at(entries, PROJECT_FILE)
    if entry is not None:
        return read_project(source.read(entry), PROJECT_FILE)
    if linked := _linked(entries, PROJECT_FILE):
        raise InvalidFiles(tuple(linked))
    message = f"there is no {PROJECT_FILE} at the top of the repository"
    hint = "`burgee init` writes one; it names the environments and the directory of each"
    elsewhere = [entry.path for entry in entries if entry.path.endswith("/" + PROJECT_FILE)]
    if elsewhere:
        message += f", but {elsewhere[0]}"
        hint = "move it to the top, and let each `directory` begin there; or make its folder a repository of its own"
    raise InvalidFiles((Problem(PROJECT_FILE, 0, 0, "", "error", "project-missing", message, hint),))


def author_environment(
    source: Source, environment: Environment, *, parsed: ParsedFiles | None = None, progress: Progress | None = None
) -> Authored:
    """The documents of an environment's directory in a tree, with every problem found."""
    entries = source.entries()
    selection = _selection(source, entries, environment)
    chosen = set(selection.paths)
    problems = list(selection.problems)
    files = [_File(source, entry) for entry in entries if entry.path in chosen]
    if not files and not problems:
        problems.append(_nothing_selected(environment))
    authored = author(files, parsed=parsed, progress=progress)
    return Authored(authored.documents, (*problems, *authored.problems)) if problems else authored


def flag_paths(source: Source, environment: Environment) -> tuple[str, ...]:
    """The files of a tree that an environment reads."""
    return _selection(source, source.entries(), environment).paths


def _selection(source: Source, entries: Sequence[Entry], environment: Environment) -> Selection:
    prefix = "" if environment.directory == "." else environment.directory + "/"
    index = _file_at(entries, prefix + INDEX_FILE)
    selection = select(
        entries,
        directory=environment.directory,
        ignore=environment.ignore,
        index=source.read(index) if index else None,
    )
    return Selection(selection.paths, (*selection.problems, *_linked(entries, prefix + INDEX_FILE)))


def _nothing_selected(environment: Environment) -> Problem:
    message = f"no flag files below directory {environment.directory!r}, so this environment has no flags"
    hint = "check `directory` and `ignore`; without an index, files named features.yaml or *.features.yaml are read"
    return Problem(PROJECT_FILE, 0, 0, "environments", "warning", "no-flag-files", message, hint)


def _files(source: Source, entries: Sequence[Entry], problems: list[Problem]) -> list[SourceFile]:
    files = []
    for entry in entries:
        try:
            files.append(SourceFile(entry.path, source.read(entry)))
        except TooLarge as error:
            problems.append(Problem(entry.path, 0, 0, "", "error", "file-too-large", str(error), "split it"))
    return files


class _File:
    """A file of a tree, read when its content is asked for, and once: in a folder it may change meanwhile."""

    def __init__(self, source: Source, entry: Entry) -> None:
        self._source = source
        self._entry = entry

    @property
    def path(self) -> str:
        return self._entry.path

    @property
    def blob(self) -> str | None:
        return self._entry.blob

    @cached_property
    def content(self) -> bytes:
        return self._source.read(self._entry)


def _linked(entries: Sequence[Entry], path: str) -> list[Problem]:
    """The problem of a link where a file should be: an index taken as absent would publish what it excludes."""
    if not any(entry.path == path and entry.mode == SYMLINK for entry in entries):
        return []
    message = f"wanted {path} as a file, got a symbolic link; links are never followed"
    return [Problem(path, 0, 0, "", "error", "symlink-skipped", message, "put the file itself here")]


def _file_at(entries: Sequence[Entry], path: str) -> Entry | None:
    return next((entry for entry in entries if entry.path == path and entry.mode in (FILE, EXECUTABLE)), None)
