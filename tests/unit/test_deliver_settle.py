"""Static snapshots follow schedules: they are written again at each step, and left alone between two."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from burgee.bundle import keys
from burgee.bundle.index import Index, Listed
from burgee.core.instant import format_instant
from burgee.deliver.settle import Settled, has_steps, settle
from burgee.deliver.shown import Shown
from burgee.host.reconcile import Reconciler
from burgee.store.objects import ObjectStore
from tests.builders import Normal, a_boolean_flag, a_document, scheduled
from tests.fakes.objects import FaultyObjects
from tests.fakes.scene import Scene

STATIC = keys.static_snapshot("staging", "default")


class Stepping(Scene):
    """`sale` is on from 1 s from now until 3 s from now."""

    def __init__(self, *flags: Normal) -> None:
        super().__init__()
        first, last = (format_instant(self.clock.wall() + seconds * 1_000) for seconds in (1, 3))
        steps = {"at": first, "enabled": True}, {"at": last, "enabled": False}
        self.flag = scheduled(a_boolean_flag("sale"), *steps)
        self.publish(a_document(flags or [self.flag]).content)

    def settle(self, shown: Shown | None = None) -> Settled | None:
        return settle(self.store, "staging", now=self.clock.wall, shown=shown)

    def is_on(self) -> bool:
        (flag,) = json.loads(self.objects.get(STATIC).content)["flags"]
        on: bool = flag["enabled"]
        return on

    def etag(self) -> Any:
        return self.objects.get(STATIC).etag


def test_a_static_snapshot_is_written_again_at_each_step() -> None:
    scene = Stepping()
    seen = []
    for milliseconds in (0, 999, 1, 1_999, 1):
        scene.clock.advance(milliseconds)
        scene.settle()
        seen.append(scene.is_on())
    assert seen == [False, False, True, True, False]


def test_between_two_steps_nothing_is_written() -> None:
    scene = Stepping()
    scene.settle()
    etag = scene.etag()
    scene.clock.advance(999)
    scene.settle()
    assert scene.etag() == etag


def test_what_is_known_of_other_snapshots_keeps_none_from_stepping() -> None:
    scene, shown = Stepping(), Shown()
    scene.settle(shown)
    scene.clock.advance(1_000)
    scene.settle(shown)
    assert scene.is_on()


def test_settling_says_when_it_is_to_be_done_again() -> None:
    scene = Stepping()
    start = scene.clock.wall()
    untils = []
    for milliseconds in (0, 1_000, 2_000):
        scene.clock.advance(milliseconds)
        settled = scene.settle()
        assert settled is not None
        untils.append(settled.until)
    assert untils == [start + 1_000, start + 3_000, None]


def test_a_step_that_comes_while_snapshots_are_written_is_for_the_next_time() -> None:
    scene = Stepping()
    objects = FaultyObjects(scene.objects)
    objects.pause = lambda verb, key: scene.clock.advance(1_000) if key == STATIC and verb == "swap" else None
    settled = settle(ObjectStore(objects), "staging", now=scene.clock.wall)
    assert settled is not None and settled.until == scene.clock.wall()
    assert not scene.is_on()


def test_the_timer_of_a_host_settles_at_each_step_and_not_in_between() -> None:
    scene = Stepping()
    scene.store.swap_index(Index("https://example.org/flags", {"staging": Listed("main", True)}), None)
    objects = FaultyObjects(scene.objects)
    reconciler = Reconciler(ObjectStore(objects), now=scene.clock.wall, publish=lambda: None)
    swaps, seen = [], []
    for milliseconds in (0, 500, 500, 1_000, 1_000):
        scene.clock.advance(milliseconds)
        reconciler.settle()
        swaps.append(objects.count("swap"))
        seen.append(scene.is_on())
    assert seen == [False, False, True, True, False]
    assert [later - sooner for sooner, later in pairwise(swaps)] == [0, 1, 0, 1]


def test_a_release_has_steps_where_a_flag_has_a_schedule_and_that_is_looked_up_once() -> None:
    scene = Stepping()
    objects = FaultyObjects(scene.objects)
    head = scene.store.read_head("staging")
    assert head is not None
    release = head[0].last.release
    assert has_steps(ObjectStore(objects), release)
    asked = objects.count("get")
    assert has_steps(ObjectStore(objects), release) and objects.count("get") == asked
    plain = Stepping(a_boolean_flag("plain"))
    head = plain.store.read_head("staging")
    assert head is not None and not has_steps(plain.store, head[0].last.release)
