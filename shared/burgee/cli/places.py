"""Where the command line finds flags: a folder, a commit of its repository, a release in a store, a bundle."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from ..author.authored import Authored
from ..author.project import PROJECT_FILE, Project, read_project
from ..bundle.document import Document
from ..core.errors import EnvironmentNotFound, InvalidFiles, InvalidRequest, NotFound
from ..deliver.candidate import compile_bundle
from ..deliver.reading import Progress, author_environment, project_of
from ..git.address import is_foreign, is_remote
from ..git.folder import open_folder
from ..git.repository import Repository, open_repository
from ..git.tree import Source
from ..store.reference import is_reference
from .buckets import files_in_bucket, is_bucket
from .bundles import Files, files_of
from .found import names_release, released
from .nearest import did_you_mean
from .options import what_is_missing
from .output import note
from .stores import Released, UnknownName

_RELEASE = re.compile(r"([a-z0-9][a-z0-9-]{0,62})@(.+)")
_WITHOUT_PROJECT = b"version: 1\nenvironments:\n  default: {}\n"


@dataclass(frozen=True, slots=True)
class Tree:
    """Flag files at one state: the project that names the environments, and the files.

    `stands_alone`: they are those of a bundle or a bucket, which belong to no environment and are compared with any.
    """

    label: str
    source: Source
    project: Project
    stands_alone: bool = False

    @property
    def environments(self) -> Sequence[str]:
        """The names of the environments, in the order of burgee.yaml."""
        return tuple(self.project.environments)

    def environment(self, name: str | None) -> str:
        """The environment of that name, the default one for None. Raises EnvironmentNotFound."""
        if name is None:
            return self.project.default
        if name not in self.project.environments:
            raise EnvironmentNotFound(
                f"{self.label} has no environment {name!r}, it has {', '.join(self.environments)}"
                f"{did_you_mean(name, self.environments)}"
            )
        return name

    def profile(self, name: str) -> str:
        """The profile that the flags of an environment are evaluated under."""
        return self.project.environments[name].profile

    def author(self, name: str, progress: Progress | None = None) -> Authored:
        """The documents and problems of an environment."""
        return author_environment(self.source, self.project.environments[name], progress=progress)

    def documents(self, name: str, progress: Progress | None = None) -> Mapping[str, Document]:
        """The documents of an environment. Raises InvalidFiles when its files are wrong."""
        authored = self.author(name, progress)
        if not authored.ok:
            note(f"the files of environment {name!r} at {self.label} are wrong:")
            raise InvalidFiles(authored.problems)
        return compile_bundle(authored.documents.values()).documents


def tree_at(path: str, commit: str | None = None) -> Tree:
    """The files of a folder, of a commit of the repository it is in, of a bundle or of a bucket. Without burgee.yaml
    the folder is one environment, `default`. Raises UnknownName when there is no such commit or bundle.
    """
    if is_elsewhere(path):
        return _elsewhere(path, commit)
    if commit is None:
        return _tree(path, open_folder(path), path)
    repository = repository_at(path)
    with named():
        return _tree(commit, repository.source(repository.resolve(commit)), None)


def place_at(place: str, store_url: str | None) -> Tree | Released:
    """The files of a folder, a bundle or a bucket, a release written as `production@12` (see `found.FORMS` for what may
    follow the @), or the files of a commit of the repository here."""
    release = _RELEASE.fullmatch(place)
    if release and names_release(release[2]):
        return released(store_url, release[1], release[2])
    if is_elsewhere(place) or Path(place).is_dir():
        return tree_at(place)
    try:
        return tree_at(".", place)
    except UnknownName as error:
        raise UnknownName(f"{place!r} is no folder, no release such as production@12 and no commit: {error}") from error


def is_elsewhere(place: str) -> bool:
    """Whether flag files are asked for in a bundle or a bucket, by the form of its URL."""
    return is_reference(place) or is_bucket(place)


def repository_at(address: str, *, token: str | None = None) -> Repository:
    """The repository at a path or URL, open for as long as the command runs.

    A path that is not there is a mistake, whatever repository is above it.
    """
    if not is_remote(address) and not is_foreign(address) and not Path(address).is_dir():
        hint = "it is a file" if Path(address).exists() else what_is_missing(address)
        raise UnknownName(f"no folder at {address}, wanted a repository: {hint}")
    with named():
        repository = open_repository(address, token=token, environ=os.environ)
        return click.get_current_context().with_resource(repository)


@contextmanager
def named() -> Iterator[None]:
    """What is looked for inside was named on the command line, so that it is missing is a mistake there."""
    try:
        yield
    except NotFound as error:
        raise UnknownName(str(error)) from error


def _elsewhere(place: str, commit: str | None) -> Tree:
    if commit is not None:
        raise InvalidRequest(f"--commit names a commit of a repository, and {place} is none; leave it out")
    with named():
        source = Files(files_in_bucket(place) if is_bucket(place) else files_of(place))
    return Tree(place, source, read_project(_WITHOUT_PROJECT), stands_alone=True)


def _tree(label: str, source: Source, folder: str | None) -> Tree:
    if any(entry.path == PROJECT_FILE for entry in source.entries()):
        return Tree(label, source, project_of(source))
    above = folder and next((top for top in Path(folder).resolve().parents if (top / PROJECT_FILE).is_file()), None)
    hint = f" (there is one in {above})" if above else ""
    note(f"{label} has no {PROJECT_FILE}{hint}: its flag files are taken as one environment, 'default'")
    return Tree(label, source, read_project(_WITHOUT_PROJECT))
