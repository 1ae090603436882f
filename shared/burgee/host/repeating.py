"""A thread that takes step after step: each when the one before says that it is due, or as soon as it is woken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import Event, Thread
from typing import Self

_JOIN_SECONDS = 5.0


class Repeating(ABC):
    """As a context manager it repeats its step until the context ends, and then does what is to be done `at_end`.

    All of this happens in a thread of that name.
    """

    def __init__(self, name: str, *, at_end: Callable[[], object] = lambda: None) -> None:
        self._at_end = at_end
        self._woken = Event()
        self._stopped = False
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._woken.set()
        self._thread.join(_JOIN_SECONDS)

    def wake(self) -> None:
        """Something may have changed: see to it now. To be called from any thread."""
        self._woken.set()

    def _run(self) -> None:
        while True:
            self._woken.clear()
            # After it was cleared, for stopping wakes it too.
            if self._stopped:
                self._at_end()
                return
            self._woken.wait(self._step() / 1000)

    @abstractmethod
    def _step(self) -> float:
        """Do what is due, and raise nothing; the milliseconds until it is due again."""
