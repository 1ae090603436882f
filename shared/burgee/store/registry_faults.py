"""What a registry's refusals mean, and what to tell a person of them (OCI distribution 1.1, "Error codes")."""

from __future__ import annotations

from typing import TypeAlias

from requests import (
    ConnectionError,  # noqa: A004 - requests': the network's, no file's
    RequestException,
)
from requests.exceptions import ChunkedEncodingError, SSLError, Timeout

from ..bundle.oci_auth import MISSING_OR_DENIED, refusal_of
from ..core.causes import network_cause, without_queries
from ..core.errors import BurgeeError, Denied, NotFound, TooLarge, Unavailable, Unfit
from ..core.visible import shortened

# An upload may be lost by one of several servers, and is begun anew.
_UPLOAD_LOST = "BLOB_UPLOAD_UNKNOWN"


class Refused(Exception):
    """An answer that is an error; `code` is empty when it does not say."""

    def __init__(self, status: int, reason: str, content: bytes) -> None:
        self.status = status
        self.code, told = refusal_of(status, reason, content)
        super().__init__(told)


FAULTS = (RequestException, Refused)
Fault: TypeAlias = RequestException | Refused


def may_pass(error: Fault) -> bool:
    """Whether the same request may do better a moment later."""
    if isinstance(error, Refused):
        return error.status in (408, 425, 429) or (error.status >= 500 and error.status != 501) or _is_lost(error)
    return isinstance(error, (ConnectionError, Timeout, ChunkedEncodingError)) and not isinstance(error, SSLError)


def fault(attempt: str, error: Fault, *, asker: str, needed: str) -> BurgeeError:
    """What to tell a person of an attempt of `asker`'s, who needs the right `needed`."""
    if not isinstance(error, Refused):
        return Unavailable(f"{attempt}: {_network(error)}")
    said = f"{attempt}: {error}"
    if error.status in (401, 403):
        return Denied(f"{said}; asked by {asker}; burgee needs the right to {needed} there, and {MISSING_OR_DENIED}")
    if error.status < 400:
        return Unavailable(f"{said}; that is no answer of a registry's to it, check the address")
    if error.status == 404 and needed == "pull":
        return NotFound(said)
    if error.status == 404:
        return Unavailable(f"{said}; make the repository first, where a registry does not make it by itself")
    if error.status == 413:
        return TooLarge(f"{said}; this registry does not take that much")
    if error.code == "MANIFEST_BLOB_UNKNOWN":
        return Unavailable(f"{said}; something it names was never written there, or was removed")
    if error.status in (400, 405, 415, 501):
        return Unfit(f"{said}; this registry does not take what burgee writes")
    return Unavailable(said)


def _is_lost(error: Refused) -> bool:
    return error.status == 404 and error.code == _UPLOAD_LOST


def _network(error: RequestException) -> str:
    # What the library says repeats addresses, and where a registry leads to they are signed.
    said = network_cause(error) or shortened(without_queries(str(error))) or type(error).__name__
    if isinstance(error, SSLError):
        return f"its certificate is not trusted ({said}); set SSL_CERT_FILE if it is your own"
    return "it did not answer in time" if isinstance(error, Timeout) else said
