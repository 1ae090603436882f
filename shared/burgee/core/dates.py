"""Date texts as Flipt reads them.

Sources: Flipt semantics sections 2.8 (servers: Go's RFC 3339 and date-only, nanoseconds) and 2.9 (clients: RFC 3339,
whole seconds). `datetime` begins at year 1 and stops at microseconds, Flipt begins at year 0 and knows nanoseconds.
"""

from __future__ import annotations

import re

_SERVER = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_CLIENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+\-\u2212])(\d\d):(\d\d))",
    re.ASCII,
)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY_SECONDS = 86_400


def parse_server_date(text: str) -> int | None:
    """Nanoseconds since the epoch of an RFC 3339 or `YYYY-MM-DD` (midnight UTC) text, or None."""
    instant = parse_rfc3339(text)
    if instant is not None:
        return instant
    match = _DATE.fullmatch(text)
    days = match and _days(match)
    return None if days is None else days * _DAY_SECONDS * 1_000_000_000


def parse_rfc3339(text: str) -> int | None:
    """Nanoseconds since the epoch of an RFC 3339 text as Go reads it, or None.

    Go takes a one-digit hour, a comma before the fraction, and offsets up to 24 hours and 60 minutes.
    """
    match = _SERVER.fullmatch(text)
    if not match:
        return None
    seconds = _seconds(match, last_second=59, last_offset_hour=24, last_offset_minute=60)
    if seconds is None:
        return None
    fraction = (match[7] or "")[:9].ljust(9, "0")
    return seconds * 1_000_000_000 + int(fraction)


def parse_client_date(text: str) -> int | None:
    """Whole seconds since the epoch of an RFC 3339 text as the client engine reads it, or None.

    The engine takes a lower-case `t` and `z`, a space between date and time, and second 60 (read as second 59).
    """
    match = _CLIENT.fullmatch(text)
    return _seconds(match, last_second=60, last_offset_hour=23, last_offset_minute=59) if match else None


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar, for years 0 and up.

    Counts years from 1 March, so that the leap day is the last of its year.
    """
    if month <= 2:
        year, month = year - 1, month + 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * (month - 3) + 2) // 5 + day - 719_469


def _days(match: re.Match[str]) -> int | None:
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if not 1 <= month <= 12 or day < 1:
        return None
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _MONTH_DAYS[month - 1] + leap:
        return None
    return days_from_civil(year, month, day)


def _seconds(match: re.Match[str], *, last_second: int, last_offset_hour: int, last_offset_minute: int) -> int | None:
    days = _days(match)
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    offset_hour, offset_minute = int(match[9] or 0), int(match[10] or 0)
    if days is None or hour > 23 or minute > 59 or second > last_second:
        return None
    if offset_hour > last_offset_hour or offset_minute > last_offset_minute:
        return None
    offset = offset_hour * 3600 + offset_minute * 60
    if match[8] == "+":
        offset = -offset
    return days * _DAY_SECONDS + hour * 3600 + minute * 60 + min(second, 59) + offset
