"""Where the command line finds flags: a folder, a commit of its repository, a release in a store."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..author.authored import Authored
from ..author.project import PROJECT_FILE, Project, read_project
from ..bundle.document import Document
from ..core.errors import ConfigurationError, InvalidFiles, NotFound
from ..deliver.apply import documents_of
from ..deliver.candidate import compile_bundle
from ..deliver.log import find
from ..deliver.reading import Progress, author_environment, project_of
from ..git.folder import open_folder
from ..git.repository import open_repository
from ..git.tree import Source
from ..settings import Settings, read_settings
from ..store.opening import open_store
from ..store.port import Store
from .output import note

_RELEASE = re.compile(r"([a-z0-9][a-z0-9-]{0,62})@(\d+)")
_WITHOUT_PROJECT = b"version: 1\nenvironments:\n  default: {}\n"


@dataclass(frozen=True, slots=True)
class Tree:
    """Flag files at one state: the project that names the environments, and the files."""

    label: str
    source: Source
    project: Project

    def environment(self, name: str | None) -> str:
        """The environment of that name, the default one for None. Raises UsageError."""
        if name is None:
            return self.project.default
        if name not in self.project.environments:
            known = ", ".join(self.project.environments)
            raise click.UsageError(f"{self.label} has no environment {name!r}, it has {known}")
        return name

    def author(self, name: str, progress: Progress | None = None) -> Authored:
        """The documents and problems of an environment."""
        return author_environment(self.source, self.project.environments[name], progress=progress)

    def documents(self, name: str, progress: Progress | None = None) -> Mapping[str, Document]:
        """The documents of an environment. Raises InvalidFiles when its files are wrong."""
        authored = self.author(name, progress)
        if not authored.ok:
            raise InvalidFiles(authored.problems)
        return compile_bundle(authored.documents.values()).documents


def settings() -> Settings:
    """What the variables say."""
    return read_settings(os.environ)


def tree_at(path: str, commit: str | None = None) -> Tree:
    """The files of a folder, or of a commit of the repository it is in. Without burgee.yaml the folder is one
    environment, `default`.
    """
    if commit is None:
        return _tree(path, open_folder(path))
    repository = open_repository(path)
    return _tree(commit, repository.source(repository.resolve(commit)))


def tree_or_release(place: str, environment: str | None, store_url: str | None) -> tuple[Any, str | None]:
    """A Tree, or (documents, environment) of a release written as `production@12`."""
    release = _RELEASE.fullmatch(place)
    if release:
        return release_documents(open_store(store_address(store_url)), release[1], int(release[2])), release[1]
    if Path(place).is_dir():
        return tree_at(place), environment
    return tree_at(".", place), environment


def release_documents(store: Store, environment: str, revision: int) -> Mapping[str, Document]:
    """The documents of a release, from the store. Raises NotFound."""
    found = store.read_head(environment)
    if found is None:
        raise NotFound(f"store {store.url} has no releases of environment {environment!r}")
    return documents_of(store, find(store, found[0], revision).release.namespaces)


def store_address(given: str | None) -> str:
    """The store's URL: as given, else BURGEE_STORE, else the local system's below BURGEE_DIR."""
    said = settings()
    if given or said.store:
        return given or str(said.store)
    folder = Path(said.directory).absolute() / "store"
    if not folder.is_dir():
        raise ConfigurationError(
            f"no store: give --store or set BURGEE_STORE (the local system has none at {folder} yet)"
        )
    return folder.as_uri()


def _tree(label: str, source: Source) -> Tree:
    if not any(entry.path == PROJECT_FILE for entry in source.entries()):
        note(f"{label} has no {PROJECT_FILE}: its flag files are taken as one environment, 'default'")
        return Tree(label, source, read_project(_WITHOUT_PROJECT))
    return Tree(label, source, project_of(source))
