"""A place of objects that remembers: what was there at an instant can be read afterwards."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from ..core.errors import NotFound
from ..store.memory import MemoryObjects
from ..store.port import Object


class Place:
    """Objects in memory with every version that they had; `now` is the real instant (ms) at which is written."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = 0
        self._objects = MemoryObjects(url)
        self._written: dict[str, list[int]] = {}
        self._versions: dict[str, list[Object]] = {}

    def get(self, key: str) -> Object:
        return self._objects.get(key)

    def put_new(self, key: str, content: bytes, *, content_type: str, cache_control: str) -> str:
        return self.swap(key, content, expected=None, content_type=content_type, cache_control=cache_control)

    def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
        etag = self._objects.swap(
            key, content, expected=expected, content_type=content_type, cache_control=cache_control
        )
        self._written.setdefault(key, []).append(self.now)
        self._versions.setdefault(key, []).append(self._objects.get(key))
        return etag

    def list(self, prefix: str) -> Iterator[str]:
        return self._objects.list(prefix)

    def as_of(self, key: str, instant: int) -> Object:
        """The version that was written last until `instant`. Raises NotFound."""
        versions = bisect_right(self._written.get(key, ()), instant)
        if not versions:
            raise NotFound(f"no object {key} in {self.url} yet")
        return self._versions[key][versions - 1]
