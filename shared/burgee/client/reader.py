"""What the SDK answers from: one environment's live snapshot, looked after beside the evaluations.

Law: an evaluation never waits for the network. Looks at the store happen in a thread of their own, one at a time; who
evaluates meanwhile gets the last good release. A process that was forked, or frozen for an hour, goes on by itself.
"""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread  # what threading is made of, without its import
from collections import namedtuple
from os import getpid
from time import monotonic

from ..core.errors import BurgeeError, NotReady, Outdated, Unavailable
from ..fetch.live import Live
from .hooks import Hooks, call_hook
from .look import Look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..core.snapshot import Snapshot
    from ..fetch.clock import Clock
    from ..fetch.disk import Disk
    from ..fetch.live import Serving, Status
    from ..fetch.port import Fetcher
    from ..fetch.verify import Verifier
    from .hooks import Change

# While a look is under way, evaluations ask so often whether it has ended.
_UNDER_WAY_MS = 20
_LONGEST_SLEEP_SECONDS = 60.0
_NO_PROCESS = 0

Window = namedtuple("Window", "serving stale first last")
Window.__doc__ = """What to answer from, whether that is stale, and how long to do so without asking again.

That is from the `first` wall instant until before the `last` one (seconds), which are at most one TTL apart."""

_Guard = namedtuple("_Guard", "looking telling keeping")


