"""Git hosts: what is said about a commit or a request to merge there, and who is told of pushes.

Law: a status is a courtesy. It takes a bounded time, and whoever writes one goes on when it cannot be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from ..core.errors import ConfigurationError
from .address import Credentials, identity_of, is_remote, split_credentials

if TYPE_CHECKING:
    from .api import Api

KINDS = ("github", "gitlab", "gitea", "forgejo", "bitbucket")
# What every host takes.
SHORTEST_LIMIT = 140

_WELL_KNOWN = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "codeberg.org": "forgejo",
    "gitea.com": "gitea",
    "bitbucket.org": "bitbucket",
}
# GitHub with data residency, a host for each enterprise.
_GITHUB_ENTERPRISES = ".ghe.com"
# Where a host of one's own has its API.
_API_PATHS = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1", "forgejo": "/api/v1"}

State = Literal["success", "failure", "error", "pending"]


@dataclass(frozen=True, slots=True)
class Status:
    """What is said about a commit; a later status of the same context replaces it.

    `description` is one line, which hosts cut at their limit; `target_url` is where more is said.
    """

    context: str
    state: State
    description: str
    target_url: str | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """Where pushes are told, and what is known there: `signing_key` is 32 bytes, for hosts that want a key as such."""

    url: str
    secret: str = field(repr=False)
    signing_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """A hook at a host. `id` is None for one that would be created.

    `others` are hooks with the same URL, each of which is told too; `signed` is whether the host signs what it sends,
    as it does unless all it can do is to send the secret along, and None where only connecting would show it.
    """

    id: str | None
    action: Literal["created", "updated"]
    others: tuple[str, ...] = ()
    signed: bool | None = True


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a pull or merge request at a host."""

    id: str
    action: Literal["created", "updated"]


class GitHost(Protocol):
    """One repository at a host, as a token sees it. Every method takes at most some ten seconds for each answer.

    They raise Denied, saying which right the token lacks; NotFound; InvalidRequest for what the host will not take; and
    Unavailable.
    """

    @property
    def longest_description(self) -> int:
        """How many characters of a status the host shows."""

    def write_status(self, commit: str, status: Status) -> None:
        """Say something about a commit."""

    def connect(self, hook: Hook, *, dry_run: bool = False) -> Connection:
        """Have pushes told to a hook: the one there with its URL is updated, if there is none one is created.

        A dry run looks and changes nothing.
        """

    def write_comment(self, request: int, mark: str, text: str) -> Comment:
        """Comment on the pull or merge request of that number: the comment there that begins with `mark` and is by the
        same author is updated, if there is none one is created. A host that cannot is InvalidRequest.
        """

    def close(self) -> None:
        """Give up connections; closing twice is fine."""


def open_host(
    address: str,
    *,
    kind: str | None = None,
    api: str | None = None,
    token: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> GitHost | None:
    """The host of the repository at `address`; None when nobody knows of what kind it is, or there is no token.

    `kind` is one of KINDS, if the name of the host does not say it; `api` is the URL of its API, if that is not where
    such hosts have it; `token` wins over one in the address; `environ` gives proxies and certificates. The host is
    asked only when a method is called. Raises ConfigurationError for an address, API or token that cannot be.
    """
    kind = kind or kind_of(address)
    credentials = credentials_of(address, token)
    if kind is None or credentials is None:
        return None
    from .api import Api

    page = identity_of(address)
    base = (api or _api_of(kind, page)).rstrip("/")
    path = _path_of(kind, page, base)
    _check(base, credentials)
    return _opened(kind, Api(base, kind, credentials, environ=environ or {}), path, page)


def kind_of(address: str) -> str | None:
    """The kind of host that a repository is known to be at."""
    host = urlsplit(identity_of(address)).hostname or ""
    return "github" if host.endswith(_GITHUB_ENTERPRISES) else _WELL_KNOWN.get(host)


def credentials_of(address: str, token: str | None) -> Credentials | None:
    """Whom to be at the host of an address. Raises ConfigurationError when the address cannot be."""
    text = token.strip() if token else None
    if is_remote(address):
        return split_credentials(address, text)[1]
    return Credentials("", text) if text else None


def shorten(text: str, most: int) -> str:
    """`text` in at most so many characters, cut after a word if one ends in the second half."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    word, space, _ = kept.rpartition(" ")
    whole = word if space and len(word) >= most // 2 else kept
    return f"{whole.rstrip(' ,;:(')}…"


def _api_of(kind: str, page: str) -> str:
    parts = urlsplit(page)
    if kind == "bitbucket":
        return "https://api.bitbucket.org/2.0"
    if kind == "github" and parts.hostname == "github.com":
        return "https://api.github.com"
    if kind == "github" and (parts.hostname or "").endswith(_GITHUB_ENTERPRISES):
        return f"https://api.{parts.hostname}"
    return f"{parts.scheme}://{parts.netloc}{_API_PATHS.get(kind, '')}"


def _check(base: str, credentials: Credentials) -> None:
    try:
        parts = urlsplit(base)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.query:
        raise ConfigurationError("wanted the URL of a Git host's API, such as https://git.example.org/api/v1")
    # Anything else would end up in a header, or in the message of who refuses to send it.
    if not all(text.isascii() and text.isprintable() for text in (credentials.user, credentials.password)):
        raise ConfigurationError("the Git token holds characters that no token has; check that it is whole and alone")


def _path_of(kind: str, page: str, base: str) -> str:
    """The name of the repository at its host, as `acme/flags`. Raises ConfigurationError."""
    parts, api = urlsplit(page), urlsplit(base)
    path = parts.path
    below = api.path.removesuffix(_API_PATHS.get(kind, ""))
    if below and parts.netloc == api.netloc and path.startswith(f"{below}/"):
        path = path.removeprefix(below)
    names = path.strip("/").split("/")
    if parts.scheme in ("http", "https") and (len(names) == 2 or (len(names) > 2 and kind == "gitlab")):
        return "/".join(names)
    raise ConfigurationError(f"wanted the URL of a repository as https://<host>/<owner>/<name>, got {page}")


def _opened(kind: str, api: Api, path: str, page: str) -> GitHost:
    match kind:
        case "github":
            from .github import GitHub

            return GitHub(api, path)
        case "gitlab":
            from .gitlab import GitLab

            return GitLab(api, path)
        case "gitea" | "forgejo":
            from .github import Gitea

            return Gitea(api, path)
        case "bitbucket":
            from .bitbucket import Bitbucket

            return Bitbucket(api, path, page)
    raise ConfigurationError(f"wanted a kind of Git host ({', '.join(KINDS)}), got {kind!r}")
