"""A Store in a repository of a registry: heads and the log are artifacts under tags, bundles are what Flipt reads.

Law: a tag moves to whatever was written last, and nobody is told. So a head is looked at right before it is written and
again right after: a writer that sees another's head in its place has lost. Of writers at once, the last one is told
the truth, and one before it may have been told that it wrote although its head was gone a moment later. That is why a
registry is a mirror, or the primary of a single publisher (`opening.open_store`). Threads of one process take turns.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import NoReturn, TypeVar

from ..bundle import keys
from ..bundle.digest import verify
from ..bundle.head import Entry, Head, encode_head
from ..bundle.index import Index, decode_index, encode_index
from ..bundle.log import release_entry
from ..bundle.manifest import EMPTY_CONFIG, MANIFEST_TYPE
from ..bundle.oci_artifacts import bundle_layers, bundle_size, encode_artifact, layer_of
from ..bundle.oci_records import (
    HEAD,
    INDEX,
    INDEX_TAG,
    RELEASE,
    Layer,
    active_tag,
    first_layer,
    head_tag,
    release_tag,
)
from ..bundle.release import Release
from ..core.errors import Conflict, ContentError, DigestMismatch, InvalidDocument, InvalidRequest, NotFound
from .artifacts import Artifacts
from .checks import check_forward, head_of
from .port import SeenHead
from .remote import LARGEST_BYTES

_Value = TypeVar("_Value")


class RegistryStore:
    """Heads, releases, blobs and index as artifacts; see `port.Store` for each verb. Etags are digests of artifacts."""

    def __init__(self, artifacts: Artifacts) -> None:
        self.artifacts = artifacts
        self._turn = Lock()
        # Whether what every artifact has in its configuration's place is known to be there.
        self._has_config = False

    @property
    def url(self) -> str:
        return self.artifacts.url

    def read_head(self, environment: str) -> SeenHead | None:
        found = self._find(head_tag(environment), HEAD)
        if found is None:
            return None
        content, etag = found
        head = self._decoded(head_tag(environment), lambda: head_of(content, environment=environment))
        return SeenHead(head, etag)

    def swap_head(self, head: Head, expected_etag: str | None) -> str:
        tag = head_tag(head.environment)
        content = encode_head(head)
        layers = [layer_of(HEAD, content)]
        for entry in head.releases:
            layers.append(layer_of(RELEASE, entry.payload.encode()))
            self.artifacts.put_blob(entry.payload.encode())
        for entry in head.releases:
            layers += self._named(entry.release)
        with self._turn:
            present = self.read_head(head.environment)
            if present is not None:
                check_forward(present[0], head, where=self.url)
            return self._move(tag, content, encode_artifact(HEAD, layers), present and present[1], expected_etag)

    def put_blob(self, content: bytes, *, content_type: str = keys.JSON) -> str:
        digest = self.artifacts.put_blob(content)
        if content_type == MANIFEST_TYPE:
            # As a manifest too, so that others can copy the bundle, and Flipt can read it.
            self._put_manifest(digest, content)
        return digest

    def get_blob(self, digest: str) -> bytes:
        return self.artifacts.get_blob(digest, max_bytes=LARGEST_BYTES)

    def put_release(self, entry: Entry) -> None:
        content = verify(entry.payload.encode(), entry.digest)
        tag = release_tag(entry.release.environment, entry.release.revision)
        try:
            if self._is_released(tag, entry):
                return
        except DigestMismatch:
            # Of publishers at once one may have written its release by number whose head is gone. The head decides.
            if not self._is_in_head(entry):
                raise
        self.artifacts.put_blob(content)
        layers = (layer_of(RELEASE, content), *self._named(entry.release))
        self._put_manifest(tag, encode_artifact(RELEASE, layers))
        # Somebody else may have written another one in the same moment.
        if not self._is_released(tag, entry):
            raise Conflict(f"{tag} in {self.url} was written and is gone; somebody else removes tags there")

    def get_release(self, environment: str, revision: int) -> Entry:
        tag = release_tag(environment, revision)
        found = self._find(tag, RELEASE)
        if found is None:
            raise NotFound(f"environment {environment!r} in {self.url} has no release {revision}")
        content = found[0]
        return self._decoded(tag, lambda: release_entry(content, environment=environment, revision=revision))

    def read_index(self) -> tuple[Index, str] | None:
        found = self._find(INDEX_TAG, INDEX)
        if found is None:
            return None
        content, etag = found
        return self._decoded(INDEX_TAG, lambda: decode_index(content)), etag

    def swap_index(self, index: Index, expected_etag: str | None) -> str:
        content = encode_index(index.repository, index.environments)
        artifact = encode_artifact(INDEX, (layer_of(INDEX, content),))
        with self._turn:
            return self._move(INDEX_TAG, content, artifact, self._digest(INDEX_TAG), expected_etag)

    @property
    def keeps_static(self) -> bool:
        return False

    def tag_active(self, environment: str, bundle: str) -> None:
        tag = active_tag(environment)
        if self._digest(tag) != bundle:
            self._put_manifest(tag, self.get_blob(bundle))

    def read_static(self, environment: str, namespace: str) -> tuple[bytes, str] | None:
        """None: Flipt's clients do not read registries."""
        return None

    def swap_static(self, environment: str, namespace: str, content: bytes, expected_etag: str | None) -> NoReturn:
        raise InvalidRequest(f"{self.url} is a registry and keeps no static snapshots")

    def list_static(self, environment: str) -> tuple[str, ...]:
        return ()

    def read_instance(self, environment: str, place: str) -> tuple[bytes, str] | None:
        """None: a registry keeps every version of what is written, and readers write each minute."""
        return None

    def swap_instance(self, environment: str, place: str, content: bytes, expected_etag: str | None) -> NoReturn:
        raise InvalidRequest(f"{self.url} is a registry and keeps no reports of readers")

    def list_instances(self, environment: str) -> tuple[str, ...]:
        return ()

    def _find(self, tag: str, kind: str) -> tuple[bytes, str] | None:
        """The bytes that the artifact of a tag is there for, and its digest."""
        try:
            artifact = self.artifacts.get_manifest(tag)
        except NotFound:
            return None
        layer = self._decoded(tag, lambda: first_layer(artifact.content, kind))
        try:
            content = self.artifacts.get_blob(layer.digest, max_bytes=min(layer.size, LARGEST_BYTES))
        except NotFound as error:
            # The tag is there, so it is not that nothing was ever written.
            raise InvalidDocument(f"{tag} in {self.url} names a blob that is gone: {error}") from error
        return content, artifact.digest

    def _digest(self, tag: str) -> str | None:
        """What a tag names now."""
        try:
            return self.artifacts.get_manifest(tag).digest
        except NotFound:
            return None

    def _decoded(self, tag: str, decode: Callable[[], _Value]) -> _Value:
        try:
            return decode()
        except ContentError as error:
            raise type(error)(f"{tag} in {self.url}: {error}; restore it from a copy of the repository") from error

    def _move(self, tag: str, content: bytes, artifact: bytes, present: str | None, expected: str | None) -> str:
        """Let a tag name an artifact of `content`, where it names what was expected; its digest."""
        if present != expected:
            raise Conflict(f"wanted {tag} in {self.url} at {expected or 'nothing'}, it is at {present or 'nothing'}")
        self.artifacts.put_blob(content)
        digest = self._put_manifest(tag, artifact)
        found = self._digest(tag)
        if found != digest:
            raise Conflict(f"{tag} in {self.url} was written by somebody else at the same time: it is at {found}")
        return digest

    def _put_manifest(self, reference: str, content: bytes) -> str:
        if not self._has_config:
            self.artifacts.put_blob(EMPTY_CONFIG)
            self._has_config = True
        return self.artifacts.put_manifest(reference, content, MANIFEST_TYPE)

    def _named(self, release: Release) -> tuple[Layer, ...]:
        """The bundle of a release and its documents, as layers."""
        size = bundle_size(release)
        return bundle_layers(release, len(self.get_blob(release.bundle)) if size is None else size)

    def _is_in_head(self, entry: Entry) -> bool:
        found = self.read_head(entry.release.environment)
        return found is not None and entry.digest in (held.digest for held in found[0].releases)

    def _is_released(self, tag: str, entry: Entry) -> bool:
        """Whether that release is there by its number. Raises DigestMismatch when another one is."""
        try:
            artifact = self.artifacts.get_manifest(tag)
        except NotFound:
            return False
        layer = self._decoded(tag, lambda: first_layer(artifact.content, RELEASE))
        if layer.digest != entry.digest:
            raise DigestMismatch(
                f"{tag} in {self.url} never changes, wanted {entry.digest}, it is {layer.digest}; "
                "find out who wrote it, remove it and publish again"
            )
        return True
