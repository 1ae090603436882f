"""Azure Storage queues, by azure-storage-queue.

Such a queue knows neither groups nor deduplication, and keeps order only as a rule: jobs do no harm in any order.
What a message has beside its body is in one JSON object with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..bundle.addresses import is_own
from ..bundle.azblob_given import given_credentials
from ..core.causes import network_cause, without_queries
from ..core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from ..core.visible import shortened
from .handing import handed_over
from .port import Message, Received

_NAME = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
_ACCOUNT = r"(?P<account>[a-z0-9]{3,24})"
# Microsoft's own clouds; accounts with a zone of names are in the first of them only.
_CLOUD = r"queue\.core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)|z\d+\.queue\.storage\.azure\.net"
_URL = re.compile(rf"https://{_ACCOUNT}\.({_CLOUD})/{_NAME}")
# With the account's name in the path, as the emulator has it; no other machine is taken for one.
_EMULATED = re.compile(rf"https?://(?P<host>[^/@]+)/(?P<account>devstoreaccount1)/{_NAME}")
# Seconds to connect, seconds between any two bytes, further attempts and seconds before each.
_PATIENT, _HASTY = (3, 10, 2, 1.0), (1, 2, 1, 0.2)
_AT_ONCE = 10
# How long those who look at dead letters keep them from one another.
_HELD_SECONDS = 30
# Otherwise the service forgets a message after a week.
_FOR_EVER = -1
# A message has at most 64 KiB, and not much more than this is read by anybody.
_LONGEST_REASON = 2000
_NO_KEY = "an identity is proven over https only; set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN for"


@dataclass(frozen=True, slots=True)
class StorageQueue:
    """The queue at `url`; safe among threads."""

    url: str
    client: Any

    def send(self, message: Message) -> str:
        with self._faults("send to"):
            sent = self.client.send_message(_content(message), time_to_live=_FOR_EVER)
        name: str = sent.id
        return name

    def receive(self) -> Generator[Received]:
        while True:
            with self._faults("receive from"):
                asked = self.client.receive_messages(
                    messages_per_page=_AT_ONCE, max_messages=_AT_ONCE, visibility_timeout=_HELD_SECONDS
                )
                received = [_received(message, message.content) for message in asked]
            if not received:
                return
            yield from handed_over(received, self.postpone)

    def count(self) -> int:
        with self._faults("count the messages of"):
            count: int = self.client.get_queue_properties().approximate_message_count
        return count

    def postpone(self, receipt: str, seconds: int) -> None:
        name, _, proof = receipt.partition(" ")
        with self._faults("postpone a message of"):
            self.client.update_message(name, pop_receipt=proof, visibility_timeout=seconds)

    def delete(self, receipt: str) -> None:
        name, _, proof = receipt.partition(" ")
        with self._faults("delete from"):
            self.client.delete_message(name, pop_receipt=proof)

    @contextmanager
    def _faults(self, doing: str) -> Iterator[None]:
        from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

        try:
            yield
        except ClientAuthenticationError as error:
            raise Denied(f"cannot {doing} {self.url}: {_told(error)}; check the credentials") from error
        except HttpResponseError as error:
            raise _fault(f"cannot {doing} {self.url}: {_told(error)}", error.status_code) from error
        except AzureError as error:
            raise Unavailable(f"cannot {doing} {self.url}: {_told(error)}; try again") from error


def is_storage_queue(url: str) -> bool:
    """Whether a URL is that of a queue of Azure Storage, or of its emulator."""
    return _account(url) is not None


def open_storage_queue(url: str, *, environ: Mapping[str, str], in_haste: bool = False) -> StorageQueue:
    """The queue at that URL. Raises ConfigurationError."""
    try:
        from azure.storage.queue import LinearRetry, QueueClient
    except ImportError as error:
        raise ConfigurationError(
            "queues of Azure Storage need azure-storage-queue: install burgee with the extra `azure`"
        ) from error
    connect, read, retries, pause = _HASTY if in_haste else _PATIENT
    try:
        client = QueueClient.from_queue_url(
            url,
            credential=_credential(url, environ),
            connection_timeout=connect,
            read_timeout=read,
            # Its type says whole seconds, and it counts in any.
            retry_policy=LinearRetry(backoff=pause, retry_total=retries, random_jitter_range=0),  # type: ignore[arg-type]
        )
    except ValueError as error:
        raise ConfigurationError(f"cannot ask queue {url!r}: {error}; check the AZURE_... variables") from error
    return StorageQueue(url, client)


def received_from(message: Any) -> Received:
    """The message that a queue trigger of Azure Functions has, an `azure.functions.QueueMessage`."""
    return _of(
        message.get_body().decode("utf-8", "replace"),
        (message.id, message.pop_receipt),
        message.insertion_time,
        message.dequeue_count,
    )


def _account(url: str) -> str | None:
    """The account of a queue, None for what names none."""
    emulated = _EMULATED.fullmatch(url)
    found = emulated if emulated is not None and is_own(emulated["host"]) else _URL.fullmatch(url)
    return found["account"] if found is not None else None


def _credential(url: str, environ: Mapping[str, str]) -> Any:
    given = given_credentials(environ, _account(url) or "", url)
    if given is not None and given.sas:
        from azure.core.credentials import AzureSasCredential

        return AzureSasCredential(given.sas)
    if given is not None:
        return given.key
    if not url.startswith("https://"):
        raise ConfigurationError(f"{_NO_KEY} {url}")
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=environ.get("AZURE_CLIENT_ID"))


def _content(message: Message) -> str:
    reason = message.reason[:_LONGEST_REASON] if message.reason else None
    fields = {
        "body": message.body,
        "group": message.group,
        "deduplication": message.deduplication,
        "reason": reason,
    }
    # Escaped, so that whatever there is in it can go into the XML that carries it.
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def _received(message: Any, content: str) -> Received:
    return _of(content, (message.id, message.pop_receipt), message.inserted_on, message.dequeue_count)


def _of(content: str, names: tuple[str, str], sent: datetime, tries: int) -> Received:
    name, proof = names
    return Received(_message(content), name, f"{name} {proof}", int(sent.timestamp() * 1000), tries)


def _message(content: str) -> Message:
    """What was sent; of what somebody else put there the whole content is the body."""
    try:
        fields = json.loads(content)
        sent = Message(fields["body"], fields["group"], fields["deduplication"], fields.get("reason"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Message(content, "", "")
    texts = (sent.body, sent.group, sent.deduplication, sent.reason or "")
    return sent if all(isinstance(text, str) for text in texts) else Message(content, "", "")


def _told(error: Exception) -> str:
    """What broke the connection, else the first line: those after it are the id of a request and what is said again."""
    said = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    # What the client says may repeat a signed URL.
    return network_cause(error) or shortened(without_queries(said))


def _fault(said: str, status: int | None) -> BurgeeError:
    if status == 404:
        return NotFound(f"{said}; check the URL, its account and queue")
    if status in (401, 403):
        return Denied(f"{said}; check the credentials and their rights on this queue")
    return Unavailable(f"{said}; try again")
