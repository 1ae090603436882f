"""Pushes as edits: what changed between two commits, written into a folder.

Law: what a person wrote is never overwritten: an edit wins over a push until somebody decides.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Conflict
from ..git.repository import open_repository
from ..git.tree import EXECUTABLE, SUBMODULE, SYMLINK, Entry
from .command import Git, run_git
from .snapshot import TEMPORARY, guarded, in_index, path_text, remember_base, snapshot

_NAMED = 5
_ANY_SIZE = 1 << 62


@dataclass(frozen=True, slots=True)
class _Version:
    mode: int
    blob: str


@dataclass(frozen=True, slots=True)
class _Change:
    path: bytes
    before: _Version | None
    after: _Version | None


def update_folder(bare: Path, folder: Path, old: str, new: str, *, git: Git) -> tuple[str, ...]:
    """Write what changed from commit `old` to `new` into the folder; the paths that changed, sorted.

    Each file is replaced at once. Other files, ignored ones included, stay as they are. An update that was interrupted
    can be run again. Raises Conflict, before anything is written, if the folder has another version of one of the files
    than `old`.
    """
    with guarded(bare):
        changes = _changes(git, bare, old, new)
        held = _held(git, bare, folder)
        removed = frozenset(change.path for change in changes if change.after is None)
        blocked = [change.path for change in changes if not _is_open(change, held, folder, removed)]
        if blocked:
            named = ", ".join(map(path_text, blocked[:_NAMED])) + (" and more" if len(blocked) > _NAMED else "")
            raise Conflict(f"the folder has other versions of {named}; commit or undo them, then update again")
        _write(changes, bare, folder, new)
        remember_base(bare, new)
    return tuple(path_text(change.path) for change in changes)


def _changes(git: Git, bare: Path, old: str, new: str) -> list[_Change]:
    """Of `git diff-tree --raw -z`: `:MODE MODE ID ID STATUS NUL PATH NUL`; submodules are left alone."""
    listed = run_git(git, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new, bare=bare)
    fields = listed.split(b"\0")[:-1]
    changes: list[_Change] = []
    for about, path in zip(fields[::2], fields[1::2], strict=True):
        mode_before, mode_after, before, after, _ = about[1:].decode().split(" ")
        change = _Change(path, _version(mode_before, before), _version(mode_after, after))
        if not any(version and version.mode == SUBMODULE for version in (change.before, change.after)):
            changes.append(change)
    return sorted(changes, key=lambda change: change.path)


def _held(git: Git, bare: Path, folder: Path) -> dict[bytes, _Version]:
    """What the folder has now, ignored files apart, by path: `git ls-files -s -z`."""
    snapshot(git, bare, folder)
    held: dict[bytes, _Version] = {}
    for line in in_index(git, "ls-files", "--stage", "-z", bare=bare, folder=folder).split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, blob, _ = about.decode().split(" ")
        held[path] = _Version(int(mode, 8), blob)
    return held


def _is_open(change: _Change, held: Mapping[bytes, _Version], folder: Path, removed: frozenset[bytes]) -> bool:
    """Whether nobody's own work is at the path: it has the version before or after, or is free for a new file."""
    if change.path in held:
        return held[change.path] in (change.before, change.after)
    if change.before is not None and change.after is not None:
        return False
    return change.after is None or _is_free(folder, change.path, removed)


def _is_free(folder: Path, path: bytes, removed: frozenset[bytes]) -> bool:
    """Whether nothing is at the path, nor a file or link where it needs folders, once `removed` is gone."""
    place = _place(folder, path)
    if _is_real_folder(place):
        inner = (Path(top, name) for top, _, names in os.walk(place) for name in names)
        return all(os.fsencode(file.relative_to(folder)) in removed for file in inner)
    parents = [parent for parent in _parents(folder, path) if os.fsencode(parent.relative_to(folder)) not in removed]
    return not os.path.lexists(place) and all(_is_real_folder(parent) for parent in parents if os.path.lexists(parent))


def _parents(folder: Path, path: bytes) -> list[Path]:
    place = _place(folder, path)
    return [parent for parent in place.parents if parent != folder and parent.is_relative_to(folder)]


def _is_real_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _write(changes: list[_Change], bare: Path, folder: Path, commit: str) -> None:
    for change in changes:
        if change.after is None and all(map(_is_real_folder, _parents(folder, change.path))):
            _remove(folder, change.path)
    with open_repository(bare) as repository:
        source = repository.source(repository.resolve(commit))
        for change in changes:
            if change.after is not None:
                entry = Entry(path_text(change.path), change.after.mode, change.after.blob)
                _replace(_place(folder, change.path), change.after.mode, source.read(entry, limit=_ANY_SIZE))


def _remove(folder: Path, path: bytes) -> None:
    place = _place(folder, path)
    place.unlink(missing_ok=True)
    for parent in place.parents:
        if parent == folder or any(_children(parent)):
            break
        parent.rmdir()


def _children(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as children:
            yield from (child.name for child in children)
    except FileNotFoundError:
        yield "gone"


def _replace(place: Path, mode: int, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.parent / f"{TEMPORARY}{secrets.token_hex(6)}"
    try:
        if mode == SYMLINK:
            aside.symlink_to(os.fsdecode(content))
        else:
            allowed = 0o777 if mode == EXECUTABLE else 0o666
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, allowed), "wb") as stream:
                stream.write(content)
        aside.replace(place)
    except IsADirectoryError as error:
        raise Conflict(f"{place} is a folder with files of its own; move them away, then update again") from error
    finally:
        aside.unlink(missing_ok=True)


def _version(mode: str, blob: str) -> _Version | None:
    return _Version(int(mode, 8), blob) if int(mode, 8) else None


def _place(folder: Path, path: bytes) -> Path:
    return folder / os.fsdecode(path)
