"""Instants as people write them on the command line: RFC 3339, or a duration from now."""

from __future__ import annotations

import re

from ..author.durations import parse_duration
from ..core.dates import parse_rfc3339
from ..core.errors import InvalidRequest
from ..core.instant import is_instant

_DAYS = re.compile(r"(\d{1,3})d((?:\d.*)?)", re.ASCII)
_DAY_MS = 86_400_000


def read_instant(text: str, *, name: str, now: int, past: bool = False) -> int:
    """Milliseconds since the epoch of what the option `name` says: an instant with its zone, or how long from `now`.

    A duration such as `2h30m` or `7d` counts forwards, or backwards where the `past` is meant. Raises InvalidRequest,
    also for an instant outside the years 0000 to 9999 of UTC.
    """
    nanos = parse_rfc3339(text)
    instant = _from_now(text, name=name, now=now, past=past) if nanos is None else nanos // 1_000_000
    if not is_instant(instant):
        raise InvalidRequest(f"{name} is an instant in the years 0000 to 9999 of UTC, got {text!r}")
    return instant


def to_the_second(instant: str) -> str:
    """An instant as format_instant writes it, without its milliseconds: as a table shows it."""
    return f"{instant.partition('.')[0]}Z"


def _from_now(text: str, *, name: str, now: int, past: bool) -> int:
    try:
        duration = _duration(text.removeprefix("-") if past else text)
    except ValueError:
        example = "7d or 90m ago" if past else "2h or 3d from now"
        raise InvalidRequest(
            f"{name} is an instant with its zone such as 2026-12-01T09:00:00+01:00, or {example}, got {text!r}"
        ) from None
    return now - duration if past else now + duration


def _duration(text: str) -> int:
    days = _DAYS.fullmatch(text)
    if days is None:
        return parse_duration(text)
    return int(days[1]) * _DAY_MS + (parse_duration(days[2]) if days[2] else 0)
