"""Hosting: the real git command clones from and pushes to a host on loopback."""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from burgee.host import hook_relay
from burgee.host.githttp import GitHttp
from burgee.host.hooks import Push, RefUpdate
from burgee.host.listener import Listener, Options
from burgee.host.seed import seed
from burgee.serve.message import Response
from tests.servers.git_cli import attempt, commit, git
from tests.servers.git_host import GIT, GitHost, git_host

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folder")
    (folder / "flags").mkdir()
    (folder / "flags" / "features.yaml").write_text("flags: []\n")
    bare = tmp_path_factory.mktemp("state") / "git" / "demo.git"
    assert seed(folder, bare, git=GIT)
    return bare


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    with git_host(tmp_path_factory.mktemp("state") / "git") as host:
        yield host


@pytest.fixture
def host(running: GitHost, seeded: Path) -> GitHost:
    shutil.rmtree(running.root, ignore_errors=True)
    shutil.copytree(seeded.parent, running.root)
    running.events.forget()
    return running


@pytest.fixture
def root(seeded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(seeded.parent, tmp_path / "state" / "git"))


@pytest.fixture
def clone(host: GitHost, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", f"{host.url}/demo", "clone")
    return tmp_path / "clone"


def test_clone_edit_push(host: GitHost, clone: Path) -> None:
    commit(clone, {"flags/features.yaml": "flags: [a]\n"})
    pushed = attempt(clone, "push")
    new = git(clone, "rev-parse", "HEAD")
    assert pushed.returncode == 0, pushed.stderr
    assert _remote(pushed.stderr) == ["checking 1 refs of demo", "fine", "published refs/heads/main"]
    old = git(clone, "rev-parse", "HEAD~1")
    assert host.events.published == [("demo", (RefUpdate("refs/heads/main", old, new),))]
    assert host.events.seen == [("flags/features.yaml",)]
    assert git(host.root / "demo.git", "rev-parse", "main") == new


def test_a_rejected_push_shows_why_and_moves_nothing(host: GitHost, clone: Path) -> None:
    before = git(clone, "rev-parse", "HEAD")
    commit(clone, {"bad.yaml": "x\n"})
    pushed = attempt(clone, "push")
    assert pushed.returncode != 0
    assert "bad.yaml:1:1: it is bad; remove it" in _remote(pushed.stderr)
    assert "pre-receive hook declined" in pushed.stderr
    assert git(host.root / "demo.git", "rev-parse", "main") == before
    assert host.events.published == []


def test_lines_arrive_while_the_check_is_still_at_work(root: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    def check(push: Push) -> Generator[str, None, bool]:
        yield "first"
        deadline = time.monotonic() + 10
        while not seen.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        yield "second" if seen.exists() else "too late"
        return True

    with git_host(root, check=check) as host:
        git(tmp_path, "clone", "--quiet", f"{host.url}/demo.git", "clone")
        commit(tmp_path / "clone", {"a": "b"})
        push = subprocess.Popen(["git", "push"], cwd=tmp_path / "clone", stderr=subprocess.PIPE, text=True)
        assert push.stderr is not None
        with push, push.stderr as lines:
            for line in lines:
                if "first" in line:
                    seen.touch()
                if "second" in line or "too late" in line:
                    break
            assert "second" in line


def test_a_check_that_fails_rejects(root: Path, tmp_path: Path) -> None:
    def check(push: Push) -> Generator[str, None, bool]:
        yield "well"
        raise ZeroDivisionError

    with git_host(root, check=check) as host:
        git(tmp_path, "clone", "--quiet", f"{host.url}/demo", "clone")
        commit(tmp_path / "clone", {"a": "b"})
        pushed = attempt(tmp_path / "clone", "push")
    assert pushed.returncode != 0
    assert _remote(pushed.stderr) == ["well", "burgee: internal error; the log of the host says more"]


def test_shallow_and_partial_clones_fetch_and_push(host: GitHost, clone: Path, tmp_path: Path) -> None:
    for number in range(3):
        commit(clone, {"flags/features.yaml": f"flags: [{number}]\n"})
    git(clone, "push", "--quiet")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"{host.url}/demo", "shallow")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"{host.url}/demo", "partial")
    commit(tmp_path / "shallow", {"more.yaml": "m: 1\n"})
    git(tmp_path / "shallow", "push", "--quiet")
    git(tmp_path / "partial", "pull", "--quiet")
    assert (tmp_path / "partial" / "more.yaml").read_text() == "m: 1\n"
    assert git(host.root / "demo.git", "fsck", "--strict") == ""


