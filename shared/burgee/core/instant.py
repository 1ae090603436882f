"""Instants as whole milliseconds since 1970-01-01T00:00:00Z, and their text: RFC 3339 in UTC."""

from __future__ import annotations

from time import gmtime

from .errors import InvalidDocument

# From 0000-01-01 to the end of 9999-12-31: what is written with a year of four digits can be read again.
_FIRST, _LAST = -62_167_219_200_000, 253_402_300_799_999


def is_instant(instant: int) -> bool:
    """Whether it is within the years 0000 to 9999 of UTC, which RFC 3339 can write."""
    return _FIRST <= instant <= _LAST


def format_instant(instant: int) -> str:
    """RFC 3339 text in UTC with three fractional digits, as `2026-11-22T09:00:00.000Z`.

    Raises InvalidDocument for an instant that RFC 3339 cannot write.
    """
    if not is_instant(instant):
        raise InvalidDocument(f"wanted an instant in the years 0000 to 9999 of UTC, got {instant} ms")
    at = gmtime(instant // 1000)
    return (
        f"{at.tm_year:04d}-{at.tm_mon:02d}-{at.tm_mday:02d}"
        f"T{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}.{instant % 1000:03d}Z"
    )


def parse_instant(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 text; digits beyond milliseconds are dropped.

    Raises InvalidDocument when the text is not RFC 3339 with a zone, or not within the years 0000 to 9999 in UTC.
    """
    from .dates import parse_rfc3339

    nanos = parse_rfc3339(text) if isinstance(text, str) else None
    if nanos is None:
        raise InvalidDocument(f"wanted an RFC 3339 instant such as 2026-11-22T09:00:00Z, got {text!r}")
    if not is_instant(nanos // 1_000_000):
        raise InvalidDocument(f"wanted an instant in the years 0000 to 9999 of UTC, got {text!r}")
    return nanos // 1_000_000
