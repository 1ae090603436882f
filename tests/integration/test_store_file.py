"""The file store among processes, killed writers, full disks and strangers in the folder."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from burgee.core.errors import BurgeeError, Conflict, Denied, InvalidRequest, NotFound, Unavailable
from burgee.store.file import FileObjects

KEY = "environments/staging/head.json"
HOUR_SECONDS = 3_600

COUNT_BY_SWAP = """
import sys
from pathlib import Path
from burgee.core.errors import Conflict
from burgee.store.file import FileObjects
objects = FileObjects(Path(sys.argv[1]))
for _ in range(15):
    while True:
        seen = objects.get("counter")
        try:
            objects.swap("counter", b"%d" % (int(seen.content) + 1), expected=seen.etag,
                         content_type="", cache_control="")
            break
        except Conflict:
            pass
"""

WRITE_FOR_EVER = """
import itertools, sys
from pathlib import Path
from burgee.store.file import FileObjects
objects = FileObjects(Path(sys.argv[1]))
print("ready", flush=True)
for number in itertools.count():
    letter = b"%x" % (number % 16)
    objects.put_new(f"new/{sys.argv[2]}-{number}", letter * 300_000, content_type="", cache_control="")
    seen = objects.get("swapped")
    objects.swap("swapped", letter * 300_000, expected=seen.etag, content_type="", cache_control="")