class Reader:
    """The live snapshot and the looks at its store."""

    __slots__ = (
        "__weakref__",
        "_clock",
        "_closed",
        "_disk",
        "_disk_fault",
        "_fetcher",
        "_following",
        "_guards",
        "_hooks",
        "_live",
        "_look",
        "_renewed",
        "_shown",
        "_strict",
        "_told",
        "_told_stale",
        "_untold",
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
        verifier: Verifier | None = None,
        strict: bool = False,
    ) -> None:
        """`renewed` is called when a look has ended, and before another release is answered from for the first time.

        A `verifier` says which releases are believed; `strict` is to refuse instead of answering what is stale.
        """
        self.environment = environment
        self._fetcher = fetcher
        self._live = Live(fetcher, environment, ttl_ms=ttl_ms, clock=clock, random=random, verifier=verifier)
        self._strict = strict
        self._clock = clock
        self._disk = disk
        self._disk_fault: str | None = None
        self._hooks: tuple[Hooks, ...] = (Hooks(on_change),) if on_change else ()
        self._renewed = renewed
        self._look: Look | None = None
        self._guards: dict[int, Any] = {}
        self._following: tuple[int, Any] | None = None
        self._told: Serving | None = None
        self._told_stale = False
        self._untold = False
        self._shown: Snapshot | None = None
        self._closed = False
        if disk is not None:
            self._resume(disk)

    def instant(self) -> int:
        """The wall clock in milliseconds."""
        return self._clock.wall()

    def window(self) -> Window:
        """What to answer from now; begins a look if one is due. Raises NotReady, and Outdated if this is strict."""
        live = self._live
        looks = not self._closed and live.is_due()
        if looks:
            self.look()
        self._follow_after_fork()
        live.present()
        serving, _, first, last = live.window()
        assert serving is not None, "what is present is served"
        if serving.snapshot is not self._shown:
            # Nobody may answer from the one before once somebody has answered from this one.
            self._renewed()
            self._shown = serving.snapshot
        if self._hooks and (self._told is None or self._told.digest != serving.digest):
            self._tell_beside()
        fresh_ms = self._live.sure_ms()
        if self._strict and fresh_ms <= 0:
            raise self._outdated()
        if looks or self._closed:
            first, last = self._soon()
        if fresh_ms > 0:
            last = min(last, self._clock.wall() + fresh_ms)
        return Window(serving, fresh_ms <= 0, first / 1000, last / 1000)

    def look(self) -> Look:
        """Look at the store in a thread, unless one does already; what `wait` waits for."""
        with self._guard().looking:
            look = self._look
            if look is None or look.pid != getpid() or look.done:
                look = self._look = Look(getpid())
                try:
                    start_new_thread(self._run, (look,))
                except RuntimeError as error:
                    # No more threads to be had: it is tried again at the next evaluation that finds it due.
                    look.end(NotReady(f"cannot look at the store: {error}"))
        return look

    def look_now(self, seconds: float) -> None:
        """Return when a look has ended that began no earlier than this call. Raises as `wait` does."""
        deadline = monotonic() + seconds
        under_way = self._look
        if under_way is not None and under_way.pid == getpid():
            # It may have read the head already, before what the caller wants to see was there.
            under_way.wait(seconds)
        self.wait(self.look(), deadline - monotonic())

    def wait(self, look: Look, seconds: float) -> None:
        """Return when the look has ended. Raises its fault, and Unavailable when the time is up."""
        if not look.wait(seconds):
            raise Unavailable(f"the store of {self.environment!r} has not answered in time; the look at it goes on")
        if look.fault is not None:
            raise look.fault

    def is_due(self) -> bool:
        """Whether it is time for a look."""
        return self._live.is_due()

    def is_up_to_date(self) -> bool:
        """Whether what answers was seen at the store within the last TTL."""
        return not self._live.status().stale

    def status(self) -> Status:
        """How things are, without a look; `stale` is whether answers say so.

        A folder that cannot be written is told when nothing worse is.
        """
        status = self._live.status()._replace(stale=self._live.sure_ms() <= 0)
        return status if status.last_error else status._replace(last_error=self._disk_fault)

    def follow(self) -> None:
        """Look whenever it is due, asked or not, in a thread that ends with this reader."""
        from _weakref import ref

        pid = getpid()
        with self._guard().looking:
            if self._closed or (self._following is not None and self._following[0] == pid):
                return
            stop = allocate_lock()
            stop.acquire()
            try:
                start_new_thread(_follow, (ref(self, lambda _: _release(stop)), stop))
            except RuntimeError:
                # Evaluations look as well, so nothing stops; the next window tries again, as after a fork.
                pid = _NO_PROCESS
            self._following = (pid, stop)

    def watch(self, hooks: Hooks) -> None:
        """Call these hooks too, from now on: of the first change from what answers now."""
        if not self._hooks:
            self._told = self._live.window()[0]
        self._hooks = (*self._hooks, hooks)

    def unwatch(self, hooks: Hooks) -> None:
        """Do not call these hooks any more."""
        self._hooks = tuple(kept for kept in self._hooks if kept is not hooks)

    def close(self) -> None:
        """End the thread that follows and let go of connections; what is held goes on answering."""
        with self._guard().looking:
            self._closed = True
            following, self._following = self._following, None
        if following is not None and following[0] == getpid():
            _release(following[1])
        self._fetcher.close()

    def seconds_until_due(self) -> float:
        """How long the thread that follows may sleep."""
        _, monotonic, _, last = self._live.window()
        left_ms = min(monotonic - self._clock.monotonic(), last - self._clock.wall())
        return min(max(left_ms / 1000, 0.05), self.seconds_until_stale())

    def seconds_until_stale(self) -> float:
        """How long the thread that follows may do nothing but wait for a look."""
        fresh_ms = self._live.sure_ms()
        return min(fresh_ms / 1000, _LONGEST_SLEEP_SECONDS) if fresh_ms > 0 else _LONGEST_SLEEP_SECONDS

    def keeping(self) -> Any:
        """The lock under which what to answer from is kept and forgotten."""
        return self._guard().keeping

    def tell_staleness(self) -> None:
        """Tell that answers have become stale, unless that was told."""
        if self._hooks and self._told_stale != (self._live.sure_ms() <= 0):
            self._tell_beside()

    def _run(self, look: Look) -> None:
        # A look must end, whatever happens.
        fault: BurgeeError | None = NotReady("the look at the store broke off")
        try:
            fault = self._looked()
            self._renewed()
            self._keep()
        finally:
            look.end(fault)
        if self._hooks:
            self._tell()

    def _looked(self) -> BurgeeError | None:
        try:
            self._live.refresh()
        except BurgeeError as error:
            return error
        except Exception as error:
            return NotReady(f"cannot look at the store: {type(error).__name__}: {error}")
        return None

    def _resume(self, disk: Disk) -> None:
        try:
            self._live.resume(disk.fetcher())
        except BurgeeError as error:
            disk.distrust()
            # Nothing kept yet is how every folder begins.
            self._disk_fault = None if error.status == 404 else f"the release kept on disk: {error}"

    def _keep(self) -> None:
        kept = None if self._disk is None else self._live.kept()
        if self._disk is None or kept is None:
            return
        try:
            self._disk.keep(kept)
            self._disk_fault = None
        except OSError as error:
            self._disk_fault = f"cannot keep the release on disk: {error}"

    def _outdated(self) -> Outdated:
        status = self._live.status()
        age = "since before this start" if status.age_ms is None else f"for {status.age_ms / 1000:g} s"
        why = f": {status.last_error}" if status.last_error else ""
        return Outdated(f"nobody has looked at {self.environment!r} with success {age}, too long to be strict{why}")

    def _soon(self) -> tuple[int, int]:
        wall, flips_at = self._clock.wall(), self._live.flips_at()
        last = wall + _UNDER_WAY_MS
        return wall, last if flips_at is None else min(last, flips_at)

    def _follow_after_fork(self) -> None:
        if self._following is not None and self._following[0] != getpid():
            self.follow()

    def _tell_beside(self) -> None:
        # Set before the look at the lock: whoever holds it looks here again once it has let go.
        self._untold = True
        if not self._guard().telling.locked():
            try:
                start_new_thread(self._tell, ())
            except RuntimeError:
                # The next window tells.
                return

    def _tell(self) -> None:
        """Tell how things are, and of every change up to what answers now, in order, one thread at a time.

        Nobody waits for a hook that takes its time: its thread goes on telling when it has come back.
        """
        telling = self._guard().telling
        self._untold = True
        while self._untold and telling.acquire(False):
            try:
                self._untold = False
                status = self.status()
                self._told_stale = status.stale
                for hooks in self._hooks:
                    call_hook("on_status", hooks.on_status, status)
                self._tell_change()
            finally:
                telling.release()

    def _tell_change(self) -> None:
        from .changes import change_of

        try:
            serving = self._live.present()
        except NotReady:
            return
        told, self._told = self._told, serving
        if told is not None and told.digest == serving.digest:
            return
        change = change_of(self.environment, told, serving)
        for hooks in self._hooks:
            call_hook("on_change", hooks.on_change, change)

    def _guard(self) -> Any:
        """The locks of this process: one that was held when a process forked is held in the child for ever."""
        pid = getpid()
        found = self._guards.get(pid)
        return found or self._guards.setdefault(pid, _Guard(allocate_lock(), allocate_lock(), allocate_lock()))


def _follow(reader_of: Callable[[], Reader | None], stop: Any) -> None:
    """Look when it is due until told to stop, or until nobody has the reader any more."""
    seconds = 0.0
    while not stop.acquire(timeout=seconds):
        reader = reader_of()
        if reader is None:
            return
        if reader.is_due():
            reader.look().wait(reader.seconds_until_stale())
        else:
            # An instant at which a pending release becomes active may have come.
            _switched(reader)
        reader.tell_staleness()
        seconds = reader.seconds_until_due()
        del reader


def _release(stop: Any) -> None:
    try:
        stop.release()
    except RuntimeError:
        # It was told to stop before.
        return


def _switched(reader: Reader) -> None:
    try:
        reader.window()
    except NotReady:
        return
