"""A Store over four verbs: the tier of meaning that all object stores share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from ..bundle import keys
from ..bundle.digest import digest_of, verify
from ..bundle.head import Entry, Head, encode_head
from ..bundle.index import Index, decode_index, encode_index
from ..bundle.log import release_entry
from ..core.errors import Conflict, ContentError, DigestMismatch, NotFound
from .checks import check_forward, head_of
from .port import Object, Objects, SeenHead

_Value = TypeVar("_Value")
_RESTORE = "restore it from a copy of the store"
_REMEDIES = {keys.INDEX: "remove it and publish again"}


class ObjectStore:
    """Heads, releases, blobs, index and static snapshots as objects; see `port.Store` for each verb."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    @property
    def url(self) -> str:
        return self._objects.url

    def read_head(self, environment: str) -> SeenHead | None:
        found = self._find(keys.head(environment))
        if found is None:
            return None
        head = self._decoded(keys.head(environment), partial(head_of, environment=environment), found.content)
        return SeenHead(head, found.etag, found.modified)

    def swap_head(self, head: Head, expected_etag: str | None) -> str:
        present = self.read_head(head.environment)
        if present is not None:
            check_forward(present[0], head, where=self.url)
        return self._swap(keys.head(head.environment), encode_head(head), expected_etag)

    def put_blob(self, content: bytes, *, content_type: str = keys.JSON) -> str:
        digest = digest_of(content)
        self._put_same(keys.blob(digest), content, content_type)
        return digest

    def get_blob(self, digest: str) -> bytes:
        return verify(self._objects.get(keys.blob(digest)).content, digest)

    def put_release(self, entry: Entry) -> None:
        content = verify(entry.payload.encode(), entry.digest)
        self._put_same(keys.release(entry.release.environment, entry.release.revision), content)

    def get_release(self, environment: str, revision: int) -> Entry:
        key = keys.release(environment, revision)
        content = self._objects.get(key).content
        return self._decoded(key, partial(release_entry, environment=environment, revision=revision), content)

    def read_index(self) -> tuple[Index, str] | None:
        found = self._find(keys.INDEX)
        return None if found is None else (self._decoded(keys.INDEX, decode_index, found.content), found.etag)

    def swap_index(self, index: Index, expected_etag: str | None) -> str:
        return self._swap(keys.INDEX, encode_index(index.repository, index.environments), expected_etag)

    @property
    def keeps_static(self) -> bool:
        return True

    def tag_active(self, environment: str, bundle: str) -> None:
        """Objects have no tags."""

    def read_static(self, environment: str, namespace: str) -> tuple[bytes, str] | None:
        found = self._find(keys.static_snapshot(environment, namespace))
        return None if found is None else (found.content, found.etag)

    def swap_static(self, environment: str, namespace: str, content: bytes, expected_etag: str | None) -> str:
        return self._swap(keys.static_snapshot(environment, namespace), content, expected_etag)

    def list_static(self, environment: str) -> tuple[str, ...]:
        prefix = keys.static_snapshots(environment)
        return tuple(key.removeprefix(prefix) for key in self._objects.list(prefix))

    def read_instance(self, environment: str, place: str) -> tuple[bytes, str] | None:
        found = self._find(keys.instance(environment, place))
        return None if found is None else (found.content, found.etag)

    def swap_instance(self, environment: str, place: str, content: bytes, expected_etag: str | None) -> str:
        return self._swap(keys.instance(environment, place), content, expected_etag)

    def list_instances(self, environment: str) -> tuple[str, ...]:
        prefix = keys.instances(environment)
        names = (key.removeprefix(prefix) for key in self._objects.list(prefix))
        return tuple(name.removesuffix(".json") for name in names if name.endswith(".json"))

    def _decoded(self, key: str, decode: Callable[[bytes], _Value], content: bytes) -> _Value:
        try:
            return decode(content)
        except ContentError as error:
            raise type(error)(f"{key} in {self.url}: {error}; {_REMEDIES.get(key, _RESTORE)}") from error

    def _find(self, key: str) -> Object | None:
        try:
            return self._objects.get(key)
        except NotFound:
            return None

    def _swap(self, key: str, content: bytes, expected: str | None) -> str:
        return self._objects.swap(
            key, content, expected=expected, content_type=keys.JSON, cache_control=keys.cache_control(key)
        )

    def _put_same(self, key: str, content: bytes, content_type: str = keys.JSON) -> None:
        """Write an immutable object unless it is there. Raises DigestMismatch when other bytes are."""
        try:
            self._objects.put_new(key, content, content_type=content_type, cache_control=keys.cache_control(key))
        except Conflict as conflict:
            present = self._objects.get(key).content
            if present != content:
                raise DigestMismatch(
                    f"{key} in {self.url} never changes, wanted {digest_of(content)}, it is {digest_of(present)}; "
                    "find out who wrote it, remove it and publish again"
                ) from conflict
