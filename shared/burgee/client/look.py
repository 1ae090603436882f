"""A look at the store that is under way in a thread of its own."""

from __future__ import annotations

from _thread import TIMEOUT_MAX, allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..core.errors import BurgeeError


class Look:
    """Who waits for it, and how it ended; begun by the process `pid`."""

    __slots__ = ("_running", "done", "fault", "pid")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.done = False
        self.fault: BurgeeError | None = None
        self._running = allocate_lock()
        self._running.acquire()

    def end(self, fault: BurgeeError | None) -> None:
        """Let go of who waits; `fault` is what went wrong, if something did. Once only."""
        self.fault = fault
        self.done = True
        self._running.release()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        if not self._running.acquire(timeout=min(max(seconds, 0.0), TIMEOUT_MAX)):
            return False
        self._running.release()
        return True
