"""A plain folder as a source: what is on disk now, links never followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..core.errors import Denied, NotFound, TooLarge, Unavailable
from .names import is_plain, name_bytes, name_text
from .tree import (
    DEEPEST,
    EXECUTABLE,
    FILE,
    LARGEST_FILE,
    MOST_ENTRIES,
    SYMLINK,
    Entry,
    Source,
    too_large,
)


def open_folder(path: str | os.PathLike[str]) -> Source:
    """The files of a folder, `.git` left out at every level; sockets, pipes and devices are left out too.

    Raises NotFound when there is no folder at `path`.
    """
    top = Path(path).resolve()
    if not top.is_dir():
        raise NotFound(f"no folder at {top}" + ("; it is a file" if top.exists() else "; create it, or name another"))
    return _Folder(top)


class _Folder:
    """`entries` walks the folder anew at each call."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._where = str(top)

    def entries(self) -> Sequence[Entry]:
        found = sorted(self._walk())
        return tuple(Entry("/".join(map(name_text, path.split(b"/"))), mode, None, size) for path, mode, size in found)

    def read(self, entry: Entry, *, limit: int = LARGEST_FILE) -> bytes:
        path = self._top.joinpath(*(os.fsdecode(name_bytes(name)) for name in entry.path.split("/")))
        try:
            if entry.mode == SYMLINK:
                return os.fsencode(path.readlink())
            return _read_file(path, entry.path, limit)
        except PermissionError as error:
            raise Denied(f"{entry.path!r} in {self._where} may not be read: {error.strerror}") from error
        except (OSError, ValueError) as error:
            raise NotFound(f"{entry.path!r} is no longer a file in {self._where}; list the folder again") from error

    def _walk(self) -> Iterator[tuple[bytes, int, int]]:
        count = 0
        todo = [(b"", 0)]
        while todo:
            prefix, depth = todo.pop()
            if depth > DEEPEST:
                raise TooLarge(f"{self._where} nests folders deeper than {DEEPEST} levels; it is not read")
            for child in self._children(prefix):
                count += 1
                if count > MOST_ENTRIES:
                    raise TooLarge(f"{self._where} has more than {MOST_ENTRIES} files; it is not read")
                if child.is_dir(follow_symlinks=False):
                    todo.append((prefix + child.name + b"/", depth + 1))
                    continue
                yield from _described(prefix, child)

    def _children(self, prefix: bytes) -> list[os.DirEntry[bytes]]:
        try:
            with os.scandir(os.fsencode(self._top) + b"/" + prefix) as children:
                return [child for child in children if is_plain(child.name)]
        except FileNotFoundError:
            return []
        except PermissionError as error:
            folder = f"{self._where}/{name_text(prefix)}"
            raise Denied(f"folder {folder} may not be read: {error.strerror}; ignore it, or change its mode") from error
        except OSError as error:
            raise Unavailable(f"folder {self._where}/{name_text(prefix)} cannot be read: {error.strerror}") from error


def _described(prefix: bytes, child: os.DirEntry[bytes]) -> Iterator[tuple[bytes, int, int]]:
    try:
        status = child.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        yield prefix + child.name, SYMLINK, status.st_size
    if stat.S_ISREG(status.st_mode):
        yield prefix + child.name, EXECUTABLE if status.st_mode & 0o100 else FILE, status.st_size


def _read_file(path: Path, name: str, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a file")
        if status.st_size > limit:
            raise too_large(name, status.st_size, limit)
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise too_large(name, len(content), limit)
    return content
