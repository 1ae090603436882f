"""The laws of the live snapshot (DESIGN section 7) with pending releases: fetched ahead, switched by the clock."""

from __future__ import annotations

import pytest

from burgee.core.errors import NotReady
from tests.fakes.scene import BETA, OFF, ON, OUTAGE, TTL_MS, Scene, a_scene_that_serves


def test_a_pending_release_is_fetched_ahead_and_switched_by_the_clock_without_the_network() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish(OFF, active_after=100_000)
    assert scene.later(TTL_MS).release.revision == 1
    assert scene.live.status().pending == [(2, scene.clock.wall() + 40_000)]
    scene.fetcher.faults[""] = OUTAGE
    scene.clock.advance(39_999)
    assert scene.revision() == 1
    calls = len(scene.fetcher.calls)
    serving = scene.later(1)
    assert serving.release.revision == 2
    assert serving.changed_at == scene.clock.wall()
    assert len(scene.fetcher.calls) == calls
    assert scene.live.status().pending == []


def test_a_pending_release_is_switched_in_the_midst_of_an_outage() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish(OFF, active_after=600_000)
    scene.live.refresh()
    scene.fetcher.faults[""] = OUTAGE
    revisions = [scene.later(60_000).release.revision for _ in range(12)]
    assert revisions == [1] * 9 + [2] * 3


def test_a_release_that_was_served_is_never_left_for_a_lower_one_whatever_the_clock_does() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish(OFF, active_after=100_000)
    scene.live.refresh()
    assert scene.later(100_000).release.revision == 2
    scene.clock.step_wall(-200_000)
    assert scene.revision() == 2
    scene.live.refresh()
    assert scene.revision() == 2


def test_a_reader_whose_clock_is_slow_serves_at_once_what_was_published_as_active() -> None:
    scene = Scene()
    scene.clock.step_wall(3_600_000)
    scene.publish(ON)
    scene.clock.step_wall(-3_600_000)
    assert scene.revision() == 1


def test_before_its_instant_the_only_release_is_not_ready_and_then_it_is() -> None:
    scene = Scene()
    scene.publish(ON, active_after=10_000)
    with pytest.raises(NotReady, match=r"release 1 becomes active at 2027-01-15T08:00:10\.000Z"):
        scene.live.current()
    scene.fetcher.faults[""] = OUTAGE
    assert scene.later(10_000).release.revision == 1
    assert scene.asked() == 1


def test_a_pending_release_that_is_broken_does_not_hold_the_active_one_back() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.publish(OFF, active_after=100_000)
    scene.corrupt(OFF)
    assert scene.revision() == 1
    status = scene.live.status()
    assert (status.age_ms, status.stale) == (0, False)
    assert status.last_error is not None


def test_a_pending_release_that_is_broken_at_its_instant_keeps_the_last_good() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.publish(OFF, active_after=100_000)
    scene.corrupt(OFF)
    scene.live.current()
    for _ in range(30):
        assert scene.later(10_000).release.revision == 1
    assert scene.live.status().stale
    scene.fetcher.contents.clear()
    assert scene.later(TTL_MS).release.revision == 2


def test_a_pending_release_behind_a_broken_one_is_fetched_all_the_same() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.publish(OFF, active_after=10_000)
    scene.publish(BETA, namespaces=("beta",), active_after=20_000)
    scene.corrupt(OFF)
    assert scene.revision() == 1
    scene.fetcher.faults[""] = OUTAGE
    assert scene.later(10_000).release.revision == 1
    assert scene.later(10_000).release.revision == 3


def test_several_pending_releases_are_switched_each_at_its_instant() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish(OFF, active_after=10_000)
    scene.publish(ON, BETA, active_after=20_000)
    scene.live.refresh()
    assert [scene.later(5_000).release.revision for _ in range(5)] == [1, 2, 2, 3, 3]


def test_a_later_release_that_is_active_earlier_wins_and_the_pending_one_never_comes() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish(OFF, active_after=10_000)
    scene.publish(BETA, namespaces=("beta",), active_after=5_000)
    scene.live.refresh()
    assert [scene.later(5_000).release.revision for _ in range(3)] == [3, 3, 3]


def test_refresh_of_an_environment_whose_first_release_is_pending_is_not_ready() -> None:
    scene = Scene()
    scene.publish(ON, active_after=10_000)
    with pytest.raises(NotReady, match="becomes active at"):
        scene.live.refresh()


def test_a_reader_that_could_not_fetch_a_release_ahead_is_stale_once_that_is_active() -> None:
    scene = a_scene_that_serves(OFF)
    scene.publish(ON, active_after=71_000)
    scene.clock.advance(1_000)
    scene.fetcher.faults["blobs/"] = OUTAGE
    for _ in range(75):
        scene.later(1_000)
    assert scene.revision() == 1
    status = scene.live.status()
    assert status.stale is True
    assert status.age_ms is not None
    assert status.age_ms >= 75_000
