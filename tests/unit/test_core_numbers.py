"""Number texts come from strangers: no text may take long to read."""

from __future__ import annotations

from time import perf_counter

import pytest

from burgee.core.numbers import parse_number


@pytest.mark.parametrize(
    "text",
    ["0x" + "f" * 200_000, "9" * 200_000 + "x", "0x" + "_f" * 100_000, "1_" * 100_000, "." * 200_000, "9" * 200_000],
    ids=["hex", "decimal", "underscored hex", "underscored", "points", "digits"],
)
def test_a_long_text_is_no_number_at_once(text: str) -> None:
    started = perf_counter()
    assert parse_number(text) is None
    assert perf_counter() - started < 1


@pytest.mark.parametrize(
    ("text", "number"),
    [("0x_1p4", 16.0), ("0x1.8p1", 3.0), ("0x.8p1", 1.0), ("1_000.5e1_0", 1000.5e10), ("0x_.8p1", None)],
)
def test_odd_spellings_are_read_as_servers_do(text: str, number: float | None) -> None:
    assert parse_number(text) == number
