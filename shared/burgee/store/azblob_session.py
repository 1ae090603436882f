"""Microsoft's client for the container of a store: who it asks as, and how long it waits."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from logging import NullHandler, getLogger
from typing import Any
from urllib.parse import parse_qs

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential, TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import ContainerClient
from requests import Session

from .. import __version__
from ..bundle.azblob_address import AzblobAddress
from ..bundle.azblob_given import given_credentials
from ..core.errors import ConfigurationError
from ..core.visible import visible
from .azblob_faults import nobody
from .pace import Pace
from .remote import LARGEST_BYTES
from .requests_timely import TimelyAdapter

_SCOPE = "https://storage.azure.com/.default"
_CONNECTIONS = 32
_LONGEST = 40
# What a token says of whose it is, the most telling first.
_NAMES = ("upn", "preferred_username", "appid", "oid")

# Else every source that has no identity is told on standard error where nobody has set up logging.
getLogger("azure").addHandler(NullHandler())


@dataclass(frozen=True, slots=True)
class Asker:
    """What Microsoft's client takes for credentials, and `shown`, who that is as a person may see it.

    `shown` raises Denied when that cannot be found out.
    """

    credential: Any
    shown: Callable[[], str]


def an_asker(address: AzblobAddress, environ: Mapping[str, str]) -> Asker:
    """Who a signed URL, a key or, without both, an identity of Microsoft Entra is.

    That identity azure-identity looks for, in the process's own variables and in this machine's services and tools.
    Raises ConfigurationError for variables that are wrong.
    """
    given = given_credentials(environ, address.account, address.endpoint)
    if given is None:
        return _an_identity(address, environ)
    if given.sas:
        return Asker(AzureSasCredential(given.sas), lambda: f"{given.source} ({_told(given.sas)})")
    return Asker(AzureNamedKeyCredential(address.account, given.key), lambda: str(given.source))


def a_client(address: AzblobAddress, asker: Asker, *, pace: Pace, note: Callable[[Any], None]) -> ContainerClient:
    """A client that tries everything once and tells `note` of each answer."""
    session = Session()
    for scheme in ("https://", "http://"):
        # As many connections as threads write at once; requests keeps ten.
        session.mount(scheme, TimelyAdapter(pace, connections=_CONNECTIONS))
    return ContainerClient(
        address.endpoint,
        address.container,
        credential=asker.credential,
        transport=RequestsTransport(session=session, connection_timeout=pace.connect, read_timeout=pace.answer),
        # One attempt: a write that is tried again must know that it is, see `remote.RemoteObjects`.
        retry_total=0,
        permit_redirects=False,
        # What readers take arrives in one piece, which is of one version.
        max_single_get_size=LARGEST_BYTES + 1,
        max_single_put_size=2 * LARGEST_BYTES,
        raw_response_hook=note,
        user_agent=f"burgee/{__version__}",
    )


def _told(sas: str) -> str:
    """What a signed URL allows and until when, neither of which is a secret."""
    fields = parse_qs(sas)
    rights, until = (visible(fields.get(name, [""])[0])[:_LONGEST] for name in ("sp", "se"))
    told = [f"for {rights}" if rights else "", f"until {until}" if until else ""]
    return ", ".join(filter(None, told)) or "by a policy of the container"


def _an_identity(address: AzblobAddress, environ: Mapping[str, str]) -> Asker:
    if not address.endpoint.startswith("https:"):
        raise ConfigurationError(
            "an identity is proven over https only; set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN "
            f"for {address.endpoint}"
        )
    try:
        from azure.identity import DefaultAzureCredential
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"without AZURE_STORAGE_KEY and AZURE_STORAGE_SAS_TOKEN stores in Azure need azure-identity ({error}): "
            "install burgee with the extra `azure`"
        ) from error
    given = {
        "managed_identity_client_id": environ.get("AZURE_CLIENT_ID"),
        "authority": environ.get("AZURE_AUTHORITY_HOST"),
    }
    credential = DefaultAzureCredential(**{name: value for name, value in given.items() if value})
    return Asker(credential, lambda: _identity_of(address, credential))


def _identity_of(address: AzblobAddress, credential: TokenCredential) -> str:
    try:
        token = credential.get_token(_SCOPE).token
    except AzureError as error:
        raise nobody(f"cannot ask {address.url}", error) from error
    return f"the Microsoft Entra identity {principal_of(token)}"


def principal_of(token: str) -> str:
    """Whom a token is of, by what it says of itself; nobody here checks it."""
    body = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return str(next(claims[name] for name in _NAMES if claims.get(name)))
    except (ValueError, AttributeError, StopIteration):
        return "of a token that does not name it"
