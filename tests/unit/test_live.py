"""The laws of the live snapshot (DESIGN section 7), on virtual time and with a fetcher that fails."""

from __future__ import annotations

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import append, encode_head
from burgee.core.errors import (
    DigestMismatch,
    InvalidDocument,
    NamespaceNotFound,
    NotFound,
    NotReady,
    Unavailable,
)
from burgee.fetch import held
from burgee.fetch.live import Live
from tests.fakes.publisher import a_document, a_release
from tests.fakes.scene import HEAD, TTL_MS, Scene

ON = a_document(enabled=True)
OFF = a_document(enabled=False)
BETA = a_document("beta")
OUTAGE = Unavailable("the store sleeps")


def blob(content: bytes) -> str:
    return keys.blob(digest_of(content))


def a_scene_that_serves(*contents: bytes, **options: int) -> Scene:
    scene = Scene()
    scene.publish(*(contents or (ON,)), **options)  # type: ignore[arg-type]
    scene.live.current()
    return scene


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


# Faults after the first good release


def test_on_any_error_the_last_good_release_keeps_answering_with_its_age() -> None:
    scene = a_scene_that_serves()
    looked_at = scene.clock.wall()
    scene.fetcher.faults[HEAD] = OUTAGE
    serving = scene.later(TTL_MS + 1)
    assert serving.release.revision == 1
    assert serving.checked_at == looked_at
    status = scene.live.status()
    assert (status.age_ms, status.stale, status.last_error) == (TTL_MS + 1, True, "the store sleeps")


@pytest.mark.parametrize("fault", [NotFound("gone"), OUTAGE, RuntimeError("a bug"), MemoryError()])
def test_no_error_of_the_fetcher_reaches_the_caller_once_there_is_a_release(fault: Exception) -> None:
    scene = a_scene_that_serves()
    scene.fetcher.faults[HEAD] = fault
    assert scene.later(TTL_MS).release.revision == 1
    assert scene.live.status().last_error


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"<html>", b"{}", b'{"format":2}', b'{"format":1,"environment":"staging","revision":2,"releases":[]}'],
)
def test_a_head_that_cannot_be_read_keeps_the_last_good(content: bytes) -> None:
    scene = a_scene_that_serves()
    scene.fetcher.contents[HEAD] = content
    assert scene.later(TTL_MS).release.revision == 1
    assert scene.live.status().last_error


@pytest.mark.parametrize("field", ["environment", "revision", "releases", "max_reader_ttl_seconds", "expires_at"])
@pytest.mark.parametrize("value", ['"x"', "-1", "null", "[1]", "{}", '"\\ud800"', "true", "[[]]"])
def test_a_head_with_a_field_of_the_wrong_kind_never_breaks_the_reader(field: str, value: str) -> None:
    from json import dumps, loads

    scene = a_scene_that_serves()
    scene.publish(OFF)
    fields = loads(scene.objects.get(HEAD).content)
    fields[field] = loads(value)
    scene.fetcher.contents[HEAD] = dumps(fields).encode()
    assert scene.later(TTL_MS).release.revision in (1, 2)
    scene.fetcher.contents.clear()
    assert scene.later(TTL_MS).release.revision == 2


def test_retries_back_off_from_a_second_to_the_ttl_and_not_on_every_call() -> None:
    scene = a_scene_that_serves()
    scene.fetcher.faults[HEAD] = OUTAGE
    scene.later(TTL_MS)
    tries = []
    for second in range(1, 250):
        before = scene.asked()
        scene.later(1_000)
        for _ in range(3):
            scene.live.current()
        if scene.asked() > before:
            assert scene.asked() == before + 1
            tries.append(second)
    assert tries == [1, 3, 7, 15, 31, 63, 123, 183, 243]


