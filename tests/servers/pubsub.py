"""Google's Pub/Sub on loopback: the part of its REST API that queues need, and pushes to whoever is subscribed.

Nothing happens by itself: what is due is pushed when `push` is called, and `advance` lets messages grow older. Requests
are kept in `requests`.

Source: Pub/Sub's REST reference, v1, and its pages on push subscriptions, ordering, failures and dead letters. Since
there is no Pub/Sub to be had here, tests of its own hold this against those pages.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import RLock, Thread
from time import time
from typing import Any

ACK_DEADLINE_SECONDS = 30
FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 600
PROJECT = "acme"
_EVENT = "google.cloud.pubsub.topic.v1.messagePublished"


@dataclass
class _Waiting:
    """A message of one subscription."""

    message: dict[str, Any]
    due_at: float
    attempts: int = 0
    ack_id: str = ""


@dataclass
class Subscription:
    """What of a topic is not acknowledged yet. With `dead_letters`, a topic, the service counts attempts."""

    topic: str
    ordered: bool = True
    push_url: str | None = None
    dead_letters: str | None = None
    max_attempts: int = 5
    # As Eventarc sends them, and not as a subscription of one's own does.
    as_events: bool = False
    waiting: list[_Waiting] = field(default_factory=list)


class PubSubService:
    """Topics and subscriptions of the project `acme`, all by their short names."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.subscriptions: dict[str, Subscription] = {}
        self.requests: list[tuple[str, int]] = []
        self.host = ""
        self._lock = RLock()
        self._numbers = count(1)

    def environ(self) -> dict[str, str]:
        """The variables with which it is asked in place of Google."""
        return {"PUBSUB_EMULATOR_HOST": self.host}

    def make_topic(self, name: str) -> str:
        """Its URL as a queue, without a subscription."""
        self.topics.add(name)
        return f"pubsub://{PROJECT}/{name}"

    def subscribe(self, name: str, topic: str, **how: Any) -> str:
        """The URL of a topic with a new subscription of it; `how` are fields of `Subscription`."""
        self.subscriptions[name] = Subscription(topic, **how)
        return f"{self.make_topic(topic)}?subscription={name}"

    def advance(self, seconds: float) -> None:
        """Let so much time have gone by for every message."""
        with self._lock:
            for subscription in self.subscriptions.values():
                for waiting in subscription.waiting:
                    waiting.due_at -= seconds
                    sent_at = datetime.fromisoformat(waiting.message["publishTime"]).timestamp()
                    waiting.message["publishTime"] = _instant(sent_at - seconds)

    def bodies(self, subscription: str) -> list[str]:
        """What waits there, whether somebody has it or not."""
        return [b64decode(each.message["data"]).decode() for each in self.subscriptions[subscription].waiting]

    def publish(self, topic: str, data: str, attributes: Mapping[str, str] | None = None, key: str = "") -> str:
        """A message for each subscription of the topic, `data` in base64; its id."""
        with self._lock:
            message = {
                "data": data,
                "messageId": str(next(self._numbers)),
                "publishTime": _instant(time()),
                **({"attributes": dict(attributes)} if attributes else {}),
                **({"orderingKey": key} if key else {}),
            }
            for subscription in self.subscriptions.values():
                if subscription.topic == topic:
                    subscription.waiting.append(_Waiting(dict(message), time()))
            return str(message["messageId"])

    def push(self, name: str) -> list[int]:
        """Push what is due, each message once; the answers' status. A message that nobody takes is due later."""
        subscription = self.subscriptions[name]
        assert subscription.push_url, f"{name} is not pushed"
        statuses = []
        for waiting in self._due(subscription, most=1000):
            status = _post(subscription.push_url, *_pushed(subscription, name, waiting))
            statuses.append(status)
            with self._lock:
                if status in (102, 200, 201, 202, 204):
                    subscription.waiting.remove(waiting)
                else:
                    self._put_back(subscription, waiting, name)
        return statuses

    def pull(self, name: str, most: int) -> list[dict[str, Any]]:
        subscription = self.subscriptions[name]
        pulled = []
        for waiting in self._due(subscription, most=most):
            received: dict[str, Any] = {"ackId": waiting.ack_id, "message": waiting.message}
            if subscription.dead_letters:
                received["deliveryAttempt"] = waiting.attempts
            pulled.append(received)
        return pulled

    def acknowledge(self, name: str, ack_ids: list[str]) -> None:
        with self._lock:
            subscription = self.subscriptions[name]
            subscription.waiting = [each for each in subscription.waiting if each.ack_id not in ack_ids]

    def extend(self, name: str, ack_ids: list[str], seconds: int) -> None:
        with self._lock:
            for waiting in self.subscriptions[name].waiting:
                if waiting.ack_id in ack_ids:
                    waiting.due_at = time() + seconds

    def _due(self, subscription: Subscription, most: int) -> list[_Waiting]:
        """What can be delivered now: nothing of a key of which an older message is out or waits."""
        with self._lock:
            held: set[str] = set()
            due: list[_Waiting] = []
            for waiting in subscription.waiting:
                key = waiting.message.get("orderingKey", "") if subscription.ordered else ""
                if waiting.due_at > time():
                    held.add(key)
                elif (not key or key not in held) and len(due) < most:
                    waiting.attempts += 1
                    waiting.ack_id = f"ack-{next(self._numbers)}"
                    waiting.due_at = time() + ACK_DEADLINE_SECONDS
                    due.append(waiting)
            return due

    def _put_back(self, subscription: Subscription, waiting: _Waiting, name: str) -> None:
        if subscription.dead_letters and waiting.attempts >= subscription.max_attempts:
            subscription.waiting.remove(waiting)
            told = {"CloudPubSubDeadLetterSourceSubscription": name}
            message = waiting.message
            attributes = {**message.get("attributes", {}), **told}
            self.publish(subscription.dead_letters, message["data"], attributes, message.get("orderingKey", ""))
            return
        pause = min(FIRST_PAUSE_SECONDS << (waiting.attempts - 1), LONGEST_PAUSE_SECONDS)
        waiting.due_at = time() + pause


