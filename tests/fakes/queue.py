"""A queue in memory, on a virtual clock, as SQS keeps order: groups, deduplication, visibility, tries."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from burgee.core.errors import BurgeeError
from burgee.queue.port import Message, Received
from tests.fakes.clock import VirtualClock

HELD_MS = 30_000
REMEMBERED_MS = 300_000


@dataclass
class _Kept:
    received: Received
    visible_at: int


class MemoryQueue:
    """Messages that can be looked at as `bodies`; `fault` is raised by the next verb, if it is set."""

    def __init__(self, clock: VirtualClock | None = None, url: str = "memory-queue.fifo") -> None:
        self.url = url
        self.clock = clock or VirtualClock()
        self.fault: BurgeeError | None = None
        self.before_send: Callable[[], None] = lambda: None
        self._kept: list[_Kept] = []
        self._seen: dict[str, int] = {}
        self._count = 0

    @property
    def messages(self) -> list[Message]:
        return [kept.received.message for kept in self._kept]

    def send(self, message: Message) -> str:
        self._check()
        self.before_send()
        now = self.clock.wall()
        self._count += 1
        if now - self._seen.get(message.deduplication, -REMEMBERED_MS) < REMEMBERED_MS:
            return f"m{self._count}"
        self._seen[message.deduplication] = now
        name = f"m{self._count}"
        self._kept.append(_Kept(Received(message, name, name, now, 0), now))
        return name

    def take(self, most: int = 10) -> list[Received]:
        """What one call receives: nothing of a group of which a message is in somebody's hands already."""
        self._check()
        now = self.clock.wall()
        held = {kept.received.message.group for kept in self._kept if kept.visible_at > now}
        free = [kept for kept in self._kept if kept.received.message.group not in held][:most]
        for kept in free:
            kept.visible_at = now + HELD_MS
            kept.received = replace(kept.received, tries=kept.received.tries + 1)
        return [kept.received for kept in free]

    def visible_at(self) -> list[int]:
        """When each message can be received."""
        return [kept.visible_at for kept in self._kept]

    def receive(self) -> Generator[Received]:
        while received := self.take():
            try:
                while received:
                    yield received.pop(0)
            finally:
                for rest in received:
                    self.postpone(rest.receipt, 0)

    def count(self) -> int:
        return len(self._kept)

    def postpone(self, receipt: str, seconds: int) -> None:
        self._check()
        for kept in self._kept:
            if kept.received.receipt == receipt:
                kept.visible_at = self.clock.wall() + seconds * 1000

    def delete(self, receipt: str) -> None:
        self._check()
        self._kept = [kept for kept in self._kept if kept.received.receipt != receipt]

    def _check(self) -> None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
