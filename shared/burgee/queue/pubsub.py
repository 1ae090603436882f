"""Google's Pub/Sub by its REST API: a topic to send to, and a subscription of it to receive from.

Messages of one group come in order where the subscription keeps it. There is no deduplication: a job that comes twice
does no harm. How many messages there are only Cloud Monitoring knows.

Source: Pub/Sub's REST reference, v1: topics.publish, subscriptions.pull, acknowledge and modifyAckDeadline; "Push
subscriptions" for what is pushed.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from .handing import handed_over
from .port import Message, Received

SERVICE = "https://pubsub.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/pubsub"
# Seconds to connect, seconds between any two bytes, further attempts.
_PATIENT, _HASTY = (3, 10, 2), (1, 2, 1)
_PASSING = (429, 500, 502, 503, 504)
_AT_ONCE = 10
_LONGEST_PAUSE_SECONDS = 600
# A value of an attribute has at most so many bytes.
_LONGEST_REASON = 1024
# How long a subscription that doubles its pauses waits before the second try; Terraform sets the same.
FIRST_PAUSE_MS = 10_000


@dataclass(frozen=True, slots=True)
class PubSub:
    """The topic and the subscription that `url` names; safe among threads."""

    url: str
    topic: str
    subscription: str | None
    ask: Callable[[str, Mapping[str, object]], Any]

    def send(self, message: Message) -> str:
        attributes = {"group": message.group, "deduplication": message.deduplication}
        if message.reason:
            attributes["reason"] = message.reason.encode(errors="backslashreplace")[:_LONGEST_REASON].decode(
                errors="ignore"
            )
        sent = {"data": b64encode(message.body.encode()).decode(), "attributes": attributes}
        with self._faults("send to"):
            answer = self.ask(f"{self.topic}:publish", {"messages": [{**sent, "orderingKey": message.group}]})
        name: str = answer["messageIds"][0]
        return name

    def receive(self) -> Generator[Received]:
        while True:
            with self._faults("receive from"):
                # Without `returnImmediately` an empty subscription is an answer only after a minute and a half.
                asked = {"maxMessages": _AT_ONCE, "returnImmediately": True}
                pulled = self.ask(f"{self._subscription()}:pull", asked).get("receivedMessages", [])
            if not pulled:
                return
            yield from handed_over(list(map(_received, pulled)), self.postpone)

    def count(self) -> None:
        """Nobody knows."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """What was pushed has no receipt: the subscription lets it wait, twice as long each time."""
        if receipt:
            deadline = min(seconds, _LONGEST_PAUSE_SECONDS)
            with self._faults("postpone a message of"):
                self.ask(
                    f"{self._subscription()}:modifyAckDeadline", {"ackIds": [receipt], "ackDeadlineSeconds": deadline}
                )

    def delete(self, receipt: str) -> None:
        if receipt:
            with self._faults("delete from"):
                self.ask(f"{self._subscription()}:acknowledge", {"ackIds": [receipt]})

    def _subscription(self) -> str:
        if self.subscription is None:
            raise ConfigurationError(
                f"nothing can be received from a topic alone: say {self.url}?subscription=<name of one of it>"
            )
        return self.subscription

    @contextmanager
    def _faults(self, doing: str) -> Iterator[None]:
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests import RequestException

        try:
            yield
        except _Refused as error:
            raise _fault(f"cannot {doing} {self.url}: {error.args[0]}", error.args[1]) from error
        except (TransportError, RequestException) as error:
            raise Unavailable(f"cannot {doing} {self.url}: {type(error).__name__}: {error}; try again") from error
        except GoogleAuthError as error:
            raise Denied(f"cannot {doing} {self.url}: {error}; check the credentials of Google Cloud") from error
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise Unavailable(f"cannot {doing} {self.url}: an answer of another kind, {error!r}; try again") from error


class _Refused(Exception):
    """What the service said, and the status of its answer."""


def open_pubsub(url: str, *, environ: Mapping[str, str], in_haste: bool = False) -> PubSub:
    """The topic of `pubsub://<project>/<topic>?subscription=<name>`; without a subscription it can only be sent to.

    PUBSUB_EMULATOR_HOST, as `127.0.0.1:8085`, is asked in place of Google. Raises ConfigurationError.
    """
    try:
        from google.auth.transport.requests import AuthorizedSession
    except ImportError as error:
        raise ConfigurationError(
            "queues of Pub/Sub need google-auth and requests: install burgee with the extra `gcp`"
        ) from error
    project, topic, subscription = _names(url)
    named = f"projects/{project}/subscriptions/{subscription}" if subscription else None
    ask = _asking(AuthorizedSession, environ, in_haste=in_haste)
    return PubSub(url, f"projects/{project}/topics/{topic}", named, ask)


def received_from(pushed: Mapping[str, Any], whole: Mapping[str, Any] | None, *, now: int) -> Received:
    """The message of an event: `pushed` is the event's data, `whole` the body that came; `now` is in milliseconds.

    functions-framework makes an event of a subscription's own push, and forgets on the way how often it was tried:
    `whole` has it still. A push of Eventarc may have no number at all; then the message's age tells.
    """
    message = whole["message"] if whole and isinstance(whole.get("message"), dict) else pushed["message"]
    attempt = (whole or {}).get("deliveryAttempt")
    sent_at = _milliseconds(message.get("publishTime"), now)
    return _of(message, "", sent_at, attempt if isinstance(attempt, int) else tries_at(now - sent_at))


def tries_at(age_ms: int) -> int:
    """Which try it is when a message has that age, with a first pause of 10 s and each further one twice as long."""
    return (max(age_ms, 0) // FIRST_PAUSE_MS + 1).bit_length()


def _names(url: str) -> tuple[str, str, str | None]:
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise ConfigurationError(_wanted(url)) from error
    topic, subscription = parts.path.removeprefix("/"), asked.pop("subscription", [None])[0]
    if parts.scheme != "pubsub" or not parts.netloc or not topic or "/" in topic or asked or parts.fragment:
        raise ConfigurationError(_wanted(url))
    return parts.netloc, topic, subscription


def _wanted(url: str) -> str:
    return f"wanted a queue as pubsub://<project>/<topic>?subscription=<name>, got {url!r}"


def _asking(
    authorized: Callable[[Any], Any], environ: Mapping[str, str], *, in_haste: bool
) -> Callable[[str, Mapping[str, object]], Any]:
    """What posts JSON to a name of the API; who asks is found out with the first question, for that may need one."""
    connect, read, attempts = _HASTY if in_haste else _PATIENT
    emulator = environ.get("PUBSUB_EMULATOR_HOST")
    service = f"http://{emulator}" if emulator else SERVICE

    @cache
    def session() -> Any:
        return _retrying(authorized(_credentials(anonymous=bool(emulator))), attempts)

    def ask(name: str, content: Mapping[str, object]) -> Any:
        answer = session().post(f"{service}/v1/{name}", json=content, timeout=(connect, read))
        if answer.ok:
            return answer.json()
        raise _Refused(_said(answer), answer.status_code)

    return ask


def _credentials(*, anonymous: bool) -> Any:
    """Who asks: nobody, or who the machine says it is, which may have to be asked for."""
    if anonymous:
        from google.auth.credentials import AnonymousCredentials

        return AnonymousCredentials()
    import google.auth

    return google.auth.default(scopes=[_SCOPE])[0]


def _retrying(session: Any, attempts: int) -> Any:
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    # A message that is sent twice does no harm, so every method may be tried again.
    again = Retry(attempts, backoff_factor=0.2, status_forcelist=_PASSING, allowed_methods=None, raise_on_status=False)
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    return session


def _said(answer: Any) -> str:
    """What an answer tells in the words of Google's APIs, and its status at least."""
    with suppress(ValueError, LookupError, TypeError):
        error = answer.json()["error"]
        return f"{error['status']}: {error['message']}"
    return f"status {answer.status_code}"


def _received(pulled: Mapping[str, Any]) -> Received:
    message = pulled["message"]
    # Only a subscription with a place for dead letters counts.
    return _of(message, pulled["ackId"], _milliseconds(message["publishTime"], 0), pulled.get("deliveryAttempt") or 1)


def _of(message: Mapping[str, Any], receipt: str, sent_at: int, tries: int) -> Received:
    attributes = message.get("attributes") or {}
    body = b64decode(message.get("data") or "").decode("utf-8", "replace")
    group = attributes.get("group") or message.get("orderingKey", "")
    sent = Message(body, group, attributes.get("deduplication", ""), attributes.get("reason"))
    return Received(sent, message.get("messageId") or message.get("message_id", ""), receipt, sent_at, tries)


def _milliseconds(instant: object, otherwise: int) -> int:
    try:
        return int(datetime.fromisoformat(str(instant)).timestamp() * 1000)
    except ValueError:
        return otherwise


def _fault(said: str, status: int) -> BurgeeError:
    if status == 404:
        return NotFound(f"{said}; check the URL, its project, topic and subscription")
    if status in (401, 403):
        return Denied(f"{said}; check the credentials and their rights on this queue")
    return Unavailable(f"{said}; try again")
