"""How many releases one environment takes: small changes, one after the other, beside the bare writes they need.

Each release is a commit that changes one of twenty flags, published by one process as the publish function does it. A
release writes five objects: document, bundle, head, log entry and static snapshot; beside it the same five are written
by the store's verbs alone, without any look at what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from burgee.bundle import keys
from burgee.store.file import FileObjects
from burgee.store.opening import open_objects
from burgee.store.port import Objects
from tests.publishing import features

from .deployed import moto_apart
from .measure import Row, Table, milliseconds, side_by_side
from .repositories import FlagRepository, Process

_FLAGS = 20
_PER_ROUND = 10
_BUCKET = "releases"


def run(rounds: int) -> list[Table]:
    """Milliseconds of one release."""
    with TemporaryDirectory() as folder, moto_apart() as aws:
        aws.make_bucket(_BUCKET)
        top, environ = Path(folder), aws.environ()
        rows = (
            _row("file://", rounds, top / "one", lambda name: FileObjects(top / name)),
            _row(
                "s3://, as moto plays it",
                rounds,
                top / "other",
                lambda name: open_objects(f"s3://{_BUCKET}/{name}", environ=environ),
            ),
        )
    return [Table(f"one release after the other of {_FLAGS} flags", "ms", rows)]


def _row(name: str, rounds: int, folder: Path, open_at: Callable[[str], Objects]) -> Row:
    releases = _Releases(folder, open_at("published"))
    writes = _Writes(releases.objects, open_at("written"))
    return side_by_side(name, rounds, {"burgee": releases.publish, "bare writes": writes.write})


class _Releases:
    """A repository whose flags change, and the process that publishes it."""

    def __init__(self, folder: Path, objects: Objects) -> None:
        self.objects = objects
        self._turns = count(1)
        self._repository = FlagRepository(folder, {})
        self._process = Process(self._repository, objects)
        self.publish()

    def publish(self) -> float:
        """A release each for some commits: the mean of what they took."""
        return sum(self._release() for _ in range(_PER_ROUND)) / _PER_ROUND

    def _release(self) -> float:
        flags = [f"flag-{number:02d}" for number in range(_FLAGS - 1)] + [f"changing-{next(self._turns)}"]
        self._repository.change({"flags/features.yaml": features(*flags)})
        return self._process.publish()


class _Writes:
    """The five objects of a release, written without a look at anything."""

    def __init__(self, published: Objects, objects: Objects) -> None:
        self._objects = objects
        self._numbers = count()
        found = {key: published.get(key).content for key in published.list("")}
        self._new = [found[keys.release("production", 1)], *(found[key] for key in found if key.startswith("blobs/"))][
            :3
        ]
        self._etags = {key: self._put(key, found[key], None) for key in _swapped()}
        self._swapped = {key: found[key] for key in _swapped()}

    def write(self) -> float:
        """As often as releases are made in a round: the mean of what it took."""
        return milliseconds(self._write_all) / _PER_ROUND

    def _write_all(self) -> None:
        for _ in range(_PER_ROUND):
            for content in self._new:
                self._put(f"written/{next(self._numbers)}", content, None)
            for key, content in self._swapped.items():
                # A version of other bytes, as every release's is.
                self._etags[key] = self._put(key, content + b" " * (next(self._numbers) % 9), self._etags[key])

    def _put(self, key: str, content: bytes, etag: str | None) -> str:
        return self._objects.swap(
            key, content, expected=etag, content_type=keys.JSON, cache_control=keys.cache_control(key)
        )


def _swapped() -> tuple[str, str]:
    return keys.head("production"), keys.static_snapshot("production", "default")
