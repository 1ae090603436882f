"""The candidate: what an environment's files compile to, ready to be compared with the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..bundle.digest import digest_of
from ..bundle.document import Document, encode
from ..bundle.manifest import encode_manifest


@dataclass(frozen=True)
class Candidate:
    """A bundle that may be released.

    `blobs` maps a namespace to its document's bytes, `layers` to the document's (digest, size in bytes);
    `manifest` is the bundle itself and `digest` its name.
    """

    blobs: Mapping[str, bytes]
    layers: Mapping[str, tuple[str, int]]
    manifest: bytes
    digest: str

    @cached_property
    def documents(self) -> Mapping[str, Document]:
        """The documents, indexed."""
        return {namespace: Document(content) for namespace, content in self.blobs.items()}


def compile_bundle(documents: Iterable[Mapping[str, Any]]) -> Candidate:
    """The bundle of documents in normal form, one per namespace.

    Without any, it holds the empty document of namespace `default`: a bundle without layers cannot be read by Flipt.
    """
    blobs = {_key(document): encode(document) for document in documents}
    if not blobs:
        blobs = {"default": encode({"namespace": "default"})}
    layers = {namespace: (digest_of(content), len(content)) for namespace, content in blobs.items()}
    manifest = encode_manifest(layers)
    return Candidate(blobs, layers, manifest, digest_of(manifest))


def _key(document: Mapping[str, Any]) -> str:
    namespace = document["namespace"]
    key: str = namespace["key"] if isinstance(namespace, dict) else namespace
    return key
