"""A repository that is a mapping of paths to texts, named by their content as Git names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Self

from burgee.core.errors import NotFound
from burgee.git.tree import FILE, LARGEST_FILE, Commit, Entry, Source


class FakeTree:
    """Files at a commit; `read_paths` are those whose content was asked for."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {path: text.encode() for path, text in files.items()}
        self.read_paths: list[str] = []

    def entries(self) -> Sequence[Entry]:
        return tuple(Entry(path, FILE, _blob(content)) for path, content in sorted(self._files.items()))

    def read(self, entry: Entry, *, limit: int = LARGEST_FILE) -> bytes:
        self.read_paths.append(entry.path)
        return self._files[entry.path]


class FakeRepository:
    """One branch, `main`, which `files` may move."""

    identity = "https://example.com/flags"

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def default_ref(self) -> str:
        return "main"

    def tip(self, ref: str) -> Commit:
        tree = sha1(repr(sorted(self.files.items())).encode()).hexdigest()
        return Commit(tree, tree, 0, "Ann <ann@example.com>", "Change files")

    def resolve(self, revision: str) -> Commit:
        raise NotFound(f"no revision {revision}")

    def source(self, commit: Commit) -> Source:
        return FakeTree(self.files)

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _blob(content: bytes) -> str:
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()
