"""What a store is: four verbs over objects, and above them the tier that knows heads, releases and blobs.

Law: an object is read whole or not at all, and a conditional write has one winner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ..bundle.head import Entry, Head
from ..bundle.index import Index
from ..core.errors import InvalidRequest

KEY_BYTES = 1024
PART_BYTES = 255


@dataclass(frozen=True, slots=True)
class Object:
    """An object's bytes, and the opaque `etag` that names this version of it in `swap`.

    `modified` is when the place itself says that it was written, in milliseconds, or None where it does not say.
    """

    content: bytes
    etag: str
    modified: int | None = None


class SeenHead(NamedTuple):
    """A head as it is in a store, with its etag and when it was written there; see `Object`."""

    head: Head
    etag: str
    modified: int | None = None


class Objects(Protocol):
    """The four verbs. Keys are as `checked_key` wants them; `url` says in messages where the objects are.

    Every verb may raise Unavailable or Denied.
    """

    @property
    def url(self) -> str: ...

    def get(self, key: str) -> Object:
        """The object as it is now. Raises NotFound."""

    def put_new(self, key: str, content: bytes, *, content_type: str, cache_control: str) -> str:
        """Write an object that does not exist yet; its etag. Raises Conflict when it exists."""

    def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
        """Write if the present etag is `expected` (None: if there is no object); the new etag. Raises Conflict."""

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that begin with `prefix`, sorted by code point; a prefix is text and need not end at a `/`."""


class Store(Protocol):
    """Heads, releases, blobs, index and static snapshots, where object stores and registries agree.

    Every verb may raise Unavailable or Denied, every read InvalidDocument for content that is not what it should be.
    """

    @property
    def url(self) -> str: ...

    def read_head(self, environment: str) -> SeenHead | None:
        """The head as it is now, or None before the first release."""

    def swap_head(self, head: Head, expected_etag: str | None) -> str:
        """Move the head; its new etag. Raises Conflict when it is not what was seen, or would go back."""

    def put_blob(self, content: bytes, *, content_type: str = ...) -> str:
        """Write a blob unless it is there; its digest. Raises DigestMismatch when other bytes have its name."""

    def get_blob(self, digest: str) -> bytes:
        """A blob, verified. Raises NotFound, DigestMismatch."""

    def put_release(self, entry: Entry) -> None:
        """Write a release to the log unless it is there. Raises DigestMismatch when another has its number."""

    def get_release(self, environment: str, revision: int) -> Entry:
        """A release of the log, without signatures. Raises NotFound."""

    def read_index(self) -> tuple[Index, str] | None:
        """The environment index and its etag, or None."""

    def swap_index(self, index: Index, expected_etag: str | None) -> str:
        """Write the environment index; its new etag. Raises Conflict."""

    @property
    def keeps_static(self) -> bool:
        """Whether it has static snapshots; what has none names the active bundle by a tag."""

    def tag_active(self, environment: str, bundle: str) -> None:
        """Let the environment's name be a tag of that bundle, where bundles have tags; elsewhere do nothing."""

    def read_static(self, environment: str, namespace: str) -> tuple[bytes, str] | None:
        """A static snapshot and its etag, or None."""

    def swap_static(self, environment: str, namespace: str, content: bytes, expected_etag: str | None) -> str:
        """Write a static snapshot; its new etag. Raises Conflict."""

    def list_static(self, environment: str) -> tuple[str, ...]:
        """The namespaces that have a static snapshot, sorted."""

    def read_instance(self, environment: str, place: str) -> tuple[bytes, str] | None:
        """What a reader reports and its etag, or None."""

    def swap_instance(self, environment: str, place: str, content: bytes, expected_etag: str | None) -> str:
        """Write what a reader reports; its new etag. Raises Conflict."""

    def list_instances(self, environment: str) -> tuple[str, ...]:
        """The places at which readers have reported, sorted."""


def checked_key(key: str) -> str:
    """`key` itself. Raises InvalidRequest unless it is a relative path of printable parts, none starting with a dot.

    Parts with a leading dot are a store's own (a folder keeps unfinished writes there), besides being `.` and `..`.
    """
    parts = key.split("/")
    if not all(map(_is_part, parts)) or len(key.encode()) > KEY_BYTES:
        raise InvalidRequest(f"object keys are relative paths such as environments/staging/head.json, got {key!r}")
    return key


def checked_prefix(prefix: str) -> str:
    """`prefix` itself. Raises InvalidRequest unless some key can begin with it."""
    *parts, last = prefix.split("/")
    if not all(map(_is_part, parts)) or not (last == "" or _is_part(last)):
        raise InvalidRequest(f"prefixes are beginnings of object keys such as environments/, got {prefix!r}")
    return prefix


def _is_part(part: str) -> bool:
    # `isprintable` is false for control characters and lone surrogates, so `encode` cannot fail.
    return part.isprintable() and part[:1] not in ("", ".") and "\\" not in part and len(part.encode()) <= PART_BYTES
