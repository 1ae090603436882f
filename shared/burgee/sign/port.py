"""What a signer is: a private key that nobody sees, and the public one that goes with it."""

from __future__ import annotations

from typing import Protocol

from ..bundle.signed import PublicKey


class Signer(Protocol):
    """Signs with one key; safe among threads."""

    @property
    def url(self) -> str:
        """Which key it is, for people."""

    def public_key(self) -> PublicKey:
        """The key that verifies what this one signs. Raises as `sign` does."""

    def sign(self, message: bytes) -> bytes:
        """The signature over a message, for ECDSA as DER.

        Raises Denied, NotFound, Unavailable, and ConfigurationError for a key that is not fit to sign with.
        """
