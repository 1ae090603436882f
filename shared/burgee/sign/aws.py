"""A key of AWS KMS: ECC_NIST_P256, to sign and verify (KMS API reference, `Sign` and `GetPublicKey`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .. import __version__
from ..bundle.s3_address import checked_endpoint, is_region
from ..core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from ..core.visible import shortened
from ..store.s3_session import a_session
from .remote import ANSWER_SECONDS, CONNECT_SECONDS

_ALGORITHM = "ECDSA_SHA_256"
_SPEC = "ECC_NIST_P256"
_MISSING = ("NotFoundException",)
_UNFIT = ("DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException", "InvalidArnException")
_DENIED = ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException")
_NEEDED = "a publisher needs kms:Sign and kms:GetPublicKey on the key"


class AwsKey:
    """One key, by its alias, id or ARN."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        """`url` is `awskms:///alias/name`, an id or an ARN in its place; its query may say `region` and `endpoint`.

        Raises ConfigurationError for another URL or for variables that are wrong.
        """
        place, _, query = url.partition("://")[2].partition("?")
        said = dict(parse_qsl(query, keep_blank_values=True))
        self._id = unquote(place).lstrip("/")
        if not self._id or set(said) - {"region", "endpoint"}:
            raise ConfigurationError(
                "wanted awskms:///alias/NAME, awskms:///KEY-ID or awskms:///ARN, and in its query `region` and "
                f"`endpoint` alone, got {url!r}"
            )
        self._url = url
        endpoint = said.get("endpoint") or environ.get("AWS_ENDPOINT_URL_KMS") or environ.get("AWS_ENDPOINT_URL")
        self._client = _client(environ, self._region(said, environ), endpoint)

    def spki(self) -> bytes:
        answer = self._asked("get_public_key", KeyId=self._id)
        spec = answer.get("KeySpec") or answer.get("CustomerMasterKeySpec")
        if spec != _SPEC or _ALGORITHM not in answer.get("SigningAlgorithms", ()):
            raise ConfigurationError(f"{self._url} is a key of {spec}, wanted one of {_SPEC} to sign and verify with")
        return bytes(answer["PublicKey"])

    def sign(self, digest: bytes) -> bytes:
        answer = self._asked("sign", KeyId=self._id, Message=digest, MessageType="DIGEST", SigningAlgorithm=_ALGORITHM)
        return bytes(answer["Signature"])

    def _region(self, said: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
        """That of the URL, of the key's ARN, of a variable; None leaves it to the profile."""
        of_arn = self._id.split(":")[3] if self._id.startswith("arn:") and self._id.count(":") >= 5 else None
        region = said.get("region") or of_arn or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
        if region is not None and not is_region(region):
            raise ConfigurationError(f"wanted a region such as eu-central-1 for {self._url}, got {region!r}")
        return region

    def _asked(self, verb: str, **fields: Any) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = getattr(self._client, verb)(**fields)
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error) from error
        return answer

    def _fault(self, error: BotoCoreError | ClientError) -> BurgeeError:
        answer = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
        code = str(answer.get("Code", ""))
        text = str(answer.get("Message") or error).rstrip(".")
        said = shortened(f"{self._url}: {code}: {text}" if code else f"{self._url}: {text[:1].lower()}{text[1:]}")
        if code in _MISSING:
            return NotFound(said)
        if code in _UNFIT:
            return ConfigurationError(said)
        if code in _DENIED:
            return Denied(f"{said}; {_NEEDED}")
        return Unavailable(said)


def _client(environ: Mapping[str, str], region: str | None, endpoint: str | None) -> Any:
    config = Config(
        region_name=region,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        # Signing twice is no harm.
        retries={"total_max_attempts": 3, "mode": "standard"},
        ignore_configured_endpoint_urls=True,
        user_agent_extra=f"burgee/{__version__}",
    )
    session = boto3.session.Session(botocore_session=a_session(environ))
    if region is None and session.region_name is None:
        raise ConfigurationError("a key of AWS takes a region: set AWS_REGION, or add ?region= to its URL")
    url = checked_endpoint(endpoint) if endpoint else None
    try:
        return session.client("kms", endpoint_url=url, config=config)
    except BotoCoreError as error:
        raise ConfigurationError(f"cannot ask AWS KMS: {error}") from error
