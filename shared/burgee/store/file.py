"""Objects as files below a folder, which any static web server can serve.

Law: a file appears under its key whole or not at all, whatever dies when. Content is written and synced in `.tmp/`
below the root, then linked (new objects) or renamed under a lock (swapped ones). Every version of an object has a
whole second of modification time of its own, because web servers tell versions apart by that.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from secrets import token_hex
from stat import S_ISREG
from time import monotonic, sleep, time_ns

from ..bundle.digest import digest_of
from ..core.errors import Conflict, Denied, InvalidRequest, NotFound, StoreError, Unavailable
from .port import Object, checked_key, checked_prefix

TEMPORARY = ".tmp"
ABANDONED_AFTER_NS = 3_600 * 1_000_000_000
LOCK_TIMEOUT_SECONDS = 30.0

_LOCK = "lock"
_SECOND_NS = 1_000_000_000
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class FileObjects:
    """Safe among threads and processes on a file system that has hard links and `flock`."""

    def __init__(self, root: Path) -> None:
        """`root` is absolute; the first write creates it."""
        self.url = root.as_uri()
        self._root = root
        self._swept_ns: int | None = None

    def get(self, key: str) -> Object:
        path = self._path(key)
        with _faults_of(f"read {key} in {self.url}"):
            content, modified = _read_with_time(path)
        if content is None:
            raise NotFound(f"no object {key} in {self.url}")
        return Object(content, digest_of(content), modified)

    def put_new(self, key: str, content: bytes, *, content_type: str, cache_control: str) -> str:
        # Content type and cache control are the web server's to say.
        path = self._path(key)
        with _faults_of(f"write {key} in {self.url}"), self._written(content) as temporary:
            _make_folder(path.parent)
            try:
                os.link(temporary, path)
            except FileExistsError as error:
                raise Conflict(f"wanted to write {key} in {self.url} for the first time, it exists") from error
            finally:
                # Even when it existed: whoever wrote it may have died before this.
                _sync_folder(path.parent)
        return digest_of(content)

    def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
        if expected is None:
            return self.put_new(key, content, content_type=content_type, cache_control=cache_control)
        path = self._path(key)
        with _faults_of(f"write {key} in {self.url}"), self._written(content) as temporary, self._locked():
            present = _read(path)
            etag = None if present is None else digest_of(present)
            if etag != expected:
                raise Conflict(f"wanted {key} in {self.url} at etag {expected}, it is at {etag}")
            _stamp_after(temporary, path)
            temporary.replace(path)
            _sync_folder(path.parent)
        return digest_of(content)

    def list(self, prefix: str) -> Iterator[str]:
        folder = checked_prefix(prefix).rpartition("/")[0]
        with _faults_of(f"list {prefix or 'everything'} in {self.url}"):
            keys = sorted(key for key in _walk(self._inside(folder), folder) if key.startswith(prefix))
        return iter(keys)

    def _path(self, key: str) -> Path:
        return self._inside(checked_key(key))

    def _inside(self, relative: str) -> Path:
        """A place below the root. Raises Denied when a symbolic link stands in the way; the root may be one."""
        root = os.path.realpath(self._root)
        path = os.path.join(root, relative) if relative else root  # noqa: PTH118 - as realpath gives it
        if os.path.realpath(path) != path:
            raise Denied(f"{relative} in {self.url} is reached by a symbolic link; a store does not follow links")
        return Path(path)

    @contextmanager
    def _written(self, content: bytes) -> Iterator[Path]:
        """A file below the root that holds `content` on disk and is gone afterwards, unless it was moved."""
        folder = self._inside(TEMPORARY)
        _make_folder(folder)
        path = folder / token_hex(16)
        try:
            _write(path, content)
            self._sweep(folder, path.stat().st_mtime_ns)
            yield path
        finally:
            with suppress(FileNotFoundError):
                path.unlink()

    def _sweep(self, folder: Path, now_ns: int) -> None:
        """Remove what killed writers left behind; `now_ns` is the file system's own time."""
        if self._swept_ns is not None and now_ns - self._swept_ns < ABANDONED_AFTER_NS:
            return
        self._swept_ns = now_ns
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if path.name != _LOCK and path.lstat().st_mtime_ns < now_ns - ABANDONED_AFTER_NS:
                    path.unlink()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the store's one lock, which dies with its process."""
        descriptor = os.open(self._root / TEMPORARY / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _wait_for(descriptor, self.url)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def _faults_of(attempt: str) -> Iterator[None]:
    """Answers of the operating system as StoreErrors that say what was attempted."""
    try:
        yield
    except NotADirectoryError as error:
        raise InvalidRequest(f"cannot {attempt}: {error.filename} lies below a file") from error
    except OSError as error:
        raise _fault(attempt, error) from error


def _fault(attempt: str, error: OSError) -> StoreError:
    if error.errno in _REFUSED:
        return Denied(
            f"cannot {attempt}: {error.strerror}; check the owner and mode of {error.filename or 'the folder'}"
        )
    if error.errno in _FULL:
        return Unavailable(f"cannot {attempt}: {error.strerror}; make room and try again")
    return Unavailable(f"cannot {attempt}: {error.strerror or error}")


def _read(path: Path) -> bytes | None:
    return _read_with_time(path)[0]


def _read_with_time(path: Path) -> tuple[bytes | None, int | None]:
    """The content, and the millisecond at which it came there: the modification time is one that was given to it."""
    try:
        # Not blocking: a pipe in the folder must not hang the reader.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    status = os.fstat(descriptor)
    if not S_ISREG(status.st_mode):
        os.close(descriptor)
        return None, None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(), status.st_ctime_ns // 1_000_000


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _stamp_after(path: Path, older: Path) -> None:
    """Give `path` a modification time in a later second than that of the version it replaces."""
    next_second_ns = (older.stat().st_mtime_ns // _SECOND_NS + 1) * _SECOND_NS
    stamp_ns = max(time_ns(), next_second_ns)
    os.utime(path, ns=(stamp_ns, stamp_ns))


def _make_folder(folder: Path) -> None:
    """Create `folder` and what is missing above it, each entry on disk before the next."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, url: str) -> None:
    deadline = monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            return flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            if monotonic() > deadline:
                raise Unavailable(
                    f"another process has held the lock of {url} for {LOCK_TIMEOUT_SECONDS:g} s"
                ) from error
            sleep(0.002)


def _walk(folder: Path, key: str) -> Iterator[str]:
    """Keys of the regular files below `folder`, whose own key is `key`."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        below = f"{key}/{entry.name}" if key else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, below)
        elif entry.is_file(follow_symlinks=False):
            yield below
