"""Signed messages between burgee's own processes: who knows the secret said these bytes, and said them just now.

The signature is a header `t=<seconds since the epoch>,v1=<hex>`, HMAC-SHA256 over `<those seconds>.<body>`.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest, new

from .errors import Unauthenticated

HEADER = "burgee-signature"
TOLERANCE_SECONDS = 300
_MOST_DIGITS = 15


def sign(secret: str, body: bytes, now: int) -> str:
    """The signature of a body at an instant (milliseconds)."""
    seconds = str(now // 1000)
    return f"t={seconds},v1={_code(secret, seconds, body)}"


def check_signature(secret: str, header: str, body: bytes, now: int) -> None:
    """Raises Unauthenticated unless `header` is a signature of `body`, made within TOLERANCE_SECONDS of `now`."""
    if not header:
        raise Unauthenticated(f"no signature: wanted the header {HEADER}: t=<seconds>,v1=<hex>")
    fields = dict(part.strip().partition("=")[::2] for part in header.split(","))
    seconds, code = fields.get("t", ""), fields.get("v1", "")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= _MOST_DIGITS and code):
        raise Unauthenticated(f"the header {HEADER} is not of the form t=<seconds>,v1=<hex>")
    # Whether it is old is told only to those who know the secret.
    if not compare_digest(code.encode("utf-8", "replace"), _code(secret, seconds, body).encode()):
        raise Unauthenticated("the signature is not that of this body under this secret")
    apart = abs(now // 1000 - int(seconds))
    if apart > TOLERANCE_SECONDS:
        raise Unauthenticated(
            f"the signature was made {apart} seconds from now, wanted at most {TOLERANCE_SECONDS}; check the clocks"
        )


def whsec_key(secret: str) -> bytes:
    """The 32 bytes with which hosts that follow Standard Webhooks sign for who knows `secret`: its SHA-256.

    Their text is `whsec_` and base64; the signed text is `<webhook-id>.<webhook-timestamp>.<body>`.
    """
    return sha256(secret.encode()).digest()


def _code(secret: str, seconds: str, body: bytes) -> str:
    return new(secret.encode(), b"%b.%b" % (seconds.encode(), body), "sha256").hexdigest()
