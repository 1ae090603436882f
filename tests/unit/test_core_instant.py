"""Instants: what RFC 3339 can write is read again, and nothing else is an instant."""

from __future__ import annotations

import pytest

from burgee.cli.instants import read_instant
from burgee.core.errors import InvalidDocument, InvalidRequest
from burgee.core.instant import format_instant, parse_instant
from tests.fakes.clock import NOON

FIRST, LAST = "0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"
OUTSIDE = ["9999-12-31T23:59:59-23:00", "9999-12-31T23:59:59.999-00:01", "0000-01-01T00:00:00+00:01"]


@pytest.mark.parametrize("text", [FIRST, LAST, "1969-12-31T23:59:59.999Z"])
def test_the_first_and_the_last_instant_are_written_as_they_are_read(text: str) -> None:
    assert format_instant(parse_instant(text)) == text


@pytest.mark.parametrize("text", OUTSIDE)
def test_an_instant_that_utc_has_no_year_of_four_digits_for_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument, match="years 0000 to 9999 of UTC"):
        parse_instant(text)
    with pytest.raises(InvalidRequest, match="--at is an instant in the years 0000 to 9999 of UTC"):
        read_instant(text, name="--at", now=NOON)


@pytest.mark.parametrize("instant", [parse_instant(FIRST) - 1, parse_instant(LAST) + 1, 2**63 * 1000, -(10**30)])
def test_what_could_not_be_read_again_is_not_written(instant: int) -> None:
    with pytest.raises(InvalidDocument, match="years 0000 to 9999 of UTC"):
        format_instant(instant)


@pytest.mark.parametrize(("text", "now", "past"), [("300d", LAST, False), ("1d", FIRST, True)])
def test_a_duration_that_leads_out_of_these_years_is_refused(text: str, now: str, past: bool) -> None:
    with pytest.raises(InvalidRequest, match="years 0000 to 9999 of UTC, got"):
        read_instant(text, name="--at", now=parse_instant(now), past=past)
