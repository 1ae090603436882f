"""What the self-test of a store finds in stores that are as they should be, and in such as are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from threading import Barrier

import pytest

from burgee.bundle import keys
from burgee.bundle.manifest import encode_manifest
from burgee.core.errors import Conflict, Denied, Unavailable
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from burgee.store.port import Object, Objects
from burgee.store.self_test import Finding, publisher_test, reader_test
from tests.fakes.objects import FaultyObjects
from tests.fakes.publisher import a_document, publish

OK = {"read": "ok", "list": "ok", "create": "ok", "swap": "ok", "stale": "ok", "race": "ok", "write": "ok"}


class Odd(MemoryObjects):
    """Objects that do not keep what they promise; each fault is a field."""

    def __init__(self) -> None:
        super().__init__("memory://odd")
        self.ignores_none_match = False
        self.ignores_match = False
        self.refuses_swaps = False
        self.changes: Callable[[bytes], bytes] = lambda content: content
        self.one_etag = False
        self.forbidden: tuple[str, ...] = ()
        self.barrier: Barrier | None = None

    def get(self, key: str) -> Object:
        found = super().get(key)
        return Object(self.changes(found.content), "same" if self.one_etag else found.etag)

    def list(self, prefix: str) -> Iterator[str]:
        if "list" in self.forbidden:
            raise Denied("may not list")
        return super().list(prefix)

    def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
        present = self._objects.get(key)
        if any(key.startswith(beginning) for beginning in self.forbidden):
            raise Denied(f"may not write {key}")
        if self.refuses_swaps and expected is not None:
            raise Conflict("never")
        ignores = self.ignores_none_match if expected is None else self.ignores_match or self.one_etag
        if self.barrier is not None and present is not None and expected == present.etag:
            # Everybody has looked before anybody writes.
            self.barrier.wait(5)
            ignores = True
        if ignores:
            expected = present.etag if present else None
            with self._lock:
                self._objects[key] = Object(content, f"w{next(self._versions)}")
            return "same" if self.one_etag else self._objects[key].etag
        return super().swap(key, content, expected=expected, content_type=content_type, cache_control=cache_control)


def verdicts(objects: Objects) -> dict[str, str]:
    nonces = count()
    return {found.check: str(found.verdict) for found in publisher_test(objects, nonce=lambda: f"n{next(nonces)}")}


def unfit(objects: Objects) -> Finding:
    """The one finding that says that the store is unfit, after which nothing is tried."""
    found = [finding for finding in publisher_test(objects) if finding.verdict not in ("ok", "skipped")]
    assert [finding.verdict for finding in found] == ["unfit"]
    return found[0]


def test_a_store_that_keeps_its_promises_is_found_so_and_holds_the_probe_alone() -> None:
    objects = FaultyObjects(MemoryObjects())
    assert verdicts(objects) == OK
    assert verdicts(objects) == OK
    assert list(objects.list("")) == [keys.PROBE]


def test_what_is_published_is_untouched() -> None:
    objects = MemoryObjects()
    publish(ObjectStore(objects), {"default": a_document()}, at=0)
    before = {key: objects.get(key) for key in objects.list("")}
    assert verdicts(objects) == OK
    assert {key: objects.get(key) for key in objects.list("") if key != keys.PROBE} == before


def test_a_store_that_creates_what_exists_is_unfit() -> None:
    objects = Odd()
    objects.ignores_none_match = True
    finding = unfit(objects)
    assert finding.check == "create"
    assert "it ignores the conditions of writes; do not publish to it" in finding.detail


def test_a_store_that_swaps_whatever_is_there_is_unfit() -> None:
    objects = Odd()
    objects.ignores_match = True
    finding = unfit(objects)
    assert finding.check == "stale"
    assert "overwrites what somebody else wrote meanwhile: it ignores the conditions of writes" in finding.detail


def test_a_store_that_never_swaps_is_unfit() -> None:
    objects = Odd()
    objects.refuses_swaps = True
    assert unfit(objects).check == "swap"


@pytest.mark.parametrize(
    "change", [bytes.strip, lambda content: content.replace(b"\r\n", b"\n"), lambda content: content + b"\n"]
)
def test_a_store_that_changes_bytes_is_unfit(change: Callable[[bytes], bytes]) -> None:
    objects = Odd()
    objects.changes = change
    assert "does not give back the bytes that were written" in unfit(objects).detail


def test_a_store_whose_versions_have_one_name_is_unfit() -> None:
    objects = Odd()
    objects.one_etag = True
    assert "wanted another one for each version" in unfit(objects).detail


def test_a_store_that_looks_before_it_writes_and_locks_nothing_is_unfit() -> None:
    objects = Odd()
    store = publisher_test(objects)
    for finding in store:
        if finding.check == "stale":
            objects.barrier = Barrier(8)
        if finding.check == "race":
            break
    assert (finding.check, finding.verdict) == ("race", "unfit")
    assert "let 8 of 8 swaps at the same time win" in finding.detail


@pytest.mark.parametrize(
    ("forbidden", "verdict"),
    [
        ("list", {"list": "denied"}),
        ("probe", {"create": "denied", "swap": "skipped", "stale": "skipped", "race": "skipped", "write": "skipped"}),
        ("environments/", {"write": "denied"}),
        ("blobs/", {"write": "denied"}),
    ],
)
def test_a_right_that_is_missing_is_found(forbidden: str, verdict: dict[str, str]) -> None:
    objects = Odd()
    objects.forbidden = (forbidden,)
    assert verdicts(objects) == OK | verdict


def test_after_a_store_that_does_not_answer_nothing_is_tried() -> None:
    objects = FaultyObjects(MemoryObjects())
    objects.read_fault = Unavailable("gone")
    assert set(verdicts(objects).values()) == {"failed", "skipped"}
    assert objects.calls == [("get", keys.INDEX)]


def test_a_store_in_which_somebody_else_is_busy_is_not_called_unfit() -> None:
    inner = MemoryObjects()
    objects = FaultyObjects(inner)
    numbers = count()

    def write(verb: str, key: str) -> None:
        if verb == "swap" and inner.list(keys.PROBE).__next__():
            inner.swap(
                keys.PROBE,
                b"%d" % next(numbers),
                expected=inner.get(keys.PROBE).etag,
                content_type=keys.JSON,
                cache_control=keys.MUTABLE,
            )

    inner.put_new(keys.PROBE, b"", content_type=keys.JSON, cache_control=keys.MUTABLE)
    objects.pause = write
    found = [finding for finding in publisher_test(objects) if finding.check == "swap"]
    assert found[0].verdict == "failed"
    assert "somebody else writes probe.json" in found[0].detail


def test_a_reader_is_shown_each_release_whole_and_writes_nothing() -> None:
    inner = MemoryObjects()
    objects = FaultyObjects(inner)
    assert [finding.verdict for finding in reader_test(objects)] == ["ok", "ok"]
    store = ObjectStore(inner)
    publish(store, {"default": a_document(), "mobile": a_document("mobile")}, at=0)
    assert objects.writes == 0


def test_a_document_that_is_gone_or_damaged_is_found_by_a_reader() -> None:
    from burgee.bundle.index import Index, Listed

    inner = Odd()
    store = ObjectStore(inner)
    release = publish(store, {"default": a_document()}, at=0)
    store.put_blob(encode_manifest(release.namespaces))
    store.swap_index(Index("https://example.org/flags", {"staging": Listed("main", True)}), None)
    (read, releases) = reader_test(inner)
    assert read.detail == "it belongs to repository https://example.org/flags, environments: staging"
    assert releases.detail == "1 document of last releases are whole"
    inner.changes = lambda content: content.replace(b'"on"', b'"off"')
    assert [finding.verdict for finding in reader_test(inner)] == ["ok", "unfit"]
    inner.changes = lambda content: content
    del inner._objects[keys.blob(release.namespaces["default"][0])]
    assert [finding.verdict for finding in reader_test(inner)] == ["ok", "failed"]
