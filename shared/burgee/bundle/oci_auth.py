"""How a registry asks who may read or write, and refuses (Docker's registry tokens, OCI distribution 1.1).

Law: pure. Nobody is asked over plain http for a registry that is asked over https; nothing secret is in a message.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import ConfigurationError, Denied
from ..core.visible import shortened, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NOBODY = "nobody, for there is no login (BURGEE_OCI_USERNAME and BURGEE_OCI_PASSWORD, or `docker login`)"
MISSING_OR_DENIED = "registries may answer so for a repository that is not there, too"
_REGISTRY = "BURGEE_OCI_REGISTRY"

Challenge = namedtuple("Challenge", "scheme realm service")
Challenge.__doc__ = """What a registry wants to be shown: `scheme` is `basic` or `bearer`; the others may be empty."""


class Login(namedtuple("Login", "username password source")):
    """Who asks; `source` is words for people. The password is not shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Login({self.shown()})"

    def shown(self) -> str:
        """Words that tell one from another and help nobody to ask in their name."""
        return f"{visible(self.username)} of {self.source}"

    def basic(self) -> str:
        """The value of an Authorization header."""
        from binascii import b2a_base64

        return "Basic " + b2a_base64(f"{self.username}:{self.password}".encode(), newline=False).decode()


def read_challenge(header: str) -> Challenge | None:
    """The challenge of a WWW-Authenticate header that can be met, a bearer's before a basic one; None without."""
    for scheme in ("bearer", "basic"):
        at = header.lower().find(scheme + " ")
        if at >= 0:
            fields = _fields(header[at:])
            return Challenge(scheme, fields.get("realm", ""), fields.get("service", ""))
    return None


def token_address(challenge: Challenge, base: str, repository: str, actions: str) -> tuple[str, dict[str, str]]:
    """Where tokens are given for the registry at `base`, and what is asked for there: `pull` or `pull,push`.

    Raises Denied when the realm that it names is no place to send a password to.
    """
    realm, service = challenge.realm, challenge.service
    rest = realm.removeprefix("https://" if realm.startswith("https") else "http://")
    is_plain = rest != realm and rest.isprintable() and not set(rest) & set(" @#") and rest[:1] not in ("", "/")
    if not is_plain or (realm.startswith("http:") and not base.startswith("http:")):
        raise Denied(
            f"the registry at {base} names {realm!r} as the place that gives tokens, "
            "wanted an https URL: a password is sent there"
        )
    fields = {"service": service} if service else {}
    return realm, fields | {"scope": f"repository:{repository}:{actions}"}


def login_of(environ: Mapping[str, str], registry: str) -> Login | None:
    """That of the variables, unless it is for another registry. Raises ConfigurationError for half of it."""
    only = environ.get(_REGISTRY, "").strip()
    if "/" in only:
        raise ConfigurationError(f"wanted a host such as ghcr.io as {_REGISTRY}, got {only!r}")
    if only.lower() not in ("", registry.lower()):
        return None
    # Blanks and line ends around them are of whoever pasted them; a blank secret waits to be put there.
    username, password = (environ.get(name, "").strip() for name in ("BURGEE_OCI_USERNAME", "BURGEE_OCI_PASSWORD"))
    if not username and not password:
        return None
    if not username or not password:
        raise ConfigurationError("wanted both BURGEE_OCI_USERNAME and BURGEE_OCI_PASSWORD, got one of them")
    return a_login(username, password, "BURGEE_OCI_USERNAME")


def a_login(username: str, password: str, source: str) -> Login:
    """That login. Raises ConfigurationError for one that cannot be sent: the bytes it was read from are no text."""
    try:
        (username + password).encode()
    except UnicodeEncodeError as error:
        # Which characters these are is left out: they may be of a password.
        raise ConfigurationError(f"the name or the password of {source} is not in UTF-8; set it anew") from error
    return Login(username, password, source)


def config_path(environ: Mapping[str, str]) -> str | None:
    """Where Docker's tools keep their logins, None when nothing says where that is."""
    home = environ.get("HOME") or environ.get("USERPROFILE")
    folder = environ.get("DOCKER_CONFIG") or (home and f"{home}/.docker")
    return f"{folder}/config.json" if folder else None


def config_names(registry: str) -> tuple[str, ...]:
    """The names that a registry may have in a configuration of Docker's."""
    return ("https://index.docker.io/v1/",) if registry == "docker.io" else (registry, f"https://{registry}")


def config_login(config: Mapping[str, object], registry: str, path: str) -> Login | None:
    """The login that Docker's configuration itself has for a registry. Raises ConfigurationError for a broken one."""
    from binascii import a2b_base64

    auths = config.get("auths")
    for name in config_names(registry):
        try:
            # Of none where a program keeps it.
            encoded = auths[name].get("auth") if auths and name in auths else None  # type: ignore[index, operator]
            if encoded:
                username, password = a2b_base64(encoded, strict_mode=True).decode().split(":", 1)
                return Login(username, password.rstrip("\0"), path)
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{path}: wanted base64 of name:password as auth of {name}") from error
    return None


def refusal_of(status: int, reason: str, content: bytes) -> tuple[str, str]:
    """The code of the first error, empty when there is none, and all of it as a person may see it.

    As `404 NAME_UNKNOWN: repository name not known`, or `403 Forbidden` when it says no more.
    """
    from json import loads

    code, message = "", ""
    try:
        first = loads(content)["errors"][0]
        code, message = str(first.get("code") or ""), str(first.get("message") or "").rstrip(".")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    return code, shortened(f"{status} {code or reason}{message and f': {message}'}")


def _fields(header: str) -> dict[str, str]:
    """The parameters of a challenge (RFC 9110, 11.6.1); registries put all that counts into quotes."""
    from re import findall

    fields: dict[str, str] = {}
    for name, value in findall(r'(\w+)="([^"]*)"', header):
        fields.setdefault(name.lower(), value)
    return fields
