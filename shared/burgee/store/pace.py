"""How often a store behind a network is asked, and how long its answers are waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import random
from time import monotonic, sleep


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a verb is tried, and how long. Times are in seconds.

    `connect` and `answer` bound one attempt: to connect, and between any two bytes. A wait before the next one is a
    random part of what doubles from `first` to `longest`. No attempt begins after `whole`, and the body of an answer
    has that long to be whole, too.
    """

    connect: float = 5.0
    answer: float = 20.0
    tries: int = 4
    first: float = 0.2
    longest: float = 5.0
    whole: float = 60.0
    sleep: Callable[[float], object] = sleep
    random: Callable[[], float] = random
    clock: Callable[[], float] = monotonic

    def attempts(self) -> Iterator[None]:
        """One item for each attempt, with the waits between them."""
        begun = self.clock()
        for number in range(self.tries):
            if number:
                self.sleep(self.random() * min(self.first * 2**number, self.longest))
                if self.clock() - begun > self.whole:
                    return
            yield


HASTE = Pace(connect=1.0, answer=2.0, tries=1, whole=5.0)
