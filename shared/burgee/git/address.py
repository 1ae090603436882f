"""Addresses of repositories: which are remote, what is secret in them, and one spelling for each.

Law: no credential leaves this module except in `Credentials`, whose text hides it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from ..core.errors import ConfigurationError

_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\s]{2,}):(?P<path>(?!//).+)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_TOKEN_USER = "x-access-token"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password for HTTP basic authentication; a token is the password of `x-access-token`."""

    user: str
    password: str = field(repr=False)


def is_remote(address: str) -> bool:
    """Whether the address is read over HTTP."""
    return address.lower().startswith(("http://", "https://"))


def is_foreign(address: str) -> bool:
    """Whether the address names a repository by a protocol that is not read here, as ssh does."""
    return "://" in address or (_SCP.fullmatch(address) is not None and not Path(address).exists())


def split_credentials(address: str, token: str | None) -> tuple[str, Credentials | None]:
    """The address of an HTTP repository without user info, and whom to be there; `token` wins over the address.

    Raises ConfigurationError when the address has no host or a port that is none.
    """
    parts = _split(address)
    clean = parts._replace(netloc=_host(parts), query="", fragment="").geturl()
    if token:
        return clean, Credentials(unquote(parts.username or "") or _TOKEN_USER, token)
    if parts.password is not None:
        return clean, Credentials(unquote(parts.username or "") or _TOKEN_USER, unquote(parts.password))
    if parts.username:
        return clean, Credentials(_TOKEN_USER, unquote(parts.username))
    return clean, None


def identity_of(address: str, *, folder: Path | None = None) -> str:
    """One text for every spelling of a repository's address.

    No credentials, query, trailing slash or `.git`; host in lower case, without the scheme's own port. The ssh and git
    protocols become https, as forges serve both under the same path, so that a developer's clone and a webhook name the
    same repository. A path (relative ones belong to `folder`) becomes a `file://` URL.
    """
    scp = _SCP.fullmatch(address)
    if "://" not in address and scp and not address.startswith((".", "/")):
        return _trim(f"https://{scp['host'].lower()}/{scp['path'].lstrip('/')}")
    if "://" not in address:
        return _trim(((folder or Path()) / address).resolve().as_uri())
    parts = _split(address)
    if parts.scheme == "file":
        return _trim(Path(unquote(parts.path)).resolve().as_uri())
    if parts.scheme in _DEFAULT_PORTS:
        return _trim(f"{parts.scheme}://{_host(parts)}{parts.path}")
    return _trim(f"https://{_bracket(parts.hostname or '')}{parts.path}")


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        usable = parts.scheme == "file" or bool(parts.hostname)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        scheme = address.partition("://")[0]
        raise ConfigurationError(f"wanted the URL of a repository, got one of scheme {scheme!r} without a usable host")
    return parts


def _host(parts: SplitResult) -> str:
    host = _bracket(parts.hostname or "")
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _trim(url: str) -> str:
    trimmed = url.rstrip("/")
    return trimmed.removesuffix(".git") if not trimmed.endswith("/.git") else trimmed.removesuffix("/.git")
