"""A clock that moves when it is told to."""

from __future__ import annotations

NOON = 1_800_000_000_000


class VirtualClock:
    """Wall and monotonic time in milliseconds; `advance` moves both, as the passing of time does."""

    def __init__(self, wall: int = NOON, monotonic: int = 5_000) -> None:
        self.wall_ms = wall
        self.monotonic_ms = monotonic

    def wall(self) -> int:
        return self.wall_ms

    def monotonic(self) -> int:
        return self.monotonic_ms

    def advance(self, milliseconds: int) -> None:
        self.wall_ms += milliseconds
        self.monotonic_ms += milliseconds

    def step_wall(self, milliseconds: int) -> None:
        """Somebody sets the wall clock, or a frozen function wakes up."""
        self.wall_ms += milliseconds
