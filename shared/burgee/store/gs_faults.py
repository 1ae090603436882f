"""What the faults of Google's client mean: what is lost, what may pass, what may have been done in spite of them."""

from __future__ import annotations

from typing import TypeAlias

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectTimeout,
    InvalidJSONError,
    RequestException,
    SSLError,
    Timeout,
    TooManyRedirects,
)
from requests.exceptions import ConnectionError as Disconnected
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from ..bundle.gs_refusals import LOG_IN, NO_BUCKET, RENEW, Refusal, refusal_of
from ..core.causes import network_cause, without_queries
from ..core.errors import BurgeeError, Denied, NotFound, Unavailable, Unfit
from ..core.visible import shortened, visible
from .remote import Meaning

# As `except` takes them. Content that breaks off comes as urllib3 has it, or as Python's own when its sum shows it.
FAULTS = (GoogleAPICallError, GoogleAuthError, RequestException, HTTPError, DataCorruption, ConnectionError)
Fault: TypeAlias = (
    GoogleAPICallError | GoogleAuthError | RequestException | HTTPError | DataCorruption | ConnectionError
)

# Statuses and reasons of which Google says that the same request may do better later.
_PASSING = (408, 429)
_PASSING_REASONS = ("rateLimitExceeded", "userRateLimitExceeded")


def meaning_of(error: Fault) -> Meaning:
    """What a fault of one attempt means."""
    if not isinstance(error, GoogleAPICallError):
        passes = _may_pass(error)
        # Tokens are asked for before a request is sent, and after it was refused.
        sent = not isinstance(error, (GoogleAuthError, SSLError)) and not _never_connected(error)
        return Meaning(passes=passes, may_be_done=passes and sent)
    refusal = _refusal(error)
    broken = refusal.status == 408 or (refusal.status >= 500 and refusal.status != 501)
    return Meaning(
        passes=broken or refusal.status in _PASSING or refusal.code in _PASSING_REASONS,
        is_missing=refusal.status == 404 and not refusal.is_of_bucket,
        is_lost=refusal.status == 412,
        may_be_done=broken,
    )


def fault(attempt: str, error: Fault, *, asker: str, needed: str, about_object: bool) -> BurgeeError:
    """What to tell a person of an attempt of `asker`'s; `needed` is what they may lack.

    `about_object` says that a 404 may be of the object, not of the bucket alone.
    """
    if isinstance(error, GoogleAuthError) and not _may_pass(error):
        return nobody(attempt, error)
    if not isinstance(error, GoogleAPICallError):
        return Unavailable(f"{attempt}: {_said(error)}")
    refusal = _refusal(error)
    said = f"{attempt}: {refusal}"
    if refusal.status == 404:
        missing = about_object and not refusal.is_of_bucket
        return NotFound(said) if missing else Unavailable(f"{said}; {NO_BUCKET}")
    if refusal.status == 401:
        return Denied(f"{said}; asked by {asker}; {LOG_IN if asker.startswith('nobody') else RENEW}")
    if refusal.status == 403:
        return Denied(f"{said}; asked by {asker}; {needed}")
    if refusal.status == 501:
        return Unfit(f"{said}; this service cannot do what burgee needs of a store, see `burgee doctor`")
    return Unavailable(said)


def nobody(attempt: str, error: GoogleAuthError) -> Denied:
    """What to tell a person when there are no credentials to ask with."""
    return Denied(f"{attempt}: {_said(error)}; {LOG_IN}")


def _may_pass(error: Fault) -> bool:
    if isinstance(error, GoogleAuthError):
        return isinstance(error, TransportError) or bool(error.retryable)
    if isinstance(error, RequestException):
        passing = (Disconnected, Timeout, ChunkedEncodingError, InvalidJSONError)
        return isinstance(error, passing) and not isinstance(error, SSLError)
    return True


def _never_connected(error: Fault) -> bool:
    """Whether nothing can have been sent."""
    return isinstance(error, ConnectTimeout) or _unreached(error) is not None


def _unreached(error: BaseException) -> str | None:
    """The host that no connection could be made to; each library wraps the fault of the one below it."""
    if isinstance(error, MaxRetryError):
        return str(error.pool.host) if isinstance(error.reason, NewConnectionError) else None
    cause = error.args[0] if error.args else None
    return _unreached(cause) if isinstance(cause, Exception) else None


def _refusal(error: GoogleAPICallError) -> Refusal:
    answer = error.response
    if answer is None:
        return refusal_of(int(error.code or 0), type(error).__name__, b"")
    return refusal_of(answer.status_code, answer.reason or "", answer.content)


def _said(error: Fault) -> str:
    if isinstance(error, TooManyRedirects) and error.response is not None:
        to = error.response.headers.get("Location", "nowhere")
        return shortened(f"{error.response.status_code}, it leads to {to.partition('?')[0]}; check the endpoint")
    host = _unreached(error)
    if host is not None:
        return f"could not connect to {visible(host)}"
    cause = network_cause(error)
    if cause is not None:
        return cause
    text = str(error.args[0] if error.args else error).strip() or type(error).__name__
    line = text.splitlines()[0].rstrip(".: ")
    return shortened(without_queries((line[:1].lower() if line[1:2].islower() else line[:1]) + line[1:]))
