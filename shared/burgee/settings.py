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
        "Settings",
        "store mirrors config_ref environment ttl_ms auth tokens tokens_file cors_origins allowed_mirrors repository "
        "token port directory refresh_secret refresh_urls keep webhook_secret queue dead_letters tries git_host "
        "git_api verify_keys verify_repository signing_keys signature_validity_ms cache report",
    )
):
    """What the deployment says, read once.

    `store` is the primary store's URL and `mirrors` are further ones, which publishers write and readers fall back to
    in their order; `environment` limits a reader to one environment; `ttl_ms` is how long readers go without looking;
    `auth` is `token` or `none`; `tokens` are entries of client tokens and `tokens_file` is the path of more; pages of
    `cors_origins` may ask; `token` is the Git token. `refresh_secret` is what publishers and readers know,
    `refresh_urls` are the hooks of the readers that a publisher tells. `keep` is the folder in which a reader keeps its
    last good release. `webhook_secret` is what the Git host signs with; `queue` and `dead_letters` are URLs, and after
    `tries` a message goes from the one to the other; `git_host` is the kind of host, `git_api` the URL of its API.
    `verify_keys` are the public keys by which readers verify releases, which are of `verify_repository` then if that is
    given; `signing_keys` are URLs of what publishers sign with, and a head's signatures hold `signature_validity_ms`.
    `cache` is the folder in which the command line keeps what never changes, or `off`; `report` is whether a
    long-running reader writes to the store what it serves.
    """

    __slots__ = ()


SHORTEST_SECRET = 16
# How a value begins that Azure has not put a secret in place of: it stays as it is, and is known to many.
_UNRESOLVED = "@Microsoft.KeyVault("
_GIT_HOSTS = ("github", "gitlab", "gitea", "forgejo", "bitbucket")
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-:[]")


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


def _keys(name: str, value: str) -> tuple[str, ...]:
    """Not none: whoever sets it means to sign or to verify, and nobody may go without by mistake."""
    keys = _list(name, value)
    if not keys:
        raise ConfigurationError(f"{name} lists keys, got {_shown(value)}, in which is none; leave it unset for none")
    return keys


def _tokens(name: str, value: str) -> tuple[str, ...]:
    """The entries, of which no word may be shown: it may be a token by mistake. The rest is read by `serve.tokens`."""
    entries = tuple(" ".join(entry.split()) for entry in _list(name, value))
    for entry in entries:
        digest = entry.partition(" ")[0]
        if not digest.startswith("sha256:") or len(digest) != 71 or set(digest[7:]) - set("0123456789abcdef"):
            raise ConfigurationError(
                f"{name} lists digests of tokens as sha256:<64 hex digits>, one is not of that form"
            )
    return entries


def _origins(name: str, value: str) -> tuple[str, ...]:
    origins = _list(name, value)
    for origin in origins:
        scheme, separator, host = origin.partition("://")
        host = host.removesuffix(":*")
        allowed = set(host) <= _HOST and host and scheme in ("http", "https") and separator
        if origin != "*" and not allowed:
            raise ConfigurationError(
                f"{name} lists origins such as https://shop.example.org (scheme and host in lower case, no path; "
                f"`:*` at the end is any port), or is *, got {_shown(origin)}"
            )
    return origins


def _secret(name: str, value: str) -> str:
    if len(value) < SHORTEST_SECRET:
        raise ConfigurationError(f"{name} is a secret of at least {SHORTEST_SECRET} characters, got {len(value)}")
    if not value.isprintable():
        # Bytes that are no text come as such characters.
        raise ConfigurationError(f"{name} is a secret of printable characters, and one of them is not")
    return value


