"""The tier of meaning: heads, releases, blobs, index and static snapshots over four verbs."""

from __future__ import annotations

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import Entry, Head, append, entry_of
from burgee.bundle.index import Index, Listed
from burgee.bundle.release import Origin, Release
from burgee.core.errors import Conflict, DigestMismatch, InvalidDocument, InvalidRequest, NotFound, Unavailable
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.fakes.objects import Crash, FaultyObjects

JSON = {"content_type": "application/json", "cache_control": "no-cache"}


def a_release(revision: int = 1, *, environment: str = "staging", commit: str = "c0ffee") -> Release:
    return Release(
        environment=environment,
        revision=revision,
        kind="publish",
        bundle=digest_of(b"bundle"),
        profile="C/server",
        namespaces={"default": (digest_of(b"document"), 8)},
        source=Origin("https://example.org/flags", "main", commit, None),
        published_at=1_000 * revision,
        activates_at=1_000 * revision,
        pending=(),
        previous=None,
    )


def a_head(revision: int = 1, *, commit: str = "c0ffee") -> Head:
    return append(None, a_release(revision, commit=commit), max_reader_ttl_seconds=60)


@pytest.fixture
def objects() -> FaultyObjects:
    return FaultyObjects(MemoryObjects())


@pytest.fixture
def store(objects: FaultyObjects) -> ObjectStore:
    return ObjectStore(objects)


def test_an_empty_store_has_no_head_index_or_static_snapshots(store: ObjectStore) -> None:
    assert store.read_head("staging") is None
    assert store.read_index() is None
    assert store.read_static("staging", "default") is None
    assert store.list_static("staging") == ()


def test_a_head_reads_back_with_the_etag_of_its_swap(store: ObjectStore) -> None:
    etag = store.swap_head(a_head(), None)
    assert store.read_head("staging") == (a_head(), etag, None)


def test_a_head_moves_to_a_higher_revision(store: ObjectStore) -> None:
    etag = store.swap_head(a_head(1), None)
    store.swap_head(a_head(2), etag)
    found = store.read_head("staging")
    assert found is not None
    assert found[0].revision == 2


def test_a_head_never_moves_to_a_lower_revision(store: ObjectStore) -> None:
    etag = store.swap_head(a_head(2), None)
    with pytest.raises(Conflict, match="at revision 2 and never goes back, wanted 1"):
        store.swap_head(a_head(1), etag)


def test_a_head_may_be_held_at_its_revision(store: ObjectStore) -> None:
    etag = store.swap_head(a_head(1), None)
    store.swap_head(a_head(1)._replace(hold={"reason": "incident"}), etag)
    found = store.read_head("staging")
    assert found is not None
    assert found[0].hold == {"reason": "incident"}


def test_a_head_never_moves_to_another_release_of_its_revision(store: ObjectStore) -> None:
    etag = store.swap_head(a_head(1), None)
    with pytest.raises(Conflict, match="another release 1"):
        store.swap_head(a_head(1, commit="deadbeef"), etag)


def test_a_head_that_somebody_else_moved_is_a_conflict(store: ObjectStore) -> None:
    first = store.swap_head(a_head(1), None)
    store.swap_head(a_head(2), first)
    with pytest.raises(Conflict):
        store.swap_head(a_head(3), first)
    with pytest.raises(Conflict):
        store.swap_head(a_head(3), None)


def test_a_head_that_moves_between_the_look_and_the_swap_is_a_conflict(
    store: ObjectStore, objects: FaultyObjects
) -> None:
    etag = store.swap_head(a_head(1), None)
    rival = ObjectStore(objects.inner)
    objects.pause = lambda verb, key: rival.swap_head(a_head(3), etag) if verb == "swap" else None
    with pytest.raises(Conflict):
        store.swap_head(a_head(2), etag)
    found = store.read_head("staging")
    assert found is not None
    assert found[0].revision == 3


def test_a_head_of_another_environment_is_not_accepted(store: ObjectStore, objects: FaultyObjects) -> None:
    store.swap_head(a_head(), None)
    content = objects.inner.get(keys.head("staging")).content
    objects.inner.put_new(keys.head("production"), content, **JSON)
    with pytest.raises(InvalidDocument, match="is the head of 'staging'"):
        store.read_head("production")


def test_a_blob_is_named_by_its_digest_and_putting_it_twice_is_fine(store: ObjectStore) -> None:
    assert store.put_blob(b"document") == store.put_blob(b"document") == digest_of(b"document")
    assert store.get_blob(digest_of(b"document")) == b"document"


def test_a_blob_with_other_bytes_is_never_read_nor_silently_repaired(
    store: ObjectStore, objects: FaultyObjects
) -> None:
    digest = digest_of(b"document")
    objects.inner.put_new(keys.blob(digest), b"rotten", **JSON)
    with pytest.raises(DigestMismatch):
        store.get_blob(digest)
    with pytest.raises(DigestMismatch, match="never changes"):
        store.put_blob(b"document")
    assert objects.inner.get(keys.blob(digest)).content == b"rotten"


def test_a_blob_that_was_never_written_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        store.get_blob(digest_of(b"document"))


