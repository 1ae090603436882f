"""A `file://` store that a test publishes to, and that can be out of reach for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from time import time

from burgee.bundle.release import Release
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.builders import EVERYBODY, NO, YES, Normal, a_document
from tests.fakes.publisher import publish

ENVIRONMENT = "production"


class Place:
    """A folder with the releases of `ENVIRONMENT`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._away = folder.with_name(folder.name + "-away")
        self.url = folder.as_uri()

    def publish(
        self,
        *flags: Normal,
        segments: Iterable[Normal] = (YES, NO, EVERYBODY),
        beside: Mapping[str, Iterable[Normal]] | None = None,
    ) -> Release:
        """A release with these flags, active now; `beside` has those of further namespaces."""
        known = tuple(segments)
        documents = {key: a_document(held, known, key).content for key, held in (beside or {}).items()}
        documents["default"] = a_document(flags, known).content
        store = ObjectStore(FileObjects(self._folder))
        return publish(store, documents, at=int(time() * 1000), environment=ENVIRONMENT)

    def lose(self) -> None:
        """Readers find nothing any more."""
        self._folder.rename(self._away)

    def restore(self) -> None:
        """Readers find what was there."""
        self._away.rename(self._folder)
