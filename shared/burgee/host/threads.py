"""Threads for calls that may block: kept for the next call, and a new one only when all are busy.

Law: a call never waits for another one to end. Threads are daemons: none that hangs holds the process's end up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TypeVar

Result = TypeVar("Result")
Call = Callable[[], object]
KEPT = 16


class Threads:
    """Runs calls, which do not raise; `kept` threads at most wait for the next one. Safe among threads."""

    def __init__(self, name: str, *, kept: int = KEPT) -> None:
        self._name = name
        self._kept = kept
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        # How many threads wait, or are about to, that no call has been put into the queue for.
        self._waiting = 0
        self._lock = Lock()

    def start(self, call: Call) -> None:
        """Run it in a thread, now."""
        with self._lock:
            is_kept = self._waiting > 0
            self._waiting -= is_kept
        if not is_kept:
            Thread(target=self._work, name=self._name, daemon=True).start()
        self._calls.put(call)

    async def run(self, call: Callable[[], Result]) -> Result:
        """What it returns, without holding the event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def tell(result: Result) -> None:
            if not future.done():
                future.set_result(result)

        def work() -> None:
            result = call()
            # A loop that has been closed has nobody left to tell.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, result)

        self.start(work)
        return await future

    def close(self) -> None:
        """Let the threads that wait end; those at work end after it. Later calls are still run."""
        with self._lock:
            self._kept = 0
            waiting, self._waiting = self._waiting, 0
        for _ in range(waiting):
            self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            # What it holds is let go of before the wait for the next one.
            del call
            with self._lock:
                if self._waiting >= self._kept:
                    return
                self._waiting += 1
