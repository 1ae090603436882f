"""The last good release on disk, for starts without network.

Names that are used once are texts and no Paths, which intern the parts of every name: some Pythons keep those for ever.

The folder is laid out as a store is, so that it is read by the same code, which checks every digest. Whoever can write
to it can still put a release there, as whoever can write to a store can. Every file is put in place whole.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..bundle import keys
from ..bundle.head import decode_head
from ..bundle.index import encode_index
from ..core.errors import BurgeeError
from .file import FileFetcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..bundle.index import Index
    from .held import Held
    from .port import Fetcher

# What no head names may be about to be named by another process for so long.
_GRACE_SECONDS = 3600.0


class Disk:
    """A folder that keeps what an environment's reader holds; several readers and processes may share it."""

    __slots__ = ("_environment", "_folder", "_kept", "_trusted")

    def __init__(self, folder: str, environment: str) -> None:
        self._folder = Path(folder).expanduser().absolute()
        self._environment = environment
        self._kept: tuple[bytes, frozenset[str]] | None = None
        self._trusted = True

    def fetcher(self) -> Fetcher:
        """What reads the folder."""
        return FileFetcher(str(self._folder))

    def distrust(self) -> None:
        """What is there could not be read: write it again, even where it looks as if it were there."""
        self._trusted = False

    def keep(self, held: Held) -> None:
        """Write what is held: its documents, then the head that names them; what no head names goes. Raises OSError.

        A newer head that another process has written stays.
        """
        holds = (held.content, frozenset(held.documents))
        if holds == self._kept or (self._trusted and self._revision() > held.head.revision):
            return
        for digest, document in held.documents.items():
            blob = f"{self._folder}/{keys.blob(digest)}"
            if not (self._trusted and _is_there(blob, len(document.content))):
                put_whole(blob, document.content)
        head = f"{self._folder}/{keys.head(self._environment)}"
        put_whole(head, held.content)
        self._kept, self._trusted = holds, True
        self._prune(os.stat(head).st_mtime - _GRACE_SECONDS)

    def keep_index(self, index: Index) -> None:
        """Write which environments the store lists. Raises OSError."""
        put_whole(f"{self._folder}/{keys.INDEX}", encode_index(index.repository, index.environments))

    def _revision(self) -> int:
        """That of the head on disk; 0 when it cannot be read."""
        try:
            revision: int = decode_head(self.fetcher().get(keys.head(self._environment)).content).revision
        except BurgeeError:
            return 0
        return revision

    def _prune(self, before: float) -> None:
        """Remove what no head names, and heads that were never put in place, as of processes that were killed."""
        heads = list(self._heads())
        blobs = _listed(f"{self._folder}/{keys.BLOBS}")
        unnamed = [blob for blob in blobs if not any(blob.name.encode() in head for head in heads)]
        beside = _listed(os.path.dirname(f"{self._folder}/{keys.head(self._environment)}"))
        unfinished = [file for file in beside if file.name.startswith(keys.HEAD_NAME) and file.name.endswith(".tmp")]
        for file in (*unnamed, *unfinished):
            # Another process may have removed it in this moment.
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < before:
                    os.unlink(file.path)

    def _heads(self) -> Iterator[bytes]:
        for environment in (self._folder / keys.head(self._environment)).parent.parent.iterdir():
            head = environment / keys.HEAD_NAME
            if head.is_file():
                yield head.read_bytes()


def put_whole(path: str, content: bytes) -> None:
    """Write a file that others see as it was or as it is, and nobody but its owner. Raises OSError."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _listed(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing when there is none, as in one of a release without flags."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _is_there(path: str, size: int) -> bool:
    """Whether a file of that size is there; if so it is as good as written just now, and not pruned."""
    try:
        if os.stat(path).st_size != size:
            return False
        os.utime(path)
    except OSError:
        return False
    return True
