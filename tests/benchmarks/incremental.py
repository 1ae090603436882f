"""One changed file of a hundred: a publish by the process that published before, beside one that builds everything.

10,000 flags stand in ten namespaces of ten files each. Both publish the same commits, each to a folder of its own that
holds the releases before; the one keeps what it has built, the other begins anew at every commit.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from burgee.author.project import read_project
from burgee.deliver.candidate import compile_bundle
from burgee.deliver.reading import author_environment
from burgee.store.file import FileObjects

from .flags import flag_folders, with_one_change
from .measure import Row, Table, Target, collector, milliseconds, side_by_side
from .repositories import PROJECT, FlagRepository, Process

COUNT = 10_000
_WHOLE, _BUILD = "everything anew", "its build alone"


def run(rounds: int) -> list[Table]:
    """Milliseconds of one publish, the garbage collector on, as processes run, and off."""
    files = flag_folders(COUNT)
    with TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), files)
        with collector(enabled=True):
            on = bench.changed("collector on", rounds)
        with collector(enabled=False):
            off = bench.changed("collector off", rounds)
    title = f"publish {COUNT:,} flags, one of {len(files)} files changed, in one of ten namespaces"
    ratio = min(on.ratios[_WHOLE], off.ratios[_WHOLE])
    return [Table(title, "ms", (on, off), (Target("of everything anew", ratio, 20, 25),))]


class _Bench:
    """A repository that moves on, and two processes that publish it."""

    def __init__(self, top: Path, files: dict[str, str]) -> None:
        self._files = files
        self._repository = FlagRepository(top / "repository", files)
        self._keeping, self._anew = (Process(self._repository, FileObjects(top / name)) for name in ("one", "other"))
        self._turns = count(1)
        self._keeping.publish()
        self._anew.publish()

    def changed(self, name: str, rounds: int) -> Row:
        """One flag of one file changes before each turn."""
        return side_by_side(name, rounds, {"burgee": self._one_file, _WHOLE: self._everything, _BUILD: self._build})

    def _one_file(self) -> float:
        self._repository.change(with_one_change(self._files, next(self._turns)))
        return self._keeping.publish()

    def _everything(self) -> float:
        self._anew.start()
        return self._anew.publish()

    def _build(self) -> float:
        """Reading the files from Git, checking, merging and compiling them: no store is asked or written."""
        environment = read_project(PROJECT.encode(), "burgee.yaml").environments["production"]
        with self._repository.open() as repository:
            source = repository.source(repository.tip("main"))
            return milliseconds(lambda: compile_bundle(author_environment(source, environment).documents.values()))
