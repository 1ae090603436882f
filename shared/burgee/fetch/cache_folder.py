"""A folder of files that can be fetched again: bounded in size, and none is believed that is not whole."""

from __future__ import annotations

import os
from contextlib import suppress

from ..bundle.digest import digest_of
from .clock import SystemClock
from .disk import put_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 256 * 1024 * 1024
# What a file takes on most disks, however short it is.
_BLOCK = 4096
# What is used is marked so, but not more often than it matters for what goes first.
_HOUR_MS = 3_600_000


class CacheFolder:
    """Several processes may share it. A folder that cannot be read or written is done without; `fault` says why.

    Files that were not used for longest go when all are together more than `most` (bytes).
    """

    __slots__ = ("_most", "_path", "_written", "fault")

    def __init__(self, path: str, *, most: int = MOST_BYTES) -> None:
        """`path` is absolute and need not be there yet."""
        self._path = path
        self._most = most
        self._written = 0
        self.fault: OSError | None = None

    def read(self, name: str, digest: str, *, max_bytes: int) -> bytes | None:
        """The content of that digest; None for a file that is not there, or is damaged and goes."""
        content = self._read(name, max_bytes)
        if content is not None and digest_of(content) != digest:
            self.drop(name)
            return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Keep what `read` finds by its digest."""
        try:
            # Folders below may be readable for all: nobody else comes as far.
            os.makedirs(self._path, mode=0o700, exist_ok=True)
            put_whole(f"{self._path}/{name}", content)
        except OSError as error:
            self.fault = error
            return
        self._written += max(_BLOCK, len(content))
        if self._written > self._most // 8:
            self.prune()

    def read_own(self, name: str, *, max_bytes: int) -> bytes | None:
        """What `write_own` kept, whose digest nobody else knows; None as with `read`."""
        digest, _, content = (self._read(name, max_bytes + _BLOCK) or b"").partition(b"\n")
        if digest == digest_of(content).encode():
            return content
        self.drop(name)
        return None

    def write_own(self, name: str, content: bytes) -> None:
        """Keep content with its digest in front."""
        self.write(name, digest_of(content).encode() + b"\n" + content)

    def drop(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(OSError):
            os.unlink(f"{self._path}/{name}")

    def touch(self, name: str) -> None:
        """Let a file be as old as this moment."""
        with suppress(OSError):
            os.utime(f"{self._path}/{name}")

    def touched_at(self, name: str) -> int:
        """When that was (milliseconds since the epoch); 0 of a file that is not there."""
        try:
            return os.stat(f"{self._path}/{name}").st_mtime_ns // 1_000_000
        except OSError:
            return 0

    def prune(self) -> None:
        """Remove what was not used for longest until a quarter of the bound is free, if it is exceeded."""
        self._written = 0
        files = sorted(_files(self._path))
        size = sum(taken for _, taken, _ in files)
        if size <= self._most:
            return
        for _, taken, path in files:
            if size <= self._most - self._most // 4:
                break
            with suppress(OSError):
                os.unlink(path)
            size -= taken

    def close(self) -> None:
        """Prune, if something was written."""
        if self._written:
            self.prune()

    def _read(self, name: str, max_bytes: int) -> bytes | None:
        path = f"{self._path}/{name}"
        try:
            with open(path, "rb") as file:
                found = os.fstat(file.fileno())
                content = file.read(max_bytes + 1)
            if SystemClock.wall() - found.st_mtime_ns // 1_000_000 > _HOUR_MS:
                os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.fault = error
            return None
        return content if len(content) <= max_bytes else None


def _files(folder: str) -> Iterator[tuple[float, int, str]]:
    """(modification time, bytes taken, path) of each file below a folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(entry.path)
                    continue
                # Another process may have removed it in this moment.
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    yield found.st_mtime, max(_BLOCK, found.st_size), entry.path
    except OSError:
        return
