"""What it costs to ask an instant again, on a log of 10,000 releases, beside a walk to it; and to verify them all."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from burgee.deliver.examined import Means
from burgee.deliver.verify import verify_environment
from burgee.fetch.file import FileFetcher
from burgee.fetch.history import History
from burgee.fetch.port import MAX_BYTES, Fetched
from burgee.store.file import FileObjects
from tests.fakes.logs import ENVIRONMENT, NOON, a_log

from .measure import Table, Target, milliseconds, side_by_side

COUNT = 10_000
_EVERY_MS = 1000
_ASKED = 20


class Counting:
    """Reads a folder, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self._fetcher = FileFetcher(str(folder))
        self.reads = 0

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        self.reads += 1
        return self._fetcher.get(key, etag, max_bytes=max_bytes)

    def close(self) -> None:
        self._fetcher.close()


def run(rounds: int) -> list[Table]:
    """Each time a new reader, which knows nothing: to the release that was active then, without its documents.

    The walk goes back along the chain of digests to the same release, as one without numbers would have to be read.
    """
    with TemporaryDirectory() as top:
        folder = Path(top)
        _write(folder)
        random = Random(rounds)
        instants = [NOON + random.randrange(COUNT * _EVERY_MS) for _ in range(_ASKED)]
        times = {
            "--at": lambda: median(milliseconds(partial(_at, folder, instant)) for instant in instants),
            "a walk": lambda: median(milliseconds(partial(_walk, folder, instant)) for instant in instants[:3]),
            "verify all": lambda: milliseconds(lambda: _verify(folder)),
        }
        row = side_by_side(f"{COUNT:,} releases in a folder", rounds, times)
        reads = [(_at(folder, instant), _walk(folder, instant)) for instant in instants[:5]]
    most = max(at for at, _ in reads)
    counted = {"--at": lambda: float(most), "a walk": lambda: median(float(walk) for _, walk in reads)}
    targets = (Target("most reads of --at", most, 20, 17, "reads"),)
    return [
        Table("to the release that was active at an instant", "ms", (row,)),
        Table("objects read on the way", "reads", (side_by_side(f"{COUNT:,} releases", 1, counted),), targets),
    ]


def _write(folder: Path) -> None:
    objects = a_log([0] * COUNT, every=_EVERY_MS).objects
    for key in objects.list(""):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(objects.get(key).content)


def _at(folder: Path, instant: int) -> int:
    fetcher = Counting(folder)
    found = History(fetcher, ENVIRONMENT).active_at(instant)
    assert found.release.published_at <= instant < found.release.published_at + _EVERY_MS
    return fetcher.reads


def _walk(folder: Path, instant: int) -> int:
    fetcher = Counting(folder)
    assert any(entry.release.activates_at <= instant for entry in History(fetcher, ENVIRONMENT).backwards())
    return fetcher.reads


def _verify(folder: Path) -> None:
    found = verify_environment(Means(FileObjects(folder), None, NOON), ENVIRONMENT)
    assert found.logs[0].sound == COUNT and not found.faults
