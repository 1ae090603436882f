"""What the host decides without a socket."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from burgee.core.errors import ConfigurationError
from burgee.host.answering import Answering
from burgee.host.asgi import request_of
from burgee.host.command import find_git
from burgee.host.githttp import repository_name
from burgee.host.hooks import install_hooks
from burgee.host.watch import _is_of_interest, _is_silent
from burgee.serve.message import Response


def test_cookies_are_joined_as_cookies() -> None:
    headers = [(b"cookie", b"a=1"), (b"cookie", b"b=2")]
    scope = {"method": "GET", "path": "/", "query_string": b"", "headers": headers}
    assert request_of(scope, b"").headers == {"cookie": "a=1; b=2"}


def test_a_client_that_leaves_before_its_request_is_whole_is_forgotten() -> None:
    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(_: object) -> None:
        raise AssertionError

    application = Answering(lambda _: Response(200))
    asyncio.run(application({"method": "GET", "headers": [], "path": "/", "query_string": b""}, receive, send))


def test_a_path_without_git_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"install git 2\.32"):
        find_git({"PATH": str(tmp_path)})
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.20.1\n")
    old.chmod(0o755)
    with pytest.raises(ConfigurationError, match=r"says 'git version 2\.20\.1'; upgrade it"):
        find_git({"PATH": f"{tmp_path}:/bin"})


def test_hooks_survive_any_name_of_a_folder(tmp_path: Path) -> None:
    install_hooks(tmp_path, python="/opt/it's here/python 3")
    hook = tmp_path / "hooks" / "pre-receive"
    assert "exec '/opt/it'\"'\"'s here/python 3' -I -S" in hook.read_text()
    assert os.access(hook, os.X_OK) and not list(tmp_path.glob("hooks/.*"))


def test_no_hook_but_burgees_own_stays(tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    (hooks / "folder").mkdir(parents=True)
    (hooks / "update").write_text("#!/bin/sh\n")
    (hooks / "post-update").symlink_to("/bin/true")
    install_hooks(tmp_path)
    assert sorted(hook.name for hook in hooks.iterdir()) == ["post-receive", "pre-receive"]


def test_network_and_shared_folders_are_polled() -> None:
    mounts = "overlay / overlay rw 0 0\nserver:/x /mnt nfs4 rw 0 0\nhost /mnt/my\\040flags ext4 rw 0 0\n"
    assert _is_silent(Path("/mnt/a"), mounts)
    assert not _is_silent(Path("/mnt/my flags/a"), mounts)
    assert not _is_silent(Path("/home"), mounts) and not _is_silent(Path("/home"), "")


def test_git_state_and_temporary_files_are_not_watched() -> None:
    top, ignored = Path("/f"), (Path("/f/.burgee"),)
    assert _is_of_interest(Path("/f/a/b.yaml"), top, ignored)
    for path in ("/f/.git/index", "/f/a/.git/x", "/f/.burgee/git/x", "/f/a/.burgee-new-12"):
        assert not _is_of_interest(Path(path), top, ignored)


@pytest.mark.parametrize("text", ["demo", "demo.git", "a-b_c.d", "x" * 100])
def test_names_of_repositories(text: str) -> None:
    assert repository_name(text) == text.removesuffix(".git")


@pytest.mark.parametrize(
    "text", ["", ".git", "..", "a..b", ".hidden", "a/b", "a.git.git", "a.lock", "x" * 101, "a\nb", "é"]
)
def test_names_that_no_repository_has(text: str) -> None:
    assert repository_name(text) is None
