"""Where the command line keeps what it fetched and never changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.errors import ConfigurationError
from ..fetch.cache_folder import CacheFolder
from ..settings import read_settings

_OFF = "off"


def cache_folder(environ: Mapping[str, str]) -> CacheFolder | None:
    """The folder that BURGEE_CACHE names, else the user's for caches; None when it is `off`, or there is no home.

    Raises ConfigurationError for what is no folder.
    """
    said = read_settings(environ).cache
    if said == _OFF:
        return None
    if said is None:
        return _of_user(environ)
    path = Path(said).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"BURGEE_CACHE names {path}, which is a file; wanted a folder, or `{_OFF}`")
    return CacheFolder(str(path))


def _of_user(environ: Mapping[str, str]) -> CacheFolder | None:
    """As the XDG base directory specification has it: a path that is not absolute counts as none."""
    named = environ.get("XDG_CACHE_HOME", "")
    if named.startswith("/"):
        return CacheFolder(f"{named}/burgee")
    home = environ.get("HOME", "")
    return CacheFolder(f"{home}/.cache/burgee") if home.startswith("/") else None
