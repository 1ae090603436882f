"""A fetcher over a store's objects, with faults and a record of what was asked for."""

from __future__ import annotations

from collections.abc import Callable

from burgee.core.errors import InvalidDocument
from burgee.fetch.port import MAX_BYTES, NOT_MODIFIED, Fetched
from burgee.store.port import Objects


class FaultyFetcher:
    """Reads `objects` as a web server would.

    `calls` lists the keys asked for; `faults` maps a beginning of keys to what is raised for them; `contents` maps keys
    to bytes that are given instead; `pause` is called with each key before it is read and may block or move a clock;
    `gives_etags` is whether unchanged objects are recognised.
    """

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.calls: list[str] = []
        self.faults: dict[str, BaseException] = {}
        self.contents: dict[str, bytes] = {}
        self.pause: Callable[[str], object] | None = None
        self.gives_etags = True

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        self.calls.append(key)
        if self.pause is not None:
            self.pause(key)
        for beginning, fault in self.faults.items():
            if key.startswith(beginning):
                raise fault
        if key in self.contents:
            return Fetched(self.contents[key], None)
        found = self.objects.get(key)
        if self.gives_etags and found.etag == etag:
            return NOT_MODIFIED
        if len(found.content) > max_bytes:
            raise InvalidDocument(f"{key} has {len(found.content)} bytes, wanted at most {max_bytes}")
        return Fetched(found.content, found.etag if self.gives_etags else None)

    def close(self) -> None:
        """Nothing is kept open."""