def test_after_an_outage_the_age_is_young_again_and_the_error_forgotten() -> None:
    scene = a_scene_that_serves()
    scene.fetcher.faults[HEAD] = OUTAGE
    scene.later(TTL_MS)
    scene.fetcher.faults.clear()
    scene.later(1_000)
    status = scene.live.status()
    assert (status.age_ms, status.stale, status.last_error) == (0, False, None)


def test_a_slow_fault_is_followed_by_a_pause_counted_from_its_end() -> None:
    scene = a_scene_that_serves()
    scene.fetcher.faults[HEAD] = OUTAGE
    scene.fetcher.pause = lambda key: scene.clock.advance(5_000)
    scene.later(TTL_MS)
    scene.live.current()
    assert scene.asked() == 2


def test_a_corrupted_document_keeps_the_last_good_until_it_is_repaired() -> None:
    scene = a_scene_that_serves(ON, BETA)
    scene.publish(OFF, BETA)
    scene.corrupt(OFF)
    serving = scene.later(TTL_MS + 1)
    assert serving.release.revision == 1
    status = scene.live.status()
    assert status.stale
    assert status.last_error is not None
    assert status.last_error.startswith(f"wanted content with digest {digest_of(OFF)}")
    scene.fetcher.contents.clear()
    assert scene.later(1_000).release.revision == 2


def test_an_attempt_that_broke_off_does_not_fetch_again_what_it_has() -> None:
    scene = a_scene_that_serves(ON)
    gamma = a_document("gamma")
    scene.publish(OFF, BETA, gamma)
    scene.fetcher.faults[blob(BETA)] = OUTAGE
    scene.later(TTL_MS)
    scene.fetcher.faults.clear()
    assert scene.later(1_000).release.revision == 2
    asked = {digest: scene.asked(digest) for digest in map(blob, (OFF, BETA, gamma))}
    assert sorted(asked.values()) == [1, 1, 2]
    assert asked[blob(BETA)] == 2


def test_a_document_is_bound_to_its_size_in_the_release() -> None:
    scene = a_scene_that_serves(ON)
    head = scene.store.read_head("staging")
    assert head is not None
    release = a_release(head[0], {"default": OFF}, at=scene.clock.wall(), environment="staging")
    scene.store.put_blob(OFF)
    for size in (len(OFF) - 1, len(OFF) + 1, 0, -1, held.DOCUMENT_BYTES + 1):
        wrong = release._replace(namespaces={"default": (digest_of(OFF), size)})
        scene.fetcher.contents[HEAD] = encode_head(append(head[0], wrong, max_reader_ttl_seconds=60))
        with pytest.raises(InvalidDocument):
            Live(scene.fetcher, "staging", ttl_ms=TTL_MS, clock=scene.clock, random=lambda: 0.0).refresh()


def test_a_document_said_to_be_longer_than_the_bound_is_not_even_asked_for() -> None:
    scene = Scene()
    release = a_release(None, {"default": ON}, at=scene.clock.wall(), environment="staging")
    for size in (held.DOCUMENT_BYTES + 1, -1):
        wrong = release._replace(namespaces={"default": (digest_of(ON), size)})
        scene.fetcher.contents[HEAD] = encode_head(append(None, wrong, max_reader_ttl_seconds=60))
        with pytest.raises(InvalidDocument, match="wanted at most"):
            scene.live.refresh()
        scene.live = Live(scene.fetcher, "staging", ttl_ms=TTL_MS, clock=scene.clock, random=lambda: 0.0)
    assert scene.asked(blob(ON)) == 0


def test_a_store_that_sleeps_is_not_asked_for_the_other_releases() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish(OFF)
    scene.publish(BETA, namespaces=("beta",), active_after=10_000)
    scene.fetcher.faults[blob(OFF)] = OUTAGE
    with pytest.raises(Unavailable):
        scene.live.refresh()
    assert (scene.asked(blob(OFF)), scene.asked(blob(BETA))) == (1, 0)


