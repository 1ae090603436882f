"""The environment's variables as Settings: the only reader of them; everybody else gets values.

docs/configuration.md lists every variable; a test compares that page with this table.
"""

from __future__ import annotations

from collections import namedtuple

from .core.errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


class Settings(
    namedtuple(
        "Settings", "store config_ref environment ttl_ms auth tokens allowed_mirrors repository token port directory"
    )
):
    """What the deployment says, read once.

    `store` is the primary store's URL; `environment` limits a reader to one environment; `ttl_ms` is how long readers
    go without looking; `auth` is `token` or `none`; `tokens` are digests of client tokens; `token` is the Git token.
    """

    __slots__ = ()


def _text(name: str, value: str) -> str:
    return value


def _seconds(name: str, value: str) -> int:
    try:
        milliseconds = int(float(value) * 1000) if "_" not in value else 0
    except (ValueError, OverflowError):
        milliseconds = 0
    if not 0 < milliseconds <= 86_400_000:
        raise ConfigurationError(f"{name} is a number of seconds from 0.001 to 86400, got {_shown(value)}")
    return milliseconds


def _auth(name: str, value: str) -> str:
    if value not in ("token", "none"):
        raise ConfigurationError(f"{name} is `token` or `none`, got {_shown(value)}")
    return value


def _environment(name: str, value: str) -> str:
    if len(value) > 63 or value[0] == "-" or set(value) - set("abcdefghijklmnopqrstuvwxyz0123456789-"):
        raise ConfigurationError(f"{name} is an environment name of a-z, 0-9 and '-', got {_shown(value)}")
    return value


def _port(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 5 and int(value) <= 65_535):
        raise ConfigurationError(f"{name} is a port number from 0 to 65535, got {_shown(value)}")
    return int(value)


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:60] + "...")


def _list(name: str, value: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in value.split(","))))


def _tokens(name: str, value: str) -> tuple[str, ...]:
    digests = _list(name, value)
    for digest in digests:
        if not digest.startswith("sha256:") or len(digest) != 71 or set(digest[7:]) - set("0123456789abcdef"):
            raise ConfigurationError(
                f"{name} lists digests of tokens as sha256:<64 hex digits>, one is not of that form"
            )
    return digests


# Field of Settings: variable, how its text is read, and what holds without it.
VARIABLES: dict[str, tuple[str, Callable[[str, str], Any], Any]] = {
    "store": ("BURGEE_STORE", _text, None),
    "config_ref": ("BURGEE_CONFIG_REF", _text, None),
    "environment": ("BURGEE_ENVIRONMENT", _environment, None),
    "ttl_ms": ("BURGEE_TTL", _seconds, 10_000),
    "auth": ("BURGEE_AUTH", _auth, "token"),
    "tokens": ("BURGEE_TOKENS", _tokens, ()),
    "allowed_mirrors": ("BURGEE_ALLOWED_MIRRORS", _list, ()),
    "repository": ("BURGEE_REPOSITORY", _text, None),
    "token": ("BURGEE_GIT_TOKEN", _text, None),
    "port": ("PORT", _port, 8080),
    "directory": ("BURGEE_DIR", _text, ".burgee"),
}


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from variables; an empty one counts as absent. Raises ConfigurationError naming the variable."""
    return Settings(
        **{
            field: read(name, environ[name]) if environ.get(name) else default
            for field, (name, read, default) in VARIABLES.items()
        }
    )
