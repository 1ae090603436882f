"""A whole publish of 10,000 flags from a Git repository, beside `yaml.load` with `CSafeLoader` of the same files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from burgee.store.file import FileObjects
from burgee.store.memory import MemoryObjects
from burgee.store.port import Objects

from .flags import flag_files, with_one_change
from .measure import Row, Table, collector, milliseconds, side_by_side
from .repositories import FlagRepository, Process

COUNT = 10_000
_YAML = "yaml.load"


def run(rounds: int) -> list[Table]:
    """The first publish and the next ones, the garbage collector off and on for both sides."""
    files = flag_files(COUNT)
    size = sum(map(len, files.values())) / 1e6
    title = f"publish {COUNT:,} flags in {len(files)} files, {size:.1f} MB, garbage collector"
    with TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), files)
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
    """A repository, and folders for stores."""

    def __init__(self, top: Path, files: Mapping[str, str]) -> None:
        self._top = top
        self._files = files
        self._repository = FlagRepository(top / "repository", files)
        self._numbers = count()

    def first(self, name: str, rounds: int, new_objects: Callable[[], Objects]) -> Row:
        """Into an empty store, nothing known beforehand."""

        def publish_first() -> float:
            return Process(self._repository, new_objects()).publish()

        return side_by_side(name, rounds, {"burgee": publish_first, _YAML: self._load})

    def next(self, name: str, rounds: int, *, changed: bool) -> Row:
        """Into a store that holds the release before, by the process that published it; each change is a new one."""
        process = Process(self._repository, self.new_folder())
        process.publish()

        def publish_next() -> float:
            if changed:
                self._repository.change(with_one_change(self._files, next(self._numbers)))
            return process.publish("published" if changed else "unchanged")

        return side_by_side(name, rounds, {"burgee": publish_next, _YAML: self._load})

    def new_folder(self) -> Objects:
        return FileObjects(self._top / f"store-{next(self._numbers)}")

    def _load(self) -> float:
        texts = list(self._files.values())
        return milliseconds(lambda: [yaml.load(text, Loader=yaml.CSafeLoader) for text in texts])