def test_a_document_of_another_namespace_is_refused() -> None:
    scene = Scene()
    scene.publish(ON, namespaces=("beta",))
    with pytest.raises(InvalidDocument, match="is namespace 'beta' in"):
        scene.live.refresh()


def test_a_profile_this_version_lacks_keeps_the_last_good() -> None:
    scene = a_scene_that_serves(ON)
    head = scene.store.read_head("staging")
    assert head is not None
    release = a_release(head[0], {"default": ON}, at=scene.clock.wall(), environment="staging")
    scene.fetcher.contents[HEAD] = encode_head(
        append(head[0], release._replace(profile="X/new"), max_reader_ttl_seconds=60)
    )
    assert scene.later(TTL_MS).release.revision == 1
    assert "X/new" in str(scene.live.status().last_error)


# Anti-rollback


def test_a_head_that_went_back_is_refused_and_counts_as_an_error() -> None:
    scene = a_scene_that_serves(ON)
    older = scene.objects.get(HEAD).content
    scene.publish(OFF)
    scene.later(TTL_MS)
    scene.fetcher.contents[HEAD] = older
    assert scene.later(TTL_MS).release.revision == 2
    assert "went back from revision 2 to 1" in str(scene.live.status().last_error)
    with pytest.raises(InvalidDocument, match="went back"):
        scene.live.refresh()


def test_another_release_of_the_revision_that_is_served_is_refused() -> None:
    scene = a_scene_that_serves(ON)
    forked = append(
        None, a_release(None, {"default": OFF}, at=scene.clock.wall(), environment="staging"), max_reader_ttl_seconds=60
    )
    scene.store.put_blob(OFF)
    scene.fetcher.contents[HEAD] = encode_head(forked)
    assert scene.later(TTL_MS).release.bundle == scene.live.current().release.bundle
    assert scene.live.current().snapshot.namespace("default").document.content == ON
    assert "another release 1" in str(scene.live.status().last_error)


def test_a_head_of_another_environment_is_refused() -> None:
    scene = Scene()
    content = encode_head(append(None, a_release(None, {}, at=0, environment="production"), max_reader_ttl_seconds=60))
    scene.fetcher.contents[HEAD] = content
    with pytest.raises(InvalidDocument, match="wanted the head of 'staging', got that of 'production'"):
        scene.live.refresh()


# Before the first good release


def test_before_the_first_release_it_is_not_ready_and_says_why() -> None:
    scene = Scene()
    with pytest.raises(NotReady, match=r"no release of 'staging' to answer from yet: no object environments/staging"):
        scene.live.current()
    status = scene.live.status()
    assert (status.revision, status.age_ms, status.stale) == (None, None, True)


def test_a_store_that_fails_from_the_start_is_not_asked_on_each_call() -> None:
    scene = Scene()
    scene.fetcher.faults[HEAD] = OUTAGE
    for _ in range(100):
        scene.clock.advance(100)
        with pytest.raises(NotReady, match="the store sleeps"):
            scene.live.current()
    assert scene.asked() == 10
    scene.publish(ON)
    scene.fetcher.faults.clear()
    scene.clock.advance(1_000)
    assert scene.revision() == 1


def test_a_corrupted_document_in_the_first_release_is_not_ready() -> None:
    scene = Scene()
    scene.publish(ON)
    scene.corrupt(ON)
    with pytest.raises(NotReady, match="wanted content with digest"):
        scene.live.current()
    with pytest.raises(DigestMismatch):
        scene.live.refresh()


# Pending releases


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


# Refresh and status


def test_refresh_looks_now_and_raises_what_went_wrong() -> None:
    scene = a_scene_that_serves(ON)
    scene.publish(OFF)
    assert scene.live.refresh().release.revision == 2
    scene.fetcher.faults[HEAD] = OUTAGE
    with pytest.raises(Unavailable, match="the store sleeps"):
        scene.live.refresh()
    assert scene.revision() == 2


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
