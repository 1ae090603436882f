"""Heads and releases with signatures on them: by whom, until when, and which are ours."""

from __future__ import annotations

from base64 import b64encode

import pytest

from burgee.bundle.head import Head, append, decode_head, encode_head, entry_of
from burgee.bundle.release import Release
from burgee.bundle.signed import Signature, head_message, read_public_key, split_head
from burgee.core.errors import ConfigurationError, Unavailable, Untrusted
from burgee.sign.signing import distrusted, is_ours, lapsed, needs_resigning, signed_entry, signed_head
from tests.fakes.clock import NOON
from tests.fakes.publisher import a_document, a_release
from tests.fakes.signers import Ed25519InMemory, P256InMemory

OLD, NEW, THEIRS = Ed25519InMemory(1), P256InMemory(2), Ed25519InMemory(666)
HOUR = 3_600_000


def a_head(*, pending: bool = False) -> Head:
    first = append(None, released(None), max_reader_ttl_seconds=60)
    return append(first, released(first, active_after=HOUR), max_reader_ttl_seconds=60) if pending else first


def released(head: Head | None, *, active_after: int = 0) -> Release:
    at = head.last.release.published_at + 1 if head else NOON
    return a_release(head, {"default": a_document()}, at=at, environment="staging", active_after=active_after)


def signed(head: Head, *signers: Ed25519InMemory | P256InMemory, at: int = NOON) -> Head:
    return signed_head(head, signers, expires_at=at + HOUR)


def test_every_signer_signs_the_head_and_each_release_in_it() -> None:
    head = signed(a_head(pending=True), OLD, NEW)
    ids = [OLD.public_key().id, NEW.public_key().id]
    assert [listed["key"] for listed in head.signatures] == ids
    assert [[listed["key"] for listed in entry.signatures] for entry in head.releases] == [ids, ids]
    assert [listed["algorithm"] for listed in head.signatures] == ["ed25519", "ecdsa-p256-sha256"]


def test_a_signed_head_reads_back_as_it_was_written() -> None:
    head = signed(a_head(), OLD)
    assert decode_head(encode_head(head)) == head
    assert encode_head(head).endswith(b"}]}\n")


def test_without_signers_a_head_has_no_signatures_and_no_end() -> None:
    head = signed_head(signed(a_head(), OLD), (), expires_at=NOON + HOUR)
    assert (head.signatures, head.expires_at) == ((), None)


def test_a_release_is_signed_once_by_each_key_however_often_its_head_is() -> None:
    signer = Ed25519InMemory(5)
    first = signed(a_head(), signer)
    assert signer.signed == 2
    again = signed(first, signer, at=NOON + HOUR)
    assert signer.signed == 3
    assert again.releases == first.releases


def test_signatures_of_a_key_that_signs_no_more_stay_on_releases_and_leave_the_head() -> None:
    head = signed(signed(a_head(), OLD), NEW)
    assert [listed["key"] for listed in head.signatures] == [NEW.public_key().id]
    assert {listed["key"] for listed in head.last.signatures} == {OLD.public_key().id, NEW.public_key().id}


def test_a_signature_that_does_not_hold_is_never_written() -> None:
    class Broken(Ed25519InMemory):
        def sign(self, message: bytes) -> bytes:
            return super().sign(message + b"!")

    with pytest.raises(Unavailable, match="does not verify"):
        signed(a_head(), Broken(7))


