"""Where the command line finds bundles: registries, folders in OCI's image layout, and stores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..author.authored import SourceFile
from ..bundle.addresses import shown_url
from ..bundle.keys import INDEX
from ..core.errors import ConfigurationError, NotFound
from ..deliver.bundles import Progress, Report, bundle_files
from ..fetch.clock import SystemClock
from ..git.tree import FILE, LARGEST_FILE, Entry, too_large
from ..store.artifacts import Artifacts
from ..store.foreign_references import WEB, registry_url
from ..store.layout import SCHEME as LAYOUT
from ..store.object_artifacts import ObjectArtifacts
from ..store.objects import ObjectStore
from ..store.reference import Reference, open_artifacts, read_reference
from .bundle_names import bundle_in, full_digest
from .output import progress
from .stores import objects_to_read, registry_to_write

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
        return bundle_files(source, bundle_in(source, reference, name), shown_by(show))


def artifacts_to_read(reference: Reference) -> Artifacts:
    """The place of a reference as a reader has it: buckets need no SDK for that."""
    if reference.is_tagged:
        return artifacts_to_write(reference)
    return ObjectArtifacts(ObjectStore(objects_to_read(reference.place)), now=SystemClock.wall)


def artifacts_to_write(reference: Reference) -> Artifacts:
    """The place of a reference as a publisher has it."""
    return open_artifacts(reference.place, os.environ, now=SystemClock.wall)


def one_bundle(reference: Reference) -> tuple[Reference, str]:
    """A reference to one bundle, and its name there; without a name, that of the only one a folder has. The beginning
    of a digest becomes the whole one.

    Raises ConfigurationError when it does not say which, NotFound where there is no folder.
    """
    if reference.is_short:
        digest = full_digest(artifacts_to_read(reference), reference)
        return Reference(reference.place, digest), digest
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
    shown = shown_url(reference.place)
    example = Reference(shown, "production")
    or_there = f", or as {_registry(reference)}:production where that is a registry" if reference.scheme in WEB else ""
    raise ConfigurationError(f"{shown} does not say which bundle; name one, as {example}{or_there}")


def check_there(reference: Reference) -> None:
    """Raises NotFound where a place without bundles is none at all. A bucket's owner may begin with an empty one."""
    shown = shown_url(reference.place)
    match reference.scheme:
        case "oci":
            if not registry_to_write(reference.place).exists():
                raise NotFound(f"no repository at {shown}; check its name, or copy a bundle there")
        case "file" | "oci-layout":
            folder = Path(unquote(urlsplit(reference.place).path))
            if not folder.is_dir():
                raise NotFound(f"no folder at {folder}; check its name, or copy a bundle there")
        case scheme if scheme in WEB:
            raise NotFound(f"no store at {shown}: it has no {INDEX}; a registry is named as {_registry(reference)}")


def shown_by(show: Callable[[str], None]) -> Report:
    """A report of blobs and bytes, by what `output.progress` gives."""

    def report(done: Progress) -> None:
        show(f"blob {done.done} of {done.blobs}, {done.size_done / _MEBIBYTE:.1f} of {done.size / _MEBIBYTE:.1f} MiB")

    return report


def _registry(reference: Reference) -> str:
    """A web server's address as that of a repository."""
    scheme, _, rest = reference.place.partition("://")
    return registry_url(scheme.lower(), rest)
