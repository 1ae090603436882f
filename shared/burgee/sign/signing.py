"""Heads and releases with signatures on them: pure, but for what a signer does.

Law: only what was made here, or carries a signature of one of our own keys, is signed: whoever may write to the store
must not get a signature by putting something there. `is_ours` has to be asked of a head before anything is built on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..bundle.head import Entry, Head
from ..bundle.signed import Signature, good_signatures, head_message, release_message
from ..core.errors import Unavailable
from ..core.instant import format_instant
from .port import Signer


def signed_entry(entry: Entry, signers: Sequence[Signer]) -> Entry:
    """The release with the signature of each signer; good ones and those of other keys stay.

    What bears a signer's id and is not its signature goes: readers would look at it first, and no further.
    """
    message = release_message(entry)
    keys = {signer.public_key().id: signer.public_key() for signer in signers}
    good = good_signatures(keys.values(), message, entry.signatures)
    kept = [listed for listed in entry.signatures if listed in good or listed["key"] not in keys]
    signed = [listed["key"] for listed in good]
    added = [_signature(signer, message) for signer in signers if signer.public_key().id not in signed]
    return entry._replace(signatures=(*kept, *added))


def signed_head(head: Head, signers: Sequence[Signer], *, expires_at: int) -> Head:
    """The head as it is written: signed by each signer, and so is every release in it, until `expires_at` (ms).

    Nothing of it may be changed afterwards. Without signers it has no signatures and no end.
    """
    if not signers:
        return head._replace(signatures=(), expires_at=None)
    entries = tuple(signed_entry(entry, signers) for entry in head.releases)
    unsigned = head._replace(releases=entries, expires_at=expires_at, signatures=())
    message = head_message(unsigned)
    return unsigned._replace(signatures=tuple(_signature(signer, message) for signer in signers))


def needs_resigning(head: Head, signers: Sequence[Signer], *, now: int, validity_ms: int) -> bool:
    """Whether half of the time for which it was signed is over, or a signer has not signed it and what is in it.

    Never without signers: who cannot sign leaves signed heads alone.
    """
    if not signers:
        return False
    if head.expires_at is None or head.expires_at - now < validity_ms // 2:
        return True
    entries = any(_lacking(signers, release_message(entry), entry.signatures) for entry in head.releases)
    return entries or bool(_lacking(signers, head_message(head), head.signatures))


def is_ours(head: Head, signers: Sequence[Signer]) -> bool:
    """Whether one of the signers signed the head, expired or not, and each release in it."""
    keys = [signer.public_key() for signer in signers]
    if not good_signatures(keys, head_message(head), head.signatures):
        return False
    return all(good_signatures(keys, release_message(entry), entry.signatures) for entry in head.releases)


def distrusted(head: Head, signers: Sequence[Signer]) -> str:
    """What to tell a person of a head that is not ours."""
    ids = ", ".join(signer.public_key().id for signer in signers)
    what = "is signed by none of our keys" if head.signatures else "is not signed"
    return (
        f"the head of {head.environment!r} in the store (revision {head.revision}) {what} ({ids}), so nothing is built "
        f"on it; look at it (`burgee verify`, `burgee history`), then sign it: `burgee key sign {head.environment}`"
    )


def lapsed(head: Head, now: int) -> str | None:
    """What to tell a person of a signed head that has expired, so that it may be one of long ago; None while it holds.

    Nobody may sign it anew by what the store says alone.
    """
    if head.expires_at is None or now < head.expires_at:
        return None
    return (
        f"the head of {head.environment!r} in the store (revision {head.revision}) has expired at "
        f"{format_instant(head.expires_at)}: either nobody has signed it for so long, or somebody has put an old one "
        f"back; look at it (`burgee history`), then sign it: `burgee key sign {head.environment}`"
    )


def _lacking(signers: Sequence[Signer], message: bytes, signatures: Sequence[object]) -> list[Signer]:
    good = {listed["key"] for listed in good_signatures([s.public_key() for s in signers], message, signatures)}
    return [signer for signer in signers if signer.public_key().id not in good]


def _signature(signer: Signer, message: bytes) -> dict[str, str]:
    """Raises Unavailable for one that does not hold: a reader would refuse what is published with it."""
    key = signer.public_key()
    signature = signer.sign(message)
    if not key.verifies(message, signature):
        raise Unavailable(f"{signer.url} gave a signature that its own public key {key.id} does not verify")
    return Signature(key.algorithm, key.id, signature).written()
