"""Signed messages: who knows the secret said these bytes, just now."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from burgee.core.errors import Unauthenticated
from burgee.core.signature import TOLERANCE_SECONDS, check_signature, sign, whsec_key

SECRET, BODY, NOW = "a secret of many words", b'{"environment":"production"}', 1_800_000_000_123
SIGNED = sign(SECRET, BODY, NOW)


def test_a_signature_is_hmac_sha256_over_the_seconds_a_dot_and_the_body() -> None:
    code = hmac.new(SECRET.encode(), b"1800000000." + BODY, hashlib.sha256).hexdigest()
    assert f"t=1800000000,v1={code}" == SIGNED


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_a_signature_holds_for_five_minutes_either_way(seconds: int) -> None:
    check_signature(SECRET, SIGNED, BODY, NOW + seconds * 1000)


@pytest.mark.parametrize("header", [SIGNED.replace(",", ", "), f" {SIGNED} ", f"{SIGNED},v2=x"])
def test_blanks_and_further_fields_do_not_matter(header: str) -> None:
    check_signature(SECRET, header, BODY, NOW)


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1, 10**9])
def test_a_signature_of_another_time_is_refused(seconds: int) -> None:
    with pytest.raises(Unauthenticated, match="seconds from now, wanted at most 300; check the clocks"):
        check_signature(SECRET, SIGNED, BODY, NOW + seconds * 1000)


@pytest.mark.parametrize(
    ("secret", "header", "body"),
    [
        (SECRET + "x", SIGNED, BODY),
        (SECRET, SIGNED, BODY + b" "),
        (SECRET, SIGNED, b""),
        (SECRET, SIGNED.replace("t=1800000000", "t=1800000001"), BODY),
        (SECRET, SIGNED[:-1], BODY),
        (SECRET, SIGNED.upper().replace("T=", "t=").replace("V1=", "v1="), BODY),
        (SECRET, "t=1800000000,v1=é", BODY),
        # A signature that is both forged and old is told to be forged, for nobody who does not know the secret learns
        # what this clock says.
        (SECRET, "t=1,v1=00", BODY),
    ],
)
def test_anything_else_than_what_was_signed_is_refused(secret: str, header: str, body: bytes) -> None:
    with pytest.raises(Unauthenticated, match="the signature is not that of this body under this secret"):
        check_signature(secret, header, body, NOW)


@pytest.mark.parametrize(
    "header", ["x", "t=,v1=00", "t=1800000000", "v1=00", "t=-1,v1=00", "t=1.5,v1=00", "t=٣,v1=00", f"t={'9' * 99},v1=0"]
)
def test_a_header_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated, match="not of the form t=<seconds>,v1=<hex>"):
        check_signature(SECRET, header, BODY, NOW)


def test_a_missing_header_is_named() -> None:
    with pytest.raises(Unauthenticated, match="no signature: wanted the header burgee-signature"):
        check_signature(SECRET, "", BODY, NOW)


def test_a_key_for_hosts_that_want_32_bytes_follows_from_the_secret() -> None:
    assert whsec_key("a secret of many words").hex() == hashlib.sha256(b"a secret of many words").hexdigest()
    assert len(whsec_key("")) == 32
