"""What every queue does. A new one is one line in IMPLEMENTATIONS."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple

import pytest
from azure.storage.queue import QueueClient, generate_queue_sas

from burgee.core.errors import ConfigurationError, Denied, NotFound, Unavailable
from burgee.queue.opening import open_queue
from burgee.queue.port import Message, Queue
from tests.fakes.queue import MemoryQueue
from tests.servers.clouds import Clouds, clouds
from tests.servers.moto import Moto
from tests.servers.pubsub import PubSubService, pubsub

_numbers = count()
NO_RIGHTS = b64encode(bytes(64)).decode()


class Servers(NamedTuple):
    """What the queues are on."""

    clouds: Clouds
    pubsub: PubSubService

    @property
    def moto(self) -> Moto:
        return self.clouds.aws


def an_sqs_queue(servers: Servers) -> Queue:
    """A FIFO queue of its own, as Terraform makes one."""
    made = servers.moto.client("sqs").create_queue(
        QueueName=f"queue-{next(_numbers)}.fifo",
        Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"},
    )
    return open_queue(made["QueueUrl"], environ=servers.moto.environ())


def a_storage_queue(servers: Servers) -> Queue:
    """A queue of its own in Azure's emulator."""
    azure = servers.clouds.azure
    url = f"{azure.queue_url}/queue-{next(_numbers)}"
    with QueueClient.from_queue_url(url, credential=azure.key) as client:
        client.create_queue()
    return open_queue(url, environ=azure.environ())


def a_subscribed_topic(servers: Servers) -> Queue:
    """A topic and a subscription of it, as Terraform makes them."""
    number = next(_numbers)
    url = servers.pubsub.subscribe(f"subscription-{number}", f"topic-{number}", dead_letters="dead")
    return open_queue(url, environ=servers.pubsub.environ())


IMPLEMENTATIONS: dict[str, Callable[[Servers], Queue]] = {
    "memory": lambda servers: MemoryQueue(),
    "sqs": an_sqs_queue,
    "storage queue": a_storage_queue,
    "pubsub": a_subscribed_topic,
}
# Each of these is said in `queue/port.py`.
WITHOUT_DEDUPLICATION = ("storage queue", "pubsub")
WITHOUT_GROUPS = ("storage queue",)
WITHOUT_COUNT = ("pubsub",)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with clouds() as started, pubsub() as running:
        yield Servers(started, running)


