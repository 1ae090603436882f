"""Amazon SQS: queues that keep order (FIFO), by boto3."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from .handing import handed_over
from .port import Message, Received

# Seconds to connect, seconds between any two bytes, attempts.
_PATIENT, _HASTY = (3, 10, 3), (1, 2, 2)
_AT_ONCE = 10
# How long those who look at dead letters keep them from one another.
_HELD_SECONDS = 30
NOBODY = "there are no AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_REASON = "reason"
# SQS takes no other characters in a message attribute, and not much more than this is read by anybody.
_LONGEST_REASON = 2000
_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DENIED = (
    *("AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    *("ExpiredToken", "InvalidAccessKeyId", "UnrecognizedClientException", "InvalidSignatureException"),
)


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """The queue at `url`; safe among threads."""

    url: str
    client: Any

    def send(self, message: Message) -> str:
        with self._faults("send to"):
            sent = self.client.send_message(
                QueueUrl=self.url,
                MessageBody=message.body,
                MessageGroupId=message.group,
                MessageDeduplicationId=message.deduplication,
                MessageAttributes=_attributes(message.reason),
            )
        message_id: str = sent["MessageId"]
        return message_id

    def receive(self) -> Generator[Received]:
        while True:
            with self._faults("receive from"):
                answer = self.client.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=_AT_ONCE,
                    VisibilityTimeout=_HELD_SECONDS,
                    AttributeNames=["All"],
                    MessageAttributeNames=[_REASON],
                )
            received = answer.get("Messages", [])
            if not received:
                return
            yield from handed_over(list(map(_received, received)), self.postpone)

    def count(self) -> int:
        with self._faults("count the messages of"):
            answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(_COUNTS))
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)

    def postpone(self, receipt: str, seconds: int) -> None:
        with self._faults("postpone a message of"):
            self.client.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=seconds)

    def delete(self, receipt: str) -> None:
        with self._faults("delete from"):
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=receipt)

    @contextmanager
    def _faults(self, doing: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            yield
        except ClientError as error:
            raise _fault(doing, self.url, error.response) from error
        except NoCredentialsError as error:
            raise Denied(f"cannot {doing} {self.url}: {NOBODY}") from error
        except BotoCoreError as error:
            raise Unavailable(f"cannot {doing} {self.url}: {error}; try again") from error


def open_sqs(url: str, *, environ: Mapping[str, str], in_haste: bool = False) -> SqsQueue:
    """The queue at that URL, in the region that its host or AWS_REGION names. Raises ConfigurationError."""
    try:
        from boto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise ConfigurationError("queues of Amazon SQS need boto3: install burgee with the extra `aws`") from error
    connect, read, attempts = _HASTY if in_haste else _PATIENT
    config = Config(
        connect_timeout=connect, read_timeout=read, retries={"total_max_attempts": attempts, "mode": "standard"}
    )
    endpoint = environ.get("AWS_ENDPOINT_URL_SQS") or environ.get("AWS_ENDPOINT_URL")
    try:
        session = Session(
            aws_access_key_id=environ.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=environ.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=environ.get("AWS_SESSION_TOKEN"),
            region_name=_region(url, environ),
        )
        return SqsQueue(url, session.client("sqs", config=config, endpoint_url=endpoint))
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"cannot ask queue {url!r}: {error}; check the AWS_... variables and files") from error


def received_from(record: Mapping[str, Any]) -> Received:
    """The message in a record of the events that AWS Lambda gets from a queue."""
    return _of(
        record["body"],
        record["attributes"],
        record.get("messageAttributes", {}).get(_REASON, {}).get("stringValue"),
        (record["messageId"], record["receiptHandle"]),
    )


def _region(url: str, environ: Mapping[str, str]) -> str:
    first, _, rest = (urlsplit(url).hostname or "").partition(".")
    named = rest.partition(".")[0] if first == "sqs" else None
    region = named or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigurationError(f"no region in the URL of the queue {url!r}; set AWS_REGION")
    return region


def _attributes(reason: str | None) -> dict[str, Any]:
    if not reason:
        return {}
    # Whatever is no text for SQS (control characters, lone surrogates) is shown as its escape.
    text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in reason)
    return {_REASON: {"DataType": "String", "StringValue": text[:_LONGEST_REASON]}}


def _received(fields: Mapping[str, Any]) -> Received:
    reason = fields.get("MessageAttributes", {}).get(_REASON, {}).get("StringValue")
    return _of(fields["Body"], fields["Attributes"], reason, (fields["MessageId"], fields["ReceiptHandle"]))


def _of(body: str, attributes: Mapping[str, str], reason: str | None, names: tuple[str, str]) -> Received:
    message = Message(body, attributes["MessageGroupId"], attributes["MessageDeduplicationId"], reason)
    sent_at, tries = int(attributes["SentTimestamp"]), int(attributes["ApproximateReceiveCount"])
    return Received(message, *names, sent_at, tries)


def _fault(doing: str, url: str, response: Mapping[str, Any]) -> BurgeeError:
    error, status = response.get("Error", {}), response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code, said = error.get("Code", ""), f"cannot {doing} {url}: {error.get('Code')}: {error.get('Message')}"
    if code in _MISSING:
        return NotFound(f"{said}; check the URL, its region and account")
    if code in _DENIED or status in (401, 403):
        return Denied(f"{said}; check the credentials and their rights on this queue")
    return Unavailable(f"{said}; try again")