def _pushed(subscription: Subscription, name: str, waiting: _Waiting) -> tuple[dict[str, Any], dict[str, str]]:
    """The body of a push, and its headers."""
    # Both spellings are there, as in the original.
    twice = {"message_id": waiting.message["messageId"], "publish_time": waiting.message["publishTime"]}
    body: dict[str, Any] = {
        "message": {**waiting.message, **twice},
        "subscription": f"projects/{PROJECT}/subscriptions/{name}",
    }
    headers = {"Content-Type": "application/json", "User-Agent": "CloudPubSub-Google"}
    if subscription.as_events:
        source = f"//pubsub.googleapis.com/projects/{PROJECT}/topics/{subscription.topic}"
        context = {"id": waiting.message["messageId"], "source": source, "type": _EVENT, "specversion": "1.0"}
        headers |= {f"ce-{key}": value for key, value in context.items()}
        return body, {**headers, "ce-time": waiting.message["publishTime"]}
    if subscription.dead_letters:
        body["deliveryAttempt"] = waiting.attempts
    return body, headers


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _post(url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> int:
    request = urllib.request.Request(url, json.dumps(body).encode(), dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@contextmanager
def pubsub() -> Iterator[PubSubService]:
    """A service with nothing in it, until the context ends."""
    service = PubSubService()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, service)) as server:
        service.host = f"127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,), name="pubsub")
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    # Clients keep their connections, and the server waits for none of them.
    timeout = 5

    def __init__(self, service: PubSubService, *arguments: Any) -> None:
        self._service = service
        super().__init__(*arguments)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, _, rest = self.path.removeprefix(f"/v1/projects/{PROJECT}/").partition("/")
        name, _, verb = rest.partition(":")
        known = self._service.topics if kind == "topics" else self._service.subscriptions
        if name not in known:
            fault = {"code": 404, "message": f"Resource not found (resource={name}).", "status": "NOT_FOUND"}
            self._answer(404, {"error": fault})
            return
        self._answer(200, self._done(name, verb, asked))

    def _done(self, name: str, verb: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        match verb:
            case "publish":
                ids = [
                    self._service.publish(name, each["data"], each.get("attributes"), each.get("orderingKey", ""))
                    for each in asked["messages"]
                ]
                return {"messageIds": ids}
            case "pull":
                pulled = self._service.pull(name, asked["maxMessages"])
                return {"receivedMessages": pulled} if pulled else {}
            case "acknowledge":
                self._service.acknowledge(name, asked["ackIds"])
            case "modifyAckDeadline":
                assert 0 <= asked["ackDeadlineSeconds"] <= LONGEST_PAUSE_SECONDS
                self._service.extend(name, asked["ackIds"], asked["ackDeadlineSeconds"])
            case _:
                raise AssertionError(self.path)
        return {}

    def _answer(self, status: int, content: Mapping[str, Any]) -> None:
        self._service.requests.append((self.path, status))
        body = json.dumps(content).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
