"""Static snapshots that are known to be there are not made again, and those that are not are."""

from __future__ import annotations

from burgee.bundle import keys
from burgee.bundle.keys import JSON
from burgee.deliver.settle import settle
from burgee.deliver.shown import Shown
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.fakes.clock import VirtualClock
from tests.fakes.publisher import a_document, publish

STATIC = keys.static_snapshot("staging", "default")


class CountedStore(ObjectStore):
    """Counts the documents that are read."""

    read = 0

    def get_blob(self, digest: str) -> bytes:
        self.read += 1
        return super().get_blob(digest)


def a_settled_store(shown: Shown, objects: MemoryObjects) -> CountedStore:
    store = CountedStore(objects)
    publish(store, {"default": a_document()}, at=VirtualClock().wall())
    settle(store, "staging", now=VirtualClock().wall, shown=shown)
    store.read = 0
    return store


def test_what_is_known_to_be_there_is_not_read_again() -> None:
    shown = Shown()
    store = a_settled_store(shown, MemoryObjects())
    settle(store, "staging", now=VirtualClock().wall, shown=shown)
    assert store.read == 0


def test_what_somebody_else_wrote_meanwhile_is_put_right() -> None:
    shown, objects = Shown(), MemoryObjects()
    store = a_settled_store(shown, objects)
    before = objects.get(STATIC)
    objects.swap(STATIC, b"{}", expected=before.etag, content_type=JSON, cache_control="no-cache")
    settle(store, "staging", now=VirtualClock().wall, shown=shown)
    assert objects.get(STATIC).content == before.content


def test_what_is_known_of_one_store_says_nothing_of_another() -> None:
    shown = Shown()
    a_settled_store(shown, MemoryObjects())
    other = MemoryObjects()
    store = CountedStore(other)
    publish(store, {"default": a_document(enabled=False)}, at=VirtualClock().wall())
    settle(store, "staging", now=VirtualClock().wall, shown=shown)
    assert b'"enabled":false' in other.get(STATIC).content
