"""Google's client for the bucket of a store: who it asks as, where, and how long it waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from logging import NullHandler, getLogger
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import google.auth
from google.api_core.client_info import ClientInfo
from google.auth.credentials import AnonymousCredentials, with_scopes_if_required
from google.auth.exceptions import DefaultCredentialsError
from google.auth.transport.requests import AuthorizedSession
from google.cloud.storage import Client
from google.oauth2.credentials import Credentials

from .. import __version__
from ..bundle.addresses import keeps_secrets
from ..core.errors import ConfigurationError
from .pace import Pace
from .requests_timely import TimelyAdapter

_SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)
_CONNECTIONS = 32
_TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"

# Else what it warns of goes to standard error where nobody has set up logging; every fault is told as one anyway.
getLogger("google.auth").addHandler(NullHandler())


@dataclass(frozen=True, slots=True)
class Identity:
    """Credentials as Google's libraries have them, who they are in words, and whether they can be renewed."""

    credentials: Any
    shown: str
    renews: bool = True


def checked_variables(environ: Mapping[str, str]) -> None:
    """Raises ConfigurationError for a token that cannot stand in a header."""
    token = environ.get(_TOKEN, "")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(f"{_TOKEN} is one line of printable characters without blanks; set it anew")


def an_identity(environ: Mapping[str, str], endpoint: str) -> Identity:
    """The first of: the token of a variable, the file of a variable, gcloud's, what the machine is; else nobody.

    What `environ` leaves out Google's libraries look for in the process's own variables. An endpoint without TLS is
    not told any token unless it is on this machine, and not one of the machine's unless GCE_METADATA_HOST is set.
    Raises GoogleAuthError for what cannot be read, and when there is nobody to ask as.
    """
    if not keeps_secrets(endpoint):
        return _nobody("nobody, for tokens are not told without TLS")
    if environ.get(_TOKEN):
        return Identity(Credentials(token=environ[_TOKEN]), f"the token of {_TOKEN}", renews=False)
    path = _file(environ)
    if path is not None:
        return _of_file(path)
    if endpoint.startswith("http:") and not environ.get("GCE_METADATA_HOST"):
        return _nobody("nobody, for there are no credentials")
    credentials, _ = google.auth.default(scopes=_SCOPES)
    return Identity(credentials, _shown(credentials, "Google's default credentials"))


def a_client(identity: Identity, *, endpoint: str, pace: Pace, note: Callable[[Mapping[str, str]], object]) -> Client:
    """A client that leads nowhere else; `note` gets the headers of every answer. Raises GoogleAuthError."""
    session = AuthorizedSession(identity.credentials, refresh_status_codes=(401,) if identity.renews else ())
    for scheme in ("https://", "http://"):
        session.mount(scheme, TimelyAdapter(pace, connections=_CONNECTIONS))
    # Where a write is led elsewhere it would become a read.
    session.max_redirects = 0
    session.hooks["response"].append(lambda response, *_, **__: note(response.headers) and None)
    client = Client(
        project=None,
        credentials=identity.credentials,
        client_info=ClientInfo(user_agent=f"burgee/{__version__}"),
        client_options={"api_endpoint": endpoint, "universe_domain": identity.credentials.universe_domain},
        # There is no other way to say how many connections are kept.
        _http=session,
    )
    # Version 3.17 asks for the bucket beside each request, on a thread of its own and for two minutes, to name its
    # region in traces that nobody has asked for; a publisher need not have the right to.
    client._bucket_metadata_cache = None
    return client


def _file(environ: Mapping[str, str]) -> Path | None:
    """The file of credentials that a variable names, or gcloud's own when there is one."""
    if environ.get(_FILE):
        return Path(environ[_FILE])
    folder = environ.get("CLOUDSDK_CONFIG") or (environ.get("HOME") and f"{environ['HOME']}/.config/gcloud")
    path = Path(folder) / "application_default_credentials.json" if folder else None
    return path if path is not None and path.is_file() else None


def _of_file(path: Path) -> Identity:
    with catch_warnings():
        # It warns of files that come from strangers; this one is where its owner says.
        simplefilter("ignore", DeprecationWarning)
        try:
            credentials, _ = google.auth.load_credentials_from_file(str(path))
        except AttributeError as error:
            # It does not look whether the JSON is an object.
            raise DefaultCredentialsError(f"{path} has no credentials") from error
    return Identity(with_scopes_if_required(credentials, _SCOPES), _shown(credentials, f"the file {path}"))


def _shown(credentials: Any, source: str) -> str:
    email = getattr(credentials, "service_account_email", None) or getattr(credentials, "account", None)
    return f"{email} of {source}" if email else source


def _nobody(shown: str) -> Identity:
    return Identity(AnonymousCredentials(), shown, renews=False)
