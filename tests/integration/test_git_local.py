"""Local repositories and folders as sources, hostile ones included."""

from __future__ import annotations

import os
import zlib
from hashlib import sha1
from pathlib import Path

import pytest

from burgee.core.errors import BurgeeError, Denied, NotFound, TooLarge
from burgee.git.folder import open_folder
from burgee.git.repository import open_repository
from burgee.git.tree import EXECUTABLE, FILE, SUBMODULE, SYMLINK, Commit, Entry, Source
from tests.servers.git_cli import a_bare_clone, a_work_tree, attempt, commit, git

pytestmark = pytest.mark.integration


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return a_work_tree(tmp_path / "work", {"flags/b.yaml": "b: 1\n", "flags/a.yaml": "a: 1\n", "a.txt": "x"})


def paths(source: Source) -> list[str]:
    return [entry.path for entry in source.entries()]


@pytest.mark.parametrize("where", ["work", "work/flags", "work/.git", "bare.git", "linked"])
def test_every_way_into_a_repository_reads_the_same(work: Path, tmp_path: Path, where: str) -> None:
    a_bare_clone(work, tmp_path / "bare.git")
    git(work, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    with open_repository(tmp_path / where) as repository:
        source = repository.source(repository.tip("main"))
        assert paths(source) == ["a.txt", "flags/a.yaml", "flags/b.yaml"]
        assert source.read(source.entries()[1]) == b"a: 1\n"


def test_a_tip_is_what_the_repository_has_now(work: Path) -> None:
    with open_repository(work) as repository:
        repository.tip("main")
        new = commit(work, {"c": "d"})
        assert repository.tip("main").id == new
        git(work, "gc", "--quiet")
        assert repository.tip("main").id == new
        assert len(repository.source(repository.tip("main")).entries()) == 4


def test_revisions(work: Path) -> None:
    first = git(work, "rev-parse", "HEAD")
    git(work, "tag", "-a", "v1", "-m", "one")
    second = commit(work, {"c": "d"})
    git(work, "update-ref", "refs/remotes/origin/topic", first)
    with open_repository(work) as repository:
        for revision in (first, first[:8], "HEAD~1", "v1", "origin/topic", "topic", "main^", "refs/tags/v1"):
            assert repository.resolve(revision).id == first
        assert repository.resolve("@").id == repository.resolve("HEAD").id == second
        for missing in ("HEAD~2", "1" * 40, "1" * 7, "HEAD^2", "tpic"):
            with pytest.raises(NotFound):
                repository.resolve(missing)


def test_a_branch_that_does_not_exist_names_the_closest(work: Path) -> None:
    with open_repository(work) as repository, pytest.raises(NotFound, match="did you mean 'main'"):
        repository.tip("mani")


def test_a_repository_without_commits_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk")
    with open_repository(tmp_path) as repository:
        assert repository.default_ref() == "trunk"
        with pytest.raises(NotFound, match="no commits yet"):
            repository.tip("trunk")


def test_a_detached_head_names_no_branch(work: Path) -> None:
    git(work, "checkout", "--quiet", "--detach")
    with open_repository(work) as repository, pytest.raises(NotFound, match="detached"):
        repository.default_ref()


def test_a_path_without_a_repository_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="a Git repository at"):
        open_repository(tmp_path / "nowhere")


def test_the_identity_is_the_origin_without_credentials(work: Path) -> None:
    with open_repository(work) as repository:
        assert repository.identity == work.as_uri()
    git(work, "remote", "add", "origin", "https://ann:s3cret@GitHub.com/acme/flags.git")
    with open_repository(work / "flags") as repository:
        assert repository.identity == "https://github.com/acme/flags"
    git(work, "remote", "set-url", "origin", "../bare.git")
    with open_repository(work) as repository:
        assert repository.identity == (work.parent / "bare").as_uri()


def test_hostile_trees_are_listed_safely(tmp_path: Path) -> None:
    work = a_work_tree(tmp_path / "work", {"ok.yaml": "x"})
    (work / "link").symlink_to("/etc/passwd")
    (work / "run").write_text("#!/bin/sh\n")
    (work / "run").chmod(0o755)
    commit(work, {"new\nline": "n"})
    blob, tree = git(work, "rev-parse", "HEAD:ok.yaml"), git(work, "rev-parse", "HEAD^{tree}")
    names = [b"..", b".git", b"a/b", b".", b"\xff\xfe", b"sub"]
    modes = [b"40000", b"40000", b"100644", b"40000", b"100644", b"160000"]
    ids = [tree, tree, blob, tree, blob, blob]
    hostile = b"".join(
        mode + b" " + name + b"\0" + bytes.fromhex(found) for mode, name, found in zip(modes, names, ids, strict=True)
    )
    hostile += b"40000 inner\0" + bytes.fromhex(tree)
    top = _loose(work, b"tree", hostile)
    with open_repository(work) as repository:
        source = repository.source(Commit("0" * 40, top, 0, "", ""))
        assert paths(source) == ["inner/link", "inner/new\\x0aline", "inner/ok.yaml", "inner/run", "sub", "\\xff\\xfe"]
        modes_read = {entry.path: entry.mode for entry in source.entries()}
        assert modes_read["inner/link"] == SYMLINK and modes_read["inner/run"] == EXECUTABLE
        assert modes_read["sub"] == SUBMODULE and modes_read["inner/ok.yaml"] == FILE
        read = {entry.path: source.read(entry) for entry in source.entries() if entry.mode != SUBMODULE}
        assert read["inner/link"] == b"/etc/passwd" and read["inner/new\\x0aline"] == b"n"
        with pytest.raises(NotFound, match="submodule"):
            source.read(source.entries()[4])


