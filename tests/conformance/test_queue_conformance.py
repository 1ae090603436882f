"""What every queue does. A new one is one line in IMPLEMENTATIONS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

import pytest

from burgee.core.errors import ConfigurationError, Denied, NotFound, Unavailable
from burgee.queue.opening import open_queue
from burgee.queue.port import Message, Queue
from tests.fakes.queue import MemoryQueue
from tests.servers.moto import Moto, moto

_numbers = count()


class Servers(NamedTuple):
    """What the queues are on."""

    moto: Moto


def an_sqs_queue(servers: Servers) -> Queue:
    """A FIFO queue of its own, as Terraform makes one."""
    made = servers.moto.client("sqs").create_queue(
        QueueName=f"queue-{next(_numbers)}.fifo",
        Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"},
    )
    return open_queue(made["QueueUrl"], environ=servers.moto.environ())


IMPLEMENTATIONS: dict[str, Callable[[Servers], Queue]] = {
    "memory": lambda servers: MemoryQueue(),
    "sqs": an_sqs_queue,
}


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with moto() as running:
        yield Servers(running)


@pytest.fixture(params=IMPLEMENTATIONS)
def queue(request: pytest.FixtureRequest, servers: Servers) -> Queue:
    return IMPLEMENTATIONS[request.param](servers)


def a_message(body: str, *, group: str = "g", reason: str | None = None) -> Message:
    return Message(body, group, f"id-{body}", reason)


def test_messages_of_a_group_come_in_the_order_they_were_sent(queue: Queue) -> None:
    bodies = [f"body {number}" for number in range(12)]
    for body in bodies:
        assert queue.send(a_message(body))
    seen = []
    for received in queue.receive():
        seen.append(received.message.body)
        queue.delete(received.receipt)
    assert seen == bodies
    assert list(queue.receive()) == []


def test_a_message_is_what_was_sent(queue: Queue) -> None:
    sent = a_message('{"a": "é\u2028\\u0000"}', group="a" * 64, reason="it was\ntried 5 times")
    name = queue.send(sent)
    (received,) = queue.receive()
    assert received.id == name
    assert (received.message.body, received.message.group) == (sent.body, sent.group)
    assert received.message.deduplication == sent.deduplication
    assert received.message.reason is not None and received.message.reason.startswith("it was")
    assert received.tries == 1 and received.sent_at > 1_600_000_000_000


def test_a_message_without_a_reason_has_none(queue: Queue) -> None:
    queue.send(a_message("plain"))
    (received,) = queue.receive()
    assert received.message.reason is None


def test_what_was_received_is_nobody_elses_until_it_is_put_back(queue: Queue) -> None:
    queue.send(a_message("first"))
    (received,) = queue.receive()
    assert list(queue.receive()) == []
    queue.postpone(received.receipt, 0)
    (again,) = queue.receive()
    assert (again.message.body, again.tries) == ("first", 2)


def test_a_deleted_message_is_gone(queue: Queue) -> None:
    queue.send(a_message("first"))
    (received,) = queue.receive()
    queue.delete(received.receipt)
    assert list(queue.receive()) == []


def test_of_equal_deduplication_only_the_first_is_kept(queue: Queue) -> None:
    queue.send(Message("first", "g", "same"))
    queue.send(Message("second", "g", "same"))
    queue.send(Message("third", "g", "other"))
    bodies = []
    for received in queue.receive():
        bodies.append(received.message.body)
        queue.delete(received.receipt)
    assert bodies == ["first", "third"]


def test_who_wants_no_more_keeps_the_rest_from_nobody(queue: Queue) -> None:
    for body in ("first", "second", "third"):
        queue.send(a_message(body))
    received = queue.receive()
    queue.delete(next(received).receipt)
    received.close()
    assert [again.message.body for again in queue.receive()] == ["second", "third"]


def test_messages_are_counted_whether_somebody_has_them_or_not(queue: Queue) -> None:
    assert queue.count() == 0
    for body in ("first", "second"):
        queue.send(a_message(body))
    list(queue.receive())
    assert queue.count() == 2


def test_a_group_that_waits_does_not_hold_another_back(queue: Queue) -> None:
    queue.send(a_message("a", group="one"))
    (_held,) = queue.receive()
    queue.send(a_message("b", group="two"))
    (other,) = queue.receive()
    assert other.message.body == "b"


def test_a_queue_that_is_not_there_and_one_nobody_answers_for_are_told_apart(servers: Servers) -> None:
    missing = open_queue(f"{servers.moto.url}/123456789012/missing.fifo", environ=servers.moto.environ())
    with pytest.raises(NotFound, match="check the URL"):
        missing.send(a_message("lost"))
    nowhere = {**servers.moto.environ(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with pytest.raises(Unavailable, match="try again"):
        open_queue("https://sqs.eu-central-1.amazonaws.com/1/q.fifo", environ=nowhere).send(a_message("lost"))


def test_a_queue_that_refuses_says_so(servers: Servers) -> None:
    url = an_sqs_queue(servers).url
    stranger = servers.moto.make_user("stranger", action="s3:GetObject", resource="*")
    with servers.moto.enforcing(), pytest.raises(Denied, match="rights on this queue"):
        open_queue(url, environ=servers.moto.environ(stranger)).send(a_message("lost"))


@pytest.mark.parametrize("url", ["", "queue", "https://sqs.eu-central-1.amazonaws.com/1/standard", "file:///q.fifo"])
def test_what_names_no_queue_that_keeps_order_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\.fifo"):
        open_queue(url, environ={})


def test_a_queue_without_a_region_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        open_queue("http://127.0.0.1:9/1/q.fifo", environ={})
