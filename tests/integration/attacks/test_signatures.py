"""Heads and releases that we have not signed, and keys that change."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import Entry, Head, entry_of
from burgee.bundle.release import Release
from burgee.bundle.signed import Signature, head_message, read_public_key, release_message
from burgee.core.errors import ConfigurationError, ContentError
from burgee.sign.signing import signed_entry
from tests.fakes.attacked import HEAD, OURS, VALIDITY_MS, Attacked, Kept, starts_refusing
from tests.fakes.forgeries import EVIL, FORGERIES, by_no_algorithm, with_nonsense_for_signatures
from tests.fakes.signers import Ed25519InMemory, P256InMemory

MINE = Ed25519InMemory(2)


# What is as it should be


def test_a_signed_head_is_served_and_the_status_says_by_which_key_and_until_when(store: Attacked) -> None:
    reader = store.reader()
    assert reader.current().release.revision == 1
    status = reader.status()
    assert status.verified_by == OURS.public_key().id
    assert status.expires_at == store.clock.wall() + VALIDITY_MS
    assert (status.stale, status.last_error) == (False, None)


def test_fields_of_a_newer_version_do_not_break_a_signature(store: Attacked) -> None:
    message = head_message(store.head())
    content = message.partition(b"\n")[2].rstrip(b"\n")[:-1] + b',"colour":"red"}\n'
    listed = Signature("ed25519", OURS.public_key().id, OURS.sign(b"burgee head 1\n" + content)).written()
    signed = content[:-2] + b',"signatures":' + json.dumps([listed], separators=(",", ":")).encode() + b"}\n"
    store.show_head(signed)
    assert store.reader().current().release.revision == 1


def test_a_signature_of_a_release_is_none_of_a_head(kept: Kept) -> None:
    head = kept.store.publish()
    kept.store.show_head(head._replace(signatures=head.last.signatures))
    kept.refuses("not signed by the key")


# Wrong keys and signatures


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
    unreadable = forge in (by_no_algorithm, with_nonsense_for_signatures)
    kept.refuses("signatures of the wrong kind" if unreadable else "release 2 of 'staging' is not signed by the key")


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


# Keys and messages as such


@pytest.mark.parametrize("key", ["", "ed25519:", "ed25519:AAAA", "rsa:AAAA", "ed25519:!", "ecdsa-p256-sha256:AAAA"])
def test_what_is_no_public_key_is_told_at_once(key: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a public key"):
        read_public_key(key)


def test_a_key_of_one_algorithm_is_not_taken_for_another() -> None:
    encoded = P256InMemory(3).public_key().text.partition(":")[2]
    with pytest.raises(ConfigurationError, match="no public key"):
        read_public_key(f"ed25519:{encoded}")


def test_messages_of_releases_and_heads_cannot_be_taken_for_one_another(store: Attacked) -> None:
    entry: Entry = store.head().last
    release: Release = entry.release
    assert release_message(entry).startswith(b"burgee release 1\n{")
    assert head_message(store.head()).startswith(b"burgee head 1\n{")
    assert signed_entry(entry_of(release), [OURS]).signatures == entry.signatures
