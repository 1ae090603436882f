"""A folder in OCI's image layout, as Flipt v1 keeps bundles on a disk and `skopeo` and `oras` read and write them.

Law: a file appears whole or not at all, and `index.json`, which names manifests by tags, is swapped last: whoever reads
in between finds what it named before.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from stat import S_ISLNK, S_ISREG
from typing import Any
from urllib.parse import quote

from ..bundle.digest import digest_of, encode_text, hex_of, is_digest, ordered_json, verify
from ..bundle.keys import IMMUTABLE, JSON, MUTABLE
from ..core.errors import ConfigurationError, Conflict, ContentError, DigestMismatch, InvalidDocument, NotFound
from .artifacts import Manifest
from .file import TEMPORARY, FileObjects
from .folders import LAYOUT_MARKER, is_store

SCHEME = "oci-layout"
REF_NAME = "org.opencontainers.image.ref.name"

_INDEX = "index.json"
_VERSION = "1.0.0"
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_LARGEST_MARKER = 4 * 1024
_LARGEST_MANIFEST = 4 * 1024 * 1024
_LARGEST_INDEX = 16 * 1024 * 1024
_LARGEST_BLOB = 64 * 1024 * 1024
# Each lost turn is another writer's gain, so many in a row are more writers than a folder has.
_TRIES = 100

_Index = dict[str, Any]


class LayoutArtifacts:
    """See `artifacts.Artifacts` for each verb; safe among threads and processes as `file.FileObjects` is."""

    def __init__(self, folder: Path) -> None:
        """`folder` is absolute; the first write creates it."""
        self.url = f"{SCHEME}://{quote(str(folder))}"
        self._folder = folder
        self._files = FileObjects(folder)

    def get_manifest(self, reference: str) -> Manifest:
        descriptor = self._find(reference)
        content = self.get_blob(descriptor["digest"], max_bytes=_LARGEST_MANIFEST)
        if descriptor.get("size", len(content)) != len(content):
            raise InvalidDocument(
                f"{_INDEX} in {self.url} says {descriptor['size']} bytes of {reference}, it has {len(content)}"
            )
        return Manifest(content, descriptor["digest"], descriptor.get("mediaType") or _media_type(content))

    def put_manifest(self, reference: str, content: bytes, media_type: str) -> str:
        if is_digest(reference):
            verify(content, reference)
        digest = self.put_blob(content)
        descriptor = {"mediaType": media_type, "digest": digest, "size": len(content)}
        for _ in range(_TRIES):
            index, etag = self._read_index()
            named = _named(index, None if is_digest(reference) else reference, descriptor)
            if named == index:
                return digest
            try:
                self._swap_index(named, etag)
            except Conflict:
                continue
            return digest
        raise Conflict(f"{_INDEX} in {self.url} was changed by others {_TRIES} times in a row; try again")

    def get_blob(self, digest: str, *, max_bytes: int) -> bytes:
        self._check_layout()
        return verify(self._get(_blob_key(digest), max_bytes), digest)

    def has_blob(self, digest: str) -> bool:
        if not self._is_there():
            return False
        try:
            self.get_blob(digest, max_bytes=_LARGEST_BLOB)
        except (NotFound, ContentError):
            # One that is damaged is written again, which says what is wrong.
            return False
        return True

    def put_blob(self, content: bytes) -> str:
        self._begin()
        digest = digest_of(content)
        key = _blob_key(digest)
        try:
            self._files.put_new(key, content, content_type=JSON, cache_control=IMMUTABLE)
        except Conflict as conflict:
            if self._get(key, _LARGEST_BLOB) != content:
                raise DigestMismatch(f"{key} in {self.url} holds other bytes; remove it and try again") from conflict
        return digest

    def tags(self) -> tuple[str, ...]:
        if not self._is_there():
            return ()
        return tuple(sorted({name for one in self._read_index()[0]["manifests"] if (name := _name(one))}))

    def _find(self, reference: str) -> dict[str, Any]:
        """The descriptor of what a tag or digest names. Raises NotFound."""
        listed = self._read_index()[0]["manifests"]
        if is_digest(reference):
            return next((one for one in listed if one["digest"] == reference), {"digest": reference})
        # As Flipt's library reads it, the last of several with one name holds.
        found: dict[str, Any] | None = next((one for one in reversed(listed) if _name(one) == reference), None)
        if found is None:
            raise NotFound(f"no tag {reference!r} in {self.url}, there are {', '.join(self.tags()) or 'none'}")
        return found

    def _read_index(self) -> tuple[_Index, str | None]:
        """The index and its etag; None of a folder that has none yet."""
        self._check_layout()
        try:
            found = self._files.get(_INDEX) if self._size(_INDEX) <= _LARGEST_INDEX else None
        except NotFound:
            return {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": []}, None
        if found is None:
            raise InvalidDocument(f"{_INDEX} in {self.url} is larger than {_LARGEST_INDEX} bytes")
        try:
            index = json.loads(found.content)
            if not all(map(_is_descriptor, index["manifests"])):
                raise ValueError("wanted a list of descriptors")
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise InvalidDocument(
                f"{_INDEX} in {self.url} is no index of an image layout ({error}); take it from a copy of the folder"
            ) from error
        return index, found.etag

    def _swap_index(self, index: _Index, etag: str | None) -> None:
        try:
            content = encode_text(ordered_json(index))
        except (InvalidDocument, RecursionError) as error:
            raise InvalidDocument(
                f"{_INDEX} in {self.url} holds what cannot be written again ({error}); "
                "take it from a copy of the folder"
            ) from error
        self._files.swap(_INDEX, content, expected=etag, content_type=_INDEX_TYPE, cache_control=MUTABLE)

    def _check_layout(self) -> None:
        """Raises NotFound where there is nothing, ConfigurationError for a folder that is something else."""
        if not self._is_there():
            raise NotFound(f"no image layout at {self.url}; `burgee bundle export` makes one")
        content = self._get(LAYOUT_MARKER, _LARGEST_MARKER)
        try:
            version = json.loads(content)["imageLayoutVersion"]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise InvalidDocument(
                f"{LAYOUT_MARKER} in {self.url} is damaged, wanted a layout's version: {error}"
            ) from error
        if version != _VERSION:
            raise ConfigurationError(f"{self.url} is an image layout of version {version!r}, wanted {_VERSION}")

    def _is_there(self) -> bool:
        """Whether there is a layout. Raises ConfigurationError for a folder that is something else."""
        marker = self._folder / LAYOUT_MARKER
        if marker.is_file():
            return True
        if not self._folder.exists() or (self._folder.is_dir() and not _holds_something(self._folder)):
            return False
        # Another writer may have begun between the two looks; the marker is the first it writes.
        if marker.is_file():
            return True
        if is_store(self._folder):
            url = self._folder.as_uri()
            raise ConfigurationError(
                f"{self._folder} is a store of burgee, and no folder in OCI's image layout: name it as {url}, and one "
                f"bundle of it as {url}#production"
            )
        raise ConfigurationError(
            f"{self._folder} is no folder in OCI's image layout (it has no file {LAYOUT_MARKER}), nor is it empty; "
            "name another"
        )

    def _begin(self) -> None:
        """Make the folder a layout unless it is one."""
        if not self._is_there():
            content = ordered_json({"imageLayoutVersion": _VERSION}).encode()
            with suppress(Conflict):
                self._files.put_new(LAYOUT_MARKER, content, content_type=JSON, cache_control=MUTABLE)
        self._check_layout()

    def _get(self, key: str, limit: int) -> bytes:
        size = self._size(key)
        if size > limit:
            raise InvalidDocument(f"{key} in {self.url} has {size} bytes, wanted at most {limit}")
        return self._files.get(key).content

    def _size(self, key: str) -> int:
        """The size of a file in bytes. Raises NotFound, and InvalidDocument for a pipe or a folder.

        Links are for `get` to refuse.
        """
        try:
            found = (self._folder / key).lstat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"no {key} in {self.url}") from error
        if not S_ISREG(found.st_mode) and not S_ISLNK(found.st_mode):
            raise InvalidDocument(f"{key} in {self.url} is no file; take it from a copy of the folder")
        return found.st_size


def _blob_key(digest: str) -> str:
    return f"blobs/sha256/{hex_of(digest)}"


def _holds_something(folder: Path) -> bool:
    # A writer that died, or one that is about to write, has left or made its own place.
    return any(entry.name != TEMPORARY for entry in folder.iterdir())


def _named(index: _Index, tag: str | None, descriptor: dict[str, Any]) -> _Index:
    """The index in which `tag` names what the descriptor does; without one it is just listed."""
    listed = index["manifests"]
    if tag is None:
        is_listed = any(one["digest"] == descriptor["digest"] for one in listed)
        return index if is_listed else {**index, "manifests": [*listed, descriptor]}
    present = [one for one in listed if _name(one) == tag]
    if [one["digest"] for one in present] == [descriptor["digest"]]:
        return index
    kept = [one for one in listed if _name(one) != tag]
    return {**index, "manifests": [*kept, {**descriptor, "annotations": {REF_NAME: tag}}]}


def _name(descriptor: dict[str, Any]) -> str | None:
    annotations = descriptor.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None


def _is_descriptor(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("digest"), str)
        and isinstance(value.get("mediaType"), str)
        and type(value.get("size")) is int
    )


def _media_type(content: bytes) -> str:
    """What a manifest says of itself, as the folder does not say it."""
    try:
        media_type = json.loads(content)["mediaType"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InvalidDocument(f"wanted a manifest that says its mediaType: {error!r}") from error
    return str(media_type)
