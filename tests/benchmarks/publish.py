"""A whole publish of 10,000 flags from a Git repository, beside `yaml.load` with `CSafeLoader` of the same files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from burgee.author.authored import ParsedFiles
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Publisher, Rim
from burgee.git.repository import Repository, open_repository
from burgee.store.file import FileObjects
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from burgee.store.port import Objects

from .flags import flag_files, with_one_change
from .measure import Row, Table, collector, milliseconds, side_by_side

COUNT = 10_000
_PROJECT = "version: 1\nenvironments:\n  production: {directory: flags}\n"
_YAML = "yaml.load"


def run(rounds: int) -> list[Table]:
    """The first publish and the next ones, the garbage collector off and on for both sides."""
    files = flag_files(COUNT)
    size = sum(map(len, files.values())) / 1e6
    title = f"publish {COUNT:,} flags in {len(files)} files, {size:.1f} MB, garbage collector"
    with _Bench(files) as bench:
        with collector(enabled=False):
            off = (
                bench.first("first, to memory://", rounds, MemoryObjects),
                bench.first("first, to file://", rounds, bench.new_folder),
                bench.next("again, nothing changed", rounds, changed=False),
                bench.next("again, one flag changed", rounds, changed=True),
            )
        with collector(enabled=True):
            on = (bench.first("first, to file://", rounds, bench.new_folder),)
    return [Table(f"{title} off", "ms", off), Table(f"{title} on", "ms", on)]


class _Bench:
    """Two states of a repository, and folders for stores."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._numbers = count()

    def __enter__(self) -> _Bench:
        self._temporary = TemporaryDirectory()
        self._top = Path(self._temporary.name)
        self._tips = [
            _commit(self._top / "repository", {"burgee.yaml": _PROJECT, **files})
            for files in (self._files, with_one_change(self._files))
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def first(self, name: str, rounds: int, new_objects: Callable[[], Objects]) -> Row:
        """Into an empty store, nothing known beforehand."""

        def publish_first() -> float:
            with self._at(0) as repository:
                publisher = _publisher(repository, ObjectStore(new_objects()), ParsedFiles())
                return milliseconds(lambda: _publish(publisher, "published"))

        return side_by_side(name, rounds, {"burgee": publish_first, _YAML: self._load})

    def next(self, name: str, rounds: int, *, changed: bool) -> Row:
        """Into a store that holds the release before, by the process that published it."""
        objects, parsed = self.new_folder(), ParsedFiles()
        states = count(1)
        with self._at(0) as repository:
            _publish(_publisher(repository, ObjectStore(objects), parsed), "published")

        def publish_next() -> float:
            with self._at(next(states) % 2 if changed else 0) as repository:
                publisher = _publisher(repository, ObjectStore(objects), parsed)
                return milliseconds(lambda: _publish(publisher, "published" if changed else "unchanged"))

        return side_by_side(name, rounds, {"burgee": publish_next, _YAML: self._load})

    def new_folder(self) -> Objects:
        return FileObjects(self._top / f"store-{next(self._numbers)}")

    def _load(self) -> float:
        texts = list(self._files.values())
        return milliseconds(lambda: [yaml.load(text, Loader=yaml.CSafeLoader) for text in texts])

    @contextmanager
    def _at(self, state: int) -> Iterator[Repository]:
        folder = self._top / "repository"
        _git(folder, "update-ref", "refs/heads/main", self._tips[state])
        with open_repository(folder) as repository:
            yield repository


def _publish(publisher: Publisher, outcome: str) -> Any:
    (receipt,) = publish(publisher)
    assert receipt.outcome == outcome, receipt
    return receipt


def _publisher(repository: Repository, store: ObjectStore, parsed: ParsedFiles) -> Publisher:
    instants = count(1_795_338_000_000)
    rim = Rim(now=lambda: next(instants), monotonic=lambda: 0, random=lambda: 0.0, sleep=lambda seconds: None)
    return Publisher(repository, store, rim, parsed=parsed)


def _commit(folder: Path, files: Mapping[str, str]) -> str:
    """A commit of these files on top of the others; its id."""
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", ".")
    _git(folder, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "-m", "Flags")
    return _git(folder, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str:
    run = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return run.stdout.strip()
