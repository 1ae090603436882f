"""The seal of a head: signed by whom, and fresh until when.

Law: no head is written but under a seal, and none is built on that is not ours: whoever may write to the store would
get our signature under a log of their own. A head that was signed is not followed by one that is not, unless that is
said, for readers that verify would stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..bundle.head import Head
from ..core.errors import RefusedError, Untrusted
from ..sign.port import Signer
from ..sign.signing import distrusted, is_ours, lapsed, needs_resigning, signed_head

DEFAULT_VALIDITY_MS = 3_600_000

# From a head as it is planned and the instant (ms) to the head as it is written.
Seal = Callable[[Head, int], Head]


@dataclass(frozen=True, slots=True)
class Sealing:
    """Seals heads by every one of the signers; each head is fresh for `validity` milliseconds.

    Without signers heads are not signed; `unsigned` lets them follow one that was.
    """

    signers: Sequence[Signer] = ()
    validity: int = DEFAULT_VALIDITY_MS
    unsigned: bool = False

    def __call__(self, head: Head, now: int) -> Head:
        """The head as it is written. Raises whatever a signer raises."""
        return signed_head(head, self.signers, expires_at=now + self.validity)

    def check(self, present: Head) -> None:
        """Raises Untrusted for a head of the store that is not to be built on, RefusedError where that takes a key."""
        if self.signers and not is_ours(present, self.signers):
            raise Untrusted(distrusted(present, self.signers))
        if present.signatures and not self.signers and not self.unsigned:
            raise RefusedError(
                f"the head of {present.environment!r} is signed, and there is no key to sign the next one: readers "
                "that verify would refuse it; set BURGEE_SIGNING_KEYS, or say --unsigned to give signing up"
            )

    def check_fresh(self, present: Head, now: int) -> None:
        """Raises Untrusted for a head that has expired: it may be an old one that somebody put back.

        To be asked where nothing else, as what the repository says, tells that it is the last.
        """
        if self.signers and (message := lapsed(present, now)):
            raise Untrusted(message)

    def is_due(self, head: Head, now: int) -> bool:
        """Whether a head that says nothing new has to be signed again, so that it stays fresh."""
        return needs_resigning(head, self.signers, now=now, validity_ms=self.validity)


UNSIGNED = Sealing()
