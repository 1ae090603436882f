"""What the SDK answers from: one environment's live snapshot, looked after beside the evaluations.

Law: an evaluation never waits for the network. Looks at the store happen in a thread of their own, one at a time; who
evaluates meanwhile gets the last good release. A process that was forked, or frozen for an hour, goes on by itself.
"""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread  # what threading is made of, without its import
from collections import namedtuple
from os import getpid

from ..core.errors import BurgeeError, NotReady, Unavailable
from ..fetch.live import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..fetch.clock import Clock
    from ..fetch.live import Serving, Status
    from ..fetch.port import Fetcher
    from .disk import Disk

# How many times as old as wanted an answer may be before it says that it is stale.
STALE_AFTER = 2
# While a look is under way, evaluations ask so often whether it has ended.
_UNDER_WAY_MS = 20
_LONGEST_SLEEP_SECONDS = 60.0

Change = namedtuple("Change", "environment before after digest flags")
Change.__doc__ = """Another release answers: `before` (None for the first) and `after` are revisions, `digest` names
the bundle.

`flags` maps a namespace to the sorted keys of the flags that may answer otherwise: new, gone, or changed themselves or
in a segment they use."""

Window = namedtuple("Window", "serving stale monotonic first last")
Window.__doc__ = """What to answer from, whether that is stale, and how long to do so without asking again.

That is until the monotonic instant, and from the `first` wall instant until before the `last` one (seconds)."""

_Guard = namedtuple("_Guard", "looking telling")


