"""Mirrors as the command line sees them: which there are, and how far each one is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..author.project import PROJECT_FILE, Project, read_project
from ..bundle.addresses import shown_url
from ..bundle.index import Index
from ..core.errors import BurgeeError, InvalidFiles, RefusedError
from ..core.visible import visible
from ..deliver.allowed import is_allowed
from ..store.port import Store
from .output import note
from .stores import store_to_read


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """An environment at a mirror: its revision (0 without a release), and how many releases the store is ahead of it.

    Both are None when it was not asked, for it is not allowed, and, with the `error`, when it cannot be read or is no
    mirror of the store.
    """

    mirror: str
    environment: str
    revision: int | None = None
    behind: int | None = None
    error: str | None = None


def mirror_statuses(store: Store, index: Index, given: Sequence[str], allowed: Sequence[str]) -> Iterator[MirrorStatus]:
    """How far each mirror is: those given, and those that the burgee.yaml of this folder names beside them.

    Of the latter only those are asked that match one of the patterns `allowed`: the folder may be a stranger's, and who
    is asked is shown credentials.
    """
    project = _project_here()
    for name in index.environments:
        named = project.environments[name].mirrors if project and name in project.environments else ()
        for url in dict.fromkeys((*given, *named)):
            if url in given or is_allowed(url, allowed):
                yield _status(store, index.repository, name, url)
            else:
                yield MirrorStatus(shown_url(url), name)


def mirrors_here(environment: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """The mirrors that the burgee.yaml of this folder names for an environment, as far as they are allowed."""
    project = _project_here()
    named = project.environments[environment].mirrors if project and environment in project.environments else ()
    return tuple(url for url in named if is_allowed(url, allowed))


def mirror_row(status: MirrorStatus) -> tuple[str, ...]:
    """It as a line of a table."""
    revision = str(status.revision) if status.revision else "-"
    return visible(status.mirror), status.environment, revision, _state(status)


def _status(store: Store, repository: str, environment: str, url: str) -> MirrorStatus:
    try:
        mirror = store_to_read(url)
        found = mirror.read_index()
        if found is not None and found[0].repository != repository:
            raise RefusedError(f"it belongs to repository {found[0].repository}, and is no mirror of this store")
        (there, digest), (here, wanted) = _last(mirror, environment), _last(store, environment)
        if there == here and digest != wanted:
            raise RefusedError(f"it has another release {there} than the store, and is no mirror of it")
        return MirrorStatus(shown_url(url), environment, there, here - there)
    except BurgeeError as error:
        return MirrorStatus(shown_url(url), environment, error=str(error))


def _state(status: MirrorStatus) -> str:
    if status.behind is None:
        return "no mirror, or unreadable" if status.error else "not asked: BURGEE_ALLOWED_MIRRORS does not allow it"
    if status.behind == 0:
        return "up to date"
    count = abs(status.behind)
    return f"{count} {'release' if count == 1 else 'releases'} {'behind' if status.behind > 0 else 'ahead'}"


def _last(store: Store, environment: str) -> tuple[int, str | None]:
    """The number and the digest of the newest release."""
    found = store.read_head(environment)
    return (found[0].revision, found[0].last.digest) if found else (0, None)


def _project_here() -> Project | None:
    try:
        return read_project(Path(PROJECT_FILE).read_bytes(), PROJECT_FILE)
    except OSError:
        return None
    except InvalidFiles:
        note(f"{PROJECT_FILE} of this folder has mistakes (see `burgee validate`), so mirrors it names are not shown")
        return None