def test_a_tree_that_unfolds_to_billions_of_files_is_refused(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("burgee.git.listing.MOST_ENTRIES", 1000)
    tree = _loose(work, b"tree", b"100644 f\0" + bytes.fromhex(git(work, "rev-parse", "HEAD:a.txt")))
    for _ in range(10):
        tree = _loose(work, b"tree", b"".join(b"40000 %d\0" % number + bytes.fromhex(tree) for number in range(10)))
    with open_repository(work) as repository, pytest.raises(TooLarge, match="more than 1000 files"):
        repository.source(Commit("0" * 40, tree, 0, "", "")).entries()


def test_a_damaged_tree_is_an_error_of_ours(work: Path) -> None:
    tree = _loose(work, b"tree", b"100644 name-without-id\0abc")
    with open_repository(work) as repository, pytest.raises(BurgeeError, match="damaged"):
        repository.source(Commit("0" * 40, tree, 0, "", "")).entries()


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_file_is_refused_by_its_header(work: Path, packed: bool) -> None:
    commit(work, {"big": "0123456789" * 300_000})
    commit(work, {"big": "0123456789" * 300_000 + "x"})
    if packed:
        git(work, "gc", "--quiet")
    with open_repository(work) as repository:
        for revision in ("HEAD", "HEAD~1"):
            source = repository.source(repository.resolve(revision))
            big = next(entry for entry in source.entries() if entry.path == "big")
            with pytest.raises(TooLarge, match="'big' has 300000"):
                source.read(big, limit=3_000_000 - 1)
            assert len(source.read(big, limit=3_000_001)) >= 3_000_000


def test_objects_in_quarantine_are_read_besides(work: Path, tmp_path: Path) -> None:
    quarantine = tmp_path / "quarantine"
    quarantine.mkdir()
    environ = {
        "GIT_OBJECT_DIRECTORY": str(quarantine),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(work / ".git" / "objects"),
    }
    made = attempt(work, "commit-tree", "-p", "HEAD", "-m", "new", "HEAD^{tree}", environ=environ).stdout.strip()
    with open_repository(work) as repository, pytest.raises(NotFound):
        repository.resolve(made)
    with open_repository(work, object_directories=[quarantine]) as repository:
        assert repository.resolve(made).subject == "new"
        assert paths(repository.source(repository.resolve(f"{made}~1"))) == ["a.txt", "flags/a.yaml", "flags/b.yaml"]


def test_a_folder_is_listed_like_a_tree(work: Path) -> None:
    (work / "link").symlink_to(work / "flags")
    (work / "run").write_text("x")
    (work / "run").chmod(0o755)
    os.mkfifo(work / "pipe")
    (work / "flags" / ".git").write_text("gitdir: elsewhere")
    source = open_folder(work)
    assert paths(source) == ["a.txt", "flags/a.yaml", "flags/b.yaml", "link", "run"]
    described = {entry.path: (entry.mode, entry.size, entry.blob) for entry in source.entries()}
    assert described["a.txt"] == (FILE, 1, None) and described["run"] == (EXECUTABLE, 1, None)
    assert described["link"][0] == SYMLINK
    assert source.read(Entry("link", SYMLINK)) == os.fsencode(work / "flags")
    assert source.read(Entry("flags/a.yaml", FILE)) == b"a: 1\n"


def test_the_order_of_a_folder_is_that_of_bytes(tmp_path: Path) -> None:
    for name in ("a/b", "a.b", "a-b", "Z", "é", "z"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert paths(open_folder(tmp_path)) == ["Z", "a-b", "a.b", "a/b", "z", "é"]


def test_names_in_a_folder_are_escaped_and_still_read(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\n")).write_text("odd")
    source = open_folder(tmp_path)
    assert paths(source) == ["\\xff\\x0a"]
    assert source.read(source.entries()[0]) == b"odd"


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to("/etc/passwd")
    with pytest.raises(NotFound, match="no longer a file"):
        open_folder(tmp_path).read(Entry("f", FILE))


def test_a_folder_refuses_huge_gone_and_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "big").write_text("x" * 11)
    source = open_folder(tmp_path)
    with pytest.raises(TooLarge, match="11 bytes, at most 10"):
        source.read(Entry("big", FILE), limit=10)
    with pytest.raises(NotFound):
        source.read(Entry("gone", FILE))
    with pytest.raises(NotFound, match="no folder at"):
        open_folder(tmp_path / "gone")
    if os.geteuid() != 0:
        (tmp_path / "big").chmod(0)
        with pytest.raises(Denied):
            source.read(Entry("big", FILE))


def _loose(work: Path, kind: bytes, content: bytes) -> str:
    """Write an object that git itself would refuse to make."""
    whole = b"%s %d\0" % (kind, len(content)) + content
    name = sha1(whole, usedforsecurity=False).hexdigest()
    path = work / ".git" / "objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_bytes(zlib.compress(whole))
    return name
