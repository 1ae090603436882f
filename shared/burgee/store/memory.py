"""Objects in this process's memory, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from threading import Lock

from ..core.errors import Conflict, NotFound
from .port import Object, checked_key, checked_prefix


class MemoryObjects:
    """Safe among threads; nothing outlives the process. ETags are serial numbers of all of them: none comes back."""

    _versions = count(1)

    def __init__(self, url: str = "memory://") -> None:
        self.url = url
        self._objects: dict[str, Object] = {}
        self._lock = Lock()

    def get(self, key: str) -> Object:
        found = self._objects.get(checked_key(key))
        if found is None:
            raise NotFound(f"no object {key} in {self.url}")
        return found

    def put_new(self, key: str, content: bytes, *, content_type: str, cache_control: str) -> str:
        return self.swap(key, content, expected=None, content_type=content_type, cache_control=cache_control)

    def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
        checked_key(key)
        with self._lock:
            present = self._objects.get(key)
            etag = present.etag if present else None
            if etag != expected:
                raise Conflict(f"wanted {key} in {self.url} at etag {expected}, it is at {etag}")
            written = Object(bytes(content), f"v{next(self._versions)}")
            self._objects[key] = written
        return written.etag

    def list(self, prefix: str) -> Iterator[str]:
        checked_prefix(prefix)
        with self._lock:
            keys = sorted(key for key in self._objects if key.startswith(prefix))
        return iter(keys)


_shared: dict[str, MemoryObjects] = {}


def shared_objects(url: str) -> MemoryObjects:
    """The objects of that URL: the same ones each time in one process."""
    return _shared.setdefault(url, MemoryObjects(url))
