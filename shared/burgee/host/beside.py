"""The folder beside a hosted repository, kept alike: saved files become commits, pushes become files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

from .changes import changes_between, why_refused
from .command import Git, run_git
from .folder import commit_folder, dirty_paths, edited_paths, tip_of
from .folder_update import update_folder
from .hooks import Push
from .snapshot import folder_base

_NAMED = 3


class FolderBeside:
    """Commits what is saved in a folder to the repository's default branch, and writes what is pushed into it."""

    def __init__(self, bare: Path, folder: Path, *, git: Git) -> None:
        self._bare = bare
        self._folder = folder
        self._git = git
        self._giving = Lock()
        self.ref = run_git(git, "symbolic-ref", "HEAD", bare=bare).decode().strip()

    def refusal(self, push: Push) -> str | None:
        """Why a push cannot be taken now: a path that the folder never takes, or saved work that is not committed."""
        new = next((update.new for update in push.updates if update.ref == self.ref), None)
        base = folder_base(self._bare)
        if new is not None and base is not None:
            changes = changes_between(self._git, self._bare, base, new, object_directories=push.object_directories)
            if reason := why_refused(changes, self._bare, self._folder):
                return f"push rejected: {reason}"
        return self._edited() if any(update.ref == self.ref for update in push.updates) else None

    def _edited(self) -> str | None:
        edited = edited_paths(self._bare, self._folder, self.ref, git=self._git)
        if not edited:
            return None
        named = ", ".join(edited[:_NAMED]) + (" and more" if len(edited) > _NAMED else "")
        return (
            f"push rejected: the folder {self._folder} has changes that are not committed ({named}); "
            "correct or undo them there, then pull and push again"
        )

    def differing(self) -> str:
        """How many files of the folder are not what the branch has, in words; empty when none is."""
        count = len(dirty_paths(self._bare, self._folder, self.ref, git=self._git))
        return f"{count} {'file' if count == 1 else 'files'}" if count else ""

    def take(self, accept: Callable[[str], bool]) -> str | None:
        """The commit of the folder's files, if they differ from the branch's tip and `accept` takes the commit."""
        self.give()
        changed = dirty_paths(self._bare, self._folder, self.ref, git=self._git)
        if not changed:
            return None
        message = f"Save {changed[0]}" if len(changed) == 1 else f"Save {len(changed)} files"
        return commit_folder(self._bare, self._folder, self.ref, message, git=self._git, accept=accept)

    def give(self) -> tuple[str, ...]:
        """Write what the branch has and the folder has not; the paths written. Raises what `update_folder` does."""
        with self._giving:
            base, tip = folder_base(self._bare), tip_of(self._bare, self.ref, git=self._git)
            if base is None or tip is None or base == tip:
                return ()
            return update_folder(self._bare, self._folder, base, tip, git=self._git)