@pytest.mark.parametrize(
    ("passed", "needs"), [(0, False), (HOUR // 2 - 1, False), (HOUR // 2, False), (HOUR // 2 + 1, True), (HOUR, True)]
)
def test_a_head_is_signed_anew_when_more_than_half_of_its_time_is_over(passed: int, needs: bool) -> None:
    head = signed(a_head(), OLD)
    assert needs_resigning(head, [OLD], now=NOON + passed, validity_ms=HOUR) is needs


def test_a_head_is_signed_anew_when_a_key_was_added_or_a_release_lacks_one() -> None:
    head = signed(a_head(), OLD)
    assert needs_resigning(head, [OLD, NEW], now=NOON, validity_ms=HOUR)
    assert needs_resigning(a_head(), [OLD], now=NOON, validity_ms=HOUR)
    bare = head._replace(releases=(entry_of(head.last.release),), signatures=())
    signature = Signature("ed25519", OLD.public_key().id, OLD.sign(head_message(bare))).written()
    assert needs_resigning(bare._replace(signatures=(signature,)), [OLD], now=NOON, validity_ms=HOUR)


def test_who_cannot_sign_leaves_heads_alone() -> None:
    assert not needs_resigning(signed(a_head(), OLD), [], now=NOON + 2 * HOUR, validity_ms=HOUR)
    assert not needs_resigning(a_head(), [], now=NOON, validity_ms=HOUR)


def test_a_head_is_ours_if_one_of_our_keys_signed_all_of_it_though_it_has_expired() -> None:
    assert is_ours(signed(a_head(pending=True), OLD), [OLD, NEW])
    assert is_ours(signed(a_head(), OLD, THEIRS), [OLD])
    assert not is_ours(signed(a_head(), THEIRS), [OLD, NEW])
    assert not is_ours(a_head(), [OLD])


def test_a_head_that_somebody_has_changed_or_put_together_is_not_ours() -> None:
    head = signed(a_head(pending=True), OLD)
    assert not is_ours(head._replace(hold={"by": "me"}), [OLD])
    assert not is_ours(head._replace(expires_at=head.expires_at + 1), [OLD])
    assert not is_ours(head._replace(releases=head.releases[1:]), [OLD])
    theirs = signed_entry(entry_of(head.last.release), [THEIRS])
    forged = head._replace(releases=(head.releases[0], theirs), signatures=())
    signature = Signature("ed25519", OLD.public_key().id, OLD.sign(head_message(forged))).written()
    assert not is_ours(forged._replace(signatures=(signature,)), [OLD])


def test_what_is_not_ours_is_told_with_the_way_out() -> None:
    assert "is not signed" in distrusted(a_head(), [OLD])
    told = distrusted(signed(a_head(), THEIRS), [OLD])
    assert OLD.public_key().id in told
    assert told.endswith("`burgee key sign staging`")


def test_a_head_that_has_expired_may_be_an_old_one_that_was_put_back() -> None:
    head = signed(a_head(), OLD)
    assert lapsed(head, NOON + HOUR - 1) is None
    assert lapsed(a_head(), NOON + HOUR) is None
    assert "`burgee key sign staging`" in (lapsed(head, NOON + HOUR) or "")


def test_a_head_whose_releases_alone_are_signed_is_told_to_be_unsigned() -> None:
    content = encode_head(signed(a_head(), OLD)._replace(signatures=()))
    with pytest.raises(Untrusted, match=r"^the head is not signed, and keys are given by which it has to be$"):
        split_head(content)


@pytest.mark.parametrize("signer", [OLD, NEW], ids=["ed25519", "ecdsa"])
def test_a_public_key_is_read_as_it_is_written(signer: Ed25519InMemory | P256InMemory) -> None:
    key = signer.public_key()
    assert read_public_key(f"  {key.text}\n")[:3] == key[:3]


@pytest.mark.parametrize(
    "number",
    [
        0,
        1,
        2**255 - 20,
        2**255 - 19,
        2**255 - 18,
        2**255,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    ],
)
def test_a_public_key_that_anybody_can_sign_for_is_refused(number: int) -> None:
    text = f"ed25519:{b64encode(number.to_bytes(32, 'little')).decode()}"
    with pytest.raises(ConfigurationError, match=r"small order|no public key"):
        read_public_key(text)


def test_a_public_key_on_another_curve_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, derive_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = derive_private_key(3, SECP256K1()).public_key()
    content = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ConfigurationError, match="of another algorithm"):
        read_public_key(f"ecdsa-p256-sha256:{b64encode(content).decode()}")


def test_what_bears_a_signers_id_and_is_not_its_signature_goes_when_it_signs() -> None:
    head = signed(a_head(), OLD, THEIRS)
    good, theirs = head.last.signatures
    bogus = Signature("ed25519", OLD.public_key().id, bytes(64)).written()
    for signatures in ((bogus, good, theirs), (good, bogus, theirs), (bogus, theirs)):
        healed = signed_entry(head.last._replace(signatures=signatures), [OLD])
        assert sorted(each["key"] for each in healed.signatures) == sorted([good["key"], theirs["key"]])
        assert good in healed.signatures and theirs in healed.signatures
