"""The candidate: what an environment's files compile to, ready to be compared with the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from ..bundle.digest import digest_of
from ..bundle.document import Document, encode
from ..bundle.manifest import encode_manifest


@dataclass(frozen=True)
class Candidate:
    """A bundle that may be released.

    `blobs` maps a namespace to its document's bytes, `layers` to the document's (digest, size in bytes), `flags` to
    the document's flags in normal form, by key; `manifest` is the bundle itself and `digest` its name.
    """

    flags: Mapping[str, Sequence[dict[str, Any]]]
    blobs: Mapping[str, bytes]
    layers: Mapping[str, tuple[str, int]]
    manifest: bytes
    digest: str

    @cached_property
    def documents(self) -> Mapping[str, Document]:
        """The documents, indexed."""
        return {namespace: _Compiled(content, self.flags[namespace]) for namespace, content in self.blobs.items()}


class _Compiled(Document):
    """A document whose flags are at hand, which spares parsing all of them."""

    __slots__ = ("_at_hand",)

    def __init__(self, content: bytes, flags: Sequence[dict[str, Any]]) -> None:
        super().__init__(content)
        self._at_hand = flags

    def flags(self) -> Iterator[dict[str, Any]]:
        return iter(self._at_hand)


def compile_bundle(documents: Iterable[Mapping[str, Any]]) -> Candidate:
    """The bundle of documents in normal form, one per namespace.

    Without any, it holds the empty document of namespace `default`: a bundle without layers cannot be read by Flipt.
    """
    named = {_key(document): document for document in documents} or {"default": {"namespace": "default"}}
    flags = {
        namespace: sorted(document.get("flags", ()), key=itemgetter("key")) for namespace, document in named.items()
    }
    blobs = {namespace: encode(document) for namespace, document in named.items()}
    layers = {namespace: (digest_of(content), len(content)) for namespace, content in blobs.items()}
    manifest = encode_manifest(layers)
    return Candidate(flags, blobs, layers, manifest, digest_of(manifest))


def _key(document: Mapping[str, Any]) -> str:
    namespace = document["namespace"]
    key: str = namespace["key"] if isinstance(namespace, dict) else namespace
    return key
