"""The real clock, chance and sleep, for those who decide nothing by them themselves."""

from __future__ import annotations

from time import sleep

from ..deliver.publisher import Rim
from ..fetch.clock import SystemClock, system_random


def system_rim() -> Rim:
    """The rim of this machine."""
    clock = SystemClock()
    return Rim(now=clock.wall, monotonic=clock.monotonic, random=system_random, sleep=sleep)
