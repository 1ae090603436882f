"""`verify` finds every byte that is not the one that was written, and names the object that has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import decode_head, encode_head, entry_of
from burgee.bundle.index import Listed, decode_index, encode_index
from burgee.bundle.manifest import MANIFEST_TYPE, encode_manifest
from burgee.bundle.release import decode_release
from burgee.core.errors import ContentError, NotFound, Unavailable, Untrusted
from burgee.deliver.examined import Means
from burgee.deliver.fault import Fault
from burgee.deliver.settle import settle
from burgee.deliver.verify import Verified, verify_environment, verify_store
from burgee.fetch.history import History
from burgee.fetch.verify import Verifier
from burgee.sign.signing import signed_head
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from burgee.store.port import Object, Objects
from tests.fakes.clock import NOON
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.publisher import a_document, publish
from tests.fakes.signers import Ed25519InMemory

NOW = NOON + 60_000
HEAD, INDEX = keys.head("staging"), keys.INDEX


@cache
def a_store() -> MemoryObjects:
    """Four releases of staging, the last one pending, and two of production."""
    objects = MemoryObjects("memory://whole")
    store = ObjectStore(objects)
    for number in range(4):
        documents = {"default": a_document(enabled=number % 2 == 0), "beta": a_document("beta")}
        if number == 1:
            del documents["beta"]
        put(store, "staging", documents, at=NOON + number * 1000, active_after=120_000 if number == 3 else 0)
    for number in range(2):
        put(store, "production", {"default": a_document(enabled=number == 0)}, at=NOON + number * 1000)
    store.swap_index(
        decode_index(encode_index("https://example.org/flags", {"staging": Listed("main", True)}))._replace(
            environments={"staging": Listed("main", True), "production": Listed("main", False)}
        ),
        None,
    )
    for environment in ("staging", "production"):
        settle(store, environment, now=lambda: NOW)
    return objects


def put(store: ObjectStore, environment: str, documents: dict[str, bytes], *, at: int, active_after: int = 0) -> None:
    release = publish(store, documents, at=at, environment=environment, active_after=active_after)
    store.put_blob(encode_manifest(release.namespaces), content_type=MANIFEST_TYPE)


@dataclass(slots=True)
class Damaged:
    """Objects with some of them changed, or, where there is None, removed."""

    objects: Objects
    changes: dict[str, bytes | None] = field(default_factory=dict)

    def get(self, key: str) -> Object:
        if key not in self.changes:
            return self.objects.get(key)
        content = self.changes[key]
        if content is None:
            raise NotFound(f"no object {key}")
        return Object(content, "")

    def list(self, prefix: str) -> Iterator[str]:
        there = {*self.objects.list(prefix), *(key for key in self.changes if key.startswith(prefix))}
        return iter(sorted(key for key in there if self.changes.get(key, b"") is not None))


def verified(changes: dict[str, bytes | None] | None = None, *, listing: bool = True, at: int = NOW) -> Verified:
    objects = Damaged(a_store(), changes or {})
    return verify_store(Means(objects, objects.list if listing else None, at))


def faults_of(changes: dict[str, bytes | None]) -> dict[str, Fault]:
    return {fault.key: fault for fault in verified(changes).faults}


def content(key: str) -> bytes:
    return a_store().get(key).content


ALL_KEYS = sorted(a_store().list(""))
# The pending release of staging and the active one, and that of production.
IN_THE_HEAD = [keys.release("production", 2), keys.release("staging", 3), keys.release("staging", 4)]


def says_the_same_in_other_words(key: str, changed: bytes) -> bool:
    """Whether it is a head or an index as burgee writes one, with another value that no digest covers.

    That is what signatures are for.
    """
    try:
        if key == INDEX:
            index = decode_index(changed)
            return encode_index(index.repository, index.environments) == changed
        head = decode_head(changed)
        return encode_head(head) == changed and f"/{head.environment}/" in key
    except ContentError:
        return False


# What is whole


def test_nothing_is_wrong_with_a_store_as_it_was_written() -> None:
    found = verified()
    assert (found.faults, found.notes) == ([], [])
    assert [(log.environment, log.revision, log.sound) for log in found.logs] == [
        ("production", 2, 2),
        ("staging", 4, 4),
    ]


def test_a_store_that_cannot_be_listed_is_verified_object_by_object() -> None:
    assert verified(listing=False).faults == []


def test_an_environment_without_a_release_is_no_fault() -> None:
    index = decode_index(content(INDEX))
    more = encode_index(index.repository, {**index.environments, "dev": Listed("dev", False)})
    for listing in (True, False):
        assert verified({INDEX: more}, listing=listing).faults == []


def test_where_nothing_was_published_there_is_nothing_to_verify() -> None:
    with pytest.raises(NotFound, match="nothing has been published there"):
        verify_store(Means(MemoryObjects(), MemoryObjects().list, NOW))


# What is not


@pytest.mark.parametrize("key", ALL_KEYS)
def test_an_object_that_is_gone_is_named(key: str) -> None:
    found = faults_of({key: None})
    if key in IN_THE_HEAD:
        return
    assert found[key].kind == "missing"
    assert set(found) == {key}


@pytest.mark.parametrize("listing", [True, False])
def test_what_the_head_holds_and_the_log_lacks_is_a_note_and_no_fault(listing: bool) -> None:
    for key in IN_THE_HEAD:
        found = verified({key: None}, listing=listing)
        assert not found.faults
        assert f"{key} is missing, and in the head: it will be written by the next publish" in found.notes
        assert [log.sound == log.walked for log in found.logs] == [True, True]


@pytest.mark.parametrize("key", ALL_KEYS)
@pytest.mark.parametrize("size", [0, 1, -1], ids=["nothing", "a byte", "all but a byte"])
def test_an_object_that_was_cut_short_is_named(key: str, size: int) -> None:
    assert set(faults_of({key: content(key)[:size]})) == {key}


@pytest.mark.parametrize("key", ALL_KEYS)
def test_an_object_with_a_byte_more_is_named(key: str) -> None:
    assert set(faults_of({key: content(key) + b" "})) == {key}


@pytest.mark.parametrize("bit", range(8))
@pytest.mark.parametrize("key", ALL_KEYS)
def test_an_object_with_another_bit_is_named(key: str, bit: int) -> None:
    whole = content(key)
    for place in {0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 60, len(whole) - 2, len(whole) - 1}:
        changed = bytearray(whole)
        changed[place] ^= 1 << bit
        if not says_the_same_in_other_words(key, bytes(changed)):
            assert set(faults_of({key: bytes(changed)})) == {key}, (place, bytes(changed[place - 9 : place + 9]))


@pytest.mark.parametrize(("one", "other"), list(pairwise(ALL_KEYS)))
def test_objects_that_were_exchanged_are_both_named(one: str, other: str) -> None:
    if content(one) == content(other):
        return
    assert set(faults_of({one: content(other), other: content(one)})) == {one, other}


def test_a_release_in_the_place_of_another_is_told_by_its_number() -> None:
    first, second = keys.release("staging", 1), keys.release("staging", 2)
    found = faults_of({first: content(second), second: content(first)})
    assert found[first].found == "what is none: it is release 2 of 'staging'"
    assert str(found[second]) == (
        f"{second} is changed: wanted {digest_of(content(second))}, "
        f"found {digest_of(content(first))} (release 1 of 'staging')"
    )


@pytest.mark.parametrize(
    "key",
    [
        "environments/staging/releases/0000000005.json",
        "environments/staging/releases/0000000000.json",
        "environments/staging/releases/1.json",
        "environments/staging/head.json.bak",
        "environments/odd_name/head.json",
        "environments/readme.txt",
        "blobs/sha256/abc",
        "index.html",
    ],
)
def test_an_object_that_burgee_does_not_write_is_named(key: str) -> None:
    assert faults_of({key: b"{}"})[key].kind == "surplus"


def test_a_blob_that_nothing_names_is_no_fault_unless_it_is_damaged() -> None:
    whole, damaged = keys.blob(digest_of(b"more")), keys.blob(digest_of(b"other"))
    found = verified({whole: b"more"})
    assert (found.faults, len(found.notes)) == ([], 1)
    assert faults_of({damaged: b"more"})[damaged].kind == "changed"


def test_every_fault_is_told_at_once() -> None:
    digest, _ = decode_release(content(keys.release("production", 2))).namespaces["default"]
    wrong = {
        HEAD: None,
        keys.release("staging", 2): None,
        keys.blob(digest): b"x",
        keys.release("production", 1): b"{}",
    }
    assert set(faults_of({**wrong})) == set(wrong)


def test_without_a_head_the_rest_of_the_log_is_walked() -> None:
    found = faults_of({HEAD: None, keys.release("staging", 3): content(keys.release("staging", 3)) + b" "})
    assert set(found) == {HEAD, keys.release("staging", 3)}


def test_a_forged_release_and_all_that_follow_it_are_named() -> None:
    """Whoever changes a release has to change all after it, up to the head."""
    key = keys.release("staging", 2)
    forged = entry_of(decode_release(content(key))._replace(profile="S1/server"))
    next_key = keys.release("staging", 3)
    after = entry_of(decode_release(content(next_key))._replace(previous=forged.digest))
    found = faults_of({key: forged.payload.encode(), next_key: after.payload.encode()})
    assert found[next_key].kind == "changed"


def test_a_release_that_says_other_namespaces_than_its_bundle_is_told_by_the_bundle() -> None:
    objects = MemoryObjects("memory://other")
    store = ObjectStore(objects)
    release = publish(store, {"default": a_document()}, at=NOON)
    odd = encode_manifest({"beta": (digest_of(a_document("beta")), len(a_document("beta")))})
    store.put_blob(odd, content_type=MANIFEST_TYPE)
    head = decode_head(objects.get(HEAD).content)
    entry = entry_of(release._replace(bundle=digest_of(odd)))
    moved = encode_head(head._replace(releases=(entry,)))
    found = verify_environment(
        Means(Damaged(objects, {HEAD: moved, keys.release("staging", 1): entry.payload.encode()}), None, NOW), "staging"
    )
    assert [(fault.key, fault.kind) for fault in found.faults] == [(keys.blob(digest_of(odd)), "broken")]
    assert "the namespaces of release 1 of 'staging': default sha256:" in found.faults[0].wanted


def test_one_release_is_verified_with_the_chain_that_leads_to_it() -> None:
    objects = Damaged(a_store(), {keys.release("staging", 1): None})
    assert verify_environment(Means(objects, objects.list, NOW), "staging", 2).faults == []
    assert len(verify_environment(Means(objects, objects.list, NOW), "staging", 1).faults) == 1
    with pytest.raises(NotFound, match="environment 'staging' has releases 1 to 4, not 5"):
        verify_environment(Means(objects, objects.list, NOW), "staging", 5)


# What signatures prove


def signed() -> tuple[MemoryObjects, Verifier]:
    """The store with its heads signed, and who verifies them."""
    key = Ed25519InMemory(1)
    objects = MemoryObjects("memory://signed")
    for name in ALL_KEYS:
        kept = content(name)
        if name.endswith("/head.json"):
            kept = encode_head(signed_head(decode_head(kept), (key,), expires_at=NOW + 3_600_000))
        objects.put_new(name, kept, content_type=keys.JSON, cache_control=keys.cache_control(name))
    return objects, Verifier([key.public_key().text], now=lambda: NOW)


def test_with_keys_every_bit_of_a_head_is_proven() -> None:
    objects, verifier = signed()
    whole = objects.get(HEAD).content
    assert verify_store(Means(objects, objects.list, NOW, believe=verifier.decode)).faults == []
    for place in range(0, len(whole), 7):
        changed = whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        means = Means(Damaged(objects, {HEAD: changed}), None, NOW, believe=verifier.decode)
        assert HEAD in {fault.key for fault in verify_environment(means, "staging").faults}, place


def test_with_keys_an_expired_head_and_an_unsigned_one_are_faults() -> None:
    objects, verifier = signed()
    late = Verifier([Ed25519InMemory(1).public_key().text], now=lambda: NOW + 3_600_000)
    for there, believe in ((objects, late.decode), (a_store(), verifier.decode)):
        (fault,) = verify_environment(Means(there, None, NOW, believe=believe), "staging").faults
        assert (fault.key, fault.wanted) == (HEAD, "the head of 'staging', signed")


def test_the_log_is_read_by_number_from_a_signed_head() -> None:
    objects, verifier = signed()
    history = History(FaultyFetcher(objects), "staging", verifier=verifier)
    assert history.at(NOON + 1500).release.revision == 2
    other = Verifier([Ed25519InMemory(2).public_key().text], now=lambda: NOW)
    with pytest.raises(Untrusted):
        History(FaultyFetcher(objects), "staging", verifier=other).at(NOON + 1500)


# What changes meanwhile


def test_static_snapshots_that_a_timer_has_not_written_yet_are_late_and_not_wrong() -> None:
    found = verified(at=NOON + 200_000)
    assert found.faults == []
    assert found.notes == [
        f"{keys.static_snapshot('staging', 'default')} is of release 3, and 4 is active",
    ]


def test_a_publish_in_between_is_no_fault() -> None:
    """The head is read first; when it has moved by the time that something is wrong, all is looked at again."""
    objects = MemoryObjects("memory://moving")
    store = ObjectStore(objects)
    put(store, "staging", {"default": a_document()}, at=NOON)
    settle(store, "staging", now=lambda: NOW)

    class Moving(Damaged):
        def get(self, key: str) -> Object:
            found = objects.get(key)
            if key == HEAD and decode_head(found.content).revision == 1:
                put(store, "staging", {"default": a_document(enabled=False)}, at=NOON + 1000)
                settle(store, "staging", now=lambda: NOW)
            return found

    assert verify_environment(Means(Moving(objects), objects.list, NOW), "staging").faults == []


def test_what_cannot_be_reached_is_not_called_wrong() -> None:
    class Away(Damaged):
        def get(self, key: str) -> Object:
            raise Unavailable("the network is down")

    with pytest.raises(Unavailable):
        verify_environment(Means(Away(a_store()), None, NOW), "staging")


def test_a_damaged_document_names_the_releases_that_need_it_and_makes_none_of_them_sound() -> None:
    digest = ObjectStore(a_store()).read_head("production").head.last.release.namespaces["default"][0]  # type: ignore[union-attr]
    found = verified({keys.blob(digest): b"{}\n"})
    (fault,) = found.faults
    assert fault.used_by == ("production@2", "staging@2", "staging@4")
    assert str(fault).endswith("; used by production@2, staging@2, staging@4")
    assert [(log.environment, log.walked, log.sound) for log in found.logs] == [("production", 2, 1), ("staging", 4, 2)]


def test_of_many_releases_that_need_a_document_a_message_names_some() -> None:
    used_by = tuple(f"staging@{number}" for number in range(1, 13))
    assert str(Fault("k", "missing", "a", "nothing", used_by)).endswith("staging@10 and 2 more")
