"""Signers whose keys are made from a number, in memory."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from burgee.bundle.signed import ECDSA_P256, ED25519, PublicKey, public_key


class Ed25519InMemory:
    """The key of a number; `signed` counts."""

    def __init__(self, number: int) -> None:
        self.url = f"memory:///ed25519/{number}"
        self.signed = 0
        self._key = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))

    def public_key(self) -> PublicKey:
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return public_key(ED25519, public)

    def sign(self, message: bytes) -> bytes:
        self.signed += 1
        return self._key.sign(message)


class P256InMemory:
    """The key of a number."""

    def __init__(self, number: int) -> None:
        self.url = f"memory:///p256/{number}"
        self._key = ec.derive_private_key(number, ec.SECP256R1())

    def public_key(self) -> PublicKey:
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return public_key(ECDSA_P256, public)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, ec.ECDSA(SHA256()))
