"""Date texts as Flipt reads them.

Sources: Flipt semantics sections 2.8 (servers: Go's RFC 3339 and date-only, nanoseconds) and 2.9 (clients: RFC 3339,
whole seconds). `datetime` begins at year 1 and stops at microseconds, Flipt begins at year 0 and knows nanoseconds.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import namedtuple
else:
    from .records import namedtuple


_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY_SECONDS = 86_400
_AS_ZEROS = str.maketrans("123456789", "000000000")

_Grammar = namedtuple("_Grammar", "separators points zulus minuses last_second last_offset_hour last_offset_minute")
_SERVER = _Grammar("T", ".,", ("Z",), "-", 59, 24, 60)
_CLIENT = _Grammar("Tt ", ".", ("Z", "z"), "-\u2212", 60, 23, 59)


def parse_server_date(text: str) -> int | None:
    """Nanoseconds since the epoch of an RFC 3339 or `YYYY-MM-DD` (midnight UTC) text, or None."""
    instant = parse_rfc3339(text)
    if instant is not None or text.translate(_AS_ZEROS) != "0000-00-00":
        return instant
    days = _days(text)
    return None if days is None else days * _DAY_SECONDS * 1_000_000_000


def parse_rfc3339(text: str) -> int | None:
    """Nanoseconds since the epoch of an RFC 3339 text as Go reads it, or None.

    Go takes a one-digit hour, a comma before the fraction, and offsets up to 24 hours and 60 minutes.
    """
    read = _read(f"{text[:11]}0{text[11:]}" if text[12:13] == ":" else text, _SERVER)
    if read is None:
        return None
    seconds, fraction = read
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))


def parse_client_date(text: str) -> int | None:
    """Whole seconds since the epoch of an RFC 3339 text as the client engine reads it, or None.

    The engine takes a lower-case `t` and `z`, a space between date and time, and second 60 (read as second 59).
    """
    read = _read(text, _CLIENT)
    return read[0] if read else None


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar, for years 0 and up.

    Counts years from 1 March, so that the leap day is the last of its year.
    """
    if month <= 2:
        year, month = year - 1, month + 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * (month - 3) + 2) // 5 + day - 719_469


def _read(text: str, grammar: _Grammar) -> tuple[int, str] | None:
    """Seconds since the epoch, and the digits of the fraction; by hand, as `re` would be most of a cold start."""
    shape = text[:19].translate(_AS_ZEROS)
    if shape[:10] != "0000-00-00" or shape[10:11] not in grammar.separators or shape[11:] != "00:00:00":
        return None
    zone, fraction = text[19:], ""
    if zone[:1] and zone[0] in grammar.points:
        digits = zone[1:]
        zone = digits.lstrip("0123456789")
        fraction = digits[: len(digits) - len(zone)]
        if not fraction:
            return None
    days, offset = _days(text), _offset(zone, grammar)
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    if days is None or offset is None or hour > 23 or minute > 59 or second > grammar.last_second:
        return None
    return days * _DAY_SECONDS + hour * 3600 + minute * 60 + min(second, 59) - offset, fraction


def _offset(zone: str, grammar: _Grammar) -> int | None:
    """How many seconds a zone is ahead of UTC."""
    if zone in grammar.zulus:
        return 0
    if zone[1:].translate(_AS_ZEROS) != "00:00" or zone[0] not in "+" + grammar.minuses:
        return None
    hour, minute = int(zone[1:3]), int(zone[4:6])
    if hour > grammar.last_offset_hour or minute > grammar.last_offset_minute:
        return None
    seconds = hour * 3600 + minute * 60
    return seconds if zone[0] == "+" else -seconds


def _days(text: str) -> int | None:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    if not 1 <= month <= 12 or day < 1:
        return None
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _MONTH_DAYS[month - 1] + leap:
        return None
    return days_from_civil(year, month, day)
