"""What releases name by digest: manifests of bundles and documents, each as its digest, size and namespace say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..bundle import keys
from ..bundle.digest import digest_of
from ..bundle.document import Document
from ..bundle.head import Entry
from ..bundle.manifest import decode_manifest
from ..core.errors import ContentError
from .examined import Examined
from .fault import Fault, broken

_Layers = Mapping[str, tuple[str, int]]


@dataclass(slots=True)
class Contents:
    """What releases name: the layers of each manifest, and of each document (namespace, size in bytes); by digest,
    with a text that says which release it was."""

    manifests: dict[str, dict[str, _Layers]] = field(default_factory=dict)
    documents: dict[str, dict[tuple[str, int], str]] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take in what releases name."""
        for entry in entries:
            release = entry.release
            self.entries[entry.digest] = entry
            said_by = f"release {release.revision} of {release.environment!r}"
            manifests = self.manifests.setdefault(release.bundle, {})
            if release.namespaces not in manifests.values():
                manifests[said_by] = release.namespaces
            for namespace, (digest, size) in release.namespaces.items():
                self.documents.setdefault(digest, {}).setdefault((namespace, size), said_by)

    def users(self, wanted: set[str]) -> Mapping[str, Sequence[Entry]]:
        """The releases that need some blobs, by the key of each."""
        found: dict[str, list[Entry]] = {key: [] for key in wanted}
        for entry in sorted(self.entries.values(), key=lambda one: (one.release.environment, one.release.revision)):
            digests = {entry.release.bundle, *(digest for digest, _ in entry.release.namespaces.values())}
            for key in wanted.intersection(map(keys.blob, digests)):
                found[key].append(entry)
        return found

    def keys(self) -> set[str]:
        """Where all of it is."""
        return {keys.blob(digest) for digest in (*self.manifests, *self.documents)}


def check(examined: Examined, contents: Contents) -> Iterator[Fault]:
    """What is wrong with manifests and documents."""
    for digest, found in _read(examined, contents.manifests):
        yield from found if isinstance(found, list) else _manifest(digest, found, contents.manifests[digest])
    for digest, found in _read(examined, contents.documents):
        yield from found if isinstance(found, list) else _document(digest, found, contents.documents[digest])


def check_unnamed(examined: Examined, found: Iterable[str]) -> Iterator[Fault]:
    """What is wrong with blobs that no release names: a publish that needs one of them would fail."""
    for _, content in _read(examined, dict.fromkeys(map(_digest_at, found))):
        if isinstance(content, list):
            yield from content


def _read(examined: Examined, named: Mapping[str, object]) -> Iterator[tuple[str, bytes | list[Fault]]]:
    """The bytes of each digest, or what is wrong with them."""
    wanted = ((keys.blob(digest), digest) for digest in named)
    for digest, (key, found) in zip(named, examined.blobs(wanted), strict=True):
        if isinstance(found, Fault):
            yield digest, [found]
        elif digest_of(found) != digest:
            yield digest, [Fault(key, "changed", digest, f"{digest_of(found)} ({len(found)} bytes)")]
        else:
            yield digest, found


def _manifest(digest: str, content: bytes, named: Mapping[str, _Layers]) -> Iterator[Fault]:
    key = keys.blob(digest)
    try:
        layers = decode_manifest(content)
    except ContentError as error:
        yield broken(key, "a bundle's manifest", error)
        return
    for said_by, namespaces in named.items():
        if layers != dict(namespaces):
            yield Fault(key, "broken", f"the namespaces of {said_by}: {_listed(namespaces)}", _listed(layers))


def _document(digest: str, content: bytes, named: Mapping[tuple[str, int], str]) -> Iterator[Fault]:
    key = keys.blob(digest)
    try:
        namespace = Document(content).namespace
    except ContentError as error:
        yield broken(key, "a document", error)
        return
    for (wanted, size), said_by in named.items():
        if (wanted, size) != (namespace, len(content)):
            words = f"namespace {wanted!r} in {size} bytes, as {said_by} says"
            yield Fault(key, "broken", words, f"namespace {namespace!r} in {len(content)} bytes")


def _listed(layers: _Layers) -> str:
    return ", ".join(f"{key} {digest} ({size} bytes)" for key, (digest, size) in sorted(layers.items())) or "none"


def _digest_at(key: str) -> str:
    return f"sha256:{key.rpartition('/')[2]}"
