"""Seeding a hosted repository from a folder, and keeping the two together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from burgee.core.errors import ConfigurationError, Conflict, NotFound
from burgee.host.folder import commit_folder, dirty_paths, tip_of
from burgee.host.folder_update import update_folder
from burgee.host.seed import seed
from burgee.host.snapshot import folder_base
from burgee.host.watch import watch_folder
from tests.servers.git_cli import a_work_tree, commit, git
from tests.servers.git_host import GIT, git_host

pytestmark = pytest.mark.integration
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "flags").mkdir(parents=True)
    (folder / "flags" / "a.yaml").write_text("a: 1\n")
    (folder / "flags" / "b.yaml").write_text("b: 1\n")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "my.log").write_text("mine\n")
    return folder


@pytest.fixture
def bare(folder: Path) -> Path:
    bare = folder / ".burgee" / "git" / "demo.git"
    seed(folder, bare, git=GIT)
    return bare


def files(bare: Path, revision: str = "main") -> list[str]:
    return git(bare, "ls-tree", "-r", "--name-only", revision).splitlines()


def push(bare: Path, tmp_path: Path, changes: dict[str, str | None]) -> tuple[str, str]:
    """Commits old and new of a change that came by push; None deletes a file."""
    clone = tmp_path / f"clone{time.monotonic_ns()}"
    git(tmp_path, "clone", "--quiet", str(bare), clone.name)
    for path in (path for path, text in changes.items() if text is None):
        git(clone, "rm", "--quiet", path)
    old = git(clone, "rev-parse", "HEAD")
    new = commit(clone, {path: text for path, text in changes.items() if text is not None})
    git(bare, "fetch", "--quiet", str(clone), "+main:main")
    return old, new


# Seeding


def test_a_plain_folder_becomes_one_commit_without_ignored_files_and_state(folder: Path, bare: Path) -> None:
    assert files(bare) == [".gitignore", "flags/a.yaml", "flags/b.yaml", "run"]
    assert git(bare, "rev-list", "--count", "main") == "1"
    assert git(bare, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(bare, "ls-tree", "main", "run").startswith("100755")
    assert git(bare, "log", "-1", "--format=%an <%ae>") == "burgee dev <dev@localhost>"
    assert sorted(path.name for path in folder.iterdir()) == [".burgee", ".gitignore", "flags", "my.log", "run"]


def test_a_second_start_goes_on_with_what_is_there(folder: Path, bare: Path) -> None:
    before = git(bare, "rev-parse", "main")
    (folder / "new.yaml").write_text("n: 1\n")
    (bare / "hooks" / "pre-receive").unlink()
    assert seed(folder, bare, git=GIT) is False
    assert git(bare, "rev-parse", "main") == before
    assert (bare / "hooks" / "pre-receive").exists()


def test_a_work_tree_gives_its_history_and_not_what_it_has_not_committed(tmp_path: Path) -> None:
    work = a_work_tree(tmp_path / "work", {"a": "1"}, branch="trunk")
    git(work, "branch", "topic")
    git(work, "tag", "v1")
    last = commit(work, {"a": "2"})
    (work / "a").write_text("dirty")
    bare = tmp_path / "state" / "git" / "work.git"
    assert seed(work, bare, git=GIT)
    assert git(bare, "rev-parse", "HEAD") == last
    assert git(bare, "for-each-ref", "--format=%(refname)").splitlines() == [
        "refs/heads/topic",
        "refs/heads/trunk",
        "refs/tags/v1",
    ]
    assert dirty_paths(bare, work, "trunk", git=GIT) == ("a",)
    assert git(work, "status", "--porcelain") == "M a"


def test_detached_shallow_and_linked_work_trees_are_seeded(tmp_path: Path) -> None:
    work = a_work_tree(tmp_path / "work", {"a": "1"}, branch="trunk")
    commit(work, {"a": "2"})
    git(tmp_path, "clone", "--quiet", "--depth=1", work.as_uri(), "shallow")
    git(work, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "HEAD~1")
    for name, branch in (("shallow", "trunk"), ("linked", "main")):
        bare = tmp_path / "state" / "git" / f"{name}.git"
        assert seed(tmp_path / name, bare, git=GIT)
        assert git(bare, "rev-parse", branch) == git(tmp_path / name, "rev-parse", "HEAD")
        assert git(bare, "symbolic-ref", "HEAD") == f"refs/heads/{branch}"


def test_a_folder_inside_another_repository_is_plain(tmp_path: Path) -> None:
    work = a_work_tree(tmp_path / "work", {"sample/flags.yaml": "f: 1", "other": "o"})
    bare = tmp_path / "state" / "git" / "sample.git"
    assert seed(work / "sample", bare, git=GIT)
    assert files(bare) == ["flags.yaml"] and git(bare, "rev-list", "--count", "main") == "1"


def test_a_repository_without_commits_gives_its_files_on_its_branch(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=trunk")
    (work / "a").write_text("1")
    bare = tmp_path / "state" / "git" / "work.git"
    assert seed(work, bare, git=GIT)
    assert files(bare, "trunk") == ["a"]


def test_an_empty_folder_gives_an_empty_commit(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    bare = tmp_path / "state" / "git" / "empty.git"
    assert seed(tmp_path / "empty", bare, git=GIT)
    assert files(bare) == [] and not dirty_paths(bare, tmp_path / "empty", "main", git=GIT)


def test_folders_that_cannot_be_seeded_say_why(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder at"):
        seed(tmp_path / "gone", tmp_path / "state" / "git" / "x.git", git=GIT)
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="repair or remove it"):
        seed(tmp_path / "broken", tmp_path / "state" / "git" / "x.git", git=GIT)
    assert list((tmp_path / "state" / "git").glob("*.git*/")) == []


def test_a_seed_that_is_killed_leaves_no_half_repository(folder: Path, tmp_path: Path) -> None:
    for number in range(300):
        (folder / f"{number}.bin").write_bytes(os.urandom(3000))
    bare = tmp_path / "state" / "git" / "demo.git"
    script = (
        "import os\nfrom pathlib import Path\nfrom burgee.host.command import find_git\n"
        "from burgee.host.seed import seed\n"
        f"seed(Path({str(folder)!r}), Path({str(bare)!r}), git=find_git(os.environ))\n"
    )
    environ = {"PYTHONPATH": str(SHARED), "PATH": os.environ["PATH"]}
    process = subprocess.Popen([sys.executable, "-c", script], env=environ, start_new_session=True)
    with process:
        deadline = time.monotonic() + 20
        while not list(bare.parent.glob(".new-*/objects/*")) and time.monotonic() < deadline:
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)
    assert not bare.exists() and list(bare.parent.glob(".new-*"))
    assert seed(folder, bare, git=GIT)
    assert len(files(bare)) == 304 and [path.name for path in bare.parent.glob(".new-*")] == []


# The folder's edits


def test_edits_become_a_commit(folder: Path, bare: Path) -> None:
    before = git(bare, "rev-parse", "main")
    (folder / "flags" / "a.yaml").write_text("a: 2\n")
    (folder / "flags" / "b.yaml").unlink()
    (folder / "run").chmod(0o644)
    assert dirty_paths(bare, folder, "main", git=GIT) == ("flags/a.yaml", "flags/b.yaml", "run")
    made = commit_folder(bare, folder, "main", "Edit\n\nmore", git=GIT)
    assert made == git(bare, "rev-parse", "main") and git(bare, "rev-parse", "main^") == before
    assert git(bare, "show", "main:flags/a.yaml") == "a: 2"
    assert git(bare, "ls-tree", "main", "run").startswith("100644")
    assert not dirty_paths(bare, folder, "main", git=GIT)


def test_a_folder_that_is_as_the_tip_makes_no_commit(folder: Path, bare: Path) -> None:
    (folder / "other.log").write_text("ignored")
    (folder / "flags" / "a.yaml").touch()
    assert commit_folder(bare, folder, "main", "Nothing", git=GIT) is None


def test_a_file_that_is_edited_again_after_it_was_looked_at_is_committed_as_it_is_now(folder: Path, bare: Path) -> None:
    for text in ("a: 2\n", "a: 33\n", "a: 444\n"):
        (folder / "flags" / "a.yaml").write_text(text)
        assert dirty_paths(bare, folder, "main", git=GIT) == ("flags/a.yaml",)
    (folder / "flags" / "a.yaml").write_text("a: 5\n")
    assert commit_folder(bare, folder, "main", "Edit", git=GIT) is not None
    assert git(bare, "show", "main:flags/a.yaml") == "a: 5"


def test_a_commit_that_is_not_accepted_moves_nothing(folder: Path, bare: Path) -> None:
    before = git(bare, "rev-parse", "main")
    (folder / "flags" / "a.yaml").write_text("a: bad\n")
    assert commit_folder(bare, folder, "main", "Edit", git=GIT, accept=lambda commit: False) is None
    assert git(bare, "rev-parse", "main") == folder_base(bare) == before


def test_the_author_is_the_users_own(folder: Path, bare: Path, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[user]\n\tname = Bo\n\temail = bo@example.com\n")
    mine = type(GIT)(
        GIT.program, GIT.version, {"GIT_CONFIG_GLOBAL": str(tmp_path / "config"), "PATH": os.environ["PATH"]}
    )
    (folder / "n").write_text("x")
    commit_folder(bare, folder, "main", "New", git=mine)
    assert git(bare, "log", "-1", "--format=%an <%ae> %cn") == "Bo <bo@example.com> Bo"


def test_a_file_that_is_ignored_but_committed_stays(tmp_path: Path) -> None:
    work = a_work_tree(tmp_path / "work", {"kept.log": "k"})
    commit(work, {".gitignore": "*.log\n"})
    bare = tmp_path / "state" / "git" / "work.git"
    seed(work, bare, git=GIT)
    (work / "a").write_text("1")
    commit_folder(bare, work, "main", "More", git=GIT)
    assert files(bare) == [".gitignore", "a", "kept.log"]


def test_an_edit_never_undoes_a_push_the_folder_has_not_seen(folder: Path, bare: Path, tmp_path: Path) -> None:
    old, new = push(bare, tmp_path, {"flags/b.yaml": "b: pushed\n"})
    (folder / "flags" / "a.yaml").write_text("a: edited\n")
    with pytest.raises(Conflict, match="update the folder first"):
        commit_folder(bare, folder, "main", "Edit", git=GIT)
    assert folder_base(bare) == old
    assert update_folder(bare, folder, old, new, git=GIT) == ("flags/b.yaml",)
    assert commit_folder(bare, folder, "main", "Edit", git=GIT) is not None
    assert git(bare, "show", "main:flags/b.yaml") == "b: pushed"
    assert git(bare, "show", "main:flags/a.yaml") == "a: edited"


def test_commits_from_many_threads_make_one_line_of_history(folder: Path, bare: Path) -> None:
    def edit(number: int) -> None:
        (folder / f"{number}.yaml").write_text("x")
        commit_folder(bare, folder, "main", f"Edit {number}", git=GIT)

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"{number}.yaml" for number in range(4)} <= set(files(bare))
    assert not dirty_paths(bare, folder, "main", git=GIT) and folder_base(bare) == tip_of(bare, "main", git=GIT)


def test_a_lock_that_a_killed_run_left_behind_is_no_hindrance(folder: Path, bare: Path) -> None:
    (bare / "burgee-index.lock").write_text("")
    (folder / "n").write_text("x")
    assert commit_folder(bare, folder, "main", "New", git=GIT) is not None


# Pushes into the folder


def test_a_push_is_written_out(folder: Path, bare: Path, tmp_path: Path) -> None:
    changes = {"flags/a.yaml": "a: 2\n", "flags/b.yaml": None, "deep/er/c.yaml": "c: 1\n", "café\n.yaml": "odd\n"}
    old, new = push(bare, tmp_path, changes)
    assert update_folder(bare, folder, old, new, git=GIT) == (
        "caf\u00e9\\x0a.yaml",
        "deep/er/c.yaml",
        "flags/a.yaml",
        "flags/b.yaml",
    )
    assert (folder / "flags" / "a.yaml").read_text() == "a: 2\n"
    assert (folder / "deep" / "er" / "c.yaml").exists() and not (folder / "flags" / "b.yaml").exists()
    assert (folder / "my.log").read_text() == "mine\n"
    assert not dirty_paths(bare, folder, "main", git=GIT) and folder_base(bare) == new
    assert update_folder(bare, folder, old, new, git=GIT)  # an interrupted one can be run again
    assert commit_folder(bare, folder, "main", "Nothing", git=GIT) is None


def test_modes_renames_links_and_emptied_folders_are_written_out(folder: Path, bare: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(bare), "clone")
    clone = tmp_path / "clone"
    git(clone, "mv", "flags", "moved")
    git(clone, "update-index", "--chmod=-x", "run")
    (clone / "link").symlink_to("/etc/passwd")
    git(clone, "add", "link")
    git(clone, "commit", "--quiet", "--message", "Move")
    old = git(bare, "rev-parse", "main")
    git(bare, "fetch", "--quiet", str(clone), "+main:main")
    update_folder(bare, folder, old, git(clone, "rev-parse", "HEAD"), git=GIT)
    assert not (folder / "flags").exists() and (folder / "moved" / "a.yaml").exists()
    assert (folder / "link").readlink() == Path("/etc/passwd")
    assert (folder / "run").stat().st_mode & 0o111 == 0
    assert not dirty_paths(bare, folder, "main", git=GIT)


def test_a_file_may_become_a_folder_and_back(folder: Path, bare: Path, tmp_path: Path) -> None:
    there = push(bare, tmp_path, {"run": None, "run/x": "x"})
    update_folder(bare, folder, *there, git=GIT)
    assert (folder / "run" / "x").read_text() == "x"
    back = push(bare, tmp_path, {"run/x": None, "run": "file"})
    update_folder(bare, folder, *back, git=GIT)
    assert (folder / "run").read_text() == "file"


@pytest.mark.parametrize(
    ("edited", "pushed"),
    [("flags/a.yaml", "flags/a.yaml"), ("my.log", "my.log"), ("new.yaml", "new.yaml"), ("new", "new/x.yaml")],
)
def test_a_persons_work_is_never_overwritten(
    folder: Path, bare: Path, tmp_path: Path, edited: str, pushed: str
) -> None:
    git(tmp_path, "clone", "--quiet", str(bare), "clone")
    (tmp_path / "clone" / ".git" / "info" / "exclude").write_text("")
    (tmp_path / "clone" / ".gitignore").unlink()
    new = commit(tmp_path / "clone", {pushed: "pushed\n", ".gitignore": "*.log\n"} | {"flags/b.yaml": "b: 2\n"})
    if pushed.endswith(".log"):
        git(tmp_path / "clone", "add", "--force", pushed)
        git(tmp_path / "clone", "commit", "--quiet", "--amend", "--message", "x")
        new = git(tmp_path / "clone", "rev-parse", "HEAD")
    old = git(bare, "rev-parse", "main")
    git(bare, "fetch", "--quiet", str(tmp_path / "clone"), "+main:main")
    (folder / edited).write_text("edited\n")
    with pytest.raises(Conflict, match=f"the folder has other versions of {pushed}; commit or undo"):
        update_folder(bare, folder, old, new, git=GIT)
    assert (folder / edited).read_text() == "edited\n"
    assert (folder / "flags" / "b.yaml").read_text() == "b: 1\n" and folder_base(bare) == old


def test_a_push_does_not_write_or_delete_through_links(folder: Path, bare: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.yaml").write_text("a: 1\n")
    old, new = push(bare, tmp_path, {"flags/a.yaml": None, "flags/b.yaml": None, "flags/c.yaml": "c\n"})
    for path in (folder / "flags").iterdir():
        path.unlink()
    (folder / "flags").rmdir()
    (folder / "flags").symlink_to(outside)
    with pytest.raises(Conflict, match=r"flags/c\.yaml"):
        update_folder(bare, folder, old, new, git=GIT)
    assert [path.name for path in outside.iterdir()] == ["a.yaml"]


# Watching


@contextmanager
def watching(folder: Path, *, polling: bool | None = None) -> Iterator[Queue[frozenset[Path]]]:
    bursts: Queue[frozenset[Path]] = Queue()
    stop = threading.Event()
    options = {"stop": stop, "ignored": [folder / ".burgee"], "polling": polling}
    thread = threading.Thread(target=watch_folder, args=(folder, bursts.put), kwargs=options)
    thread.start()
    try:
        _wait_until_watched(folder, bursts)
        yield bursts
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def _wait_until_watched(folder: Path, bursts: Queue[frozenset[Path]]) -> None:
    for attempt in range(50):
        (folder / "probe").write_text(str(attempt))
        try:
            bursts.get(timeout=0.5)
        except Exception:
            continue
        return
    raise AssertionError("the folder is not watched")


@pytest.mark.parametrize("polling", [None, True])
def test_a_burst_of_edits_is_one_call(folder: Path, bare: Path, polling: bool | None) -> None:
    with watching(folder, polling=polling) as bursts:
        for number in range(5):
            (folder / "flags" / f"{number}.yaml").write_text("x")
            (bare / "ignored").write_text("x")
            (folder / "flags" / ".burgee-new-1").write_text("x")
        found = bursts.get(timeout=10)
        assert {f"{number}.yaml" for number in range(5)} <= {path.name for path in found}
        assert not {path for path in found if ".burgee" in str(path.relative_to(folder))}


def test_watch_commit_push_and_update_go_together(folder: Path, bare: Path, tmp_path: Path) -> None:
    with git_host(bare.parent) as host, watching(folder) as bursts:
        (folder / "flags" / "a.yaml").write_text("a: watched\n")
        bursts.get(timeout=10)
        watched = commit_folder(bare, folder, "main", "Watched", git=GIT)
        git(tmp_path, "clone", "--quiet", f"{host.url}/demo", "clone")
        pushed = commit(tmp_path / "clone", {"flags/a.yaml": "a: pushed\n"})
        git(tmp_path / "clone", "push", "--quiet")
        assert watched is not None
        update_folder(bare, folder, watched, pushed, git=GIT)
        bursts.get(timeout=10)
        assert commit_folder(bare, folder, "main", "Echo", git=GIT) is None
    assert (folder / "flags" / "a.yaml").read_text() == "a: pushed\n"
