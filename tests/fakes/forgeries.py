"""What an attacker who has none of our keys writes into a head instead of what we have signed."""

from __future__ import annotations

from collections.abc import Callable
from hmac import digest

from burgee.bundle.head import Head, append
from burgee.bundle.signed import Signature, head_message
from burgee.sign.signing import signed_head
from tests.fakes.attacked import OURS, THEIRS, VALIDITY_MS
from tests.fakes.publisher import a_document, a_release
from tests.fakes.signers import Ed25519InMemory

EVIL = a_document(enabled=False)


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