def test_a_digest_that_is_none_reaches_no_store(store: ObjectStore, objects: FaultyObjects) -> None:
    with pytest.raises(InvalidDocument):
        store.get_blob("sha256:../../etc/passwd")
    assert objects.calls == []


def test_a_release_reads_back_by_number_and_putting_it_twice_is_fine(store: ObjectStore) -> None:
    entry = entry_of(a_release(7))
    store.put_release(entry)
    store.put_release(entry)
    assert store.get_release("staging", 7) == entry


def test_another_release_of_the_same_number_is_refused(store: ObjectStore) -> None:
    store.put_release(entry_of(a_release(7)))
    with pytest.raises(DigestMismatch, match=r"releases/0000000007\.json in memory:// never changes"):
        store.put_release(entry_of(a_release(7, commit="deadbeef")))


def test_a_release_whose_payload_has_another_digest_is_not_written(store: ObjectStore, objects: FaultyObjects) -> None:
    entry = entry_of(a_release(7))
    with pytest.raises(DigestMismatch):
        store.put_release(Entry(entry.digest, entry.payload + " ", entry.release, ()))
    assert objects.writes == 0


def test_a_release_below_another_number_or_in_utf_16_is_not_accepted(
    store: ObjectStore, objects: FaultyObjects
) -> None:
    payload = entry_of(a_release(7)).payload
    objects.inner.put_new(keys.release("staging", 8), payload.encode(), **JSON)
    objects.inner.put_new(keys.release("staging", 7), payload.encode("utf-16"), **JSON)
    with pytest.raises(InvalidDocument, match="is release 7 of 'staging'"):
        store.get_release("staging", 8)
    with pytest.raises(InvalidDocument, match="not UTF-8"):
        store.get_release("staging", 7)


def test_a_release_that_was_never_written_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        store.get_release("staging", 1)


def test_the_index_is_swapped_and_read(store: ObjectStore) -> None:
    index = Index("https://example.org/flags", {"staging": Listed("main", True)})
    etag = store.swap_index(index, None)
    assert store.read_index() == (index, etag)
    with pytest.raises(Conflict):
        store.swap_index(index, "stale")


def test_static_snapshots_are_swapped_read_and_listed_by_namespace(store: ObjectStore) -> None:
    etag = store.swap_static("staging", "b", b"{}", None)
    store.swap_static("staging", "a,b", b"{}", None)
    store.swap_static("production", "c", b"{}", None)
    etag = store.swap_static("staging", "b", b'{"v":2}', etag)
    assert store.read_static("staging", "b") == (b'{"v":2}', etag)
    assert store.list_static("staging") == ("a,b", "b")


def test_reports_of_readers_are_swapped_read_and_listed_by_place(store: ObjectStore, objects: FaultyObjects) -> None:
    assert (store.list_instances("staging"), store.read_instance("staging", "web-1")) == ((), None)
    etag = store.swap_instance("staging", "web-1", b"{}", None)
    store.swap_instance("staging", "api", b"{}", None)
    store.swap_instance("production", "web-1", b"{}", None)
    with pytest.raises(Conflict):
        store.swap_instance("staging", "web-1", b"{}", None)
    etag = store.swap_instance("staging", "web-1", b'{"v":2}', etag)
    assert store.read_instance("staging", "web-1") == (b'{"v":2}', etag)
    objects.put_new("environments/staging/instances/readme", b"", **JSON)
    assert store.list_instances("staging") == ("api", "web-1")


def test_names_that_would_leave_their_place_are_refused(store: ObjectStore) -> None:
    with pytest.raises(InvalidRequest):
        store.read_head("../production")
    with pytest.raises(InvalidRequest):
        store.swap_static("staging", "../../head.json", b"", None)


def test_objects_are_written_with_the_cache_control_of_their_kind() -> None:
    written: dict[str, tuple[str, str]] = {}

    class Noting(MemoryObjects):
        def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
            written[key] = (content_type, cache_control)
            return super().swap(key, content, expected=expected, content_type=content_type, cache_control=cache_control)

    store = ObjectStore(Noting())
    digest = store.put_blob(b"{}")
    store.put_release(entry_of(a_release(1)))
    store.swap_head(a_head(1), None)
    assert written == {
        keys.blob(digest): (keys.JSON, keys.IMMUTABLE),
        keys.release("staging", 1): (keys.JSON, keys.IMMUTABLE),
        keys.head("staging"): (keys.JSON, keys.MUTABLE),
    }


def test_a_crash_after_the_swap_has_moved_the_head_and_a_crash_before_has_not(
    store: ObjectStore, objects: FaultyObjects
) -> None:
    objects.fail_write(1, Crash())
    objects.fail_write(2, Crash(), after=True)
    with pytest.raises(Crash):
        store.swap_head(a_head(1), None)
    assert store.read_head("staging") is None
    with pytest.raises(Crash):
        store.swap_head(a_head(1), None)
    assert store.read_head("staging") is not None


def test_faults_of_the_store_pass_through_unchanged(store: ObjectStore, objects: FaultyObjects) -> None:
    objects.read_fault = Unavailable("the store sleeps")
    with pytest.raises(Unavailable, match="the store sleeps"):
        store.read_head("staging")
    with pytest.raises(Unavailable, match="the store sleeps"):
        store.read_static("staging", "default")