def test_branches_are_made_and_deleted(host: GitHost, clone: Path) -> None:
    git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/topic")
    git(clone, "push", "--quiet", "origin", ":topic")
    new = git(clone, "rev-parse", "HEAD")
    made, deleted = (updates[0] for _, updates in host.events.published)
    assert made == RefUpdate("refs/heads/topic", None, new)
    assert deleted == RefUpdate("refs/heads/topic", new, None)


def test_of_concurrent_pushes_to_one_branch_one_wins(host: GitHost, clone: Path, tmp_path: Path) -> None:
    clones = [tmp_path / f"clone{number}" for number in range(4)]
    for number, folder in enumerate(clones):
        git(tmp_path, "clone", "--quiet", f"{host.url}/demo", folder.name)
        commit(folder, {f"{number}.yaml": "x\n"})
    with ThreadPoolExecutor(4) as pool:
        pushes = list(pool.map(lambda folder: attempt(folder, "push"), clones))
    winners = [folder for folder, push in zip(clones, pushes, strict=True) if push.returncode == 0]
    assert len(winners) == 1 and len(host.events.published) == 1
    assert git(host.root / "demo.git", "rev-parse", "main") == git(winners[0], "rev-parse", "HEAD")


def test_a_push_of_20_megabytes_streams(host: GitHost, clone: Path) -> None:
    git(clone, "config", "core.compression", "0")
    (clone / "big.bin").write_bytes(os.urandom(20 * 1024 * 1024))
    commit(clone, {})
    tracemalloc.start()
    try:
        git(clone, "push", "--quiet")
        assert tracemalloc.get_traced_memory()[1] < 5 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert host.events.seen == [("big.bin", "flags/features.yaml")]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_compressed_request_is_understood(host: GitHost, chunked: bool) -> None:
    question = gzip.compress(b"0014command=ls-refs\n00010000")
    headers = {
        "Content-Encoding": "gzip",
        "Content-Type": "application/x-git-upload-pack-request",
        "Git-Protocol": "version=2",
    }
    body = iter([question[:9], question[9:]]) if chunked else question
    status, answer = _ask(host, "POST", "/git/demo/git-upload-pack", body=body, headers=headers)
    assert status == 200 and b"refs/heads/main" in answer


@pytest.mark.parametrize(
    "path",
    [
        "/git/../git/demo/info/refs?service=git-upload-pack",
        "/git/%2e%2e/demo.git/info/refs?service=git-upload-pack",
        "/git/demo.git/../../folder/.git/info/refs?service=git-upload-pack",
        "/git/..%2fgit%2fdemo/info/refs?service=git-upload-pack",
        "/git/demo/config",
        "/git/demo/objects/info/packs",
        "/git/demo/HEAD",
        "/git/.gitconfig/info/refs?service=git-upload-pack",
        "/git/demo.git.git/info/refs?service=git-upload-pack",
        "/git/demo%00/info/refs?service=git-upload-pack",
        "/git/other/info/refs?service=git-upload-pack",
        "/git/",
        "/git",
    ],
)
def test_only_repositories_are_reached(host: GitHost, path: str) -> None:
    assert _status(host, "GET", path) == 404


def test_a_link_in_the_root_is_no_repository(host: GitHost, tmp_path: Path) -> None:
    (host.root / "link.git").symlink_to(host.root / "demo.git")
    assert _status(host, "GET", "/git/link/info/refs?service=git-upload-pack") == 404