def _yes(name: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise ConfigurationError(f"{name} is `yes` or `no`, got {_shown(value)}")
    return value == "yes"


def _git_host(name: str, value: str) -> str:
    if value not in _GIT_HOSTS:
        raise ConfigurationError(f"{name} is one of {', '.join(_GIT_HOSTS)}, got {_shown(value)}")
    return value


def _tries(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 4 and 1 <= int(value) <= 1000):
        raise ConfigurationError(f"{name} is a number from 1 to 1000, got {_shown(value)}")
    return int(value)


def _url(name: str, value: str) -> str:
    if not has_origin(value):
        raise ConfigurationError(f"{name} is a URL such as https://git.example.org/api/v1, got {_shown(value)}")
    return value


def _urls(name: str, value: str) -> tuple[str, ...]:
    urls = _list(name, value)
    for url in urls:
        if not has_origin(url):
            raise ConfigurationError(
                f"{name} lists URLs such as https://flags.example.org/hooks/refresh, got {_shown(url)}"
            )
    return urls


def has_origin(url: str) -> bool:
    """Whether it is an http or https URL with a host."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # A port that is none, half of an IPv6 address.
        return False


# Field of Settings: variable, how its text is read, and what holds without it.
VARIABLES: dict[str, tuple[str, Callable[[str, str], Any], Any]] = {
    "store": ("BURGEE_STORE", _text, None),
    "mirrors": ("BURGEE_MIRRORS", _list, ()),
    "config_ref": ("BURGEE_CONFIG_REF", _text, None),
    "environment": ("BURGEE_ENVIRONMENT", _environment, None),
    "ttl_ms": ("BURGEE_TTL", _seconds, 10_000),
    "auth": ("BURGEE_AUTH", _auth, "token"),
    "tokens": ("BURGEE_TOKENS", _tokens, ()),
    "tokens_file": ("BURGEE_TOKENS_FILE", _text, None),
    "cors_origins": ("BURGEE_CORS_ORIGINS", _origins, ()),
    "allowed_mirrors": ("BURGEE_ALLOWED_MIRRORS", _list, ()),
    "repository": ("BURGEE_REPOSITORY", _text, None),
    "token": ("BURGEE_GIT_TOKEN", _text, None),
    "port": ("PORT", _port, 8080),
    "directory": ("BURGEE_DIR", _text, ".burgee"),
    "refresh_secret": ("BURGEE_REFRESH_SECRET", _secret, None),
    "refresh_urls": ("BURGEE_REFRESH_URLS", _urls, ()),
    "keep": ("BURGEE_KEEP", _text, None),
    "webhook_secret": ("BURGEE_WEBHOOK_SECRET", _secret, None),
    "queue": ("BURGEE_QUEUE", _text, None),
    "dead_letters": ("BURGEE_DEAD_LETTERS", _text, None),
    "tries": ("BURGEE_TRIES", _tries, 5),
    "git_host": ("BURGEE_GIT_HOST", _git_host, None),
    "git_api": ("BURGEE_GIT_API", _url, None),
    "verify_keys": ("BURGEE_VERIFY_KEYS", _keys, ()),
    "verify_repository": ("BURGEE_VERIFY_REPOSITORY", _text, None),
    "signing_keys": ("BURGEE_SIGNING_KEYS", _keys, ()),
    "signature_validity_ms": ("BURGEE_SIGNATURE_VALIDITY", _seconds, 3_600_000),
    "cache": ("BURGEE_CACHE", _text, None),
    "report": ("BURGEE_REPORT", _yes, False),
}


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from variables; a blank one counts as absent.

    Blanks and line ends around a value, as people paste them into secrets, are no part of it. Raises
    ConfigurationError naming the variable.
    """
    return Settings(
        **{
            field: read(name, _resolved(name, value)) if (value := environ.get(name, "").strip()) else default
            for field, (name, read, default) in VARIABLES.items()
        }
    )


def _resolved(name: str, value: str) -> str:
    if value.startswith(_UNRESOLVED):
        raise ConfigurationError(f"{name} is a reference to Key Vault that Azure could not resolve; check its rights")
    return value
