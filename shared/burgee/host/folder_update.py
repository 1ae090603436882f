"""Pushes as edits: what changed between two commits, written into a folder.

Law: what a person wrote is never overwritten: an edit wins over a push until somebody decides.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from ..core.errors import BurgeeError, Conflict, InvalidRequest, Unavailable
from ..git.repository import open_repository
from ..git.tree import EXECUTABLE, SUBMODULE, SYMLINK, Entry
from .changes import Change, Version, changes_between, why_refused
from .command import Git, run_git
from .snapshot import TEMPORARY, commit_tree, guarded, in_index, path_text, remember_base, snapshot

REACHED = "refs/burgee/reached"
_NAMED = 5
_ANY_SIZE = 1 << 62
_Identity: TypeAlias = tuple[int, ...] | None


def update_folder(bare: Path, folder: Path, old: str, new: str, *, git: Git) -> tuple[str, ...]:
    """Write what changed from commit `old` to `new` into the folder; the paths that changed, sorted.

    Each file is replaced at once. Other files, ignored ones included, stay as they are. An update that stopped half way
    can be run again, and if it was stopped by an error, also to another commit: `folder_base` is what it has reached.

    Before anything is written, raises InvalidRequest for a change that no folder takes (`why_refused`), and Conflict if
    the folder has another version of one of the files than `old`; Conflict also for a file that is edited meanwhile,
    and Unavailable, with its path, for one that cannot be written.
    """
    with _naming(folder), guarded(bare):
        changes = changes_between(git, bare, old, new)
        if refusal := why_refused(changes, bare, folder):
            raise InvalidRequest(refusal)
        changes = tuple(change for change in changes if not _is_submodule(change))
        # Before the contents are compared: a file that is as it was then is surely the one that was compared.
        seen = {change.path: _identity(_place(folder, change.path)) for change in changes}
        held = _held(git, bare, folder)
        _check_open(changes, held, folder)
        missing = deque(_removals_first(change for change in changes if held.get(change.path) != change.after))
        try:
            _write(missing, seen, bare, folder, new)
        except BurgeeError:
            with suppress(BurgeeError, OSError):
                done = [change for change in changes if change not in missing]
                remember_base(bare, _reached(git, bare, folder, old, done))
            raise
        remember_base(bare, new)
    return tuple(path_text(change.path) for change in changes)


@contextmanager
def _naming(place: Path) -> Iterator[None]:
    """An error of the system becomes one that says where it was and what to do."""
    try:
        yield
    except OSError as error:
        where = path_text(os.fsencode(error.filename or place))
        message = f"{where} cannot be written ({error.strerror}); mend that, or push a commit without it"
        raise Unavailable(message) from error


def _is_submodule(change: Change) -> bool:
    return any(version and version.mode == SUBMODULE for version in (change.before, change.after))


def _identity(place: Path) -> _Identity:
    """What changes with every edit of the file or link at a place; None if there is none."""
    try:
        found = place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _held(git: Git, bare: Path, folder: Path) -> dict[bytes, Version]:
    """What the folder has now, ignored files apart, by path: `git ls-files -s -z`."""
    snapshot(git, bare, folder)
    held: dict[bytes, Version] = {}
    for line in in_index(git, "ls-files", "--stage", "-z", bare=bare, folder=folder).split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, blob, _ = about.decode().split(" ")
        held[path] = Version(int(mode, 8), blob)
    return held


def _check_open(changes: Sequence[Change], held: Mapping[bytes, Version], folder: Path) -> None:
    removed = frozenset(change.path for change in changes if change.after is None)
    blocked = [change.path for change in changes if not _is_open(change, held, folder, removed)]
    if blocked:
        named = ", ".join(map(path_text, blocked[:_NAMED])) + (" and more" if len(blocked) > _NAMED else "")
        raise Conflict(f"the folder has other versions of {named}; commit or undo them, then update again")


def _is_open(change: Change, held: Mapping[bytes, Version], folder: Path, removed: frozenset[bytes]) -> bool:
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
    parents = [parent for parent in _parents(folder, place) if os.fsencode(parent.relative_to(folder)) not in removed]
    return not os.path.lexists(place) and all(map(_may_be_folder, parents))


def _parents(folder: Path, place: Path) -> list[Path]:
    return [parent for parent in place.parents if parent != folder and parent.is_relative_to(folder)]


def _may_be_folder(place: Path) -> bool:
    return _is_real_folder(place) or not os.path.lexists(place)


def _is_real_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _removals_first(changes: Iterator[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: change.after is not None)


def _write(missing: deque[Change], seen: Mapping[bytes, _Identity], bare: Path, folder: Path, commit: str) -> None:
    """Make the changes and take each from `missing` once it is made."""
    with open_repository(bare) as repository:
        source = repository.source(repository.resolve(commit))
        while missing:
            change = missing[0]
            place, before = _place(folder, change.path), seen[change.path]
            with _naming(place):
                _check_way(folder, place)
                if change.after is None:
                    _remove(folder, place, before)
                else:
                    entry = Entry(path_text(change.path), change.after.mode, change.after.blob)
                    _replace(place, change.after.mode, source.read(entry, limit=_ANY_SIZE), before)
            missing.popleft()


def _check_way(folder: Path, place: Path) -> None:
    if not all(map(_may_be_folder, _parents(folder, place))):
        raise Conflict(f"{place.parent} became something else than a folder meanwhile; undo that, then update again")


def _check_unedited(place: Path, before: _Identity) -> None:
    if _identity(place) != before:
        raise Conflict(f"{place} was edited while a push was written; commit or undo the edit, then update again")


def _remove(folder: Path, place: Path, before: _Identity) -> None:
    _check_unedited(place, before)
    place.unlink(missing_ok=True)
    for parent in _parents(folder, place):
        if any(_children(parent)):
            break
        parent.rmdir()


def _children(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as children:
            yield from (child.name for child in children)
    except FileNotFoundError:
        yield "gone"


def _replace(place: Path, mode: int, content: bytes, before: _Identity) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.parent / f"{TEMPORARY}{secrets.token_hex(6)}"
    try:
        if mode == SYMLINK:
            aside.symlink_to(os.fsdecode(content))
        else:
            allowed = 0o777 if mode == EXECUTABLE else 0o666
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, allowed), "wb") as stream:
                stream.write(content)
        _check_unedited(place, before)
        aside.replace(place)
    except IsADirectoryError as error:
        raise Conflict(f"{place} is a folder with files of its own; move them away, then update again") from error
    finally:
        aside.unlink(missing_ok=True)


def _reached(git: Git, bare: Path, folder: Path, old: str, done: Sequence[Change]) -> str:
    """The id of a commit of `old` with these changes; a ref of burgee's own keeps it from being packed away."""
    nothing = Version(0, "0" * len(old))
    versions = ((change.after or nothing, change.path) for change in _removals_first(iter(done)))
    lines = b"".join(b"%o %s\t%s\0" % (version.mode, version.blob.encode(), path) for version, path in versions)
    in_index(git, "read-tree", old, bare=bare, folder=folder)
    in_index(git, "update-index", "-z", "--index-info", bare=bare, folder=folder, content=lines)
    tree = in_index(git, "write-tree", bare=bare, folder=folder).decode().strip()
    commit = commit_tree(git, bare, folder, tree, message="What the folder has of an update", parent=old)
    run_git(git, "update-ref", REACHED, commit, bare=bare)
    return commit


def _place(folder: Path, path: bytes) -> Path:
    return folder / os.fsdecode(path)
