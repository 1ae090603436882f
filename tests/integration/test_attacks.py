"""What a store can do to its readers that is wholly in the hands of an attacker, who has none of our keys.

Readers that verify keep the last good release, say since when nothing newer is to be had, and take nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import Entry, Head, append, decode_head, encode_head, entry_of
from burgee.bundle.index import Listed, encode_index
from burgee.bundle.release import Release
from burgee.bundle.signed import PublicKey, Signature, head_message, read_public_key, release_message
from burgee.client import Client, NotReady, Outdated
from burgee.client.openfeature import BurgeeProvider
from burgee.core.errors import BurgeeError, ConfigurationError, ContentError, Unavailable
from burgee.core.instant import format_instant
from burgee.fetch.disk import Disk
from burgee.fetch.environments import Environments
from burgee.fetch.fallbacks import Fallbacks
from burgee.fetch.held import HEAD_BYTES
from burgee.fetch.live import Live, Status
from burgee.fetch.verify import LONGEST_WALK
from burgee.sign.signing import signed_entry, signed_head
from burgee.store.memory import MemoryObjects
from tests.fakes.attacked import HEAD, OURS, THEIRS, TTL_MS, VALIDITY_MS, Attacked
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.publisher import a_document, a_release
from tests.fakes.signers import Ed25519InMemory, P256InMemory

EVIL = a_document(enabled=False)
MINE = Ed25519InMemory(2)


@dataclass
class Kept:
    """A reader that serves a good release; `refuses` says what it thinks of what is shown to it now."""

    store: Attacked
    reader: Live
    revision: int = field(init=False)

    def __post_init__(self) -> None:
        self.revision = self.reader.current().release.revision

    def refuses(self, because: str) -> Status:
        """It looks, goes on serving what it did, and its status says why."""
        self.store.later()
        assert self.reader.current().release.revision == self.revision
        assert self.reader.current().snapshot.namespace("").boolean("on", "x", {}, 0).enabled is True
        status = self.reader.status()
        assert status.last_error is not None
        assert because in status.last_error
        assert status.age_ms is not None
        assert status.age_ms >= TTL_MS
        return status


@pytest.fixture
def store() -> Attacked:
    attacked = Attacked()
    attacked.publish()
    return attacked


@pytest.fixture
def kept(store: Attacked) -> Kept:
    return Kept(store, store.reader())


def starts_refusing(store: Attacked, because: str, *, reader: Live | None = None) -> None:
    """A reader that begins now gets nothing to answer from, and is told why."""
    with pytest.raises(NotReady, match=because):
        (reader or store.reader()).current()


# What is as it should be


def test_a_signed_head_is_served_and_the_status_says_by_which_key_and_until_when(store: Attacked) -> None:
    reader = store.reader()
    assert reader.current().release.revision == 1
    status = reader.status()
    assert status.verified_by == OURS.public_key().id
    assert status.expires_at == store.clock.wall() + VALIDITY_MS
    assert (status.stale, status.last_error) == (False, None)


def test_releases_that_follow_one_another_are_taken(kept: Kept) -> None:
    for revision in (2, 3, 4):
        kept.store.publish(enabled=True)
        kept.store.later()
        assert kept.reader.current().release.revision == revision
    assert kept.reader.status().last_error is None


def test_fields_of_a_newer_version_do_not_break_a_signature(store: Attacked) -> None:
    message = head_message(store.head())
    content = message.partition(b"\n")[2].rstrip(b"\n")[:-1] + b',"colour":"red"}\n'
    listed = Signature("ed25519", OURS.public_key().id, OURS.sign(b"burgee head 1\n" + content)).written()
    signed = content[:-2] + b',"signatures":' + json.dumps([listed], separators=(",", ":")).encode() + b"}\n"
    store.show_head(signed)
    assert store.reader().current().release.revision == 1


# Rollback


def test_an_older_head_that_still_holds_is_refused_by_who_has_seen_a_newer_one(kept: Kept) -> None:
    before = kept.store.recorded()
    kept.store.publish()
    kept.store.later()
    assert kept.reader.current().release.revision == 2
    kept.revision = 2
    kept.store.show(before)
    kept.refuses("went back from revision 2 to 1")


def test_an_older_head_deceives_a_new_reader_for_no_longer_than_it_holds(store: Attacked) -> None:
    before = store.recorded()
    store.publish()
    store.show(before)
    assert store.reader().current().release.revision == 1
    store.later(VALIDITY_MS)
    starts_refusing(store, "has expired")


def test_an_expired_head_is_refused_even_if_it_is_newer_than_what_is_served(kept: Kept) -> None:
    kept.store.show_head(kept.store.head())
    second = kept.store.publish()
    kept.store.later(VALIDITY_MS)
    kept.reader.current()
    kept.store.show_head(second)
    kept.refuses("(revision 2) has expired")


def test_a_release_of_an_equal_revision_does_not_replace_the_one_that_is_served(kept: Kept) -> None:
    other = Attacked()
    other.publish(enabled=False)
    kept.store.show(other.recorded())
    kept.refuses("another release 1 than before")


# Freeze


def test_a_store_that_shows_the_same_head_for_ever_is_noticed_when_that_expires(kept: Kept) -> None:
    expires_at = kept.store.head().expires_at
    kept.store.show(kept.store.recorded())
    kept.store.publish(enabled=False)
    while kept.store.clock.wall() + TTL_MS < expires_at:
        kept.store.later()
        kept.reader.current()
        assert kept.reader.status().stale is False
    kept.store.later()
    assert kept.reader.status().stale is True
    status = kept.refuses(f"has expired at {format_instant(expires_at)}")
    assert status.stale is True
    kept.store.later(24 * VALIDITY_MS)
    age_ms = kept.refuses("nobody has signed it anew").age_ms
    assert age_ms is not None
    assert age_ms > 24 * VALIDITY_MS
    kept.store.relent()
    kept.store.sign()
    kept.store.later()
    assert kept.reader.current().release.revision == 2
    assert kept.reader.status().stale is False


def test_a_head_that_is_signed_anew_in_time_goes_on(kept: Kept) -> None:
    for _ in range(5):
        kept.store.later(VALIDITY_MS // 2)
        kept.store.sign()
        kept.reader.refresh()
        assert kept.reader.status().stale is False


def test_an_end_that_is_put_off_by_somebody_else_is_refused(kept: Kept) -> None:
    head = kept.store.head()
    kept.store.show_head(head._replace(expires_at=head.expires_at + VALIDITY_MS))
    kept.refuses("not signed by the key")


def test_a_store_that_answers_nothing_any_more_is_told(kept: Kept) -> None:
    kept.store.fetcher.faults[""] = Unavailable("silence")
    kept.refuses("silence")
    kept.store.later(VALIDITY_MS)
    assert kept.refuses("silence").stale is True


def test_a_reader_whose_clock_is_ahead_is_told_both_times(store: Attacked) -> None:
    store.clock.step_wall(2 * VALIDITY_MS)
    starts_refusing(store, f"has expired at .*, and it is {format_instant(store.clock.wall())}")


# Mix-and-match


def test_documents_of_another_release_are_refused(kept: Kept) -> None:
    first, second = a_document(), EVIL
    kept.store.publish(enabled=False)
    kept.store.show({keys.blob(digest_of(second)): first + b" " * (len(second) - len(first))})
    kept.refuses("wanted content with digest")


def test_releases_of_two_heads_do_not_make_a_third(kept: Kept) -> None:
    first = kept.store.head()
    kept.store.publish()
    second = kept.store.publish()
    mixed = second._replace(releases=(first.releases[0], second.releases[0]))
    kept.store.show_head(mixed)
    kept.refuses("not signed by the key")


def test_a_pending_release_that_is_left_out_is_missed(kept: Kept) -> None:
    head = kept.store.publish(active_after=10 * TTL_MS)
    assert len(head.releases) == 2
    kept.store.show_head(head._replace(releases=head.releases[1:]))
    kept.refuses("not signed by the key")


def test_a_signature_of_a_release_is_none_of_a_head(kept: Kept) -> None:
    head = kept.store.publish()
    kept.store.show_head(head._replace(signatures=head.last.signatures))
    kept.refuses("not signed by the key")


# Wrong keys and signatures


def evil(head: Head) -> Head:
    """A release of the attacker's that follows a head."""
    release = a_release(head, {"default": EVIL}, at=head.last.release.published_at + 1, environment="staging")
    return append(head, release, max_reader_ttl_seconds=60)


