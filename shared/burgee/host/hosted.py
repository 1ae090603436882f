"""A hosted repository as publishing sees it: under a name that moves with its folder, and with pushes not yet taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from ..core.errors import NotFound
from ..deliver.claim import HOSTED
from ..git.repository import Repository, open_repository
from ..git.tree import Commit, Source

_BRANCHES = "refs/heads/"


class HostedRepository:
    """The bare repository of a name; `moved` maps full ref names to the commits a push would move them to.

    A ref that maps to None would be deleted.
    """

    def __init__(
        self,
        name: str,
        bare: Path,
        *,
        moved: Mapping[str, str | None] | None = None,
        object_directories: Sequence[Path] = (),
    ) -> None:
        self._name = name
        self._moved = moved or {}
        self._repository: Repository = open_repository(bare, object_directories=object_directories)

    @property
    def identity(self) -> str:
        """Not the path: the state folder may be moved, and still is the same repository's."""
        return f"{HOSTED}{self._name}"

    def default_ref(self) -> str:
        return self._repository.default_ref()

    def tip(self, ref: str) -> Commit:
        full = ref if ref.startswith("refs/") else _BRANCHES + ref
        if full not in self._moved:
            return self._repository.tip(ref)
        new = self._moved[full]
        if new is None:
            raise NotFound(f"this push deletes {ref}, which an environment follows")
        return self._repository.resolve(new)

    def resolve(self, revision: str) -> Commit:
        return self._repository.resolve(revision)

    def source(self, commit: Commit) -> Source:
        return self._repository.source(commit)

    def close(self) -> None:
        self._repository.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
