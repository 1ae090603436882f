"""The first content of a hosted repository: the history of a Git work tree, or one commit of a plain folder's files."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ConfigurationError, GitFailed, NotFound
from .bare import building, prepare
from .command import Git, ask_work_tree, run_git
from .snapshot import commit_tree, exclude_state, remember_base, snapshot

BRANCH = "main"
_MESSAGE = "Add the files of the folder"


def seed(folder: Path, bare: Path, *, git: Git) -> bool:
    """Whether the hosted repository was made now; one that exists is only prepared for this run, and goes on as it is.

    `bare` is `<state>/git/<name>.git`; the state folder is never part of a commit. A folder that is the top of a Git
    work tree with commits gives its branches and tags, and what it has not committed is left where it is. Any other
    folder gives one commit of its files, without those that .gitignore names.
    Raises NotFound for a folder that does not exist, ConfigurationError for a broken `.git` in it, and GitFailed.
    """
    folder, bare = folder.resolve(), bare.resolve()
    if not folder.is_dir():
        raise NotFound(f"no folder at {folder}; name the one with the flags, or create it")
    if bare.exists():
        prepare(git, bare)
        exclude_state(bare, folder)
        return False
    own = _own_branch(git, folder, bare.parent)
    branch = own or BRANCH
    with building(git, bare, branch=branch) as aside:
        exclude_state(aside, folder)
        if own and _has_commits(git, folder, bare.parent):
            _fetch(git, folder, aside, branch)
        else:
            _commit(git, folder, aside, branch)
        remember_base(aside, run_git(git, "rev-parse", f"refs/heads/{branch}", bare=aside).decode().strip())
    return True


def _own_branch(git: Git, folder: Path, home: Path) -> str | None:
    """The branch of the work tree whose top is `folder` (BRANCH if it is on none); None if it is no such top."""
    if not (folder / ".git").exists():
        return None
    try:
        ask_work_tree(git, "rev-parse", "--git-dir", folder=folder, home=home)
    except GitFailed as error:
        raise ConfigurationError(f"{folder} has a .git that is no repository; repair or remove it: {error}") from error
    name = ask_work_tree(git, "branch", "--show-current", folder=folder, home=home).decode().strip()
    return name or BRANCH


def _has_commits(git: Git, folder: Path, home: Path) -> bool:
    try:
        ask_work_tree(git, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", folder=folder, home=home)
    except GitFailed:
        return False
    return True


def _fetch(git: Git, folder: Path, aside: Path, branch: str) -> None:
    command = ("fetch", "--quiet", "--no-tags", "--update-shallow", str(folder))
    run_git(git, *command, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", bare=aside)
    if not run_git(git, "for-each-ref", f"refs/heads/{branch}", bare=aside):
        run_git(git, *command, f"+HEAD:refs/heads/{branch}", bare=aside)


def _commit(git: Git, folder: Path, aside: Path, branch: str) -> None:
    tree = snapshot(git, aside, folder)
    commit = commit_tree(git, aside, folder, tree, message=_MESSAGE)
    run_git(git, "update-ref", f"refs/heads/{branch}", commit, bare=aside)
