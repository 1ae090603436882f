"""Tokens of Microsoft Entra for a reader of Azure's storage, where Microsoft's own libraries look for them first.

Law: what proves who asks goes to the authority over https, or stays on this machine.
"""

from __future__ import annotations

from ..bundle.addresses import keeps_secrets
from ..core.errors import ConfigurationError, Unavailable
from .bearer import Token, granted, is_token, nobody
from .connections import PATIENCE, Patience, checked_base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .rim import Rim

# It is beside this machine or nowhere.
METADATA = Patience(1.0, 1.0, 3.0)

_RESOURCE = "https://storage.azure.com/"
_AUTHORITY = "https://login.microsoftonline.com"
_METADATA = "http://169.254.169.254"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def find_token(
    environ: Mapping[str, str], rim: Rim, patience: Patience = PATIENCE, *, was_found: bool = False
) -> Token:
    """That of the first of: a client's secret, a workload, a function or app, this machine; else nobody's, for a while.

    `was_found` says that there has been one before: then a machine that gives none is in trouble, and not without.
    Raises ConfigurationError for a source that is named and wrong, Denied and Unavailable for one that gives none.
    """
    found = _from_client(environ, rim, patience) or _from_app(environ, rim, patience)
    found = found or _from_machine(environ, rim, was_found=was_found)
    looked = "AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY, a client's secret, a workload's and a managed identity"
    return found or nobody(looked, now=rim.now())


def _from_client(environ: Mapping[str, str], rim: Rim, patience: Patience) -> Token | None:
    """For AZURE_CLIENT_SECRET, or for the token that Kubernetes keeps in AZURE_FEDERATED_TOKEN_FILE."""
    from urllib.parse import urlencode

    secret, path = environ.get("AZURE_CLIENT_SECRET"), environ.get("AZURE_FEDERATED_TOKEN_FILE")
    if not secret and not path:
        return None
    tenant, client = environ.get("AZURE_TENANT_ID"), environ.get("AZURE_CLIENT_ID")
    if not tenant or not client or not tenant.replace("-", "").replace(".", "").isalnum():
        named = "AZURE_CLIENT_SECRET" if secret else "AZURE_FEDERATED_TOKEN_FILE"
        raise ConfigurationError(f"{named} is set; set AZURE_TENANT_ID and AZURE_CLIENT_ID with it")
    if secret:
        proof = {"client_secret": secret}
    else:
        proof = {"client_assertion_type": _ASSERTION, "client_assertion": _token_in(rim, path or "")}
    base = checked_base(environ.get("AZURE_AUTHORITY_HOST") or _AUTHORITY)
    if not keeps_secrets(base):
        raise ConfigurationError(f"AZURE_AUTHORITY_HOST is https, got {base!r}")
    asked = {"grant_type": "client_credentials", "client_id": client, "scope": f"{_RESOURCE}.default", **proof}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = rim.ask("POST", f"{base}/{tenant}/oauth2/v2.0/token", headers, urlencode(asked).encode(), patience)
    return granted(reply, now=rim.now(), source=f"client {client} of tenant {tenant}")


def _from_app(environ: Mapping[str, str], rim: Rim, patience: Patience) -> Token | None:
    """That of an identity of a function or app, which says itself where to ask (App Service, Container Apps)."""
    url, header = environ.get("IDENTITY_ENDPOINT"), environ.get("IDENTITY_HEADER")
    if not url or not header:
        return None
    query = _query(environ, "2019-08-01")
    reply = rim.ask("GET", f"{checked_base(url)}?{query}", {"X-IDENTITY-HEADER": header}, b"", patience)
    return granted(reply, now=rim.now(), source=_managed(environ, "app"))


def _from_machine(environ: Mapping[str, str], rim: Rim, *, was_found: bool) -> Token | None:
    """That of an identity of a virtual machine, by its metadata service; None when there is none, or it has none."""
    base = checked_base(environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or _METADATA)
    url = f"{base}/metadata/identity/oauth2/token?{_query(environ, '2018-02-01')}"
    try:
        reply = rim.ask("GET", url, {"Metadata": "true"}, b"", METADATA)
    except Unavailable:
        if was_found:
            raise
        return None
    if 400 <= reply.status < 500 and reply.status not in (410, 429) and not was_found:
        # No identity is assigned, or another cloud's service has the same address.
        return None
    return granted(reply, now=rim.now(), source=_managed(environ, "machine"))


def _query(environ: Mapping[str, str], version: str) -> str:
    from urllib.parse import urlencode

    client = environ.get("AZURE_CLIENT_ID")
    return urlencode({"api-version": version, "resource": _RESOURCE, **({"client_id": client} if client else {})})


def _managed(environ: Mapping[str, str], of: str) -> str:
    client = environ.get("AZURE_CLIENT_ID")
    return f"the managed identity {client} of this {of}" if client else f"the managed identity of this {of}"


def _token_in(rim: Rim, path: str) -> str:
    """What the file has, read each time: others renew it."""
    try:
        text: str = rim.read(path).decode("utf-8", "replace").strip()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} of AZURE_FEDERATED_TOKEN_FILE: {error.strerror}") from error
    if not is_token(text):
        raise ConfigurationError(f"{path} of AZURE_FEDERATED_TOKEN_FILE has no token of one line")
    return text
