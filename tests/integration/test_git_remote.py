"""Repositories over HTTP: a real http-backend behind a token."""

from __future__ import annotations

import logging
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from burgee.core.errors import Denied, NotFound, Unavailable
from burgee.git.repository import Repository, open_repository
from tests.servers.git_cli import a_bare_clone, a_work_tree, commit, git
from tests.servers.git_http import GitServer, git_server

pytestmark = pytest.mark.integration
TOKEN = "tok3n-of-ann"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def running(root: Path) -> Iterator[GitServer]:
    with git_server(root, token=TOKEN) as server:
        yield server


@pytest.fixture
def work(tmp_path: Path, root: Path) -> Path:
    files = {f"flags/{number}.yaml": f"key: {number}\n" * 50 for number in range(40)}
    work = a_work_tree(tmp_path / "work", files)
    shutil.rmtree(root / "flags.git", ignore_errors=True)
    a_bare_clone(work, root / "flags.git")
    git(work, "remote", "add", "origin", str(root / "flags.git"))
    return work


@pytest.fixture
def server(running: GitServer, work: Path) -> GitServer:
    running.traffic.forget()
    return running


@pytest.fixture
def remote(server: GitServer) -> Iterator[Repository]:
    with open_repository(f"{server.url}/flags.git", token=TOKEN) as repository:
        yield repository


def test_a_tip_is_read_with_its_files(remote: Repository, work: Path) -> None:
    tip = remote.tip(remote.default_ref())
    source = remote.source(tip)
    assert tip.id == git(work, "rev-parse", "HEAD")
    assert (tip.author, tip.subject) == ("Ann <ann@example.com>", "Change files")
    assert tip.committed_at == int(git(work, "log", "-1", "--format=%ct")) * 1000
    assert [entry.path for entry in source.entries()] == git(work, "ls-files").splitlines()
    assert source.read(source.entries()[0]) == b"key: 0\n" * 50


def test_a_tip_that_has_not_moved_fetches_nothing(remote: Repository, server: GitServer) -> None:
    remote.tip("main")
    server.traffic.forget()
    remote.tip("main")
    assert [line.rpartition("/")[2] for line in server.traffic.requests] == ["refs", "git-upload-pack"]  # ls-refs
    assert server.traffic.sent < 1000


def test_a_tip_that_has_moved_fetches_only_what_is_new(remote: Repository, server: GitServer, work: Path) -> None:
    remote.tip("main")
    whole = server.traffic.sent
    commit(work, {"flags/7.yaml": "key: changed\n"})
    git(work, "push", "--quiet", "origin", "main")
    server.traffic.forget()
    moved = remote.source(remote.tip("main"))
    assert b"changed" in b"".join(moved.read(entry) for entry in moved.entries())
    assert server.traffic.sent < whole / 2


def test_a_force_push_is_followed(remote: Repository, work: Path) -> None:
    remote.tip("main")
    git(work, "commit", "--quiet", "--amend", "--message", "Rewritten")
    git(work, "push", "--quiet", "--force", "origin", "main")
    assert remote.tip("main").subject == "Rewritten"


def test_many_moves_keep_the_last_ones_readable(
    remote: Repository, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("burgee.git.remote._KEPT", 2)
    first = remote.tip("main")
    source = remote.source(first)
    for number in range(5):
        commit(work, {"flags/7.yaml": f"key: moved {number}\n"})
        git(work, "push", "--quiet", "origin", "main")
        last = remote.tip("main")
    latest = remote.source(last)
    assert b"moved 4" in b"".join(latest.read(entry) for entry in latest.entries())
    assert len(source.entries()) == 40


def test_a_default_branch_of_another_name_is_told(server: GitServer, root: Path) -> None:
    git(root / "flags.git", "branch", "-m", "main", "trunk")
    with open_repository(f"{server.url}/flags", token=TOKEN) as remote:
        assert remote.default_ref() == "trunk"


def test_revisions_are_branches_tags_and_full_ids(remote: Repository, work: Path) -> None:
    first = git(work, "rev-parse", "HEAD")
    git(work, "tag", "-a", "v1", "-m", "one")
    commit(work, {"new.yaml": "x\n"})
    git(work, "push", "--quiet", "origin", "main", "v1")
    assert remote.resolve("v1").id == first
    assert remote.resolve(first).id == first
    assert remote.resolve("HEAD").id == remote.resolve("main").id != first


def test_an_id_that_nobody_has_is_not_found(remote: Repository) -> None:
    with pytest.raises(NotFound, match=f"no commit {'1' * 40} in http"):
        remote.resolve("1" * 40)


def test_a_branch_that_does_not_exist_names_the_closest(remote: Repository) -> None:
    with pytest.raises(NotFound, match=r"no branch 'mian' in .*did you mean 'main'"):
        remote.tip("mian")


def test_an_empty_repository_says_so(server: GitServer, root: Path) -> None:
    git(root, "init", "--quiet", "--bare", "--initial-branch=main", "empty.git")
    with open_repository(f"{server.url}/empty", token=TOKEN) as remote:
        assert remote.default_ref() == "main"
        with pytest.raises(NotFound, match="has no commits yet"):
            remote.tip("main")


def test_a_missing_token_is_denied_and_asks_for_one(server: GitServer) -> None:
    with open_repository(f"{server.url}/flags") as remote, pytest.raises(Denied, match="wants credentials"):
        remote.tip("main")


@pytest.mark.parametrize("refusal", [401, 403])
def test_a_wrong_token_is_denied_and_never_shown(
    work: Path, root: Path, refusal: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with git_server(root, token=TOKEN, refusal=refusal) as server:
        address = f"{server.url}/flags".replace("http://", "http://user:s3cret@")
        with open_repository(address) as remote, pytest.raises(Denied, match="check the token") as refused:
            remote.tip("main")
    seen = caplog.text + str(refused.value) + repr(refused.value) + repr(remote) + remote.identity
    assert "s3cret" not in seen and f"{refusal}" in str(refused.value)


def test_a_repository_that_does_not_exist_is_not_found(server: GitServer) -> None:
    with open_repository(f"{server.url}/other", token=TOKEN) as remote, pytest.raises(NotFound, match="no Git repo"):
        remote.tip("main")


def test_a_port_that_nobody_listens_on_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/flags"
        with open_repository(address) as remote, pytest.raises(Unavailable, match="nothing accepts connections"):
            remote.tip("main")


def test_a_server_that_is_no_git_server_is_unavailable(server: GitServer) -> None:
    with open_repository(server.url.removesuffix("/git") + "/", token=TOKEN) as remote, pytest.raises(NotFound):
        remote.tip("main")
