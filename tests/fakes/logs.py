"""Logs of any length, made at once: the releases and heads of an environment, without publishing them one by one."""

from __future__ import annotations

from collections.abc import Sequence

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import Head, append, encode_head
from burgee.bundle.manifest import encode_manifest
from burgee.store.memory import MemoryObjects
from burgee.store.port import Objects
from tests.fakes.publisher import a_document, a_release

NOON = 1_800_000_000_000
ENVIRONMENT = "staging"
ON, OFF = a_document(enabled=True), a_document(enabled=False)


class Log:
    """A log in `objects`: `heads` are those that readers saw, in their order; `add` is one publish."""

    def __init__(self, objects: Objects | None = None) -> None:
        self.objects = objects or MemoryObjects()
        self.heads: list[Head] = []
        for content in (ON, OFF):
            self._put(keys.blob(digest_of(content)), content)
            manifest = encode_manifest({"default": (digest_of(content), len(content))})
            self._put(keys.blob(digest_of(manifest)), manifest)

    def add(self, at: int, *, active_after: int = 0) -> None:
        """A release at an instant (milliseconds), active so much later; of odd numbers the flag is on."""
        before = self.heads[-1] if self.heads else None
        content = OFF if before and before.revision % 2 else ON
        release = a_release(before, {"default": content}, at=at, environment=ENVIRONMENT, active_after=active_after)
        head = append(before, release, max_reader_ttl_seconds=60)
        self._put(keys.release(ENVIRONMENT, release.revision), head.last.payload.encode())
        self.heads.append(head)

    def finish(self) -> Log:
        """The log itself, its head as the last publish left it."""
        key = keys.head(ENVIRONMENT)
        present = self.objects.get(key).etag if key in set(self.objects.list(key)) else None
        self.objects.swap(
            key,
            encode_head(self.heads[-1]),
            expected=present,
            content_type=keys.JSON,
            cache_control=keys.cache_control(key),
        )
        return self

    def _put(self, key: str, content: bytes) -> None:
        self.objects.put_new(key, content, content_type=keys.JSON, cache_control=keys.cache_control(key))


def a_log(delays: Sequence[int] = (0,), *, every: int = 1000) -> Log:
    """A log with a release for each delay, published at NOON and then every so many milliseconds."""
    log = Log()
    for number, delay in enumerate(delays):
        log.add(NOON + number * every, active_after=delay)
    return log.finish()
