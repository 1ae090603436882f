"""A Git repository of flag files, and publishing from it as the processes of a deployment do."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path

from burgee.deliver.built import Built
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Publisher, Rim
from burgee.deliver.receipt import Receipt
from burgee.git.repository import Repository, open_repository
from burgee.store.objects import ObjectStore
from burgee.store.port import Objects
from tests.servers.git_cli import a_work_tree, commit

from .measure import milliseconds

PROJECT = "version: 1\nenvironments:\n  production: {directory: flags}\n"
_STARTED_AT = 1_795_338_000_000


class FlagRepository:
    """One branch that goes on by a commit at a time."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self._files = {"burgee.yaml": PROJECT, **files}
        self._folder = a_work_tree(folder, self._files)

    def change(self, files: Mapping[str, str]) -> None:
        """Commit those of the files that differ."""
        commit(self._folder, {path: text for path, text in files.items() if self._files.get(path) != text})
        self._files |= files

    def open(self) -> Repository:
        """The repository, read as by a process that has just started."""
        return open_repository(self._folder)


class Process:
    """What publishes to one store, and keeps what it may keep from one publish to the next."""

    def __init__(self, repository: FlagRepository, objects: Objects) -> None:
        self._repository = repository
        self._objects = objects
        # Whatever was published before was published before.
        self._instants = count(_STARTED_AT)
        self.start()

    def start(self) -> None:
        """Begin anew: nothing is kept."""
        rim = Rim(now=lambda: next(self._instants), monotonic=lambda: 0, random=lambda: 0.0, sleep=lambda _: None)
        self._publisher = Publisher(self._repository.open(), ObjectStore(self._objects), rim, built=Built())

    def publish(self, outcome: str = "published") -> float:
        """Milliseconds of one publish, which has to come to that."""
        receipts: list[Receipt] = []
        took = milliseconds(lambda: receipts.extend(publish(self._publisher)))
        assert [receipt.outcome for receipt in receipts] == [outcome], receipts
        return took
