"""Dead letters: what was given up, why, and how it comes back into the queue."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ..core.errors import InvalidRequest
from ..queue.port import Message, Queue, Received
from .job import REDRIVEN, decode_job

# What is in the hands of one who looks is kept from others, so a look is bounded.
MOST_SHOWN = 100


def dead_letters(dead: Queue) -> list[Received]:
    """What lies with the dead letters, oldest first and at most MOST_SHOWN; it stays there."""
    found = list(islice(dead.receive(), MOST_SHOWN))
    for received in found:
        dead.postpone(received.receipt, 0)
    return found


def redrive(dead: Queue, queue: Queue, *, now: int) -> Iterator[Received]:
    """Move what died before `now` (milliseconds) back into the queue, in order; each message when it has been moved.

    A message is sent before it is deleted: one that is moved twice, after a crash in between, does no harm.
    """
    for received in dead.receive():
        if received.sent_at > now:
            dead.postpone(received.receipt, 0)
            return
        message = received.message
        # Under another name than at first: the queue would take it for a message it has had.
        queue.send(Message(message.body, message.group, f"{REDRIVEN}{received.id}"))
        dead.delete(received.receipt)
        yield received


def told(received: Received) -> tuple[str, str]:
    """What a dead letter is about, and why it died."""
    try:
        about = str(decode_job(received.message.body))
    except InvalidRequest:
        about = f"no job: {received.message.body[:60]!r}"
    return about, received.message.reason or "not said: the function died or ran out of time; its log may know"