def by(signer: Ed25519InMemory, head: Head) -> Head:
    return signed_head(head, [signer], expires_at=head.last.release.published_at + VALIDITY_MS)


def unsigned(head: Head) -> Head:
    return evil(head)


def signed_by_another_key(head: Head) -> Head:
    return by(THEIRS, evil(head))


def with_the_name_of_our_key(head: Head) -> Head:
    return _named(by(THEIRS, evil(head)), lambda listed: {**listed, "key": OURS.public_key().id})


def with_our_old_signatures(head: Head) -> Head:
    moved = evil(head)
    last = moved.last._replace(signatures=head.last.signatures)
    return moved._replace(releases=(*moved.releases[:-1], last), signatures=head.signatures, expires_at=head.expires_at)


def by_another_algorithm(head: Head) -> Head:
    ours = OURS.public_key().id
    return _named(by(THEIRS, evil(head)), lambda listed: {**listed, "key": ours, "algorithm": "ecdsa-p256-sha256"})


def by_no_algorithm(head: Head) -> Head:
    return _named(evil(head), lambda listed: listed, [{"algorithm": "none", "key": OURS.public_key().id}])


def by_the_public_key_as_a_secret(head: Head) -> Head:
    from hmac import digest

    moved = evil(head)
    ours = OURS.public_key()
    proof = digest(ours.text.encode(), head_message(moved), "sha256")
    return _named(moved, lambda listed: listed, [Signature("hmac-sha256", ours.id, proof).written()])


