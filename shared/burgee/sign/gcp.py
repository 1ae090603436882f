"""A key of Google's Cloud KMS: EC_SIGN_P256_SHA256, asked for over its REST API, version 1.

Law: what was damaged on the way is found by CRC32C, as Google advises, and tried once more.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from re import fullmatch
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from google.auth.credentials import Scoped
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google_crc32c import value as crc32c
from requests import RequestException, Response

from ..bundle.addresses import keeps_secrets
from ..core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from ..core.visible import shortened
from ..store.gs_session import an_identity, checked_variables
from .remote import ANSWER_SECONDS, CONNECT_SECONDS

_ENDPOINT = "https://cloudkms.googleapis.com"
# Where gcloud too is told of another one.
_OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"
_SCOPES = ("https://www.googleapis.com/auth/cloudkms",)
_ALGORITHM = "EC_SIGN_P256_SHA256"
_NAME = r"projects/[^/?#]+/locations/[^/?#]+/keyRings/[^/?#]+/cryptoKeys/[^/?#]+/cryptoKeyVersions/[0-9]+"
_NEEDED = "a publisher needs roles/cloudkms.signerVerifier on the key"
_TRIES = 2


class GcpKey:
    """One version of a key."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        """`url` is `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1`.

        Raises ConfigurationError for another URL, or for variables that are wrong.
        """
        self._url = url
        self._name = url.partition("://")[2].lstrip("/")
        if fullmatch(_NAME, self._name) is None:
            raise ConfigurationError(
                "wanted gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N, "
                f"with the version's number, got {url!r}"
            )
        checked_variables(environ)
        self._environ = environ
        self._endpoint = (environ.get(_OVERRIDE) or _ENDPOINT).rstrip("/")
        if not keeps_secrets(self._endpoint):
            raise ConfigurationError(f"{_OVERRIDE} is https or an address of this machine, got {self._endpoint!r}")
        self._session: AuthorizedSession | None = None

    def spki(self) -> bytes:
        answer = self._asked("GET", f"{self._name}/publicKey")
        if answer.get("algorithm") != _ALGORITHM:
            raise ConfigurationError(f"{self._url} is a key of {answer.get('algorithm')}, wanted one of {_ALGORITHM}")
        pem = str(answer.get("pem", "")).encode()
        if str(crc32c(pem)) != answer.get("pemCrc32c"):
            raise Unavailable(f"{self._url}: the public key was damaged on its way here")
        try:
            return load_pem_public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except ValueError as error:
            raise Unavailable(f"{self._url}: the answer has no public key") from error

    def sign(self, digest: bytes) -> bytes:
        body = {"digest": {"sha256": b64encode(digest).decode()}, "digestCrc32c": str(crc32c(digest))}
        for _ in range(_TRIES):
            answer = self._asked("POST", f"{self._name}:asymmetricSign", body)
            signature = b64decode(str(answer.get("signature", "")))
            whole = str(crc32c(signature)) == answer.get("signatureCrc32c") and answer.get("name") == self._name
            if whole and answer.get("verifiedDigestCrc32c") is True:
                return signature
        raise Unavailable(f"{self._url}: what was to be signed, or the signature, was damaged on its way")

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        try:
            if self._session is None:
                self._session = _a_session(self._environ, self._endpoint)
            answer = self._session.request(
                method,
                f"{self._endpoint}/v1/{path}",
                json=body,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                # A redirect would show the token to whom it leads.
                allow_redirects=False,
            )
            if answer.status_code != 200:
                raise self._refusal(answer)
            found = answer.json()
        except GoogleAuthError as error:
            raise Denied(shortened(f"{self._url}: {error}")) from error
        except (RequestException, ValueError) as error:
            raise Unavailable(shortened(f"{self._url}: {error}")) from error
        return found if isinstance(found, dict) else {}

    def _refusal(self, answer: Response) -> BurgeeError:
        try:
            error = answer.json()["error"]
            text = f"{error['status']}: {error['message']}".rstrip(".")
        except (ValueError, LookupError, TypeError):
            text = str(answer.reason)
        said = shortened(f"{self._url}: {answer.status_code} {text}")
        if answer.status_code == 404:
            return NotFound(said)
        if answer.status_code == 400:
            # FAILED_PRECONDITION: a version that is disabled or destroyed.
            return ConfigurationError(said)
        return Denied(f"{said}; {_NEEDED}") if answer.status_code in (401, 403) else Unavailable(said)


def _a_session(environ: Mapping[str, str], endpoint: str) -> AuthorizedSession:
    credentials = an_identity(environ, endpoint).credentials
    if isinstance(credentials, Scoped):
        credentials = credentials.with_scopes(_SCOPES)
    return AuthorizedSession(credentials)
