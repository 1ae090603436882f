"""An Ed25519 key in a file, as PKCS #8 in PEM, without a password."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from ..bundle.signed import ED25519, PublicKey, public_key
from ..core.errors import ConfigurationError

_LARGEST_BYTES = 64 * 1024


class FileSigner:
    """Signs with the key that a file held when this was made."""

    def __init__(self, url: str, path: Path) -> None:
        """Raises ConfigurationError for a file that cannot be read, is open to others, or has another kind of key."""
        self.url = url
        self._key = _loaded(path)
        self._public_key = public_key(ED25519, _spki(self._key))

    def public_key(self) -> PublicKey:
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def make_key(path: Path) -> PublicKey:
    """A new key in a new file that only its owner may read. Raises ConfigurationError where one is, or cannot be."""
    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise ConfigurationError(f"there is a file {path} already, and a key that is lost is lost for ever") from error
    except OSError as error:
        raise ConfigurationError(f"cannot make {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return public_key(ED25519, _spki(key))


def _loaded(path: Path) -> Ed25519PrivateKey:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            content = file.read(_LARGEST_BYTES)
    except OSError as error:
        raise ConfigurationError(f"cannot read the signing key {path}: {error.strerror}") from error
    if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO) and not _is_mounted_secret(mode):
        raise ConfigurationError(
            f"the signing key {path} has mode {stat.S_IMODE(mode):04o}, so that others may read it: chmod 600 {path}"
        )
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{path} has no private key as PKCS #8 in PEM without a password; `burgee key make` makes one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"the signing key {path} is not one of Ed25519; `burgee key make` makes one")
    return key


def _is_mounted_secret(mode: int) -> bool:
    """Whether its group alone may read it besides, as where Kubernetes gives a secret to a pod with an `fsGroup`."""
    return not mode & (stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP)


def _spki(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
