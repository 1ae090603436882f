"""Bundles between places: read as a whole, or copied byte for byte, everything verified by its digest.

Law: blobs are written before the manifest that names them, and what the target has already is not sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..author.authored import SourceFile
from ..author.flipt_bundle import source_files
from ..author.flipt_manifest import Blob, FliptManifest, read_flipt_manifest, stripped_digest
from ..bundle.digest import digest_of, verify
from ..bundle.manifest import EMPTY_CONFIG
from ..core.errors import ContentError, InvalidDocument, NotFound
from ..store.artifacts import Artifacts, Manifest


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a bundle is done; `size_done` and `size` are in bytes."""

    done: int
    blobs: int
    size_done: int
    size: int


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """A bundle that is at its target now: of how many `blobs` it is, and how many of them, with `size` bytes, were
    `sent`, as they lacked there."""

    digest: str
    blobs: int
    sent: int
    size: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is known of a bundle by its manifest; `stripped` is the digest by which Flipt tells changes."""

    kept: Manifest
    manifest: FliptManifest
    stripped: str

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces it has layers of, sorted."""
        return tuple(sorted({layer.namespace for layer in self.manifest.layers}))


def read_bundle(source: Artifacts, name: str) -> Bundle:
    """The bundle that a tag, an environment or a digest names. Raises NotFound, and ContentError for no bundle."""
    kept = source.get_manifest(name)
    try:
        verify(kept.content, kept.digest)
        return Bundle(kept, read_flipt_manifest(kept.content), stripped_digest(kept.content))
    except ContentError as error:
        raise type(error)(f"{name} in {source.url}: {error}") from error


def bundle_files(source: Artifacts, bundle: Bundle, report: Report) -> tuple[SourceFile, ...]:
    """A bundle's layers as files. Raises ContentError when one is not what the manifest says."""
    blobs = tuple(dict.fromkeys(layer.blob for layer in bundle.manifest.layers))
    contents: dict[str, bytes] = {}
    for number, blob in enumerate(blobs):
        contents[blob.digest] = _read(source, blob)
        report(_progress(blobs, number + 1))
    return source_files(bundle.manifest, contents)


def copy(source: Artifacts, bundle: Bundle, target: Artifacts, name: str, report: Report) -> Copied:
    """Write a bundle of `source` to `target`, under a tag or its own digest, unless it is there.

    Raises ContentError when a blob is not what the manifest says.
    """
    blobs = bundle.manifest.blobs
    sent = size = 0
    for number, blob in enumerate(blobs):
        if not target.has_blob(blob.digest):
            target.put_blob(_read(source, blob))
            sent, size = sent + 1, size + blob.size
        report(_progress(blobs, number + 1))
    target.put_manifest(name, bundle.kept.content, bundle.kept.media_type)
    return Copied(bundle.kept.digest, len(blobs), sent, size)


def _read(source: Artifacts, blob: Blob) -> bytes:
    """A blob of exactly the size that the manifest says."""
    # Object stores hold documents and manifests, and not the config that all of these have.
    content = EMPTY_CONFIG if blob.digest == digest_of(EMPTY_CONFIG) else verify(_found(source, blob), blob.digest)
    if len(content) != blob.size:
        raise InvalidDocument(
            f"{blob.digest} in {source.url} has {len(content)} bytes, its manifest says {blob.size}: it is damaged"
        )
    return content


def _found(source: Artifacts, blob: Blob) -> bytes:
    try:
        return source.get_blob(blob.digest, max_bytes=blob.size)
    except NotFound as error:
        raise InvalidDocument(f"the bundle in {source.url} is damaged: {error}; copy it there again") from error


def _progress(blobs: tuple[Blob, ...], done: int) -> Progress:
    return Progress(done, len(blobs), sum(blob.size for blob in blobs[:done]), sum(blob.size for blob in blobs))
