"""Messages as the triggers of Azure and Google Cloud have them; pushes and ticks among them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.functions.queue import QueueMessage

from burgee.control.job import decode_job
from burgee.control.tick import open_ticker
from burgee.core.errors import ConfigurationError
from burgee.queue import storage_queue
from burgee.queue.port import Message
from burgee.queue.pubsub import received_from, tries_at
from burgee.settings import read_settings
from tests.servers.pubsub import pubsub

NOW = 1_800_000_000_000
SENT = {"data": b64encode("ü".encode()).decode(), "messageId": "7", "publishTime": "2027-01-15T07:59:30.5Z"}


@pytest.mark.parametrize(
    ("seconds", "tries"),
    [(-5, 1), (0, 1), (9, 1), (10, 2), (29, 2), (30, 3), (69, 3), (70, 4), (149, 4), (150, 5), (100_000, 14)],
)
def test_the_age_of_a_message_tells_which_try_it_is_where_pauses_double(seconds: int, tries: int) -> None:
    assert tries_at(seconds * 1000) == tries


def test_a_push_of_a_subscription_keeps_its_number_through_the_framework() -> None:
    whole = {"message": {**SENT, "attributes": {"group": "g", "deduplication": "d", "reason": "r"}}}
    converted = {"message": {**SENT, "publishTime": "1970"}}
    received = received_from(converted, {**whole, "deliveryAttempt": 4, "subscription": "s"}, now=NOW)
    assert received.message == Message("ü", "g", "d", "r")
    assert (received.id, received.receipt, received.tries) == ("7", "", 4)
    assert received.sent_at == NOW - 29_500


def test_a_push_without_a_number_is_as_old_as_it_is() -> None:
    assert received_from({"message": SENT}, {"message": SENT}, now=NOW).tries == 2
    assert received_from({"message": SENT}, None, now=NOW).tries == 2
    assert received_from({"message": SENT}, {"deliveryAttempt": 3, "data": {}}, now=NOW).tries == 3


def test_a_push_that_names_no_instant_nor_data_is_of_now_and_empty() -> None:
    received = received_from({"message": {"message_id": "8", "orderingKey": "g"}}, None, now=NOW)
    assert (received.message, received.id) == (Message("", "g", ""), "8")
    assert (received.sent_at, received.tries) == (NOW, 1)


def test_a_message_of_a_queue_trigger_can_be_postponed_by_its_receipt() -> None:
    sent = datetime(2027, 1, 15, 8, tzinfo=UTC)
    body = '{"body": "ü", "group": "g", "deduplication": "d", "reason": null}'
    made: Any = QueueMessage
    trigger = made(id="7", body=body, dequeue_count=3, insertion_time=sent, pop_receipt="AgAA==")
    received = storage_queue.received_from(trigger)
    assert received.message == Message("ü", "g", "d", None)
    assert (received.id, received.receipt, received.tries, received.sent_at) == ("7", "7 AgAA==", 3, NOW)


def test_a_tick_is_a_job_of_the_instant_in_the_group_of_the_repository() -> None:
    with pubsub() as service:
        variables = {
            "BURGEE_QUEUE": service.subscribe("work", "work"),
            "BURGEE_REPOSITORY": "https://git.example.org/acme/flags",
        }
        tick = open_ticker(read_settings(variables), service.environ(), now=lambda: NOW)
        tick()
        (message,) = service.pull("work", 10)
    received: dict[str, Any] = message["message"]
    job = decode_job(b64decode(received["data"]).decode())
    assert (job.cause, job.tick) == ("timer", "2027-01-15T08:00:00Z")
    assert received["attributes"]["deduplication"] == "tick:2027-01-15T08:00:00Z"


def test_a_timer_without_a_queue_or_a_repository_is_refused() -> None:
    for variables in ({"BURGEE_REPOSITORY": "x"}, {"BURGEE_QUEUE": "pubsub://acme/work"}):
        with pytest.raises(ConfigurationError, match="is not set"):
            open_ticker(read_settings(variables), {}, now=lambda: NOW)
