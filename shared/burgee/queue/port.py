"""What a queue is: messages that are received, one time after the other, until they are deleted.

Law: a message that was sent is in the queue, or in the one for dead letters, until somebody has deleted it.

Order within a group and deduplication are what SQS has. Pub/Sub keeps order where a subscription is told to, and Azure
Storage as a rule; neither drops what was sent twice. So a message may tell that something is to be looked at, and
never what is to be found.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is sent.

    Of those with an equal `deduplication` within minutes only the first is kept, by queues that can. `reason` says why
    a dead letter died.
    """

    body: str
    group: str
    deduplication: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was received: nobody else gets it for a while.

    `receipt` names it until then; `sent_at` is in milliseconds since the epoch, `tries` how often it was received.
    """

    message: Message
    id: str
    receipt: str
    sent_at: int
    tries: int


class Queue(Protocol):
    """Every verb may raise Unavailable, Denied, or NotFound when there is no such queue."""

    @property
    def url(self) -> str: ...

    def send(self, message: Message) -> str:
        """Put it at the end; its id. Once this returns, the message is not lost."""

    def receive(self) -> Generator[Received]:
        """What there is, oldest first, a few at a time; ends when there is nothing for anybody to receive.

        What was received and not handed over when it is closed can be received by others at once.
        """

    def count(self) -> int | None:
        """About how many there are, whether somebody has them or not; None where nobody knows."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """Let others receive it again only after that time, or at once for 0."""

    def delete(self, receipt: str) -> None:
        """It is done."""
