"""Which store the command line works with, and what it finds there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

from ..bundle.document import Document
from ..bundle.index import Index
from ..core.errors import ConfigurationError, EnvironmentNotFound, NotFound, RequestError
from ..fetch.opening import open_fetcher
from ..settings import Settings, read_settings
from ..store.objects import ObjectStore
from ..store.opening import open_objects, open_store, registry_at
from ..store.pace import Pace
from ..store.port import Object, Objects, Store
from ..store.remote import RemoteObjects
from .nearest import did_you_mean

if TYPE_CHECKING:
    from ..fetch.port import Fetcher
    from ..store.registry import Registry

_WEB = ("http://", "https://")
# Those that know who asks.
_ASKED = ("s3://", "azblob://", "gs://", "oci://")


class UnknownName(RequestError):
    """What the command line names is not there."""

    status = 404


@dataclass(frozen=True, slots=True)
class Choice:
    """A store's URL, and who chose it."""

    url: str
    said_by: str


@dataclass(frozen=True, slots=True)
class Released:
    """A release of a store, as `production@12`; `evaluated` is the profile that it is evaluated under."""

    label: str
    environment: str
    found: Mapping[str, Document]
    evaluated: str

    @property
    def environments(self) -> Sequence[str]:
        """The one environment it is a release of."""
        return (self.environment,)

    def documents(self, name: str) -> Mapping[str, Document]:
        """The documents of the release."""
        return self.found

    def profile(self, name: str) -> str:
        """The profile that the release is evaluated under."""
        return self.evaluated


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is, and, of a bucket, who asks it and by how many seconds the server's clock is ahead.

    `asked_by` raises Denied when that cannot be found out; `clock_difference` is None as long as it is not known.
    """

    shown: str
    asked_by: Callable[[], str] | None = None
    clock_difference: Callable[[], float | None] | None = None


def settings() -> Settings:
    """What the variables say."""
    return read_settings(os.environ)


def chosen_store(given: str | None) -> Choice:
    """The store as given, else BURGEE_STORE, else the local system's below BURGEE_DIR. Raises ConfigurationError."""
    said = settings()
    if given:
        return _checked(Choice(given, "--store"))
    if said.store:
        return _checked(Choice(said.store, "BURGEE_STORE"))
    folder = Path(said.directory).absolute() / "store"
    if not folder.is_dir():
        raise ConfigurationError(
            f"no store: give --store or set BURGEE_STORE (`burgee dev` has not made one at {folder} yet)"
        )
    return Choice(folder.as_uri(), "the store of `burgee dev`")


def store_to_read(given: str | None) -> Store:
    """The chosen store; one behind a web server can be read as well."""
    return ObjectStore(objects_to_read(chosen_store(given).url))


def store_to_write(url: str) -> Store:
    """The store at `url` as a publisher has it. Raises ConfigurationError for one that is only to be read."""
    return open_store(url, environ=os.environ)


def mirror_at(url: str) -> Store:
    """The mirror at `url` as a publisher has it. Raises ConfigurationError."""
    return open_store(url, environ=os.environ, as_mirror=True)


def objects_to_read(url: str) -> Objects:
    """The objects of a store as a reader has them: those in clouds need no SDK for that."""
    return FetchedObjects(url) if url.lower().startswith((*_WEB, *_ASKED)) else objects_to_write(url)


def objects_to_write(url: str) -> Objects:
    """The objects of a store as a publisher has them. Raises ConfigurationError for one that is only to be read."""
    return open_objects(url, environ=os.environ)


def registry_to_write(url: str) -> Registry:
    """The repository at `url` as a publisher has it. Raises ConfigurationError, without the SDK as well."""
    return registry_at(url, os.environ, pace=Pace())


def place_of(objects: Objects) -> Place:
    """Where the objects are."""
    if isinstance(objects, FetchedObjects):
        return objects.place()
    if isinstance(objects, RemoteObjects):
        return Place(objects.wire.place, objects.wire.asked_by, objects.wire.clock_difference)
    return Place(objects.url)


def is_registry(url: str) -> bool:
    """Whether the store is a repository of a registry."""
    return url.lower().startswith("oci://")


def is_web(url: str) -> bool:
    """Whether the store is behind a web server, which nobody writes to."""
    return url.lower().startswith(_WEB)


def index_of(store: Store) -> Index:
    """The environments of a store. Raises NotFound while nothing has been published to it."""
    found = store.read_index()
    if found is None:
        raise NotFound(f"nothing has been published to store {store.url} yet; `burgee publish` makes the first release")
    return found[0]


def listed_environment(store: Store, index: Index, name: str | None) -> str:
    """The environment of that name, the default one for None. Raises EnvironmentNotFound."""
    wanted: str | None = name or index.default
    if wanted is None or wanted not in index.environments:
        known = ", ".join(index.environments) or "none"
        missing = f"no environment {wanted!r}" if wanted else "no default environment"
        near = did_you_mean(wanted or "", index.environments)
        raise EnvironmentNotFound(f"store {store.url} has {missing}, it has {known}{near}")
    return wanted


class FetchedObjects:
    """The objects of a store that there is a fetcher for: to be read, not written."""

    def __init__(self, url: str, fetcher: Fetcher | None = None) -> None:
        self.url = url
        self._fetcher = fetcher or open_fetcher(url, os.environ)

    def place(self) -> Place:
        asked: Any = self._fetcher
        return Place(asked.place, asked.asked_by) if self.url.lower().startswith(_ASKED) else Place(self.url)

    def get(self, key: str) -> Object:
        fetched = self._fetcher.get(key)
        return Object(fetched.content, fetched.etag or "")

    def put_new(self, key: str, content: bytes, *, content_type: str, cache_control: str) -> NoReturn:
        self._refuse()

    def swap(
        self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str
    ) -> NoReturn:
        self._refuse()

    def list(self, prefix: str) -> Iterator[str]:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ConfigurationError(f"this store can be read from object by object only, got {self.url!r}")


def _checked(choice: Choice) -> Choice:
    scheme, _, rest = choice.url.partition("://")
    path = unquote(rest)
    if scheme.lower() != "file" or not path.startswith("/") or "\0" in path:
        return choice
    if Path(path).exists() and not Path(path).is_dir():
        raise ConfigurationError(f"store {choice.url} ({choice.said_by}) is a file, wanted a folder")
    return choice
