"""The candidate: what an environment's files compile to, ready to be compared with the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from ..author.kept import Kept
from ..bundle.digest import digest_of
from ..bundle.document import Document, encode
from ..bundle.manifest import encode_manifest
from .texts import Keeping, Texts, as_is


@dataclass(frozen=True)
class Candidate:
    """A bundle that may be released.

    `compiled` holds the documents by namespace; `manifest` is the bundle itself and `digest` its name.
    """

    compiled: Mapping[str, Compiled]
    manifest: bytes
    digest: str

    @cached_property
    def blobs(self) -> Mapping[str, bytes]:
        """The documents' bytes by namespace."""
        return {namespace: compiled.content for namespace, compiled in self.compiled.items()}

    @cached_property
    def layers(self) -> Mapping[str, tuple[str, int]]:
        """The documents' (digest, size in bytes) by namespace."""
        return {namespace: compiled.layer for namespace, compiled in self.compiled.items()}

    @cached_property
    def documents(self) -> Mapping[str, Document]:
        """The documents, indexed."""
        return {namespace: compiled.document for namespace, compiled in self.compiled.items()}


@dataclass(frozen=True)
class Compiled:
    """A document: the normal form it was made of, its flags in normal form by key, its bytes and their digest."""

    normal: Mapping[str, Any]
    flags: Sequence[dict[str, Any]]
    content: bytes
    digest: str

    @property
    def layer(self) -> tuple[str, int]:
        """Digest and size in bytes, as a manifest names a document."""
        return self.digest, len(self.content)

    @cached_property
    def document(self) -> Document:
        """The document, indexed; its flags need no parsing."""
        return _WithFlags(self.content, self.flags)


class _WithFlags(Document):
    """A document whose flags are at hand, which spares parsing all of them."""

    __slots__ = ("_at_hand",)

    def __init__(self, content: bytes, flags: Sequence[dict[str, Any]]) -> None:
        super().__init__(content)
        self._at_hand = flags

    def flags(self) -> Iterator[dict[str, Any]]:
        return iter(self._at_hand)


class CompiledDocuments:
    """Documents that were compiled, the least recently used forgotten first; `limit` is in bytes of them."""

    __slots__ = ("_kept", "_texts")

    def __init__(self, *, limit: int = 32 * 1024 * 1024) -> None:
        self._kept: Kept[int | str, Compiled] = Kept(limit)
        self._texts = Texts(limit=limit)

    def compile(self, normal: Mapping[str, Any]) -> Compiled:
        """A document in normal form, compiled unless this very object was before: authoring keeps unchanged ones."""
        # What is kept holds its normal form, so that no other object can have the same id.
        found = self._kept.get(id(normal))
        return found or self._keep(_compile(normal, self._texts.keeping("line")))

    def document(self, digest: str) -> Document | None:
        """The document of that digest, if it was compiled here."""
        found = self._kept.get(digest)
        return found.document if found else None

    def _keep(self, compiled: Compiled) -> Compiled:
        size = len(compiled.content)
        self._kept.keep(compiled.digest, compiled, size=size)
        return self._kept.keep(id(compiled.normal), compiled, size=size)


def compile_bundle(documents: Iterable[Mapping[str, Any]], *, compiled: CompiledDocuments | None = None) -> Candidate:
    """The bundle of documents in normal form, one per namespace; what is in `compiled` is not made again.

    Without any, it holds the empty document of namespace `default`: a bundle without layers cannot be read by Flipt.
    """
    compile_one = compiled.compile if compiled else _compile
    named = {_key(document): document for document in documents} or {"default": {"namespace": "default"}}
    made = {namespace: compile_one(document) for namespace, document in named.items()}
    manifest = encode_manifest({namespace: one.layer for namespace, one in made.items()})
    return Candidate(made, manifest, digest_of(manifest))


def _compile(normal: Mapping[str, Any], keeping: Keeping = as_is) -> Compiled:
    content = encode(normal, keeping)
    return Compiled(normal, sorted(normal.get("flags", ()), key=itemgetter("key")), content, digest_of(content))


def _key(document: Mapping[str, Any]) -> str:
    namespace = document["namespace"]
    key: str = namespace["key"] if isinstance(namespace, dict) else namespace
    return key
