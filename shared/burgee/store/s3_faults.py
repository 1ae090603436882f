"""What the faults of Amazon's client mean: what is lost, what may pass, what may have been done in spite of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's: nothing was sent
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    LoginError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from ..bundle.s3_address import is_region
from ..bundle.s3_refusals import NO_BUCKET, OUTDATED, RENEW, WRONG_REGION
from ..core.errors import BurgeeError, Denied, NotFound, Unavailable, Unfit
from ..core.visible import shortened, visible

# As `except` takes them.
FAULTS = (BotoCoreError, ClientError, ResponseParserError)
Fault: TypeAlias = BotoCoreError | ClientError | ResponseParserError

_NO_ONE = (
    *(NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, MetadataRetrievalError),
    *(TokenRetrievalError, SSOError, LoginError),
)
# With a status that says otherwise, or none in particular.
_PASSING = ("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestLimitExceeded")
# Answers to one of two writes at once (S3 User Guide, "Conditional writes").
_AT_ONCE = ("ConditionalRequestConflict", "OperationAborted")
_ELSEWHERE = ("PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException")
_MAY_LEAD_ELSEWHERE = (301, 302, 307, 400, 403)


def answer_of(error: Fault) -> Mapping[str, Any]:
    """The answer that was a refusal, empty when there was none."""
    answer: Mapping[str, Any] = error.response if isinstance(error, ClientError) else {}
    return answer


def is_missing(error: Fault) -> bool:
    """Whether the bucket answers that it has no such object."""
    return _status(error) == 404 and _code(error) != "NoSuchBucket"


def is_lost(error: Fault) -> bool:
    """Whether the condition of a write did not hold. S3 answers 404 when there is nothing to replace."""
    return _status(error) == 412 or is_missing(error)


def is_race(error: Fault) -> bool:
    """Whether another conditional write was going on: this one is not done, and has not lost either."""
    return _code(error) in _AT_ONCE


def may_pass(error: Fault) -> bool:
    """Whether the same request may do better a moment later."""
    if not isinstance(error, ClientError):
        passing = isinstance(error, (ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError))
        return passing and not isinstance(error, SSLError)
    status, code = _status(error), _code(error)
    return code in (*_PASSING, *_AT_ONCE) or status == 429 or (status >= 500 and status != 501)


def may_be_done(error: Fault) -> bool:
    """Whether a write may have happened although this came back."""
    if isinstance(error, ClientError):
        return _status(error) >= 500 and _status(error) != 501 and _code(error) != "SlowDown"
    return isinstance(error, (HTTPClientError, ResponseParserError))


def elsewhere(error: Fault) -> str | None:
    """The region that the bucket is in, when it was asked for in another."""
    answer = answer_of(error)
    if _status(error) not in _MAY_LEAD_ELSEWHERE:
        return None
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region") or answer.get("Error", {}).get("Region") or ""
    return region if is_region(region) else None


def fault(attempt: str, error: Fault, *, asker: str, needed: str, now: str) -> BurgeeError:
    """What to tell a person of an attempt of `asker`'s; `needed` is what they may lack, `now` this machine's time."""
    said = f"{attempt}: {_said(error)}"
    status, code = _status(error), _code(error)
    if isinstance(error, _NO_ONE):
        return nobody(attempt, error)
    if code == "NoSuchBucket":
        return Unavailable(f"{said}; {NO_BUCKET}")
    if status == 404:
        return NotFound(said)
    if status in (301, 302, 307) or code in _ELSEWHERE:
        return Unavailable(f"{said}; {WRONG_REGION}, or check the endpoint")
    if code == "RequestTimeTooSkewed":
        there = date_of(answer_of(error)) or "another time"
        return Denied(f"{said}; set this machine's clock: it says {now}, the server {there}")
    if code == "AuthorizationHeaderMalformed":
        return Denied(f"{said}; asked by {asker}; {WRONG_REGION}")
    if code in OUTDATED:
        return Denied(f"{said}; asked by {asker}; {RENEW}")
    if status in (401, 403):
        return Denied(f"{said}; asked by {asker}; {needed}")
    if status == 501:
        return Unfit(f"{said}; this service cannot do what burgee needs of a store, see `burgee doctor`")
    return Unavailable(said)


def nobody(attempt: str, error: BotoCoreError) -> Denied:
    """What to tell a person when there are no credentials to ask with."""
    return Denied(f"{attempt}: {_said(error)}; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")


def date_of(answer: Mapping[str, Any]) -> str:
    """The server's time as its answer has it, empty when it does not."""
    return visible(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", ""))


def _status(error: Fault) -> int:
    """That of the answer, 0 when there was none."""
    status: int = answer_of(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def _code(error: Fault) -> str:
    return str(answer_of(error).get("Error", {}).get("Code", ""))


def _said(error: Fault) -> str:
    if not isinstance(error, ClientError):
        text = str(error).rstrip(".") or type(error).__name__
        return shortened(text[:1].lower() + text[1:])
    message = str(answer_of(error).get("Error", {}).get("Message", "")).rstrip(".")
    status, code = str(_status(error)), _code(error)
    # An answer without a body has its status for a code.
    beginning = status if code == status else f"{status} {code}"
    return shortened(f"{beginning}: {message}" if message else beginning)
