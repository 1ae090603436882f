"""Objects in a folder, as `burgee.store.file` or a copy of it keeps them."""

from __future__ import annotations

import os
from stat import S_ISREG

from ..core.errors import Denied, InvalidDocument, NotFound, Unavailable
from .port import MAX_BYTES, NOT_MODIFIED, Fetched


class FileFetcher:
    """A version is known by modification time, size and inode; an unchanged file is not read.

    Symbolic links are followed as long as they stay inside the folder, as a mounted volume may have them.
    """

    __slots__ = ("_root",)

    def __init__(self, root: str) -> None:
        """`root` is absolute and may come into being later."""
        self._root = root

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        try:
            # Not blocking: a pipe in the folder must not hang the reader.
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                return self._read(descriptor, key, etag, max_bytes)
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"no object {key} in {self._root}") from error
        except PermissionError as error:
            raise Denied(f"cannot read {key} in {self._root}: {error.strerror}; check its owner and mode") from error
        except OSError as error:
            raise Unavailable(f"cannot read {key} in {self._root}: {error.strerror}") from error

    def close(self) -> None:
        """Nothing is kept open."""

    def _path(self, key: str) -> str:
        root = os.path.realpath(self._root)
        path = os.path.realpath(f"{root}/{key}")
        if not path.startswith(root.rstrip("/") + "/"):
            raise Denied(f"{key} in {self._root} leads out of the folder")
        return path

    def _read(self, descriptor: int, key: str, etag: str | None, max_bytes: int) -> Fetched:
        found = os.fstat(descriptor)
        if not S_ISREG(found.st_mode):
            raise NotFound(f"{key} in {self._root} is not a file")
        present = f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"
        if present == etag:
            return NOT_MODIFIED
        if found.st_size > max_bytes:
            raise InvalidDocument(f"{key} in {self._root} has {found.st_size} bytes, wanted at most {max_bytes}")
        return Fetched(_content(descriptor, found.st_size), present)


def _content(descriptor: int, size: int) -> bytes:
    """`size` bytes, or fewer when somebody cuts the file short at this moment; their digest tells."""
    content = os.read(descriptor, size)
    while len(content) < size and (more := os.read(descriptor, size - len(content))):
        content += more
    return content
