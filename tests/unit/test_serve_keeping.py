"""What a function does beside answering: keep the last good release, and say when it grows old."""

from __future__ import annotations

from pathlib import Path

import pytest

from burgee.bundle.index import Index, Listed
from burgee.core.errors import NotReady, Unavailable
from burgee.fetch.environments import Environments
from burgee.fetch.file import FileFetcher
from burgee.serve.keeping import LOOK_MS, STALE, Keeper
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.builders import a_boolean_flag, a_document
from tests.fakes.clock import VirtualClock
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.publisher import publish

TTL_MS = 10_000


class Scene:
    """Environments over a store in memory that can break, and a keeper that is called after each answer."""

    def __init__(self, folder: Path | None, *, objects: MemoryObjects | None = None) -> None:
        self.clock = VirtualClock(wall=1_900_000_000_000)
        if objects is None:
            objects = MemoryObjects()
            listed = {"staging": Listed("main", True), "production": Listed("main", False)}
            ObjectStore(objects).swap_index(Index("https://git.example.org/flags", listed), None)
            publish(ObjectStore(objects), {"default": a_document([a_boolean_flag("on")]).content}, at=1_700_000_000_000)
        self.objects = objects
        self.fetcher = FaultyFetcher(objects)
        self.lines: list[str] = []
        self.start(folder)

    def start(self, folder: Path | None) -> None:
        """Begin again, as a process does that finds what an earlier one has left."""
        self.environments = Environments(self.fetcher, ttl_ms=TTL_MS, clock=self.clock, random=lambda: 0.0)
        if folder and folder.is_dir():
            self.environments.resume(FileFetcher(str(folder)))
        self.keeper = Keeper(
            self.environments, str(folder) if folder else None, clock=self.clock, say=self.lines.append
        )

    def answer(self) -> int:
        """An answer, and what comes after it: the revision it was given from."""
        live = self.environments.live("staging")
        revision: int = live.current().release.revision
        self.keeper()
        return revision

    def pass_time(self, milliseconds: int = LOOK_MS) -> None:
        self.clock.advance(milliseconds)

    def break_store(self) -> None:
        self.fetcher.faults[""] = Unavailable("the store is down")


def test_a_start_without_the_store_answers_from_what_was_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "kept")
    scene.answer()
    scene.pass_time()
    scene.answer()
    scene.break_store()
    scene.start(tmp_path / "kept")
    assert scene.answer() == 1
    status = scene.environments.live("staging").status()
    assert status.stale and "the store is down" in str(status.last_error)
    assert scene.environments.default() == "staging" and "production" in scene.environments.names()


def test_the_store_is_asked_first_even_when_something_was_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "kept")
    scene.pass_time()
    assert scene.answer() == 1
    publish(ObjectStore(scene.objects), {"default": a_document([a_boolean_flag("two")]).content}, at=1_700_000_001_000)
    scene.start(tmp_path / "kept")
    assert scene.answer() == 2
    status = scene.environments.live("staging").status()
    assert not status.stale and status.last_error is None


def test_without_anything_kept_a_store_that_is_down_is_not_ready(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "kept")
    scene.break_store()
    with pytest.raises(NotReady):
        scene.answer()


def test_a_damaged_copy_is_not_answered_from(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "kept")
    scene.pass_time()
    scene.answer()
    for blob in (tmp_path / "kept" / "blobs").rglob("*"):
        if blob.is_file():
            blob.write_bytes(blob.read_bytes()[:-2] + b"x\n")
    scene.break_store()
    scene.start(tmp_path / "kept")
    with pytest.raises(NotReady):
        scene.answer()


def test_a_new_release_replaces_what_was_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "kept")
    scene.pass_time()
    scene.answer()
    publish(ObjectStore(scene.objects), {"default": a_document([a_boolean_flag("two")]).content}, at=1_700_000_001_000)
    scene.pass_time(TTL_MS)
    assert scene.answer() == 2
    scene.pass_time()
    scene.answer()
    scene.break_store()
    scene.start(tmp_path / "kept")
    assert scene.answer() == 2


def test_nothing_is_written_in_the_first_second_nor_again_while_nothing_changes(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "kept")
    scene.answer()
    assert not (tmp_path / "kept").exists()
    scene.pass_time()
    scene.answer()
    head = tmp_path / "kept" / "environments" / "staging" / "head.json"
    written = head.stat().st_mtime_ns
    for _ in range(5):
        scene.pass_time()
        scene.answer()
    assert head.stat().st_mtime_ns == written


def test_a_folder_that_cannot_be_written_is_said_once_and_answers_go_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    scene = Scene(tmp_path / "file" / "kept")
    for _ in range(3):
        scene.pass_time()
        assert scene.answer() == 1
    assert len(scene.lines) == 1 and "cannot keep the last good release" in scene.lines[0]


def test_a_folder_that_can_be_written_again_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    scene = Scene(tmp_path / "file" / "kept")
    scene.pass_time()
    scene.answer()
    (tmp_path / "file").unlink()
    scene.pass_time(60_000)
    scene.answer()
    assert (tmp_path / "file" / "kept" / "environments" / "index.json").is_file()


def test_what_is_served_while_the_store_is_down_is_said_once_a_minute() -> None:
    scene = Scene(None)
    scene.answer()
    scene.break_store()
    for _ in range(125):
        scene.pass_time()
        scene.answer()
    assert scene.lines[0] == f"{STALE}: the environment index: the store is down"
    assert scene.lines[2].startswith(f"{STALE}: staging at revision 1, ")
    assert scene.lines[2].endswith("the store is down") and len(scene.lines) == 3


def test_a_start_that_finds_nothing_to_serve_is_said_too() -> None:
    scene = Scene(None)
    scene.break_store()
    for _ in range(3):
        scene.pass_time()
        with pytest.raises(NotReady):
            scene.environments.live("staging")
        scene.keeper()
    assert scene.lines == [f"{STALE}: the environment index: the store is down"]


def test_a_function_that_was_idle_is_not_called_stale() -> None:
    scene = Scene(None)
    scene.answer()
    for _ in range(3):
        scene.pass_time(3_600_000)
        scene.answer()
    assert scene.lines == []
