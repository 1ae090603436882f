"""A reader's clocks beside the real time, which only the simulation knows."""

from __future__ import annotations

from random import Random

from .scenario import BEGIN

_MILLION = 1_000_000


class ReaderClock:
    """`real` (ms) moves as the simulation says; the wall is ahead of it by some time and drifts.

    The monotonic clock stands still while the reader is frozen.
    """

    __slots__ = ("_ahead", "_drift", "_frozen", "real")

    def __init__(self, real: int, *, ahead: int = 0, drift: int = 0) -> None:
        """`drift` is in millionths."""
        self.real = real
        self._ahead = ahead
        self._drift = drift
        self._frozen = 0

    def wall(self) -> int:
        return self.real + self._ahead + (self.real - BEGIN) * self._drift // _MILLION

    def monotonic(self) -> int:
        return self.real - self._frozen

    def freeze(self, milliseconds: int) -> None:
        """The function stands still for so long."""
        self.real += milliseconds
        self._frozen += milliseconds


def reader_clock(real: int, end: int, *, skew: int, chance: Random) -> ReaderClock:
    """A clock that is never further than `skew` from the real time before `end`; one in four comes near that."""
    drift = min(skew // 5 * _MILLION // max(1, end - BEGIN), 500)
    most = max(0, skew - (end - BEGIN) * drift // _MILLION - 1)
    ahead = chance.choice((-most, most)) if chance.random() < 0.25 else chance.randint(-most, most)
    return ReaderClock(real, ahead=ahead, drift=chance.randint(-drift, drift))
