"""An honest publisher, its store, and somebody who decides what readers see of it; all on one virtual clock.

In the manner of python-tuf's repository simulator: what is published stays as it is, what is `shown` is the attacker's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from burgee.bundle import keys
from burgee.bundle.head import Head, decode_head, encode_head
from burgee.core.errors import NotReady
from burgee.fetch.live import Live, Status
from burgee.fetch.verify import Verifier
from burgee.sign.port import Signer
from burgee.sign.signing import signed_head
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore

from .clock import VirtualClock
from .fetcher import FaultyFetcher
from .publisher import a_document, publish
from .signers import Ed25519InMemory

HEAD = keys.head("staging")
TTL_MS = 60_000
VALIDITY_MS = 3_600_000
OURS = Ed25519InMemory(1)
THEIRS = Ed25519InMemory(666)


class Attacked:
    """`publish` and `sign` are the publisher's; `show` is the attacker's, and `reader` somebody who verifies."""

    def __init__(self, *signers: Signer) -> None:
        self.signers: Sequence[Signer] = signers or (OURS,)
        self.clock = VirtualClock()
        self.objects = MemoryObjects()
        self.store = ObjectStore(self.objects)
        self.fetcher = FaultyFetcher(self.objects)

    def publish(self, *, enabled: bool = True, environment: str = "staging", active_after: int = 0) -> Head:
        """A release of one flag, signed; a millisecond later."""
        self.clock.advance(1)
        documents = {"default": a_document(enabled=enabled)}
        publish(self.store, documents, at=self.clock.wall(), environment=environment, active_after=active_after)
        return self.sign(environment)

    def sign(self, environment: str = "staging") -> Head:
        """The head as it is, signed anew."""
        found = self.store.read_head(environment)
        assert found is not None
        head = signed_head(found.head, self.signers, expires_at=self.clock.wall() + VALIDITY_MS)
        self.store.swap_head(head, found.etag)
        return head

    def recorded(self) -> dict[str, bytes]:
        """Everything in the store, as anybody can record it."""
        return {key: self.objects.get(key).content for key in self.objects.list("")}

    def show(self, objects: Mapping[str, bytes]) -> None:
        """What readers see of these objects from now on."""
        self.fetcher.contents.update(objects)

    def show_head(self, head: Head | bytes, environment: str = "staging") -> None:
        """The head that readers see from now on."""
        self.show({keys.head(environment): head if isinstance(head, bytes) else encode_head(head)})

    def relent(self) -> None:
        """Show what is there again."""
        self.fetcher.contents.clear()

    def head(self, environment: str = "staging") -> Head:
        """The head that the publisher has written last."""
        return decode_head(self.objects.get(keys.head(environment)).content)

    def verifier(self, *signers: Signer, repository: str | None = None) -> Verifier:
        """What believes these signers, the publisher's without."""
        texts = [signer.public_key().text for signer in signers or self.signers]
        return Verifier(texts, now=self.clock.wall, repository=repository)

    def reader(self, *signers: Signer, repository: str | None = None, environment: str = "staging") -> Live:
        """Somebody who verifies by the public keys of these signers; of the publisher's without."""
        verifier = self.verifier(*signers, repository=repository)
        return Live(self.fetcher, environment, ttl_ms=TTL_MS, clock=self.clock, random=lambda: 0.0, verifier=verifier)

    def later(self, milliseconds: int = TTL_MS) -> None:
        """Time passes; without saying how much, until a look is due."""
        self.clock.advance(milliseconds)


@dataclass
class Kept:
    """A reader that serves a good release; `refuses` says what it thinks of what is shown to it now."""

    store: Attacked
    reader: Live
    revision: int = field(init=False)

    def __post_init__(self) -> None:
        self.revision = self.reader.current().release.revision

    def refuses(self, because: str) -> Status:
        """It looks, goes on serving what it did, and its status says why."""
        self.store.later()
        assert self.reader.current().release.revision == self.revision
        assert self.reader.current().snapshot.namespace("").boolean("on", "x", {}, 0).enabled is True
        status = self.reader.status()
        assert status.last_error is not None
        assert because in status.last_error
        assert status.age_ms is not None
        assert status.age_ms >= TTL_MS
        return status


def starts_refusing(store: Attacked, because: str, *, reader: Live | None = None) -> None:
    """A reader that begins now gets nothing to answer from, and is told why."""
    with pytest.raises(NotReady, match=because):
        (reader or store.reader()).current()
