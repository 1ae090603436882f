"""What a hostile push, a full disk or a quick hand does to the folder beside a hosted repository: nothing for good."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from burgee.core.errors import BurgeeError, Conflict, InvalidRequest, Unavailable
from burgee.git.objects import TreeSource
from burgee.git.tree import Entry
from burgee.host.beside import FolderBeside
from burgee.host.folder import commit_folder, dirty_paths
from burgee.host.folder_update import update_folder
from burgee.host.hooks import Push, RefUpdate
from burgee.host.seed import seed
from burgee.host.snapshot import folder_base
from burgee.host.watch import watch_folder
from tests.publishing import features, files
from tests.servers.dev import Running, dev, wait_for
from tests.servers.git_cli import attempt, commit, git
from tests.servers.git_host import GIT

pytestmark = pytest.mark.integration
OFF, ON = features("a", "b", percentage=0), features("a", "b", percentage=100)
HOOK = ".burgee/git/shop.git/hooks/update"
LONG = "n" * 256


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "shop"
    for name, text in files(OFF, OFF).items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


@pytest.fixture
def bare(folder: Path) -> Path:
    bare = folder / ".burgee" / "git" / "shop.git"
    seed(folder, bare, git=GIT)
    return bare


@pytest.fixture
def beside(bare: Path, folder: Path) -> FolderBeside:
    return FolderBeside(bare, folder, git=GIT)


@pytest.fixture
def clone(bare: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(bare), "clone")
    return tmp_path / "clone"


def add(clone: Path, *paths: str, content: str = "#!/bin/sh\ntouch pwned\n", mode: str = "100755") -> str:
    """Commit paths that a file system may not hold, by the index alone; the id of the commit."""
    (clone / ".git" / "content").write_text(content)
    blob = git(clone, "hash-object", "-w", ".git/content")
    for path in paths:
        git(clone, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")
    git(clone, "commit", "--quiet", "--message", "Add")
    return git(clone, "rev-parse", "HEAD")


def drop(clone: Path, *paths: str) -> str:
    git(clone, "update-index", "--force-remove", *paths)
    git(clone, "commit", "--quiet", "--message", "Drop")
    return git(clone, "rev-parse", "HEAD")


def arrive(bare: Path, clone: Path) -> str:
    """Move the branch past every check; the id of its new tip."""
    git(bare, "fetch", "--quiet", str(clone), "+main:main")
    return git(bare, "rev-parse", "main")


def pushed(bare: Path, new: str) -> Push:
    return Push("shop", (RefUpdate("refs/heads/main", git(bare, "rev-parse", "main"), new),))


# Burgee's own state


@pytest.mark.parametrize("path", [HOOK, ".burgee", ".BURGEE/git/shop.git/hooks/update", ".burgee/new"])
def test_an_update_never_writes_into_the_state_folder(bare: Path, folder: Path, clone: Path, path: str) -> None:
    old = folder_base(bare)
    add(clone, path, "fine.yaml")
    new = arrive(bare, clone)
    assert old is not None
    with pytest.raises(InvalidRequest, match=r"(?i)\.burgee.* is in the way of burgee's own state"):
        update_folder(bare, folder, old, new, git=GIT)
    assert not (folder / path).is_file() and not (folder / "fine.yaml").exists() and folder_base(bare) == old


def test_a_link_that_leads_to_the_state_is_state_too(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / ".burgee").symlink_to(tmp_path / "elsewhere")
    bare = folder / ".burgee" / "git" / "shop.git"
    seed(folder, bare, git=GIT)
    git(tmp_path, "clone", "--quiet", str(bare), "clone")
    new = add(tmp_path / "clone", ".burgee", content="mine", mode="120000")
    arrive(bare, tmp_path / "clone")
    with pytest.raises(InvalidRequest, match="burgee's own state"):
        update_folder(bare, folder, git(bare, "rev-parse", "main~1"), new, git=GIT)


def test_a_push_into_the_state_folder_is_rejected_and_no_hook_of_it_runs(folder: Path, tmp_path: Path) -> None:
    with dev(folder, folder / ".burgee", "--watch") as host:
        place = a_clone(host, tmp_path / "work")
        for path in (HOOK, LONG):
            add(place, path)
            refused = attempt(place, "push")
            assert refused.returncode != 0 and "push rejected: " in refused.stderr
            git(place, "reset", "--quiet", "--hard", "HEAD~1")
        commit(place, {"flags/staging/features.yaml": ON})
        assert attempt(place, "push").returncode == 0
    assert not (folder / HOOK).exists()


def a_clone(host: Running, place: Path) -> Path:
    git(place.parent, "clone", "--quiet", f"{host.url}/git/shop", str(place))
    return place


# What cannot be written


def test_a_name_that_no_folder_holds_is_told_and_a_push_without_it_heals(
    bare: Path, folder: Path, clone: Path, beside: FolderBeside
) -> None:
    new = add(clone, LONG)
    git(bare, "fetch", "--quiet", str(clone), "main")
    assert "longer than 255 bytes" in (beside.refusal(pushed(bare, new)) or "")
    arrive(bare, clone)
    with pytest.raises(BurgeeError, match="longer than 255 bytes"):
        beside.take(lambda commit: True)
    drop(clone, LONG)
    healed = commit(clone, {"flags/staging/features.yaml": ON})
    git(bare, "fetch", "--quiet", str(clone), "main")
    assert beside.refusal(pushed(bare, healed)) is None
    arrive(bare, clone)
    assert beside.give() == ("flags/staging/features.yaml",)
    assert not dirty_paths(bare, folder, "main", git=GIT) and folder_base(bare) == healed


def test_a_start_with_what_cannot_be_written_goes_on_until_a_push_heals_it(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "work"
    with dev(folder, tmp_path / "state") as host:
        add(a_clone(host, place), LONG)
        assert attempt(place, "push").returncode == 0
    with dev(folder, tmp_path / "state", "--watch") as host:
        assert host.said("longer than 255 bytes")
        git(place, "remote", "set-url", "origin", f"{host.url}/git/shop")
        drop(place, LONG)
        healing = attempt(place, "push")
        assert "the folder has these files now" in healing.stderr, healing.stderr
        (folder / "flags/staging/features.yaml").write_text(ON)
        assert host.said("saved as commit") and wait_for(lambda: host.enabled("a"))


def test_a_path_that_is_too_long_for_the_system_is_told(clone: Path, bare: Path, beside: FolderBeside) -> None:
    add(clone, "/".join(["z" * 200] * 25))
    arrive(bare, clone)
    with pytest.raises(Unavailable, match=r"/zzz.* cannot be written \(File name too long\); mend that, or push"):
        beside.give()


def test_an_update_that_stops_half_way_goes_on_to_another_commit(
    bare: Path, folder: Path, clone: Path, beside: FolderBeside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(source: TreeSource, entry: Entry, **limit: int) -> bytes:
        if entry.path.endswith("full"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(source, entry, **limit)

    really = TreeSource.read
    monkeypatch.setattr(TreeSource, "read", read)
    commit(clone, {"a.yaml": "first\n", "flags/staging/features.yaml": ON})
    add(clone, "x/full")
    arrive(bare, clone)
    with pytest.raises(Unavailable, match=r"x/full cannot be written \(No space left on device\); mend that"):
        beside.give()
    assert (folder / "a.yaml").read_text() == "first\n"
    drop(clone, "x/full")
    healed = commit(clone, {"a.yaml": "second\n", "flags/staging/features.yaml": OFF})
    git(bare, "fetch", "--quiet", str(clone), "main")
    assert beside.refusal(pushed(bare, healed)) is None
    arrive(bare, clone)
    beside.give()
    assert (folder / "a.yaml").read_text() == "second\n"
    assert (folder / "flags/staging/features.yaml").read_text() == OFF
    assert not dirty_paths(bare, folder, "main", git=GIT)
    assert commit_folder(bare, folder, "main", "Nothing", git=GIT) is None


def test_what_an_update_has_reached_is_not_shown_to_clients(bare: Path, clone: Path) -> None:
    git(bare, "update-ref", "refs/burgee/reached", "main")
    assert "refs/burgee" not in git(clone, "ls-remote", "origin")


# A person's edit meanwhile


def test_an_edit_while_a_push_is_written_is_not_lost(
    bare: Path, folder: Path, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit(path: Path) -> Callable[..., bytes]:
        def read(source: TreeSource, entry: Entry, **limit: int) -> bytes:
            path.write_text(path.read_text()[::-1])
            return really(source, entry, **limit)

        return read

    old, edited = folder_base(bare), folder / "flags/staging/features.yaml"
    commit(clone, {"burgee.yaml": (clone / "burgee.yaml").read_text() + "\n", "flags/staging/features.yaml": ON})
    new = arrive(bare, clone)
    really = TreeSource.read
    monkeypatch.setattr(TreeSource, "read", edit(edited))
    assert old is not None
    with pytest.raises(Conflict, match=r"features\.yaml was edited while a push was written"):
        update_folder(bare, folder, old, new, git=GIT)
    assert sorted(edited.read_text()) == sorted(OFF)
    monkeypatch.setattr(TreeSource, "read", really)
    edited.write_text(OFF)
    reached = folder_base(bare)
    assert reached is not None and reached != old
    update_folder(bare, folder, reached, new, git=GIT)
    assert edited.read_text() == ON and not dirty_paths(bare, folder, "main", git=GIT)


# Watching


def test_a_name_that_is_not_utf_8_does_not_end_the_watching(folder: Path, tmp_path: Path) -> None:
    with dev(folder, tmp_path / "state", "--watch") as host:
        subprocess.run(["touch", os.fsencode(folder) + b"/\xff\xfe"], check=True)
        assert host.said("it is looked at every second")
        (folder / "flags/staging/features.yaml").write_text(ON)
        assert wait_for(lambda: host.enabled("a"))
        (folder / "flags/staging/features.yaml").write_text("flags: [")
        assert host.said("not committed: ")
        assert not wait_for(lambda: sum("not committed: " in line for line in host.lines) > 1, 2.5), "".join(
            host.lines[12:]
        )


def test_a_change_that_fails_does_not_end_the_watching(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    stop, again = threading.Event(), threading.Event()
    calls: list[frozenset[Path]] = []

    def changed(paths: frozenset[Path]) -> None:
        calls.append(paths)
        if len(calls) > 1:
            again.set()
        raise ZeroDivisionError

    watcher = threading.Thread(target=watch_folder, args=(folder, changed), kwargs={"stop": stop, "polling": True})
    watcher.start()
    try:
        for number in range(100):
            (folder / f"{number}.yaml").write_text("x")
            if again.wait(0.3):
                break
    finally:
        stop.set()
        watcher.join(10)
    assert again.is_set() and not watcher.is_alive() and "ZeroDivisionError" in caplog.text
