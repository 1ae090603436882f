"""The laws of the live snapshot (DESIGN section 7), on virtual time: what is served, when a look is due, its status."""

from __future__ import annotations

import pytest

from burgee.core.errors import NamespaceNotFound, Unavailable
from burgee.fetch import held
from tests.fakes.scene import BETA, HEAD, OFF, ON, OUTAGE, TTL_MS, Scene, a_scene_that_serves, blob

# What is served


def test_the_first_call_serves_the_active_release_ready_to_evaluate() -> None:
    scene = Scene()
    release = scene.publish(ON, BETA)
    serving = scene.live.current()
    assert serving.release == release
    assert serving.digest == serving.entry.digest
    assert serving.checked_at == serving.changed_at == scene.clock.wall()
    assert sorted(serving.snapshot.namespaces) == ["beta", "default"]
    assert serving.snapshot.namespace("default").boolean("on", "someone", {}, scene.clock.wall()).enabled is True


def test_a_release_without_namespaces_is_served() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish()
    assert scene.later(TTL_MS).snapshot.namespaces == {}


def test_a_namespace_removed_in_a_new_release_disappears() -> None:
    scene = a_scene_that_serves(ON, BETA)
    scene.publish(ON)
    with pytest.raises(NamespaceNotFound):
        scene.later(TTL_MS).snapshot.namespace("beta")


# One conditional look per TTL


def test_the_head_is_asked_for_once_per_ttl() -> None:
    scene = a_scene_that_serves()
    for _ in range(59):
        scene.later(1_000)
    assert scene.asked() == 1
    scene.later(1_000)
    assert scene.asked() == 2
    assert scene.live.current().checked_at == scene.clock.wall()


def test_an_unchanged_head_parses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = a_scene_that_serves()
    snapshot = scene.live.current().snapshot
    monkeypatch.setattr(held, "decode_head", lambda content: pytest.fail("parsed"))
    assert scene.later(TTL_MS).snapshot is snapshot
    assert scene.fetcher.calls == [HEAD, blob(ON), HEAD]


def test_an_unchanged_head_parses_nothing_where_the_server_knows_no_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.fetcher.gives_etags = False
    scene.publish(ON)
    scene.live.current()
    monkeypatch.setattr(held, "decode_head", lambda content: pytest.fail("parsed"))
    scene.later(TTL_MS)
    assert scene.fetcher.calls == [HEAD, blob(ON), HEAD]
    assert scene.live.status().last_error is None


def test_a_changed_head_fetches_only_documents_whose_digest_is_new() -> None:
    scene = a_scene_that_serves(ON, BETA)
    scene.fetcher.calls.clear()
    scene.publish(OFF, BETA)
    assert scene.later(TTL_MS).release.revision == 2
    assert scene.fetcher.calls == [HEAD, blob(OFF)]


def test_documents_that_are_no_longer_named_are_dropped() -> None:
    scene = a_scene_that_serves(ON, BETA)
    scene.publish(OFF)
    scene.later(TTL_MS)
    scene.publish(ON)
    scene.fetcher.calls.clear()
    scene.later(TTL_MS)
    assert scene.fetcher.calls == [HEAD, blob(ON)]


def test_the_ttl_ends_up_to_a_tenth_earlier_by_chance() -> None:
    scene = Scene(random=lambda: 0.999)
    scene.publish(ON)
    scene.live.current()
    scene.later(54_000 - 1)
    assert scene.asked() == 1
    scene.later(61)
    assert scene.asked() == 2


def test_the_head_can_shorten_the_ttl_but_not_lengthen_it() -> None:
    scene = a_scene_that_serves(ON, max_reader_ttl_seconds=10)
    scene.later(10_000)
    assert scene.asked() == 2
    scene.publish(ON, max_reader_ttl_seconds=3_600)
    scene.later(10_000)
    scene.later(TTL_MS)
    assert scene.asked() == 4


def test_the_head_cannot_make_readers_look_all_the_time() -> None:
    scene = a_scene_that_serves(ON, max_reader_ttl_seconds=0)
    for _ in range(9):
        scene.later(100)
    assert scene.asked() == 1


# Two clocks


def test_a_look_is_due_when_the_wall_clock_moved_on_while_the_monotonic_one_stood_still() -> None:
    scene = a_scene_that_serves()
    scene.clock.step_wall(TTL_MS)
    scene.live.current()
    assert scene.asked() == 2


def test_a_look_is_due_when_the_monotonic_clock_moved_on_while_the_wall_clock_was_set_back() -> None:
    scene = a_scene_that_serves()
    scene.clock.monotonic_ms += TTL_MS
    scene.live.current()
    assert scene.asked() == 2


def test_a_wall_clock_that_went_backwards_makes_a_look_due_once() -> None:
    scene = a_scene_that_serves()
    scene.clock.step_wall(-3_600_000)
    for _ in range(5):
        scene.live.current()
    assert scene.asked() == 2
    scene.later(TTL_MS)
    assert scene.asked() == 3


# Refresh and status


def test_refresh_looks_now_and_raises_what_went_wrong() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish(OFF)
    assert scene.live.refresh().release.revision == 2
    scene.fetcher.faults[HEAD] = OUTAGE
    with pytest.raises(Unavailable, match="the store sleeps"):
        scene.live.refresh()
    assert scene.revision() == 2


def test_status_names_what_is_served() -> None:
    scene = a_scene_that_serves(ON)
    release = scene.live.current().release
    scene.clock.advance(5_000)
    assert scene.live.status()._asdict() == {
        "environment": "staging",
        "revision": 1,
        "bundle": release.bundle,
        "digest": scene.live.current().digest,
        "commit": "commit1",
        "active_since": release.activates_at,
        "age_ms": 5_000,
        "stale": False,
        "pending": [],
        "last_error": None,
        "expires_at": None,
        "verified_by": None,
    }


def test_age_is_told_by_the_clock_that_says_more() -> None:
    scene = a_scene_that_serves(ON)
    scene.clock.step_wall(90_000)
    assert scene.live.status().age_ms == 90_000
    scene.clock.step_wall(-180_000)
    scene.clock.monotonic_ms += 7_000
    assert scene.live.status().age_ms == 7_000


def test_status_asks_the_store_nothing() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.live.status()
    assert scene.fetcher.calls == []
