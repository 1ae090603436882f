"""A repository, here or on a server: its name, its branches, its commits and the files in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Protocol, Self

from ..core.errors import ConfigurationError
from .address import is_foreign, is_remote
from .tree import Commit, Source


class Repository(Protocol):
    """What can be asked of a repository; every answer is what it holds now, not what it held when it was opened."""

    @property
    def identity(self) -> str:
        """The normalised URL that names the repository, the same for every clone of it and without credentials."""

    def default_ref(self) -> str:
        """The name of the branch HEAD points at, even if it has no commit. Raises NotFound for a detached HEAD."""

    def tip(self, ref: str) -> Commit:
        """The commit a branch (or tag, or full `refs/...` name) points at. Raises NotFound, naming those that exist."""

    def resolve(self, revision: str) -> Commit:
        """The commit a revision names. Raises NotFound."""

    def source(self, commit: Commit) -> Source:
        """The files at a commit. Raises NotFound if the repository does not hold it."""

    def close(self) -> None:
        """Give up files and connections; closing twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_repository(
    address: str | PathLike[str],
    *,
    token: str | None = None,
    environ: Mapping[str, str] | None = None,
    object_directories: Sequence[str | PathLike[str]] = (),
) -> Repository:
    """The repository at a path (bare, a work tree, or a folder in one) or at an http or https URL.

    `token` is sent as the password of `x-access-token`, which GitHub, GitLab and Gitea accept; a user and password in
    the URL work too. `environ` gives the proxy settings (`HTTPS_PROXY`, `NO_PROXY`) and `SSL_CERT_FILE`.
    `object_directories` are read besides the repository's own: the quarantine of a push that is being received.
    Raises NotFound when there is no repository at a path and ConfigurationError for an address of another kind; a
    server is asked only when a question is.
    """
    text = fspath(address)
    if is_remote(text):
        from .remote import RemoteRepository

        return RemoteRepository(text, token=token, environ=environ or {})
    if is_foreign(text):
        raise ConfigurationError("wanted a path or an http(s) URL of a repository, got another protocol; use https")
    from .local import LocalRepository

    return LocalRepository(text, object_directories=object_directories)
