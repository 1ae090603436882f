"""A queue and its dead letters for the pages that show `burgee redrive`, in an Amazon of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from burgee.control.job import Job, encode_job
from burgee.queue.port import Message
from burgee.queue.sqs import SqsQueue
from tests.servers.moto import moto

_REASON = "tried 5 times: https://git.example.org/acme/flags cannot be reached: it did not answer in time; try again"


@contextmanager
def a_dead_letter() -> Iterator[dict[str, str]]:
    """One push has been given up: the variables of a person who may mend that."""
    with moto() as amazon:
        client = amazon.client("sqs")
        queue, dead = (
            client.create_queue(QueueName=f"burgee{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
            for name in ("", "-dead-letters")
        )
        job = Job("push", ref="refs/heads/main", commit="1f" * 20, delivery="github:7f3c")
        SqsQueue(dead, client).send(Message(encode_job(job), "acme", "github:7f3c", _REASON))
        yield amazon.environ(BURGEE_QUEUE=queue, BURGEE_DEAD_LETTERS=dead)