def test_the_hooks_route_wants_the_secret_of_this_run(host: GitHost) -> None:
    for secret in ("", "wrong", host.secret[:-1], host.secret + "x", "ü"):
        headers = {"Burgee-Hook-Secret": secret}
        assert _status(host, "POST", "/-/hooks/pre-receive", body=b"repository demo\n", headers=headers) == 403
    headers = {"Burgee-Hook-Secret": host.secret}
    assert _status(host, "POST", "/-/hooks/pre-receive", body=b"repository demo\n", headers=headers) == 200
    assert _status(host, "POST", "/-/hooks/other", headers=headers) == 404
    assert _status(host, "GET", "/-/hooks/pre-receive", headers=headers) == 405
    assert _status(host, "POST", "/-/hooks/pre-receive", body=b"update x\n", headers=headers) == 400


def test_a_push_past_the_host_is_refused(host: GitHost, clone: Path) -> None:
    commit(clone, {"a": "b"})
    pushed = attempt(clone, "push", str(host.root / "demo.git"), "HEAD:main")
    assert pushed.returncode != 0
    assert "push to its URL" in pushed.stderr


def test_a_host_that_breaks_off_rejects() -> None:
    lines: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        environ = {
            "BURGEE_HOOK_URL": f"http://127.0.0.1:{server.getsockname()[1]}/-/hooks",
            "BURGEE_HOOK_SECRET": "s",
            "BURGEE_HOOK_REPOSITORY": "demo",
        }
        status = pool.submit(hook_relay.main, "pre-receive", environ, b"a b c\n", lines.append)
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n| working\n")
        assert status.result(timeout=10) == 1
    assert lines == [b"working", b"burgee: the host broke off before its verdict; push again"]


def test_the_hook_starts_with_few_modules() -> None:
    script = str(Path(hook_relay.__file__).resolve())
    command = [sys.executable, "-I", "-S", "-X", "importtime", script, "pre-receive"]
    done = subprocess.run(command, input=b"", capture_output=True, check=False, env={})
    assert done.returncode == 1 and b"push to its URL" in done.stdout
    assert not {b"pathlib", b"typing", b"ssl", b"json", b"http.client"} & set(done.stderr.replace(b"|", b"").split())


def test_a_client_that_goes_away_in_the_middle_of_a_push_leaves_the_host_well(host: GitHost, clone: Path) -> None:
    parts = urlsplit(host.url)
    head = (
        f"POST {parts.path}/demo/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\n\r\n0000"
    )
    with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as connection:
        connection.sendall(head.encode())
    commit(clone, {"a": "b"})
    git(clone, "push", "--quiet")


@pytest.mark.parametrize("ending", ["client goes away", "listener stops"])
def test_no_process_outlives_its_request(root: Path, tmp_path: Path, ending: str) -> None:
    program, started = tmp_path / "git", tmp_path / "started"
    program.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {started}.new\nmv {started}.new {started}\nwait\n")
    program.chmod(0o755)
    application = GitHttp(root, git=replace(GIT, program=str(program)))
    question = b"POST /git/demo/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n0000"
    with Listener(lambda _: Response(404), routes={"/git": application}, options=Options(port=0, grace=1)) as listener:
        with socket.create_connection(("127.0.0.1", listener.port)) as connection:
            connection.sendall(question)
            assert _comes_true(started.exists)
            if ending == "listener stops":
                listener.stop()
        assert _comes_true(lambda: not _is_alive(int(started.read_text())))


def _comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 8
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def _remote(stderr: str) -> list[str]:
    lines = [line.removeprefix("remote: ").rstrip() for line in stderr.splitlines() if line.startswith("remote: ")]
    return [line for line in lines if line]


def _status(
    host: GitHost, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
) -> int:
    return _ask(host, method, path, body=body, headers=headers)[0]


def _ask(
    host: GitHost,
    method: str,
    path: str,
    *,
    body: bytes | Iterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    parts = urlsplit(host.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
