"""A reader and the store it reads, on one virtual clock."""

from __future__ import annotations

from collections.abc import Callable

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.release import Release
from burgee.core.errors import Unavailable
from burgee.fetch.live import Live, Serving
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore

from .clock import VirtualClock
from .fetcher import FaultyFetcher
from .publisher import a_document, publish

TTL_MS = 60_000
HEAD = keys.head("staging")
ON = a_document(enabled=True)
OFF = a_document(enabled=False)
BETA = a_document("beta")
OUTAGE = Unavailable("the store sleeps")


class Scene:
    """`publish` puts a release into the store now; `live` reads it through `fetcher`."""

    def __init__(self, *, ttl_ms: int = TTL_MS, random: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = VirtualClock()
        self.objects = MemoryObjects()
        self.store = ObjectStore(self.objects)
        self.fetcher = FaultyFetcher(self.objects)
        self.live = Live(self.fetcher, "staging", ttl_ms=ttl_ms, clock=self.clock, random=random)

    def publish(
        self,
        *contents: bytes,
        namespaces: tuple[str, ...] = ("default", "beta", "gamma"),
        active_after: int = 0,
        max_reader_ttl_seconds: int | None = None,
    ) -> Release:
        return publish(
            self.store,
            dict(zip(namespaces, contents, strict=False)),
            at=self.clock.wall(),
            active_after=active_after,
            max_reader_ttl_seconds=max_reader_ttl_seconds,
        )

    def revision(self) -> int:
        """The revision served now."""
        revision: int = self.live.current().release.revision
        return revision

    def later(self, milliseconds: int) -> Serving:
        """What is served after that time."""
        self.clock.advance(milliseconds)
        return self.live.current()

    def asked(self, key: str = HEAD) -> int:
        """How often an object was asked for."""
        return self.fetcher.calls.count(key)

    def corrupt(self, content: bytes) -> None:
        """Let the blob of `content` read as other bytes of the same length."""
        self.fetcher.contents[blob(content)] = content[:-1] + b"!"


def blob(content: bytes) -> str:
    """The key of the blob of `content`."""
    return keys.blob(digest_of(content))


def a_scene_that_serves(*contents: bytes, max_reader_ttl_seconds: int | None = None) -> Scene:
    """Its reader has looked at a release of these documents; without any, of one flag that is on."""
    scene = Scene()
    scene.publish(*(contents or (ON,)), max_reader_ttl_seconds=max_reader_ttl_seconds)
    scene.live.current()
    return scene
