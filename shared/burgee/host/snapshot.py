"""A folder's files as a Git tree in a hosted repository, by an index of its own, and commits of such trees.

Law: the folder's own `.git`, if it has one, is neither read nor written; files that .gitignore names stay out unless
the repository has them already.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import GitFailed
from ..git.names import name_text
from .command import Git, run_git, user_setting

TEMPORARY = ".burgee-new-"
_INDEX = "burgee-index"
_BASE = "burgee-folder"
_GUARD = "burgee-folder.guard"
_EXACT = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false")
_ATTEMPTS = 3


@contextmanager
def guarded(bare: Path) -> Iterator[None]:
    """One at a time, over threads and processes: whoever reads or writes the folder of this repository."""
    with (bare / _GUARD).open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        (bare / f"{_INDEX}.lock").unlink(missing_ok=True)
        yield


def snapshot(git: Git, bare: Path, folder: Path) -> str:
    """The id of the tree that has the folder's files now. To be called `guarded`. Raises GitFailed."""
    base = folder_base(bare)
    if base is not None:
        in_index(git, "read-tree", "-m", "-i", base, bare=bare, folder=folder)
    for attempt in range(_ATTEMPTS):
        try:
            in_index(git, *_EXACT, "add", "--all", bare=bare, folder=folder)
            break
        except GitFailed:
            # An editor's temporary file may vanish between being listed and being read.
            if attempt == _ATTEMPTS - 1:
                raise
    return in_index(git, "write-tree", bare=bare, folder=folder).decode().strip()


def in_index(git: Git, *arguments: str, bare: Path, folder: Path, content: bytes = b"") -> bytes:
    """What a git command prints that works with the folder and its index."""
    index = {"GIT_INDEX_FILE": str(bare / _INDEX)}
    return run_git(git, *arguments, bare=bare, folder=folder, extra=index, content=content)


def commit_tree(git: Git, bare: Path, folder: Path, tree: str, *, message: str, parent: str | None = None) -> str:
    """The id of a new commit, by the user of the folder; no ref is moved."""
    name = user_setting(git, "user.name", folder) or "burgee dev"
    address = user_setting(git, "user.email", folder) or "dev@localhost"
    author = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", name), ("EMAIL", address))
    }
    parents = ("-p", parent) if parent else ()
    made = run_git(git, "commit-tree", tree, *parents, bare=bare, extra=author, content=f"{message}\n".encode())
    return made.decode().strip()


def folder_base(bare: Path) -> str | None:
    """The commit that the folder's files were made from, or last equal to; None before there is one."""
    try:
        return (bare / _BASE).read_text().strip() or None
    except FileNotFoundError:
        return None


def remember_base(bare: Path, commit: str) -> None:
    """From now on the folder's files come from this commit."""
    aside = bare / f"{_BASE}.new"
    aside.write_text(f"{commit}\n")
    aside.replace(bare / _BASE)


def path_text(path: bytes) -> str:
    """A path of Git's as text of one line."""
    return "/".join(map(name_text, path.split(b"/")))


def state_folder(bare: Path, folder: Path) -> Path:
    """The folder that burgee keeps for itself, of which `bare` is `git/<name>.git`; never the folder itself."""
    return bare.parent.parent if bare.parent.parent != folder else bare.parent


def exclude_state(bare: Path, folder: Path) -> None:
    """Keep burgee's own files out of snapshots: its state folder, when that is in the folder, and temporary files."""
    patterns = [f"{TEMPORARY}*"]
    state = state_folder(bare, folder)
    if state.is_relative_to(folder) and state != folder:
        patterns.append("/" + re.sub(r"([\\*?\[ !#])", r"\\\1", state.relative_to(folder).as_posix()) + "/")
    (bare / "info").mkdir(exist_ok=True)
    (bare / "info" / "exclude").write_text("".join(f"{pattern}\n" for pattern in patterns))