@pytest.fixture(params=IMPLEMENTATIONS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def queue(kind: str, servers: Servers) -> Queue:
    return IMPLEMENTATIONS[kind](servers)


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


def test_of_equal_deduplication_only_the_first_is_kept_where_that_is_known(kind: str, queue: Queue) -> None:
    queue.send(Message("first", "g", "same"))
    queue.send(Message("second", "g", "same"))
    queue.send(Message("third", "g", "other"))
    bodies = []
    for received in queue.receive():
        bodies.append(received.message.body)
        queue.delete(received.receipt)
    assert bodies == (["first", "second", "third"] if kind in WITHOUT_DEDUPLICATION else ["first", "third"])


def test_who_wants_no_more_keeps_the_rest_from_nobody(queue: Queue) -> None:
    for body in ("first", "second", "third"):
        queue.send(a_message(body))
    received = queue.receive()
    queue.delete(next(received).receipt)
    received.close()
    assert [again.message.body for again in queue.receive()] == ["second", "third"]


def test_messages_are_counted_whether_somebody_has_them_or_not(kind: str, queue: Queue) -> None:
    assert queue.count() == (None if kind in WITHOUT_COUNT else 0)
    for body in ("first", "second"):
        queue.send(a_message(body))
    list(queue.receive())
    assert queue.count() == (None if kind in WITHOUT_COUNT else 2)


def test_a_message_that_somebody_has_holds_its_group_back_where_there_are_groups(kind: str, queue: Queue) -> None:
    queue.send(a_message("first"))
    (_held,) = queue.receive()
    queue.send(a_message("second"))
    assert [again.message.body for again in queue.receive()] == (["second"] if kind in WITHOUT_GROUPS else [])


def test_a_group_that_waits_does_not_hold_another_back(queue: Queue) -> None:
    queue.send(a_message("a", group="one"))
    (_held,) = queue.receive()
    queue.send(a_message("b", group="two"))
    (other,) = queue.receive()
    assert other.message.body == "b"


def test_a_long_reason_is_cut_and_strange_characters_in_it_do_no_harm(queue: Queue) -> None:
    queue.send(a_message("first", reason="\x00\ud800é" + "long " * 5000))
    (received,) = queue.receive()
    assert received.message.reason is not None and "long long" in received.message.reason
    assert len(received.message.reason) <= 25_010


def test_a_queue_that_is_not_there_and_one_nobody_answers_for_are_told_apart(servers: Servers) -> None:
    missing = open_queue(f"{servers.moto.url}/123456789012/missing.fifo", environ=servers.moto.environ())
    with pytest.raises(NotFound, match="check the URL"):
        missing.send(a_message("lost"))
    nowhere = {**servers.moto.environ(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with pytest.raises(Unavailable, match="try again"):
        open_queue("https://sqs.eu-central-1.amazonaws.com/1/q.fifo", environ=nowhere).send(a_message("lost"))


@pytest.mark.parametrize("in_haste", [False, True])
def test_a_storage_queue_that_is_not_there_and_one_nobody_answers_for_are_told_apart(
    servers: Servers, *, in_haste: bool
) -> None:
    azure = servers.clouds.azure
    missing = open_queue(f"{azure.queue_url}/missing", environ=azure.environ(), in_haste=in_haste)
    for asking in (lambda: missing.send(a_message("lost")), missing.count, lambda: list(missing.receive())):
        with pytest.raises(NotFound, match="check the URL"):
            asking()
    nowhere = open_queue("http://127.0.0.1:9/devstoreaccount1/queue", environ=azure.environ(), in_haste=True)
    with pytest.raises(Unavailable, match="try again"):
        nowhere.send(a_message("lost"))


def test_a_topic_that_is_not_there_and_one_nobody_answers_for_are_told_apart(servers: Servers) -> None:
    missing = open_queue("pubsub://acme/missing?subscription=missing", environ=servers.pubsub.environ())
    for asking in (lambda: missing.send(a_message("lost")), lambda: list(missing.receive())):
        with pytest.raises(NotFound, match="check the URL"):
            asking()
    nowhere = open_queue("pubsub://acme/topic", environ={"PUBSUB_EMULATOR_HOST": "127.0.0.1:9"}, in_haste=True)
    with pytest.raises(Unavailable, match="try again"):
        nowhere.send(a_message("lost"))


def test_a_storage_queue_that_refuses_says_so(servers: Servers) -> None:
    url = a_storage_queue(servers).url
    for wrong in ({"AZURE_STORAGE_KEY": NO_RIGHTS}, {"AZURE_STORAGE_SAS_TOKEN": "?sv=2021-06-08&sig=AAAA"}):
        with pytest.raises(Denied, match="check the credentials"):
            open_queue(url, environ=wrong).send(a_message("lost"))


def test_a_storage_queue_is_opened_by_a_signed_address(servers: Servers) -> None:
    url = a_storage_queue(servers).url
    azure = servers.clouds.azure
    signed = generate_queue_sas(
        azure.account,
        url.rpartition("/")[2],
        azure.key,
        permission="ap",
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    queue = open_queue(url, environ={"AZURE_STORAGE_SAS_TOKEN": signed})
    assert queue.send(a_message("first"))
    assert [received.message.body for received in queue.receive()] == ["first"]


def test_what_somebody_else_has_put_into_a_storage_queue_is_a_body(servers: Servers) -> None:
    queue = a_storage_queue(servers)
    contents = ["tick", '{"body": 1, "group": "", "deduplication": ""}', "[" * 9000, '{"format":1,"cause":"timer"}']
    with QueueClient.from_queue_url(queue.url, credential=servers.clouds.azure.key) as client:
        for content in contents:
            client.send_message(content)
    assert [received.message for received in queue.receive()] == [Message(content, "", "") for content in contents]


def test_a_topic_without_a_subscription_can_only_be_sent_to(servers: Servers) -> None:
    queue = open_queue(servers.pubsub.make_topic("lonely"), environ=servers.pubsub.environ())
    assert queue.send(a_message("first"))
    with pytest.raises(ConfigurationError, match=r"say pubsub://acme/lonely\?subscription="):
        list(queue.receive())


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


@pytest.mark.parametrize(
    "url",
    [
        *("pubsub:", "pubsub://acme", "pubsub://acme/", "pubsub:///topic", "pubsub://acme/topic/more"),
        *("pubsub://acme/topic?sub=x", "pubsub://acme/topic?subscription", "pubsub://acme/topic#x", "pubsub://[/topic"),
    ],
)
def test_what_names_no_topic_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="wanted a queue as pubsub://<project>/<topic>"):
        open_queue(url, environ={})


@pytest.mark.parametrize(
    "url",
    [
        *("https://acme.queue.core.windows.net/", "https://acme.queue.core.windows.net/Queue"),
        *("https://acme.queue.evil.example/queue", "http://azure.example.org/devstoreaccount1/queue"),
        *("https://azure.example.org/devstoreaccount1/queue", "http://127.0.0.1@example.org/devstoreaccount1/queue"),
        *("http://acme.queue.core.windows.net/queue", "https://acme.queue.core.windows.net/queue?sig=x"),
    ],
)
def test_what_names_no_storage_queue_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"queue\.core\.windows\.net/<queue>"):
        open_queue(url, environ={"AZURE_STORAGE_KEY": NO_RIGHTS})


def test_an_identity_is_not_proven_where_everybody_can_read_along() -> None:
    with pytest.raises(ConfigurationError, match="over https only; set AZURE_STORAGE_KEY"):
        open_queue("http://127.0.0.1:9/devstoreaccount1/queue", environ={})
    for host in ("acme.queue.core.windows.net", "acme.queue.core.chinacloudapi.cn", "acme.z07.queue.storage.azure.net"):
        assert open_queue(f"https://{host}/queue", environ={}).url.endswith("/queue")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AZURE_STORAGE_KEY", "hidden"),
        ("AZURE_STORAGE_SAS_TOKEN", "?hidden here"),
        ("AZURE_STORAGE_SAS_TOKEN", "hidden"),
    ],
)
def test_credentials_that_are_none_are_refused_and_not_shown(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{variable} is no ") as raised:
        open_queue("https://acme.queue.core.windows.net/queue", environ={variable: value})
    assert "hid" not in str(raised.value)


def test_a_storage_queue_that_nobody_answers_for_is_said_without_what_signs_it() -> None:
    signed = {"AZURE_STORAGE_SAS_TOKEN": "sv=1&sp=a&sig=hidden"}
    queue = open_queue("http://127.0.0.1:9/devstoreaccount1/queue", environ=signed, in_haste=True)
    with pytest.raises(Unavailable, match=r"queue: 127\.0\.0\.1: Connection refused; try again") as raised:
        queue.count()
    assert "hidden" not in str(raised.value)
