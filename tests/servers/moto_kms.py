"""What moto's KMS lacks of Amazon's: digests are signed as such, disabled keys sign nothing, rights are to one key."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from moto.core.exceptions import JsonRESTError
from moto.kms.responses import KmsResponse

_SIGN = KmsResponse.sign


def sign(asked: KmsResponse) -> str:
    """In the place of `KmsResponse.sign`, for which digests are messages like others."""
    if asked._get_param("MessageType") != "DIGEST":
        return _SIGN(asked)
    asked._validate_key_id(asked._get_param("KeyId"))
    key = asked.kms_backend.describe_key(asked._get_param("KeyId"))
    if not key.enabled:
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
    algorithm, digest = asked._get_param("SigningAlgorithm"), asked._get_param("Message")
    if (key.key_spec, algorithm, len(digest)) != ("ECC_NIST_P256", "ECDSA_SHA_256", 32):
        raise JsonRESTError("ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256.")
    signature = _private(key).sign(digest, ECDSA(Prehashed(SHA256())))
    signed = {"KeyId": key.arn, "Signature": b64encode(signature).decode(), "SigningAlgorithm": algorithm}
    return json.dumps(signed)


def key_asked_for(asked: KmsResponse) -> str:
    """What moto compares with the resources of policies, which would be all keys otherwise."""
    keys = asked.kms_backend
    named = keys.get_alias_name(asked._get_param("KeyId") or "")
    key = keys.get_key_id_from_alias(named) if named.startswith("alias/") else keys.get_key_id(named)
    return keys.keys[key].arn if key in keys.keys else "*"


def _private(key: Any) -> Any:
    """The key itself, which moto's types do not tell of."""
    return key.private_key.private_key
