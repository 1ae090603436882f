"""Dead letters: what was given up, why, and how it comes back into the queue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from ..core.errors import InvalidRequest
from ..queue.port import Message, Queue, Received
from .job import REDRIVEN, decode_job

_SHOWN = 10


def dead_letters(dead: Queue) -> tuple[list[Received], int | None]:
    """The oldest of what lies with the dead letters, which stay there, and about how many there are in all, if known.

    The first ten: of messages in order no more can be seen before these are deleted, and of others nobody reads more.
    """
    count = dead.count()
    with closing(dead.receive()) as lying:
        found = list(islice(lying, _SHOWN))
    for received in found:
        dead.postpone(received.receipt, 0)
    return found, None if count is None else max(count, len(found))


def redrive(dead: Queue, queue: Queue) -> Iterator[Received]:
    """Move dead letters back into the queue, in order; each message when it has been moved.

    A message is sent before it is deleted: one that is moved twice, after a crash in between, does no harm. One that
    was moved and has died again meanwhile is left for the next time, and so is what came after it.
    """
    moved: set[str] = set()
    for received in dead.receive():
        message = received.message
        if message.deduplication in moved:
            dead.postpone(received.receipt, 0)
            return
        # Under another name than at first: the queue would take it for a message it has had.
        name = f"{REDRIVEN}{received.id}"
        queue.send(Message(message.body, message.group, name))
        dead.delete(received.receipt)
        moved.add(name)
        yield received


def told(received: Received) -> tuple[str, str]:
    """What a dead letter is about, and why it died."""
    try:
        about = str(decode_job(received.message.body))
    except InvalidRequest:
        about = f"no job: {received.message.body[:60]!r}"
    return about, received.message.reason or "not said: the function died or ran out of time; its log may know"
