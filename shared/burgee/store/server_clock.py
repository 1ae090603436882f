"""What time a server says it is, beside this machine's."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from time import time


class ServerClock:
    """Told the Date of answers; safe among threads."""

    def __init__(self, now: Callable[[], float] = time) -> None:
        """`now` gives seconds since the epoch."""
        self._now = now
        # The time by the last answer, and what it was here.
        self._dated: tuple[str, float] | None = None

    def note(self, date: str | None) -> None:
        """Remember the Date of an answer, if it has one."""
        if date:
            self._dated = date, self._now()

    def difference(self) -> float | None:
        """Seconds by which the server's clock is ahead of this machine's, by its last answer; None before one."""
        if self._dated is None:
            return None
        try:
            return parsedate_to_datetime(self._dated[0]).timestamp() - self._dated[1]
        except (TypeError, ValueError, OverflowError):
            return None
