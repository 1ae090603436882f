"""Answers whose bodies have to be whole in time, whichever library asks.

Law: what has come is taken at once, so that the clock is looked at however slowly the rest drips. Headers, and the
lines between the chunks of a body, are read by Python itself: between any two bytes of these a server is waited for as
long as the library says, and no further bound holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from urllib3.exceptions import ReadTimeoutError

_PIECE = 65_536


class TimelyBody:
    """The body of an answer of urllib3's, and otherwise that answer itself."""

    def __init__(self, raw: Any, *, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        """It has to be whole within `seconds` of `clock` from now on, when its headers have come."""
        self._raw = raw
        self._seconds = seconds
        self._until = clock() + seconds
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def read(self, amt: int | None = None, decode_content: bool | None = None, cache_content: bool = False) -> bytes:
        """As much as has come, at most `amt` bytes, and nothing at the end; all of it when that is None.

        Raises a ReadTimeoutError of urllib3's when the time is over, which each library tells as its own.
        """
        if amt is None:
            return b"".join(self.stream(_PIECE, decode_content))
        piece: bytes | None = self._raw.read1(amt, decode_content=decode_content)
        if piece and self._clock() > self._until:
            self._raw.close()
            raise ReadTimeoutError(self._raw._pool, "", f"the answer was not whole after {self._seconds:g} s")
        return piece or b""

    def stream(self, amt: int | None = _PIECE, decode_content: bool | None = None) -> Iterator[bytes]:
        """Its pieces, as they come. Raises as `read`."""
        while piece := self.read(amt or _PIECE, decode_content):
            yield piece
