"""Mirrors as the command line sees them: which there are, and how far each one is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..author.project import PROJECT_FILE, Project, read_project
from ..core.errors import BurgeeError, InvalidFiles
from ..core.visible import visible
from ..store.port import Store
from .output import note
from .stores import store_to_read


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """An environment at a mirror: its revision (0 without a release), and how many releases the store is ahead of it.

    Both are None when it cannot be read, with the `error`.
    """

    mirror: str
    environment: str
    revision: int | None = None
    behind: int | None = None
    error: str | None = None


def mirrors_of(environments: Iterable[str], given: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Environments and mirrors: those given, and those that the burgee.yaml of this folder names beside them."""
    project = _project_here()
    for name in environments:
        named = project.environments[name].mirrors if project and name in project.environments else ()
        for url in dict.fromkeys((*given, *named)):
            yield name, url


def mirror_status(store: Store, environment: str, url: str) -> MirrorStatus:
    """How far a mirror of the store is."""
    try:
        revision = _revision(store_to_read(url), environment)
        return MirrorStatus(url, environment, revision, _revision(store, environment) - revision)
    except BurgeeError as error:
        return MirrorStatus(url, environment, error=str(error))


def mirror_row(status: MirrorStatus) -> tuple[str, ...]:
    """It as a line of a table."""
    revision = str(status.revision) if status.revision else "-"
    return visible(status.mirror), status.environment, revision, _state(status)


def _state(status: MirrorStatus) -> str:
    if status.behind is None:
        return "unreadable"
    if status.behind == 0:
        return "up to date"
    count = abs(status.behind)
    return f"{count} {'release' if count == 1 else 'releases'} {'behind' if status.behind > 0 else 'ahead'}"


def _revision(store: Store, environment: str) -> int:
    found = store.read_head(environment)
    return found[0].revision if found else 0


def _project_here() -> Project | None:
    try:
        return read_project(Path(PROJECT_FILE).read_bytes(), PROJECT_FILE)
    except OSError:
        return None
    except InvalidFiles:
        note(f"{PROJECT_FILE} of this folder has mistakes (see `burgee validate`), so mirrors it names are not shown")
        return None
