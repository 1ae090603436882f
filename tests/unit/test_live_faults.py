"""The laws of the live snapshot (DESIGN section 7) with a store that fails, goes back, or has nothing yet."""

from __future__ import annotations

import pytest

from burgee.bundle.digest import digest_of
from burgee.bundle.head import append, encode_head
from burgee.core.errors import (
    DigestMismatch,
    InvalidDocument,
    NotFound,
    NotReady,
    Unavailable,
)
from burgee.fetch import held
from burgee.fetch.live import Live
from tests.fakes.publisher import a_document, a_release
from tests.fakes.scene import BETA, HEAD, OFF, ON, OUTAGE, TTL_MS, Scene, a_scene_that_serves, blob

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
