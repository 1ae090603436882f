"""A key of Azure Key Vault or Managed HSM: EC on P-256, that signs by ES256."""

from __future__ import annotations

from collections.abc import Mapping
from logging import NullHandler, getLogger
from re import fullmatch
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.keyvault.keys import KeyClient, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .. import __version__
from ..core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from ..core.visible import shortened
from .remote import ANSWER_SECONDS, CONNECT_SECONDS

_PATH = r"/keys/([0-9A-Za-z-]{1,127})(?:/([0-9a-f]{32}))?/?"
_CURVE = "P-256"
_HALF = 32
_NEEDED = "a publisher needs the role Key Vault Crypto User on the key"

# Else every source that has no identity is told on standard error where nobody has set up logging.
getLogger("azure").addHandler(NullHandler())


class AzureKey:
    """One key; of one without a version, the version that was current when it was first asked for."""

    def __init__(self, url: str, environ: Mapping[str, str], credential: TokenCredential | None = None) -> None:
        """`url` is `azurekms://VAULT.vault.azure.net/keys/NAME`, with `/VERSION` or without.

        Without a `credential` it is the identity that azure-identity finds. Raises ConfigurationError for another URL.
        """
        parts = urlsplit(url)
        found = fullmatch(_PATH, parts.path)
        if found is None or not parts.hostname or parts.query or "@" in parts.netloc:
            raise ConfigurationError(
                f"wanted azurekms://VAULT.vault.azure.net/keys/NAME, with /VERSION or without, got {url!r}"
            )
        self._url = url
        self._name, self._version = found[1], found[2]
        self._options = {
            # A vault that is played on this machine is none of the domain its tokens are for.
            "verify_challenge_resource": parts.hostname != "localhost",
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "retry_total": 2,
            "user_agent": f"burgee/{__version__}",
        }
        self._credential = credential or _an_identity(environ)
        self._vault = f"https://{parts.netloc}"
        self._key: KeyVaultKey | None = None

    def spki(self) -> bytes:
        # Its attributes are made when it is, where types are not seen.
        key: Any = self._found().key
        if key is None or key.crv != _CURVE or not key.x or not key.y:
            raise ConfigurationError(f"{self._url} is a key of {key and (key.crv or key.kty)}, wanted EC on {_CURVE}")
        x, y = (int.from_bytes(half, "big") for half in (key.x, key.y))
        try:
            public = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
        except ValueError as error:
            raise Unavailable(f"{self._url}: the answer has no public key") from error
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, digest: bytes) -> bytes:
        key = self._found()
        try:
            client = CryptographyClient(key, self._credential, **self._options)
            signature = client.sign(SignatureAlgorithm.es256, digest).signature
        except AzureError as error:
            raise self._fault(error) from error
        if len(signature) != 2 * _HALF:
            raise Unavailable(f"{self._url}: wanted a signature of {2 * _HALF} bytes, got {len(signature)}")
        # Both integers side by side, as JSON Web Algorithms has it (RFC 7518, section 3.4).
        return encode_dss_signature(*(int.from_bytes(half, "big") for half in (signature[:_HALF], signature[_HALF:])))

    def _found(self) -> KeyVaultKey:
        if self._key is None:
            try:
                self._key = KeyClient(self._vault, self._credential, **self._options).get_key(self._name, self._version)
            except AzureError as error:
                raise self._fault(error) from error
        return self._key

    def _fault(self, error: AzureError) -> BurgeeError:
        said = shortened(f"{self._url}: {str(error.message).splitlines()[0].rstrip('.')}")
        status = error.status_code if isinstance(error, HttpResponseError) else None
        if isinstance(error, ResourceNotFoundError):
            return NotFound(said)
        if isinstance(error, ClientAuthenticationError) or status in (401, 403):
            return Denied(f"{said}; {_NEEDED}")
        return ConfigurationError(said) if status == 400 else Unavailable(said)


def _an_identity(environ: Mapping[str, str]) -> TokenCredential:
    try:
        from azure.identity import DefaultAzureCredential
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"keys in Azure need azure-identity ({error}): install burgee with the extra `azure`"
        ) from error
    given = {
        "managed_identity_client_id": environ.get("AZURE_CLIENT_ID"),
        "authority": environ.get("AZURE_AUTHORITY_HOST"),
    }
    return DefaultAzureCredential(**{name: value for name, value in given.items() if value})
