"""The Pub/Sub of these tests does what Google's pages say of pushes, order, pauses and dead letters."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.servers.pubsub import PubSubService, pubsub

pytestmark = pytest.mark.integration


class Receiver:
    """What was pushed to it: headers and JSON; it answers each with the next of `statuses`, then 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.pushed: list[tuple[dict[str, str], dict[str, Any]]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.pushed.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def ids(self) -> list[str]:
        return [body["message"]["messageId"] for _, body in self.pushed]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with receiver.server as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        server.shutdown()
        thread.join(10)


@pytest.fixture
def service() -> Iterator[PubSubService]:
    with pubsub() as service:
        yield service


def data(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_a_push_is_wrapped_and_numbered_where_there_is_a_place_for_dead_letters(
    service: PubSubService, receiver: Receiver
) -> None:
    service.subscribe("counted", "topic", push_url=receiver.url, dead_letters="dead")
    service.subscribe("plain", "topic", push_url=receiver.url)
    name = service.publish("topic", data("a"), {"x": "1"}, "key")
    assert service.push("counted") == service.push("plain") == [200]
    (_, counted), (headers, plain) = receiver.pushed
    assert counted["message"]["messageId"] == counted["message"]["message_id"] == name
    assert (counted["message"]["attributes"], counted["message"]["orderingKey"]) == ({"x": "1"}, "key")
    assert counted["subscription"] == "projects/acme/subscriptions/counted"
    assert (counted["deliveryAttempt"], "deliveryAttempt" in plain) == (1, False)
    assert "ce-id" not in headers and service.bodies("plain") == []


def test_an_event_has_its_context_in_headers(service: PubSubService, receiver: Receiver) -> None:
    service.subscribe("events", "topic", push_url=receiver.url, as_events=True)
    name = service.publish("topic", data("a"))
    service.push("events")
    ((headers, body),) = receiver.pushed
    assert headers["ce-type"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert (headers["ce-id"], headers["ce-specversion"]) == (name, "1.0")
    assert headers["ce-source"] == "//pubsub.googleapis.com/projects/acme/topics/topic"
    assert body["message"]["data"] == data("a")


def test_what_is_not_taken_comes_again_after_a_pause_that_doubles(service: PubSubService, receiver: Receiver) -> None:
    service.subscribe("work", "topic", push_url=receiver.url)
    service.publish("topic", data("a"))
    receiver.statuses = [500, 503, 200]
    assert (service.push("work"), service.push("work")) == ([500], [])
    service.advance(9)
    assert service.push("work") == []
    service.advance(1)
    assert service.push("work") == [503]
    service.advance(19)
    assert service.push("work") == []
    service.advance(1)
    assert (service.push("work"), service.bodies("work")) == ([200], [])


def test_a_message_that_waits_holds_back_those_of_its_key_and_no_others(
    service: PubSubService, receiver: Receiver
) -> None:
    service.subscribe("work", "topic", push_url=receiver.url)
    first, second, other = (service.publish("topic", data("a"), key=key) for key in ("k", "k", "l"))
    receiver.statuses = [500]
    assert service.push("work") == [500, 200, 200]
    assert receiver.ids() == [first, second, other] or receiver.ids() == [first, other]


def test_after_the_last_attempt_a_message_goes_to_the_dead_letters_with_its_attributes(
    service: PubSubService, receiver: Receiver
) -> None:
    service.subscribe("dead", "dead")
    service.subscribe("work", "topic", push_url=receiver.url, dead_letters="dead", max_attempts=2)
    service.publish("topic", data("a"), {"x": "1"})
    receiver.statuses = [500, 500]
    service.push("work")
    service.advance(10)
    service.push("work")
    assert service.bodies("work") == []
    (pulled,) = service.pull("dead", 10)
    assert pulled["message"]["attributes"]["x"] == "1"
    assert "CloudPubSubDeadLetterSourceSubscription" in pulled["message"]["attributes"]
    assert "deliveryAttempt" not in pulled


def test_what_was_pulled_is_nobody_elses_until_its_deadline(service: PubSubService) -> None:
    service.subscribe("work", "topic", dead_letters="dead")
    service.publish("topic", data("a"))
    (first,) = service.pull("work", 10)
    assert (first["deliveryAttempt"], service.pull("work", 10)) == (1, [])
    service.advance(30)
    (second,) = service.pull("work", 10)
    assert (second["deliveryAttempt"], second["ackId"] != first["ackId"]) == (2, True)
    service.acknowledge("work", [second["ackId"]])
    service.advance(30)
    assert service.pull("work", 10) == []
