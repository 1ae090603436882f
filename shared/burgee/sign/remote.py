"""What the keys of all key services have in common: the public key is asked for once, and a digest is signed."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

from ..bundle.signed import ECDSA_P256, PublicKey, public_key

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0


class Service(Protocol):
    """One key of a service; both raise Denied, NotFound, Unavailable, ConfigurationError."""

    def spki(self) -> bytes:
        """Its SubjectPublicKeyInfo in DER."""

    def sign(self, digest: bytes) -> bytes:
        """The DER of an ECDSA signature over a SHA-256 digest."""


class RemoteSigner:
    """Signs with an ECDSA key on P-256 that does not leave its service; asks nobody before it has to."""

    def __init__(self, url: str, service: Service) -> None:
        self.url = url
        self._service = service
        self._public_key: PublicKey | None = None

    def public_key(self) -> PublicKey:
        if self._public_key is None:
            self._public_key = public_key(ECDSA_P256, self._service.spki())
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        return self._service.sign(sha256(message).digest())
