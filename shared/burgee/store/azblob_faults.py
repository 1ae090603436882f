"""What the faults of Microsoft's client for blobs mean: what is lost, what may pass, what may have been done anyway."""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ServiceRequestError
from requests.exceptions import SSLError

from ..bundle.azblob_refusals import Asked, Refusal
from ..core.causes import network_cause, without_queries
from ..core.errors import BurgeeError, Denied, Unavailable
from ..core.visible import shortened
from .remote import Meaning

# As `except` takes them.
FAULTS = (AzureError,)

# What the service answers when a condition did not hold; 412 is its answer to a lease too.
_LOST = ("BlobAlreadyExists", "ConditionNotMet", "TargetConditionNotMet")
_PASSING = (408, 429)
# The one fault of the service's own that comes before anything is done.
_BUSY = "ServerBusy"


def meaning(error: Exception) -> Meaning:
    """What a fault means for the next attempt, and for a write."""
    refusal = refusal_of(error)
    if refusal is None:
        if isinstance(error, ClientAuthenticationError) or _is_untrusted(error):
            return Meaning()
        return Meaning(passes=True, may_be_done=not isinstance(error, ServiceRequestError))
    broken = refusal.status >= 500 and refusal.status != 501
    return Meaning(
        passes=broken or refusal.status in _PASSING,
        is_missing=refusal.is_missing,
        is_lost=refusal.code in _LOST or (refusal.status == 412 and not refusal.code) or refusal.is_missing,
        may_be_done=broken and refusal.code != _BUSY,
    )


def refusal_of(error: Exception) -> Refusal | None:
    """The answer that was a refusal, None when there was none."""
    if not isinstance(error, HttpResponseError) or error.response is None:
        return None
    response: Any = error.response
    if response.status_code < 300:
        return None
    # The client has an enumeration for the codes it knows.
    code = response.headers.get("x-ms-error-code") or getattr(getattr(error, "error_code", None), "value", "")
    return Refusal(response.status_code, code, _of_the_service(error.message), response.headers.get("Date") or "")


def fault(error: Exception, asked: Asked) -> BurgeeError:
    """What to tell a person of it."""
    refusal = refusal_of(error)
    if refusal is not None:
        return refusal.error(asked)
    if isinstance(error, ClientAuthenticationError):
        return nobody(asked.attempt, error)
    return Unavailable(f"{asked.attempt}: {_said(error)}")


def nobody(attempt: str, error: Exception) -> Denied:
    """What to tell a person when there is no identity to ask as."""
    return Denied(
        f"{attempt}: {_said(error)}; set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, "
        "or let an identity of Microsoft Entra be found, as by `az login`"
    )


def _said(error: Exception) -> str:
    """What broke the connection, else the first line of what the client says, which may repeat a signed URL."""
    cause = network_cause(error)
    if cause is not None:
        return cause
    text = str(error).strip().partition("\n")[0].strip().rstrip(".:") or type(error).__name__
    word = text.partition(" ")[0]
    return shortened(without_queries(text[0].lower() + text[1:] if word[1:].islower() else text))


def _is_untrusted(error: Exception) -> bool:
    """Whether the server showed no certificate that is trusted here: no attempt mends that."""
    return isinstance(getattr(error, "inner_exception", None), SSLError)


def _of_the_service(message: str) -> str:
    """What the service says, without what the client says around it or instead of it."""
    return message.removeprefix("Operation returned an invalid status '").partition("\n")[0].rstrip("'")
