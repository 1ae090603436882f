"""A folder beside its hosted repository: where they differ, and its edits as commits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..core.errors import Conflict, GitFailed
from .command import Git, run_git
from .snapshot import commit_tree, folder_base, guarded, path_text, remember_base, snapshot

_BRANCHES = "refs/heads/"


def commit_folder(
    bare: Path,
    folder: Path,
    ref: str,
    message: str,
    *,
    git: Git,
    accept: Callable[[str], bool] = lambda commit: True,
) -> str | None:
    """The id of a new commit of the folder's files on the branch, or None if they are what its tip has.

    `accept` is asked about the commit before the branch moves to it; when it says no, the answer is None too.

    Raises Conflict if the branch has moved since the folder was last updated (`update_folder` from `folder_base` to the
    tip comes first), or moves meanwhile.
    """
    with guarded(bare):
        tip = tip_of(bare, ref, git=git)
        base = folder_base(bare)
        if base != tip:
            now = (tip or "nothing")[:12]
            raise Conflict(f"{ref} is at {now} and the folder at {(base or 'nothing')[:12]}; update the folder first")
        tree = snapshot(git, bare, folder)
        if tip is not None and tree == _tree_of(git, bare, tip):
            return None
        commit = commit_tree(git, bare, folder, tree, message=message, parent=tip)
        if not accept(commit):
            return None
        _move(git, bare, ref, commit, tip)
        remember_base(bare, commit)
    return commit


def dirty_paths(bare: Path, folder: Path, ref: str, *, git: Git) -> tuple[str, ...]:
    """The paths at which the folder differs from the branch's tip, sorted; none means that it is clean."""
    with guarded(bare):
        return _differing(git, bare, folder, tip_of(bare, ref, git=git))


def edited_paths(bare: Path, folder: Path, ref: str, *, git: Git) -> tuple[str, ...]:
    """The paths at which the folder differs from what was last written into it, sorted.

    They are the dirty ones, unless the branch has moved and the folder could not follow: that is nobody's edit.
    """
    with guarded(bare):
        return _differing(git, bare, folder, folder_base(bare) or tip_of(bare, ref, git=git))


def tip_of(bare: Path, ref: str, *, git: Git) -> str | None:
    """The commit that the branch points at, or None if there is no such branch."""
    try:
        found = run_git(git, "rev-parse", "--verify", "--quiet", f"{_full(ref)}^{{commit}}", bare=bare)
    except GitFailed:
        return None
    return found.decode().strip()


def _differing(git: Git, bare: Path, folder: Path, commit: str | None) -> tuple[str, ...]:
    tree = snapshot(git, bare, folder)
    if commit is None:
        listed = run_git(git, "ls-tree", "-r", "-z", "--name-only", tree, bare=bare)
    else:
        listed = run_git(git, "diff-tree", "-r", "-z", "--name-only", "--no-renames", commit, tree, bare=bare)
    return tuple(path_text(path) for path in sorted(listed.split(b"\0")) if path)


def _move(git: Git, bare: Path, ref: str, commit: str, expected: str | None) -> None:
    try:
        run_git(git, "update-ref", _full(ref), commit, expected or "0" * len(commit), bare=bare)
    except GitFailed as error:
        if tip_of(bare, ref, git=git) == expected:
            raise
        raise Conflict(f"{ref} moved while the folder was read; update the folder, then commit again") from error


def _tree_of(git: Git, bare: Path, commit: str) -> str:
    return run_git(git, "rev-parse", f"{commit}^{{tree}}", bare=bare).decode().strip()


def _full(ref: str) -> str:
    return ref if ref.startswith("refs/") else _BRANCHES + ref