def with_nonsense_for_signatures(head: Head) -> Head:
    ours = OURS.public_key().id
    nonsense: list[object] = [None, 1, "x", [], {}, {"key": 1}, {"key": [ours], "algorithm": "ed25519"}]
    broken = [{"key": ours, "algorithm": "ed25519", "signature": text} for text in ("", "!", "AAAA", None, "é")]
    return _named(evil(head), lambda listed: listed, [*nonsense, *broken])


def _named(head: Head, change: Callable[[dict[str, str]], dict[str, str]], given: list[object] | None = None) -> Head:
    """The head with other signatures, in its releases too."""

    def changed(signatures: tuple[dict[str, str], ...]) -> tuple[object, ...]:
        return tuple(map(change, signatures)) if given is None else tuple(given)

    releases = tuple(entry._replace(signatures=changed(entry.signatures)) for entry in head.releases)
    return head._replace(releases=releases, signatures=changed(head.signatures))


FORGERIES = [
    unsigned,
    signed_by_another_key,
    with_the_name_of_our_key,
    with_our_old_signatures,
    by_another_algorithm,
    by_no_algorithm,
    by_the_public_key_as_a_secret,
    with_nonsense_for_signatures,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_release_that_we_have_not_signed_is_refused(kept: Kept, forge: Callable[[Head], Head]) -> None:
    kept.store.show({keys.blob(digest_of(EVIL)): EVIL})
    kept.store.show_head(forge(kept.store.head()))
    kept.refuses("not signed")
    starts_refusing(kept.store, "not signed")


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_head_that_we_signed_around_a_release_that_we_did_not_is_refused(
    kept: Kept, forge: Callable[[Head], Head]
) -> None:
    # As a publisher would that signs what it finds: ours does not, and readers do not count on that.
    forged = forge(kept.store.head())._replace(expires_at=kept.store.clock.wall() + VALIDITY_MS, signatures=())
    signature = Signature("ed25519", OURS.public_key().id, OURS.sign(head_message(forged))).written()
    kept.store.show({keys.blob(digest_of(EVIL)): EVIL})
    kept.store.show_head(forged._replace(signatures=(signature,)))
    kept.refuses("release 2 of 'staging' is not signed by the key")


def test_a_key_of_one_algorithm_believes_nothing_signed_by_another(store: Attacked) -> None:
    signers = (OURS, P256InMemory(3))
    store.signers = signers
    store.sign()
    for signer in signers:
        assert store.reader(signer).current().release.revision == 1
    head = store.head()
    store.show_head(head._replace(signatures=tuple({**one, "algorithm": "ed25519"} for one in head.signatures)))
    starts_refusing(store, "not signed", reader=store.reader(signers[1]))
    assert store.reader(OURS).current().release.revision == 1


def test_a_head_signed_without_an_end_is_refused(store: Attacked) -> None:
    endless = store.head()._replace(expires_at=None, signatures=())
    signature = Signature("ed25519", OURS.public_key().id, OURS.sign(head_message(endless))).written()
    store.show_head(endless._replace(signatures=(signature,)))
    starts_refusing(store, "without an end")


def test_whatever_byte_of_a_head_is_changed_it_is_refused_or_says_the_same(store: Attacked) -> None:
    content, verifier = store.objects.get(HEAD).content, store.verifier()
    taken = 0
    for place in range(len(content)):
        for bit in (0x01, 0x20, 0x80):
            changed = content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
            try:
                head = verifier.decode(changed)
            except ContentError:
                continue
            assert head._replace(signatures=()) == store.head()._replace(signatures=())
            taken += 1
    # The last digit of a signature has bits that mean nothing.
    assert taken <= 2


@pytest.mark.parametrize("after", [b"x", b" ", b"\n", b'{"revision":9}\n', b"\x00"])
def test_nothing_may_stand_behind_a_head(store: Attacked, after: bytes) -> None:
    store.show_head(store.objects.get(HEAD).content + after)
    starts_refusing(store, "not signed")


def test_what_stands_beside_the_signatures_is_not_read(store: Attacked) -> None:
    content = store.objects.get(HEAD).content
    store.show_head(content[:-2] + b',"revision":7,"releases":[]}\n')
    starts_refusing(store, "not signed")
    store.show_head(content[:-3] + b'],"signatures":[]}\n')
    starts_refusing(store, "not signed")


# Truncated and huge


@pytest.mark.parametrize("share", [0, 1, 10, 50, 90, 99])
def test_a_head_that_breaks_off_is_refused(kept: Kept, share: int) -> None:
    head = encode_head(kept.store.publish())
    kept.store.show_head(head[: len(head) * share // 100])
    kept.refuses("")


def test_a_document_that_breaks_off_is_refused(kept: Kept) -> None:
    kept.store.publish(enabled=False)
    kept.store.show({keys.blob(digest_of(EVIL)): EVIL[:-10]})
    kept.refuses("wanted content with digest")


def test_a_head_without_end_is_not_read_to_its_end(kept: Kept) -> None:
    kept.store.publish()
    objects = MemoryObjects()
    objects.swap(HEAD, b"{" * (HEAD_BYTES + 1), expected=None, content_type="", cache_control="")
    kept.store.fetcher.objects = objects
    kept.refuses(f"wanted at most {HEAD_BYTES}")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"format":1,"signatures":['])
def test_a_head_that_is_nested_without_end_is_refused(kept: Kept, opening: bytes) -> None:
    kept.store.show_head(opening * 300_000 + b"]}\n")
    kept.refuses("not signed")


def test_of_each_key_one_signature_is_looked_at_however_many_are_listed(
    store: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    verifies = PublicKey.verifies

    def counted(key: PublicKey, message: bytes, signature: bytes) -> bool:
        asked.append(key.id)
        return verifies(key, message, signature)

    monkeypatch.setattr(PublicKey, "verifies", counted)
    listed = {"algorithm": "ed25519", "key": OURS.public_key().id, "signature": "AAAA"}
    store.show_head(store.head()._replace(signatures=(listed,) * 10_000))
    starts_refusing(store, "not signed")
    assert len(asked) == 1


# Of elsewhere


def test_a_head_of_another_environment_is_refused(kept: Kept) -> None:
    kept.store.publish(environment="production", enabled=False)
    kept.store.show({HEAD: kept.store.objects.get(keys.head("production")).content})
    kept.refuses("wanted the head of 'staging', got that of 'production'")
    starts_refusing(kept.store, "got that of 'production'")


def test_releases_of_another_repository_with_the_same_key_are_refused_by_who_names_the_repository(
    store: Attacked,
) -> None:
    assert store.reader(repository="https://example.org/flags").current().release.revision == 1
    starts_refusing(
        store, "of repository 'https://example.org/flags'", reader=store.reader(repository="https://a.test/b")
    )


# Another log


def test_a_newer_head_that_does_not_continue_what_is_served_is_refused(kept: Kept) -> None:
    other = Attacked()
    for _ in range(2):
        other.publish(enabled=False)
    kept.store.show(other.recorded())
    kept.refuses("release 2 does not follow 1")


def test_a_newer_head_of_another_log_is_found_by_the_releases_between(kept: Kept) -> None:
    other = Attacked()
    for _ in range(5):
        other.publish(enabled=False)
    kept.store.show(other.recorded())
    kept.refuses("continues another log than the one whose revision 1 is served")


def test_releases_between_that_are_not_the_ones_that_are_named_are_refused(kept: Kept) -> None:
    for _ in range(3):
        kept.store.publish()
    kept.store.show({keys.release("staging", 2): b"{}"})
    kept.refuses("release 2 in the log of 'staging' is not the one that follows")


def test_releases_between_are_walked_as_far_as_there_are_any(kept: Kept) -> None:
    for _ in range(LONGEST_WALK):
        kept.store.publish()
    kept.store.later()
    assert kept.reader.current().release.revision == LONGEST_WALK + 1
    walked = [key for key in kept.store.fetcher.calls if "/releases/" in key]
    assert len(walked) == LONGEST_WALK - 1


def test_past_a_long_walk_the_signatures_alone_have_to_do(kept: Kept) -> None:
    for _ in range(LONGEST_WALK + 1):
        kept.store.publish()
    kept.store.later()
    assert kept.reader.current().release.revision == LONGEST_WALK + 2
    assert not [key for key in kept.store.fetcher.calls if "/releases/" in key]


# The index


def an_index(**environments: bool) -> bytes:
    return encode_index("https://example.org/flags", {name: Listed("main", on) for name, on in environments.items()})


def environments_of(store: Attacked) -> Environments:
    return Environments(store.fetcher, ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0, verifier=store.verifier())


def test_an_index_does_not_say_which_environment_is_the_default_one(store: Attacked) -> None:
    store.publish(environment="production")
    store.show({keys.INDEX: an_index(staging=True, production=False)})
    environments = environments_of(store)
    assert environments.default() is None
    assert environments.find("") is None
    assert environments.live("production").current().release.environment == "production"


def test_an_index_that_takes_an_environment_away_does_not_make_its_reader_forget(store: Attacked) -> None:
    store.show({keys.INDEX: an_index(staging=True)})
    environments, before = environments_of(store), store.recorded()
    store.publish()
    assert environments.live("staging").current().release.revision == 2
    store.show({keys.INDEX: an_index(other=True)})
    store.later()
    assert environments.names() == ("staging", "other")
    store.show(before)
    store.later()
    assert environments.live("staging").current().release.revision == 2


# Other places


def test_a_mirror_is_asked_where_the_first_place_shows_what_is_not_believed(store: Attacked) -> None:
    bad = FaultyFetcher(store.objects)
    bad.contents[HEAD] = encode_head(signed_by_another_key(store.head()))
    verifier = store.verifier()
    fetcher = Fallbacks([bad, store.fetcher], monotonic=store.clock.monotonic, decode=verifier.decode)
    reader = Live(fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0, verifier=verifier)
    assert reader.current().release.revision == 1
    assert HEAD in bad.calls


def test_a_mirror_is_asked_where_the_first_place_is_kept_back_until_its_head_expires(store: Attacked) -> None:
    frozen = FaultyFetcher(MemoryObjects())
    frozen.contents.update(store.recorded())
    verifier = store.verifier()
    fetcher = Fallbacks([frozen, store.fetcher], monotonic=store.clock.monotonic, decode=verifier.decode)
    reader = Live(fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0, verifier=verifier)
    assert reader.current().release.revision == 1
    store.later(VALIDITY_MS)
    store.publish()
    assert reader.current().release.revision == 2
    assert reader.status().stale is False


def test_what_was_kept_on_disk_is_believed_by_its_signature_though_it_has_expired(
    store: Attacked, tmp_path: Path
) -> None:
    reader = store.reader()
    reader.current()
    held = reader.kept()
    assert held is not None
    Disk(str(tmp_path), "staging").keep(held)
    store.later(2 * VALIDITY_MS)
    store.fetcher.faults[""] = Unavailable("silence")
    again = store.reader()
    assert again.resume(Disk(str(tmp_path), "staging").fetcher()).release.revision == 1
    assert again.status().stale is True


def test_what_somebody_put_onto_the_disk_is_not_believed(store: Attacked, tmp_path: Path) -> None:
    reader = store.reader()
    reader.current()
    held = reader.kept()
    assert held is not None
    content = encode_head(signed_by_another_key(store.head()))
    Disk(str(tmp_path), "staging").keep(held._replace(content=content, head=decode_head(content)))
    with pytest.raises(ContentError, match="not signed by the key"):
        store.reader().resume(Disk(str(tmp_path), "staging").fetcher())


# Rotation


def test_keys_are_changed_without_an_answer_that_is_stale(store: Attacked) -> None:
    old_reader, reader = store.reader(OURS), store.reader(OURS, MINE)
    old_reader.current()
    for signers in ((OURS,), (OURS, MINE), (MINE,)):
        store.signers = signers
        for act in (store.sign, store.publish):
            act()
            store.later()
            reader.current()
            assert reader.status().last_error is None
            assert reader.status().stale is False
            assert store.reader(OURS, MINE).current().release.revision == reader.current().release.revision
    assert reader.status().verified_by == MINE.public_key().id
    store.later()
    old_reader.current()
    assert "not signed by the key" in str(old_reader.status().last_error)
    starts_refusing(store, "not signed by the key", reader=store.reader(OURS))


# Readers without keys


def test_a_reader_without_keys_refuses_a_lower_revision_and_a_broken_chain(store: Attacked) -> None:
    before = store.recorded()
    store.publish()
    reader = Live(store.fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0)
    assert reader.current().release.revision == 2
    assert reader.status().verified_by is None
    store.show(before)
    store.later()
    reader.current()
    assert "went back" in str(reader.status().last_error)
    other = Attacked()
    for _ in range(3):
        other.publish(enabled=False)
    store.show(other.recorded())
    store.later(2 * TTL_MS)
    assert reader.current().release.revision == 2
    assert "release 3 does not follow 2" in str(reader.status().last_error)


def test_a_head_whose_own_releases_do_not_follow_one_another_is_refused_by_everybody(store: Attacked) -> None:
    head = store.publish(active_after=10 * TTL_MS)
    other = head.last.release._replace(previous=digest_of(b"another"))
    store.show_head(head._replace(releases=(head.releases[0], entry_of(other))))
    reader = Live(store.fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0)
    starts_refusing(store, "release 2 does not follow 1", reader=reader)


def test_a_reader_without_keys_goes_on_with_an_expired_head_and_says_that_it_is_stale(store: Attacked) -> None:
    store.later(VALIDITY_MS)
    reader = Live(store.fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0)
    assert reader.current().release.revision == 1
    status = reader.status()
    assert status.stale is True
    assert "has expired" in str(status.last_error)


@pytest.mark.parametrize("lags", [["1"], [None], [1.5], {"a": 1}])
def test_lags_that_are_no_numbers_make_no_evaluation_fail(store: Attacked, lags: object) -> None:
    head = store.head()
    content = encode_head(head._replace(signatures=(), lags_ms=()))
    store.show_head(content.replace(b'"releases":', b'"lags_ms":' + json.dumps(lags).encode() + b',"releases":'))
    with Client(environment="staging", fetcher=store.fetcher, clock=store.clock, ttl=TTL_MS / 1000) as client:
        assert client.boolean("on", "someone", default=False).enabled is False
        assert "lags_ms" in str(client.status().last_error)


# The SDK


def a_client(store: Attacked, **options: object) -> Client:
    return Client(
        environment="staging",
        fetcher=store.fetcher,
        clock=store.clock,
        ttl=TTL_MS / 1000,
        verify_keys=[OURS.public_key().text],
        **options,  # type: ignore[arg-type]
    )


def test_the_sdk_verifies_with_the_keys_that_it_is_given(store: Attacked) -> None:
    with a_client(store) as client:
        assert client.boolean("on", "someone").enabled is True
        assert client.status().verified_by == OURS.public_key().id
        store.show_head(signed_by_another_key(store.head()))
        with pytest.raises(BurgeeError, match="not signed by the key"):
            client.refresh()
        assert client.boolean("on", "someone").enabled is True


def test_the_sdk_answers_stale_when_the_head_has_expired_and_refuses_to_if_it_is_strict(store: Attacked) -> None:
    store.show(store.recorded())
    with a_client(store) as lenient, a_client(store, strict=True) as strict:
        assert not lenient.boolean("on", "someone").stale
        assert not strict.boolean("on", "someone").stale
        while store.clock.wall() + TTL_MS < store.head().expires_at:
            store.later()
            lenient.catch_up(10.0)
            strict.catch_up(10.0)
        assert not strict.boolean("on", "someone").stale
        store.later()
        assert lenient.boolean("on", "someone").stale is True
        with pytest.raises(Outdated, match="too long to be strict"):
            strict.boolean("on", "someone")
        answer = strict.boolean("on", "someone", default=False)
        assert (answer.enabled, answer.reason) == (False, "ERROR_EVALUATION_REASON")


def test_a_strict_client_refuses_what_nobody_has_looked_at_for_too_long_and_recovers(store: Attacked) -> None:
    with a_client(store, strict=True) as client:
        assert client.boolean("on", "someone").enabled is True
        store.fetcher.faults[""] = Unavailable("silence")
        store.later(2 * TTL_MS + 1)
        client.catch_up(10.0)
        with pytest.raises(Outdated, match="silence"):
            client.boolean("on", "someone")
        store.fetcher.faults.clear()
        client.refresh()
        assert client.boolean("on", "someone").enabled is True


def test_a_strict_provider_of_openfeature_answers_the_default_where_an_answer_would_be_stale(store: Attacked) -> None:
    with a_client(store, strict=True) as client:
        provider = BurgeeProvider(client)
        provider.initialize(EvaluationContext())
        asking = EvaluationContext("someone")
        assert provider.resolve_boolean_details("on", False, asking).value is True
        store.fetcher.faults[""] = Unavailable("silence")
        store.later(2 * TTL_MS + 1)
        details = provider.resolve_boolean_details("on", False, asking)
        assert (details.value, details.error_code) == (False, ErrorCode.PROVIDER_NOT_READY)
        provider.shutdown()


@pytest.mark.parametrize("key", ["", "ed25519:", "ed25519:AAAA", "rsa:AAAA", "ed25519:!", "ecdsa-p256-sha256:AAAA"])
def test_what_is_no_public_key_is_told_at_once(key: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a public key"):
        read_public_key(key)


def test_a_key_of_one_algorithm_is_not_taken_for_another() -> None:
    encoded = P256InMemory(3).public_key().text.partition(":")[2]
    with pytest.raises(ConfigurationError, match="no public key"):
        read_public_key(f"ed25519:{encoded}")


def test_a_repository_without_keys_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="verify_keys"):
        Client("file:///nowhere", environment="staging", verify_repository="https://example.org/flags")


def test_messages_of_releases_and_heads_cannot_be_taken_for_one_another(store: Attacked) -> None:
    entry: Entry = store.head().last
    release: Release = entry.release
    assert release_message(entry).startswith(b"burgee release 1\n{")
    assert head_message(store.head()).startswith(b"burgee head 1\n{")
    assert signed_entry(entry_of(release), [OURS]).signatures == entry.signatures
