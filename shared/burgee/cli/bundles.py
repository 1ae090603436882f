"""Where the command line finds bundles: registries, folders in OCI's image layout, and stores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from ..author.authored import SourceFile
from ..core.errors import ConfigurationError, NotFound
from ..deliver.bundles import Progress, Report, bundle_files, read_bundle
from ..fetch.clock import SystemClock
from ..git.tree import FILE, LARGEST_FILE, Entry, too_large
from ..store.artifacts import Artifacts
from ..store.layout import SCHEME as LAYOUT
from ..store.object_artifacts import ObjectArtifacts
from ..store.objects import ObjectStore
from ..store.reference import Reference, open_artifacts, read_reference
from .output import progress
from .stores import objects_to_read

_MEBIBYTE = 1024 * 1024


class Files:
    """The files of a bundle or a bucket as those of a tree; see `git.tree.Source`."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._contents = {file.path: file.content for file in files}

    def entries(self) -> Sequence[Entry]:
        return tuple(Entry(path, FILE, size=len(self._contents[path])) for path in sorted(self._contents))

    def read(self, entry: Entry, *, limit: int = LARGEST_FILE) -> bytes:
        content = self._contents[entry.path]
        if len(content) > limit:
            raise too_large(entry.path, len(content), limit)
        return content


def files_of(text: str) -> tuple[SourceFile, ...]:
    """The files of the bundle that a reference names. Raises NotFound, ConfigurationError, ContentError."""
    reference, name = one_bundle(read_reference(text))
    source = artifacts_to_read(reference)
    with progress() as show:
        return bundle_files(source, read_bundle(source, name), shown_by(show))


def artifacts_to_read(reference: Reference) -> Artifacts:
    """The place of a reference as a reader has it: buckets need no SDK for that."""
    if reference.is_tagged:
        return artifacts_to_write(reference)
    return ObjectArtifacts(ObjectStore(objects_to_read(reference.place)), now=SystemClock.wall)


def artifacts_to_write(reference: Reference) -> Artifacts:
    """The place of a reference as a publisher has it."""
    return open_artifacts(reference.place, os.environ, now=SystemClock.wall)


def one_bundle(reference: Reference) -> tuple[Reference, str]:
    """A reference to one bundle, and its name there; without a name, that of the only one a folder has.

    Raises ConfigurationError when it does not say which, NotFound where there is no folder.
    """
    if reference.name is not None:
        return reference, reference.name
    if reference.scheme == LAYOUT:
        tags = artifacts_to_read(reference).tags()
        if len(tags) == 1:
            return Reference(reference.place, tags[0]), tags[0]
        if not tags:
            raise NotFound(f"no bundle with a tag in {reference}; `burgee bundle export` writes one")
        raise ConfigurationError(
            f"{reference} has {len(tags)} tags; name the bundle as FOLDER:TAG, one of {', '.join(tags)}"
        )
    example = Reference(reference.place, "production")
    raise ConfigurationError(f"{reference} does not say which bundle; name one, as {example}")


def shown_by(show: Callable[[str], None]) -> Report:
    """A report of blobs and bytes, by what `output.progress` gives."""

    def report(done: Progress) -> None:
        show(f"blob {done.done} of {done.blobs}, {done.size_done / _MEBIBYTE:.1f} of {done.size / _MEBIBYTE:.1f} MiB")

    return report