class Reader:
    """The live snapshot and the looks at its store."""

    __slots__ = (
        "__weakref__",
        "_clock",
        "_closed",
        "_disk",
        "_disk_fault",
        "_following",
        "_guards",
        "_live",
        "_look",
        "_on_change",
        "_renewed",
        "_told",
        "environment",
    )

    def __init__(
        self,
        fetcher: Fetcher,
        environment: str,
        *,
        ttl_ms: int,
        clock: Clock,
        random: Callable[[], float],
        disk: Disk | None,
        on_change: Callable[[Change], object] | None,
        renewed: Callable[[], object],
    ) -> None:
        """`renewed` is called whenever a look has ended."""
        self.environment = environment
        self._live = Live(fetcher, environment, ttl_ms=ttl_ms, clock=clock, random=random)
        self._clock = clock
        self._disk = disk
        self._disk_fault: str | None = None
        self._on_change = on_change
        self._renewed = renewed
        self._look: _Look | None = None
        self._guards: dict[int, Any] = {}
        self._following: tuple[int, Any] | None = None
        self._told: Serving | None = None
        self._closed = False
        if disk is not None:
            self._resume(disk)

    def window(self) -> Window:
        """What to answer from now; begins a look if one is due. Raises NotReady."""
        live = self._live
        looks = not self._closed and live.is_due()
        if looks:
            self.look()
        self._follow_after_fork()
        live.present()
        serving, monotonic, first, last = live.window()
        assert serving is not None, "what is present is served"
        self._tell_beside(serving)
        age_ms, bound_ms = live.age_ms(), STALE_AFTER * live.ttl_ms()
        stale = age_ms is None or age_ms > bound_ms
        if looks or self._closed:
            monotonic, first, last = self._soon()
        if age_ms is not None and not stale:
            last = min(last, self._clock.wall() + bound_ms - age_ms + 1)
        return Window(serving, stale, monotonic / 1000, first / 1000, last / 1000)

    def look(self) -> _Look:
        """Look at the store in a thread, unless one does already; what `wait` waits for."""
        with self._guard().looking:
            look = self._look
            if look is None or look.pid != getpid() or look.done:
                look = self._look = _Look(getpid())
                try:
                    start_new_thread(self._run, (look,))
                except RuntimeError as error:
                    # No more threads to be had: it is tried again at the next evaluation that finds it due.
                    look.end(NotReady(f"cannot look at the store: {error}"))
        return look

    def wait(self, look: _Look, seconds: float) -> None:
        """Return when the look has ended. Raises its fault, and Unavailable when the time is up."""
        if not look.wait(seconds):
            raise Unavailable(f"the store of {self.environment!r} was looked at for {seconds:g} s without an answer")
        if look.fault is not None:
            raise look.fault

    def is_due(self) -> bool:
        """Whether it is time for a look."""
        return self._live.is_due()

    def present(self) -> Serving:
        """What answers, without a look. Raises NotReady."""
        return self._live.present()

    def status(self) -> Status:
        """How things are, without a look; a folder that cannot be written is told when nothing worse is."""
        status = self._live.status()
        return status if status.last_error else status._replace(last_error=self._disk_fault)

    def follow(self) -> None:
        """Look whenever it is due, asked or not, in a thread that ends with this reader."""
        pid = getpid()
        if self._closed or (self._following is not None and self._following[0] == pid):
            return
        stop = allocate_lock()
        stop.acquire()
        self._following = (pid, stop)
        from _weakref import ref

        try:
            start_new_thread(_follow, (ref(self), stop))
        except RuntimeError:
            # Evaluations look as well, so nothing stops; the next window tries again.
            self._following = None

    def close(self) -> None:
        """End the thread that follows; what is held goes on answering."""
        self._closed = True
        if self._following is not None and self._following[0] == getpid():
            self._following[1].release()
        self._following = None

    def seconds_until_due(self) -> float:
        """How long the thread that follows may sleep."""
        _, monotonic, _, last = self._live.window()
        left_ms = min(monotonic - self._clock.monotonic(), last - self._clock.wall())
        return min(max(left_ms / 1000, 0.05), _LONGEST_SLEEP_SECONDS)

    def _run(self, look: _Look) -> None:
        fault: BurgeeError | None = None
        try:
            self._live.refresh()
        except BurgeeError as error:
            fault = error
        except Exception as error:  # a look must end, whatever happens; its fault is what status() shows too
            fault = NotReady(f"cannot look at the store: {type(error).__name__}: {error}")
        try:
            self._keep()
        finally:
            look.end(fault)
            self._renewed()
        if self._on_change is not None:
            self._tell()

    def _resume(self, disk: Disk) -> None:
        try:
            self._live.resume(disk.fetcher())
        except BurgeeError as error:
            disk.distrust()
            # Nothing kept yet is how every folder begins.
            self._disk_fault = None if error.status == 404 else f"the release kept on disk: {error}"

    def _keep(self) -> None:
        if self._disk is None:
            return
        try:
            self._disk.keep(self._live.held)
            self._disk_fault = None
        except OSError as error:
            self._disk_fault = f"cannot keep the release on disk: {error}"

    def _soon(self) -> tuple[float, int, int]:
        wall = self._clock.wall()
        return self._clock.monotonic() + _UNDER_WAY_MS, wall, wall + _UNDER_WAY_MS

    def _follow_after_fork(self) -> None:
        if self._following is not None and self._following[0] != getpid():
            self.follow()

    def _tell_beside(self, serving: Serving) -> None:
        if self._on_change is None or (self._told is not None and self._told.digest == serving.digest):
            return
        if not self._guard().telling.locked():
            try:
                start_new_thread(self._tell, ())
            except RuntimeError:
                # The next window tells.
                return

    def _tell(self) -> None:
        """Tell of every change up to what answers now, in order, one thread at a time."""
        from .changes import change_of

        with self._guard().telling:
            try:
                serving = self._live.present()
            except NotReady:
                return
            told, self._told = self._told, serving
            if self._on_change is None or (told is not None and told.digest == serving.digest):
                return
            try:
                self._on_change(change_of(self.environment, told, serving))
            except Exception:
                log_fault("on_change")

    def _guard(self) -> Any:
        """The locks of this process: one that was held when a process forked is held in the child for ever."""
        pid = getpid()
        return self._guards.get(pid) or self._guards.setdefault(pid, _Guard(allocate_lock(), allocate_lock()))


class _Look:
    """A look under way: who waits for it, and how it ended."""

    __slots__ = ("_running", "done", "fault", "pid")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.done = False
        self.fault: BurgeeError | None = None
        self._running = allocate_lock()
        self._running.acquire()

    def end(self, fault: BurgeeError | None) -> None:
        self.fault = fault
        self.done = True
        self._running.release()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        if not self._running.acquire(timeout=seconds):
            return False
        self._running.release()
        return True


def _follow(reader_of: Callable[[], Reader | None], stop: Any) -> None:
    """Look when it is due until told to stop, or until nobody has the reader any more."""
    seconds = 0.0
    while not stop.acquire(timeout=seconds):
        reader = reader_of()
        if reader is None:
            return
        if reader.is_due():
            reader.look().wait(_LONGEST_SLEEP_SECONDS)
        else:
            # An instant at which a pending release becomes active may have come.
            _switched(reader)
        seconds = reader.seconds_until_due()
        del reader


def _switched(reader: Reader) -> None:
    try:
        reader.window()
    except NotReady:
        return


def log_fault(hook: str) -> None:
    """Log what a user's hook raised: it is their mistake to see, and no reason to fail an evaluation."""
    from logging import getLogger

    getLogger("burgee.client").exception("the hook %s failed", hook)
