"""The live snapshot among threads, forks and event loops."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, current_thread

import pytest

from burgee.core.errors import NotReady, Unavailable
from burgee.fetch.clock import SystemClock, system_random
from burgee.fetch.live import Serving
from tests.fakes.children import in_a_child
from tests.fakes.publisher import a_document
from tests.fakes.scene import HEAD, TTL_MS, Scene

ON = a_document(enabled=True)
OFF = a_document(enabled=False)
SECONDS = 5.0


class Blocked:
    """Holds the fetcher's next calls back until released."""

    def __init__(self, scene: Scene) -> None:
        self.entered = Event()
        self._go = Event()
        scene.fetcher.pause = self._wait

    def release(self) -> None:
        self._go.set()

    def _wait(self, key: str) -> None:
        self.entered.set()
        assert self._go.wait(SECONDS)


def test_one_thread_looks_and_the_others_get_the_last_good_at_once() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.live.current()
    scene.publish(OFF)
    scene.clock.advance(TTL_MS)
    blocked = Blocked(scene)
    with ThreadPoolExecutor(9) as pool:
        looker: Future[int] = pool.submit(scene.revision)
        assert blocked.entered.wait(SECONDS)
        others = list(pool.map(lambda _: scene.revision(), range(50)))
        assert not looker.done()
        blocked.release()
        assert looker.result(SECONDS) == 2
    assert others == [1] * 50
    assert scene.asked() == 2


def test_before_the_first_release_threads_wait_for_the_one_that_looks() -> None:
    scene = Scene()
    scene.publish(ON)
    blocked = Blocked(scene)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(scene.revision) for _ in range(8)]
        assert blocked.entered.wait(SECONDS)
        blocked.release()
        assert [future.result(SECONDS) for future in waiting] == [1] * 8
    assert scene.asked() == 1


def test_before_the_first_release_a_failed_look_is_shared_by_all_who_waited() -> None:
    scene = Scene()
    scene.fetcher.faults[HEAD] = Unavailable("the store sleeps")
    blocked = Blocked(scene)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(scene.revision) for _ in range(8)]
        assert blocked.entered.wait(SECONDS)
        blocked.release()
        for future in waiting:
            assert isinstance(future.exception(SECONDS), NotReady)
    assert scene.asked() == 1


def test_a_pending_release_is_switched_while_another_thread_looks() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.publish(OFF, active_after=TTL_MS + 10)
    scene.live.current()
    scene.clock.advance(TTL_MS)
    blocked = Blocked(scene)
    with ThreadPoolExecutor(1) as pool:
        looker = pool.submit(scene.revision)
        assert blocked.entered.wait(SECONDS)
        assert scene.revision() == 1
        scene.clock.advance(10)
        assert scene.revision() == 2
        blocked.release()
        assert looker.result(SECONDS) == 2


def test_a_thread_that_dies_in_a_look_leaves_it_to_the_next() -> None:
    scene = Scene()
    scene.publish(ON)

    def die(key: str) -> None:
        raise KeyboardInterrupt

    scene.fetcher.pause = die
    with pytest.raises(KeyboardInterrupt):
        scene.live.current()
    scene.fetcher.pause = None
    assert scene.revision() == 1


def test_many_threads_never_see_a_revision_go_back() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.live.current()
    done = Event()

    def watch(_: int) -> list[int]:
        seen = [scene.revision()]
        while not done.is_set():
            serving: Serving = scene.live.current()
            assert serving.snapshot.namespace("default").document.content == (
                ON if serving.release.revision % 2 else OFF
            )
            if serving.release.revision != seen[-1]:
                seen.append(serving.release.revision)
        return seen

    with ThreadPoolExecutor(6) as pool:
        watchers = [pool.submit(watch, number) for number in range(6)]
        for revision in range(2, 42):
            scene.publish(ON if revision % 2 else OFF, active_after=500 * (revision % 3))
            scene.clock.advance(TTL_MS)
            scene.live.refresh()
        done.set()
        for watcher in watchers:
            seen = watcher.result(SECONDS)
            assert seen == sorted(set(seen))


def test_a_child_forked_in_the_midst_of_a_look_can_look_itself() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.live.current()
    scene.publish(OFF)
    scene.clock.advance(TTL_MS)
    parent = os.getpid()
    blocked = Blocked(scene)
    wait = scene.fetcher.pause
    assert wait is not None
    scene.fetcher.pause = lambda key: wait(key) if os.getpid() == parent else None
    with ThreadPoolExecutor(1) as pool:
        looker = pool.submit(scene.revision)
        assert blocked.entered.wait(SECONDS)
        answers = in_a_child(lambda: scene.revision() == scene.live.refresh().release.revision == 2)
        blocked.release()
        assert looker.result(SECONDS) == 2
    assert answers


def test_it_works_inside_an_event_loop_and_in_its_threads() -> None:
    scene = Scene()
    scene.publish(ON)

    async def ask() -> tuple[int, int]:
        return scene.revision(), await asyncio.to_thread(scene.revision)

    assert asyncio.run(ask()) == (1, 1)
    assert current_thread().name == "MainThread"


def test_system_clock_and_chance_are_of_the_kind_that_is_wanted() -> None:
    clock = SystemClock()
    assert clock.wall() > 1_700_000_000_000
    assert clock.monotonic() <= clock.monotonic()
    assert all(0 <= system_random() < 1 for _ in range(100))


def test_importing_the_live_snapshot_pulls_nothing_heavy() -> None:
    heavy = {
        "dataclasses",
        "typing",
        "urllib",
        "http",
        "ssl",
        "asyncio",
        "logging",
    }
    program = "import sys; sys.path.insert(0, 'shared'); import burgee.fetch.live; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert heavy.isdisjoint(loaded.stdout.split())
