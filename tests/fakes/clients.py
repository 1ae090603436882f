"""Clients of a store that a test holds in its hand, on its virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from burgee.client import Client

from .fetcher import FaultyFetcher
from .scene import TTL_MS, Scene

SECONDS = 10.0


class ClientScene(Scene):
    """`publish` puts a release into the store now; `client` makes one that reads it."""

    def client(self, **options: Any) -> Client:
        """A client whose looks are due after TTL_MS, or up to a tenth earlier."""
        given: dict[str, Any] = {
            "environment": "staging",
            "ttl": TTL_MS / 1000,
            "fetcher": self.fetcher,
            "clock": self.clock,
        }
        return Client(**(given | options))


def looked(client: Client) -> None:
    """Return when the look that is due, or under way, has succeeded."""
    assert client.catch_up(SECONDS), client.status().last_error


class Hanging:
    """A store that takes a request and does not answer until `go`."""

    def __init__(self, fetcher: FaultyFetcher, beginning: str) -> None:
        self._entered = Event()
        self._go = Event()
        self._beginning = beginning
        self._fetcher = fetcher
        fetcher.pause = self._pause

    def wait_until_asked(self) -> None:
        """Return when somebody waits for an answer."""
        assert self._entered.wait(SECONDS)

    def go(self) -> None:
        """Answer, and hang no more."""
        self._fetcher.pause = None
        self._go.set()

    def _pause(self, key: str) -> None:
        if key.startswith(self._beginning):
            self._entered.set()
            assert self._go.wait(6 * SECONDS)


@contextmanager
def hanging(fetcher: FaultyFetcher, beginning: str = "") -> Iterator[Hanging]:
    """What is read of keys that begin so hangs, at the longest until the context ends."""
    store = Hanging(fetcher, beginning)
    try:
        yield store
    finally:
        store.go()
