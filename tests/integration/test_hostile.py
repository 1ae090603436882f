"""Hostile input that has been tried and held: bytes on the socket, tokens, broken stores, pushes through links."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.core.errors import BurgeeError
from burgee.fetch.file import FileFetcher
from burgee.fetch.live import Live
from burgee.host.folder_update import update_folder
from burgee.host.listener import Listener, Options
from burgee.host.seed import seed
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.fakes.clock import VirtualClock
from tests.fakes.publisher import a_document, publish
from tests.servers.git_cli import commit, git
from tests.servers.git_host import GIT
from tests.serving import Served

pytestmark = pytest.mark.integration
TTL_MS = 1_000
ASK = b"POST /evaluate/v1/boolean HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def answered(port: int, request: bytes) -> bytes:
    """The first line of what the listener says to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            return answer.readline().rstrip()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (ASK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (ASK + b"Content-Length: " + b"9" * 20 + b"\r\n\r\n", 413),
        (ASK + b"Content-Length: -1\r\n\r\n", 400),
        (ASK + b"Content-Length: 1,2\r\n\r\n", 400),
        (ASK + b"Content-Length: \xb2\r\n\r\n", 400),
        (b"GET /status HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /status HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 421),
        (b"GET /status HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 421),
        (b"GET /status HTTP/1.1\r\nHost: 0.0.0.0\r\n\r\n", 421),
        (b"GET /status HTTP/1.0\r\n\r\n", 421),
        (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET http://evil.example/status HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"BREW /status HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_malformed_and_foreign_requests_are_refused_and_the_next_one_is_answered(
    request_bytes: bytes, status: int
) -> None:
    with Listener(Served().app, options=Options(port=0, only_local_names=True)) as listener:
        assert answered(listener.port, request_bytes).split()[1] == str(status).encode()
        assert answered(listener.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").split()[1] == b"200"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"flagKey":' + b"9" * 5000 + b"}",
        b'{"flagKey":1e' + b"9" * 5000 + b"}",
        b'{"flagKey":NaN}',
        b'{"flagKey":"half","context":{"a":{}}}',
        b'{"flagKey":["half"]}',
        b"\x1f\x8b\x08\x00",
        b'"half"',
    ],
)
def test_a_hostile_body_is_a_bad_request(body: bytes) -> None:
    assert Served().call("POST", "/evaluate/v1/boolean", body).status == 400


def test_half_a_surrogate_anywhere_in_a_request_is_answered_in_proper_unicode() -> None:
    half = '"\\ud800"'
    for field in ("flagKey", "entityId", "namespaceKey", "environmentKey", "requestId"):
        body = f'{{"flagKey":"half","context":{{{half}:{half}}},{json.dumps(field)}:{half}}}'.encode()
        response = Served().call("POST", "/evaluate/v1/boolean", body)
        assert response.status in (200, 404)
        assert isinstance(response.body, bytes)
        response.body.decode()


def test_only_the_very_token_after_one_space_is_let_in() -> None:
    served = Served(tokens=frozenset({digest_of(b"secret")}))

    def status(**headers: str) -> int:
        found: int = served.call("GET", "/status", headers=headers).status
        return found

    assert status(authorization="Bearer secret") == 200
    assert status(cookie="a=1; flipt_client_token=secret") == 200
    for odd in ("bearer secret", "Bearer  secret", "Bearer\tsecret", "Bearer", "Bearer ", "Bearer sec\xffret"):
        assert status(authorization=odd) == 401
    assert status(authorization="Bearer secret, Bearer secret") == 401
    assert status(authorization="Bearer x", cookie="flipt_client_token=secret") == 401
    assert status(cookie='flipt_client_token="secret"') == 401


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def nest(path: Path) -> None:
    path.write_text("[" * 200_000)


def confuse(path: Path) -> None:
    path.write_text('{"format":1,"environment":[],"revision":{},"releases":[null],"environments":[1]}')


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("harm", [cut, flip, nest, confuse, Path.unlink, replace_by_folder, replace_by_pipe])
def test_a_reader_goes_on_with_the_last_good_release_whatever_becomes_of_the_store(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    store, clock = ObjectStore(FileObjects(tmp_path)), VirtualClock()
    publish(store, {"default": a_document()}, at=clock.wall(), environment="staging")
    reader = Live(FileFetcher(str(tmp_path)), "staging", ttl_ms=TTL_MS, clock=clock, random=lambda: 0.0)
    assert reader.current().release.revision == 1
    clock.advance(TTL_MS)
    publish(store, {"default": a_document(enabled=False)}, at=clock.wall(), environment="staging")
    head = store.read_head("staging")
    assert head is not None
    (digest, _size) = head[0].last.release.namespaces["default"]
    harm(tmp_path / keys.blob(digest))
    clock.advance(TTL_MS)
    assert reader.current().release.revision == 1
    harm(tmp_path / keys.head("staging"))
    clock.advance(TTL_MS)
    assert reader.current().release.revision == 1
    assert reader.status().last_error
    shutil.rmtree(tmp_path)
    clock.advance(60 * TTL_MS)
    assert reader.current().release.revision == 1


def test_a_push_cannot_write_through_a_link_that_an_earlier_push_made(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "a").write_text("a\n")
    bare = tmp_path / "state" / "git" / "demo.git"
    seed(folder, bare, git=GIT)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(bare), clone.name)
    first = git(clone, "rev-parse", "HEAD")
    (clone / "way").symlink_to(outside)
    second = commit(clone, {"a": "b\n"})
    (clone / "way").unlink()
    third = commit(clone, {"way/file": "through\n"})
    git(bare, "fetch", "--quiet", str(clone), "+main:main")
    update_folder(bare, folder, first, second, git=GIT)
    assert (folder / "way").is_symlink()
    update_folder(bare, folder, second, third, git=GIT)
    assert list(outside.iterdir()) == []
    assert (folder / "way" / "file").read_text() == "through\n"
    # A link of the person's own stays in the way.
    shutil.rmtree(folder / "way")
    (folder / "way").symlink_to("../outside")
    with pytest.raises(BurgeeError):
        update_folder(bare, folder, second, third, git=GIT)
    assert list(outside.iterdir()) == []
