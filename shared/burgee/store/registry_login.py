"""Who publishes to a registry: variables, else what Docker's tools have kept, by its own credential helpers too."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from json import loads
from pathlib import Path

from ..bundle.oci_auth import Login, a_login, config_login, config_names, config_path, login_of
from ..core.errors import ConfigurationError, Denied

# Instead of a user's name, where the password is an identity token.
IDENTITY = "<token>"
# A helper may ask a service, or a person.
_HELPER_SECONDS = 30
# Of docker-credential-helpers; that there is nothing for a name is no failure.
_STANDARD = ("no credentials server URL", "no credentials username")


def find_login(environ: Mapping[str, str], registry: str) -> Login | None:
    """The login for a registry, None when there is none.

    Raises ConfigurationError for variables or a file that are wrong, Denied for a helper that gives none.
    """
    found = login_of(environ, registry)
    path = config_path(environ)
    if found is not None or path is None:
        return found
    try:
        content = Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    config = _config(content, path)
    helped = _helped(config, registry, environ) or _identified(config, registry, path)
    return helped or config_login(config, registry, path)


def _config(content: bytes, path: str) -> Mapping[str, object]:
    try:
        config = loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise ConfigurationError(f"{path} is not a JSON object")
    return config


def _identified(config: Mapping[str, object], registry: str, path: str) -> Login | None:
    """The identity token that the configuration itself has."""
    auths = config.get("auths")
    for name in config_names(registry):
        entry = auths.get(name) if isinstance(auths, dict) else None
        token = entry.get("identitytoken") if isinstance(entry, dict) else None
        if isinstance(token, str) and token:
            return a_login(IDENTITY, token, f"{path}, identitytoken of {name}")
    return None


def _helped(config: Mapping[str, object], registry: str, environ: Mapping[str, str]) -> Login | None:
    """What a helper has that the configuration names for the registry, or for all registries."""
    helpers = config.get("credHelpers")
    for name in config_names(registry):
        if isinstance(helpers, dict) and helpers.get(name):
            return _asked(str(helpers[name]), name, environ)
    store = config.get("credsStore")
    if not store:
        return None
    found = (_asked(str(store), name, environ) for name in config_names(registry))
    return next((login for login in found if login is not None), None)


def _asked(helper: str, registry: str, environ: Mapping[str, str]) -> Login | None:
    """The answer of `docker-credential-<helper> get`, None when it has nothing for that registry."""
    command = f"docker-credential-{helper}"
    if not helper.replace("-", "").replace("_", "").isalnum():
        raise ConfigurationError(f"wanted a credential helper such as ecr-login, got {helper!r}")
    try:
        done = subprocess.run(
            [command, "get"],
            input=registry.encode(),
            capture_output=True,
            timeout=_HELPER_SECONDS,
            env=dict(environ),
            check=False,
        )
    except FileNotFoundError as error:
        raise Denied(f"{command}, which Docker's configuration names for {registry}, is not in PATH") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Denied(f"{command} gave no login for {registry}: {error}") from error
    if done.returncode != 0:
        # By its protocol: the words that say that there is nothing for that name.
        if b"credentials not found" in done.stdout + done.stderr:
            return None
        raise Denied(f"{command} gave no login for {registry}: {_said(done)}; `docker login` may mend it")
    return _read(done.stdout, command)


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Why a helper ended, by its protocol's own words: any others may hold what it found."""
    first = (done.stdout.strip() or done.stderr.strip()).partition(b"\n")[0].strip().decode(errors="replace")
    return first if first in _STANDARD else f"it ended with exit code {done.returncode}"


def _read(content: bytes, command: str) -> Login:
    try:
        said = loads(content)
        return a_login(str(said["Username"]), str(said["Secret"]), command)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        # What it said may be a password: it is not shown.
        raise Denied(f"{command} answers something else than a name and a secret") from error