"""


def put(objects: FileObjects, key: str, content: bytes = b"content") -> str:
    return objects.put_new(key, content, content_type="application/json", cache_control="no-cache")


def swap(objects: FileObjects, key: str, content: bytes, expected: str | None) -> str:
    return objects.swap(key, content, expected=expected, content_type="application/json", cache_control="no-cache")


def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "PYTHONPATH": "shared"}
    return subprocess.Popen([sys.executable, "-c", program, *arguments], env=environ, stdout=subprocess.PIPE)


def test_processes_that_count_by_swap_lose_no_update(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    put(objects, "counter", b"0")
    processes = [start(COUNT_BY_SWAP, str(tmp_path)) for _ in range(8)]
    for process in processes:
        with process:
            assert process.wait(timeout=60) == 0
    assert objects.get("counter").content == b"120"


def test_a_killed_writer_leaves_no_half_written_object_and_no_held_lock(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    put(objects, "swapped", b"0" * 300_000)
    for life in range(8):
        with start(WRITE_FOR_EVER, str(tmp_path), str(life)) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.01 + life * 0.007)
            process.send_signal(signal.SIGKILL)
    keys = list(objects.list(""))
    assert len(keys) > 8
    for key in keys:
        content = objects.get(key).content
        assert content == content[:1] * 300_000
    swap(objects, "swapped", b"after", objects.get("swapped").etag)


def test_what_a_killed_writer_left_is_never_listed_and_is_swept_after_an_hour(tmp_path: Path) -> None:
    put(FileObjects(tmp_path), KEY)
    old, young = tmp_path / ".tmp" / "old", tmp_path / ".tmp" / "young"
    for left in (old, young):
        left.write_bytes(b"half")
    long_ago = time.time() - 2 * HOUR_SECONDS
    os.utime(old, (long_ago, long_ago))
    objects = FileObjects(tmp_path)
    assert list(objects.list("")) == [KEY]
    put(objects, "another")
    assert not old.exists()
    assert young.exists()
    assert (tmp_path / ".tmp" / "lock").exists() is False
    swap(objects, KEY, b"second", objects.get(KEY).etag)
    assert sorted(path.name for path in (tmp_path / ".tmp").iterdir()) == ["lock", "young"]


def test_the_folder_is_created_by_the_first_write_and_not_by_reading(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path / "not" / "yet")
    assert list(objects.list("")) == []
    with pytest.raises(NotFound):
        objects.get(KEY)
    assert not (tmp_path / "not").exists()
    put(objects, KEY)
    assert (tmp_path / "not" / "yet" / KEY).read_bytes() == b"content"


def test_a_symbolic_link_in_the_folder_is_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    root = tmp_path / "store"
    objects = FileObjects(root)
    put(objects, "inside")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    for key in ("folder/secret", "file", "folder/new"):
        with pytest.raises(Denied, match="symbolic link"):
            objects.get(key)
        with pytest.raises(Denied, match="symbolic link"):
            put(objects, key)
        with pytest.raises(Denied, match="symbolic link"):
            swap(objects, key, b"x", "etag")
    with pytest.raises(Denied):
        objects.list("folder/")
    assert list(objects.list("")) == ["inside"]
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_temporary_folder_that_leads_out_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".tmp").symlink_to(outside)
    with pytest.raises(Denied):
        put(FileObjects(tmp_path / "store"), KEY)
    assert list(outside.iterdir()) == []


def test_the_root_itself_may_be_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    objects = FileObjects(tmp_path / "link")
    put(objects, KEY)
    assert objects.get(KEY).content == b"content"
    assert list(objects.list("")) == [KEY]


def test_strangers_in_the_folder_are_no_objects(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    put(objects, "a/b")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("")
    os.mkfifo(tmp_path / "pipe")
    assert list(objects.list("")) == ["a/b"]
    for key in ("a", "pipe", "a/b/c"):
        with pytest.raises(NotFound):
            objects.get(key)


def test_a_key_below_another_object_is_refused(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    put(objects, "a/b")
    with pytest.raises(InvalidRequest, match="lies below a file"):
        put(objects, "a/b/c")
    with pytest.raises(Conflict):
        put(objects, "a")


def test_a_write_that_does_not_fit_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    etag = put(objects, KEY)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(Unavailable, match=r"cannot write big in file:///.*too large"):
            put(objects, "big", b"x" * 5000)
        with pytest.raises(Unavailable, match=r"cannot write environments/staging/head\.json"):
            swap(objects, KEY, b"x" * 5000, etag)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(objects.list("")) == [KEY]
    assert objects.get(KEY).content == b"content"
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_a_folder_that_may_not_be_written_is_denied_with_its_name(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    etag = put(objects, KEY)
    head = tmp_path / KEY
    tmp_path.chmod(0o755)
    message = _as_nobody(tmp_path, lambda: swap(objects, KEY, b"second", etag))
    assert message == f"Denied: cannot write {KEY} in {objects.url}: Permission denied; " + message.partition("; ")[2]
    assert str(tmp_path) in message
    head.chmod(0o600)
    assert _as_nobody(tmp_path, lambda: objects.get(KEY)).startswith(f"Denied: cannot read {KEY}")


def _as_nobody(folder: Path, attempt: object) -> str:
    """What `attempt` raises in a child that is no superuser, as `Name: message`."""
    for above in (folder, *folder.parents[:-2]):
        above.chmod(above.stat().st_mode | 0o055)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing raised"
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            attempt()  # type: ignore[operator]
        except BurgeeError as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(write, said.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def test_every_version_of_an_object_has_a_second_of_its_own(tmp_path: Path) -> None:
    """nginx makes its ETag of whole seconds and the length, and so do all that compare Last-Modified."""
    objects = FileObjects(tmp_path)
    etag = put(objects, KEY, b"0")
    seconds = [int((tmp_path / KEY).stat().st_mtime)]
    for number in range(1, 5):
        etag = swap(objects, KEY, b"%d" % number, etag)
        seconds.append(int((tmp_path / KEY).stat().st_mtime))
    assert seconds == sorted(set(seconds))


def test_a_plain_web_server_serves_the_folder(tmp_path: Path) -> None:
    put(FileObjects(tmp_path), KEY, b"{}\n")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    def handler(*arguments: object) -> Quiet:
        return Quiet(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        connection.request("GET", f"/{KEY}")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"{}\n")
        connection.close()
        server.shutdown()
