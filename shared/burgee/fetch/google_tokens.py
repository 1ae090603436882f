"""Who a reader of Google Cloud Storage is: a token from where Google's own tools look for one, for a while.

Law: no token is told without TLS to another machine.
"""

from __future__ import annotations

from ..bundle.addresses import keeps_secrets
from ..core.errors import ConfigurationError, Unavailable
from .bearer import Token, granted, is_token, nobody
from .connections import PATIENCE, Patience, checked_base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .rim import Rim

ACCOUNTS = "https://oauth2.googleapis.com/token"
# It is beside this machine or nowhere.
METADATA = Patience(1.0, 1.0, 3.0)

_TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_HOST = "GCE_METADATA_HOST"
# By its number: a name that nobody knows may take long to be told so.
_METADATA_HOST = "169.254.169.254"
_OF_LOGIN = ("client_id", "client_secret", "refresh_token")


def find_token(
    environ: Mapping[str, str],
    rim: Rim,
    endpoint: str,
    patience: Patience = PATIENCE,
    *,
    was_found: bool = False,
) -> Token:
    """The first of: a variable's, that of a file, the machine's own; else nobody's for a while, with words for why.

    `was_found` says that there has been one before: then a machine that gives none is in trouble, and not without.
    Where the endpoint is on this machine, the machine's own is looked for only if GCE_METADATA_HOST says where. Raises
    ConfigurationError for a source that is named and wrong, Denied and Unavailable for one that gives none.
    """
    if not keeps_secrets(endpoint):
        return Token(None, None, "nobody, for tokens are not told without TLS")
    text = environ.get(_TOKEN)
    if text:
        if not is_token(text):
            raise ConfigurationError(f"{_TOKEN} is one line of printable characters without blanks; set it anew")
        return Token(text, None, f"the token of {_TOKEN}")
    found = _of_file(environ, rim, patience)
    if found is None and (endpoint.startswith("https:") or environ.get(_HOST)):
        found = _of_machine(environ, rim, was_found=was_found)
    looked = f"{_TOKEN}, {_FILE}, gcloud's login, the machine's service account"
    return found or nobody(looked, now=rim.now())


def _of_file(environ: Mapping[str, str], rim: Rim, patience: Patience) -> Token | None:
    """In exchange for what a login of gcloud has left in a file; None when no variable names one and there is none."""
    from json import loads

    named = environ.get(_FILE)
    folder = environ.get("CLOUDSDK_CONFIG") or f"{environ.get('HOME') or ''}/.config/gcloud"
    path = named or f"{folder}/application_default_credentials.json"
    try:
        fields = loads(rim.read(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        if named:
            raise ConfigurationError(f"cannot read {path} of {_FILE}: {error.strerror}") from error
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"cannot read {path} as credentials of Google's: {type(error).__name__}") from error
    return _of_login(fields, path, rim, patience)


def _of_login(fields: Any, path: str, rim: Rim, patience: Patience) -> Token:
    from urllib.parse import urlencode

    kind = fields.get("type") if isinstance(fields, dict) else None
    if kind != "authorized_user" or not all(isinstance(fields.get(name), str) for name in _OF_LOGIN):
        raise ConfigurationError(
            f"{path} is of type {kind!r}, and readers take what `gcloud auth application-default login` writes: let "
            f"them run as a service account of Google's machines, or set {_TOKEN}"
        )
    asked = {"grant_type": "refresh_token"} | {name: fields[name] for name in _OF_LOGIN}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    now = rim.now()
    reply = rim.ask("POST", ACCOUNTS, headers, urlencode(asked).encode(), patience)
    return granted(reply, now=now, source=f"the login of {path}")


def _of_machine(environ: Mapping[str, str], rim: Rim, *, was_found: bool) -> Token | None:
    """That of the service account this machine runs as; None where there is no such service, or no account."""
    base = checked_base(f"http://{environ.get(_HOST) or _METADATA_HOST}")
    url = f"{base}/computeMetadata/v1/instance/service-accounts/default/token"
    now = rim.now()
    try:
        reply = rim.ask("GET", url, {"Metadata-Flavor": "Google"}, b"", METADATA)
        # Other clouds have a service at the same address.
        if reply.status == 404 or reply.headers.get("Metadata-Flavor") != "Google":
            raise Unavailable(f"{url}: {reply.status}")
    except Unavailable:
        if was_found:
            raise
        return None
    return granted(reply, now=now, source="the service account of this machine")
