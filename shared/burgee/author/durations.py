"""Durations as people write them: `2m`, `60s`, `1h30m`, `500ms`, `0s`."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?", re.ASCII)
_UNITS = (3_600_000, 60_000, 1000, 1)
LONGEST = 365 * 24 * 3_600_000


def parse_duration(text: object) -> int:
    """Milliseconds. Raises ValueError when `text` is no duration, or longer than a year."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) and text else None
    if not match:
        raise ValueError("wanted a duration such as 60s, 2m or 1h30m")
    duration = sum(int(amount or 0) * unit for amount, unit in zip(match.groups(), _UNITS, strict=True))
    if duration > LONGEST:
        raise ValueError("wanted a duration of at most a year (8760h)")
    return duration
