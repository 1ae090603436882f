"""The real clock and real chance, for those who are given none of their own."""

from __future__ import annotations

from os import urandom
from time import monotonic_ns, time_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Clock(Protocol):
        """Two clocks: the wall may be set or jump, the monotonic one may stand still while a function is frozen."""

        def wall(self) -> int:
            """Milliseconds since the epoch."""

        def monotonic(self) -> int:
            """Milliseconds since some instant in the past."""


class SystemClock:
    """The clocks of this machine."""

    __slots__ = ()

    @staticmethod
    def wall() -> int:
        return time_ns() // 1_000_000

    @staticmethod
    def monotonic() -> int:
        return monotonic_ns() // 1_000_000


def system_random() -> float:
    """A number in [0, 1), different in every process, forked ones too; spares the import of `random`."""
    return int.from_bytes(urandom(4), "big") / 2**32
