"""What is signed and how: messages, signatures, and the public keys that are believed.

Law: the key says by which algorithm a signature is checked, never the signature.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError, Untrusted
from .head import encode_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .head import Entry, Head

ED25519 = "ed25519"
ECDSA_P256 = "ecdsa-p256-sha256"

_RELEASE = b"burgee release 1\n"
_HEAD = b"burgee head 1\n"
# The signatures of a head are its last field, so that what they are made over is what stands before them.
_MARK = b',"signatures":['
_END = b"}\n"
# A SubjectPublicKeyInfo of Ed25519 is this and the key's 32 bytes (RFC 8410, section 4).
_ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")
_LONGEST_KEY = 400
# The y of the points whose multiples are eight at most, on Ed25519 and as they are written unreduced (RFC 8032, 5.1).
_PRIME = 2**255 - 19
_SMALL = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = (0, 1, _PRIME - 1, _SMALL, _PRIME - _SMALL)
_UNSIGNED = "the head is not signed, and keys are given by which it has to be"
_EXTRA = "to verify and to sign takes the package cryptography: install burgee with the extra `verify`"


class Signature(namedtuple("Signature", "algorithm key signature")):
    """`key` is the id of the public key; `signature` its bytes, for ECDSA the DER of both integers."""

    __slots__ = ()

    def written(self) -> dict[str, str]:
        """As it stands in a head."""
        from base64 import b64encode

        return {"algorithm": self.algorithm, "key": self.key, "signature": b64encode(self.signature).decode()}


class PublicKey(namedtuple("PublicKey", "algorithm id text loaded")):
    """A key that is believed: `id` is 16 digits of its digest, `text` how it is written, `loaded` is cryptography's."""

    __slots__ = ()

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's, over the message."""
        from cryptography.exceptions import InvalidSignature

        try:
            if self.algorithm == ED25519:
                self.loaded.verify(signature, message)
            else:
                from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
                from cryptography.hazmat.primitives.hashes import SHA256

                self.loaded.verify(signature, message, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def read_public_key(text: str) -> PublicKey:
    """The key of `ed25519:<base64 of 32 bytes>` or `ecdsa-p256-sha256:<base64 of its SubjectPublicKeyInfo>`.

    Raises ConfigurationError for another text, and when `cryptography` is not installed.
    """
    from base64 import b64decode

    algorithm, _, encoded = text.strip().partition(":")
    if algorithm not in (ED25519, ECDSA_P256):
        raise _no_key(text, f"wanted it to begin with {ED25519}: or {ECDSA_P256}:")
    try:
        content = b64decode(encoded, validate=True) if len(encoded) <= _LONGEST_KEY else b""
    except ValueError as error:
        raise _no_key(text, f"what follows {algorithm}: is not base64") from error
    return public_key(algorithm, _ED25519_SPKI + content if algorithm == ED25519 else content)


def public_key(algorithm: str, spki: bytes) -> PublicKey:
    """The key of a SubjectPublicKeyInfo in DER. Raises ConfigurationError for one that is not of that algorithm."""
    from base64 import b64encode
    from hashlib import sha256

    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ModuleNotFoundError as error:
        raise ConfigurationError(_EXTRA) from error
    text = f"{algorithm}:{b64encode(spki[-32:] if algorithm == ED25519 else spki).decode()}"
    try:
        loaded = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(text, "its bytes are no public key") from error
    of_curve = isinstance(loaded, EllipticCurvePublicKey) and isinstance(loaded.curve, SECP256R1)
    if not (isinstance(loaded, Ed25519PublicKey) if algorithm == ED25519 else of_curve):
        raise _no_key(text, f"it is a key of another algorithm than {algorithm}")
    if algorithm == ED25519 and _is_of_small_order(spki[-32:]):
        raise _no_key(text, "anybody can sign for it: it is a point of small order")
    return PublicKey(algorithm, sha256(spki).hexdigest()[:16], text, loaded)


def release_message(entry: Entry) -> bytes:
    """What is signed of a release."""
    message: bytes = _RELEASE + entry.payload.encode()
    return message


def head_message(head: Head) -> bytes:
    """What is signed of a head: all but its signatures."""
    return _HEAD + encode_head(head._replace(signatures=()))


def split_head(content: bytes) -> tuple[bytes, bytes, list[Any]]:
    """(message, head, signatures) of a signed head's bytes: what was signed, and the head without its signatures.

    The bytes are taken as they came and not written anew, so that fields of newer versions are no harm. Raises
    Untrusted for a head without signatures.
    """
    from json import loads

    before, mark, after = content.rpartition(_MARK)
    if not mark or not after.endswith(_END):
        raise Untrusted(_UNSIGNED)
    try:
        signatures = loads(b"[" + after[: -len(_END)])
    except (ValueError, RecursionError) as error:
        # What merely looks like them, as within a text of the head.
        raise Untrusted(_UNSIGNED) from error
    return _HEAD + before + _END, before + _END, signatures


def good_signatures(keys: Iterable[PublicKey], message: bytes, signatures: Iterable[Any]) -> list[Any]:
    """Those of `signatures`, as they stand in a head, that one of `keys` made over `message`.

    Of each key the first one is looked at alone: to check signatures takes time, and whoever lists them is a stranger.
    """
    known = {key.id: key for key in keys}
    good = []
    for listed in signatures:
        key = known.pop(_text(listed, "key"), None)
        if key is None or _text(listed, "algorithm") != key.algorithm:
            continue
        if key.verifies(message, _bytes(_text(listed, "signature"))):
            good.append(listed)
    return good


def _is_of_small_order(content: bytes) -> bool:
    # The highest bit is the sign of x.
    return (int.from_bytes(content, "little") & (2**255 - 1)) % _PRIME in _SMALL_ORDER


def _text(listed: Any, name: str) -> str:
    value = listed.get(name) if isinstance(listed, dict) else None
    return value if isinstance(value, str) else ""


def _bytes(text: str) -> bytes:
    from base64 import b64decode

    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""


def _no_key(text: str, why: str) -> ConfigurationError:
    shown = text if len(text) <= 60 else text[:60] + "..."
    return ConfigurationError(f"{shown!r} is not a public key: {why}; `burgee key show` prints one")
