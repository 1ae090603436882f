"""What changed between two commits, path by path, and the paths that the folder beside never takes from a push.

Law: nothing that is pushed comes into burgee's own state, which has hooks that Git runs.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..git.names import is_plain
from .command import Git, run_git
from .snapshot import path_text, state_folder

LONGEST_NAME = 255
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Version:
    """A file as a tree has it: Git's mode and the hexadecimal id of the content."""

    mode: int
    blob: str


@dataclass(frozen=True, slots=True)
class Change:
    """One path, as Git has it, and its versions; None where there is no file."""

    path: bytes
    before: Version | None
    after: Version | None


def changes_between(
    git: Git, bare: Path, old: str, new: str, *, object_directories: Sequence[Path] = ()
) -> tuple[Change, ...]:
    """The changes from commit `old` to `new`, sorted by path; `object_directories` may have objects in quarantine.

    Of `git diff-tree --raw -z`: `:MODE MODE ID ID STATUS NUL PATH NUL`.
    """
    command = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new)
    alternates = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": ":".join(map(_quoted, object_directories))}
    fields = run_git(git, *command, bare=bare, extra=alternates).split(b"\0")[:-1]
    changes: list[Change] = []
    for about, path in zip(fields[::2], fields[1::2], strict=True):
        mode_before, mode_after, before, after, _ = about[1:].decode().split(" ")
        changes.append(Change(path, _version(mode_before, before), _version(mode_after, after)))
    return tuple(sorted(changes, key=lambda change: change.path))


def why_refused(changes: Iterable[Change], bare: Path, folder: Path) -> str | None:
    """Why the folder takes none of these changes, or None if nothing is in their way."""
    states = _state_names(bare, folder)
    return next((reason for change in changes if (reason := _why_refused(change.path, states))), None)


def _why_refused(path: bytes, states: Iterable[tuple[str, ...]]) -> str | None:
    names, shown = path.split(b"/"), path_text(path)[:_SHOWN]
    if any(len(name) > LONGEST_NAME for name in names):
        return f"a name in {shown} is longer than {LONGEST_NAME} bytes, and no folder holds it; shorten it"
    if not all(map(is_plain, names)):
        return f"{shown} has a name that Git does not check out; rename it"
    if any(_is_one_line(_folded(names), state) for state in states):
        return f"{shown} is in the way of burgee's own state; take it out of the push, or keep state elsewhere (--dir)"
    return None


def _is_one_line(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the two are the same place, or one is above the other."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def _state_names(bare: Path, folder: Path) -> frozenset[tuple[str, ...]]:
    """The state folder below the folder: as it was named and, links being followed, as it is."""
    named = Path(os.path.abspath(bare)), Path(os.path.abspath(folder))  # noqa: PTH100 (links are not followed)
    found: set[tuple[str, ...]] = set()
    for place, top in (named, (bare.resolve(), folder.resolve())):
        state = state_folder(place, top)
        if state.is_relative_to(top) and state != top:
            found.add(_folded(map(os.fsencode, state.relative_to(top).parts)))
    return frozenset(found)


def _folded(names: Iterable[bytes]) -> tuple[str, ...]:
    """The names as file systems that ignore case compare them."""
    return tuple(unicodedata.normalize("NFKC", os.fsdecode(name)).casefold() for name in names)


def _quoted(folder: Path) -> str:
    """An element of GIT_ALTERNATE_OBJECT_DIRECTORIES, which may have a colon in quotes (git(1))."""
    return '"' + str(folder).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _version(mode: str, blob: str) -> Version | None:
    return Version(int(mode, 8), blob) if int(mode, 8) else None
