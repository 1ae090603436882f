"""The live snapshot: one environment's active release in memory, kept fresh.

Law: it shows a whole, verified release or the last good one; never half a release, never a lower revision than it has
shown, and never nothing because something expired. Time is the clock's it was given; it starts no thread and no loop.
"""

from __future__ import annotations

from _thread import allocate_lock  # what threading.Lock is, without the import of threading
from collections import namedtuple
from os import getpid

from ..bundle.head import active_at, pending_at
from ..core.errors import BurgeeError, NotReady, Unavailable, Untrusted
from ..core.instant import format_instant
from .held import Held, complete, pruned, see_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..bundle.head import Entry
    from .clock import Clock
    from .port import Fetcher
    from .verify import Verifier

JITTER = 0.1
FIRST_BACKOFF_MS = 1_000
PATIENCE_SECONDS = 10.0
# How many times as old as wanted an answer may be before it says that it is stale.
STALE_AFTER = 2

Serving = namedtuple("Serving", "snapshot release digest entry checked_at changed_at")
Serving.__doc__ = """What is answered from: the snapshot, its Release, that one's digest and the head's Entry.

`checked_at` is the wall time of the last successful look (None before it), `changed_at` that of the switch to this
release (both ms)."""

Status = namedtuple(
    "Status",
    "environment revision bundle digest commit active_since age_ms stale pending last_error expires_at verified_by",
    defaults=(None, None),
)
Status.__doc__ = """How a Live is: the release served (None before the first) and how old its knowledge is.

`digest` is the release's; `active_since` its instant; `age_ms` the time since the last successful look, `stale` whether
that is more than the TTL or the head has expired; `pending` pairs (revision, instant it becomes active), `last_error` a
text or None. `expires_at` is the instant up to which the head was signed, `verified_by` the id of the key by which it
was verified, or None."""

_Locks = namedtuple("_Locks", "looking switching")
_Due = namedtuple("_Due", "monotonic seen_wall wall")
_ALWAYS = _Due(float("-inf"), 0, 0)


class Live:
    """One environment as a fetcher shows it; safe among threads and after a fork.

    `looking` is held by the one thread that talks to the fetcher; `switching` by whoever replaces what is served, never
    for longer than a moment. Everything others read is replaced whole.
    """

    __slots__ = (
        "_checked",
        "_due",
        "_error",
        "_failures",
        "_fast",
        "_fetcher",
        "_held",
        "_locks",
        "_monotonic",
        "_random",
        "_ready",
        "_serving",
        "_ttl_ms",
        "_verifier",
        "_wall",
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
        verifier: Verifier | None = None,
    ) -> None:
        """Looks at nothing yet. `random` gives numbers in [0, 1); a `verifier` says which heads are believed."""
        self.environment = environment
        self._fetcher = fetcher
        self._ttl_ms = ttl_ms
        self._wall = clock.wall
        self._monotonic = clock.monotonic
        self._random = random
        self._verifier = verifier
        self._held = Held()
        self._serving: Serving | None = None
        self._checked: tuple[int, int] | None = None
        self._ready: tuple[int, int] | None = None
        self._due = _ALWAYS
        self._failures = 0
        self._error: str | None = None
        self._fast: tuple[Any, float, int, int] = (None, *_ALWAYS)
        self._locks: dict[int, _Locks] = {}

    def current(self) -> Serving:
        """What to answer from, after a look at the store if one is due.

        Raises NotReady, with the reason, while there is no active release.
        """
        serving: Serving
        serving, due_monotonic, seen_wall, due_wall = self._fast
        # A wall clock that went backwards makes a look due, not eternal.
        if self._monotonic() < due_monotonic and seen_wall <= self._wall() < due_wall:
            return serving
        if self.is_due():
            self._look_alone()
        return self.present()

    def present(self) -> Serving:
        """What to answer from by what is known, without a look at the store. Raises NotReady."""
        self._switch()
        return self._served()

    def refresh(self) -> Serving:
        """What to answer from, after a look at the store now. Raises what went wrong with it."""
        looking = self._own_locks().looking
        if not looking.acquire(timeout=PATIENCE_SECONDS):
            raise Unavailable(f"another thread has looked at {self.environment!r} for {PATIENCE_SECONDS:g} s")
        try:
            fault = self._look()
        finally:
            looking.release()
        if fault is not None:
            raise fault
        return self._served()

    def resume(self, fetcher: Fetcher) -> Serving:
        """Take over what was kept of earlier looks; it counts as no look, and no older head is taken later.

        Raises what went wrong when that leaves nothing to answer from, and NotReady when there is no active release.
        """
        with self._own_locks().looking:
            held = see_head(fetcher, self.environment, self._held, self._verifier, kept=True)
            held, fault = complete(fetcher, held, self._ahead(held, self._instant(held)))
            with self._own_locks().switching:
                self._held = held._replace(etag=None)
                self._error = None if fault is None else _said(fault)
        self._switch()
        if fault is not None and self._serving is None:
            raise fault
        return self._served()

    def is_due(self) -> bool:
        """Whether it is time for a look at the store."""
        due = self._due
        wall = self._wall()
        return bool(self._monotonic() >= due.monotonic or wall >= due.wall or wall < due.seen_wall)

    def window(self) -> tuple[Serving | None, float, int, int]:
        """(serving, monotonic, first wall, last wall): what is served, and how long it stays without a look being due.

        That is before the monotonic instant, and from the first wall instant until before the last one (milliseconds).
        """
        return self._fast

    def age_ms(self) -> int | None:
        """The time since the last successful look, None before it; by the clock that says more.

        One of them may have stood still, the other been set back.
        """
        if self._serving is None or self._checked is None:
            return None
        wall, monotonic = self._checked
        return max(0, self._wall() - wall, self._monotonic() - monotonic)

    def ttl_ms(self) -> int:
        """How long to go without a look: what was asked for, or less if the head says so."""
        head = self._held.head
        if head is None or head.max_reader_ttl_seconds is None:
            return self._ttl_ms
        # At least a second: a head must not make its readers look all the time.
        bound_ms: int = max(1, head.max_reader_ttl_seconds) * 1000
        return min(self._ttl_ms, bound_ms)

    def sure_ms(self) -> int:
        """For how long the head as it is now still says what answers together with those of other readers.

        Less than nothing when that is over, by its age or because it has expired. A publisher counts on readers that
        have looked within the head's TTL and the time that its worst release took to be seen.
        """
        age_ms, head = self.age_ms(), self._held.head
        if age_ms is None:
            return 0
        sure_ms = STALE_AFTER * self.ttl_ms() + 1
        if head.max_reader_ttl_seconds is not None:
            sure_ms = min(sure_ms, max(1, head.max_reader_ttl_seconds) * 1000 + max(head.lags_ms, default=0) + 1)
        left_ms = sure_ms - age_ms
        return left_ms if head.expires_at is None else min(left_ms, head.expires_at - self._wall())

    def flips_at(self) -> int | None:
        """The wall instant (milliseconds) at which the next pending release that is held becomes active, or None."""
        held = self._held
        if held.head is None:
            return None
        pending = pending_at(held.head, self._instant(held))
        return min((entry.release.activates_at for entry in pending if entry.digest in held.snapshots), default=None)

    def kept(self) -> Held | None:
        """What `resume` takes over: the head seen last, and the documents of what is served and pending.

        None while the head's active release is not what is served, because a part of it could not be had.
        """
        with self._own_locks().switching:
            held, serving = self._held, self._serving
        if held.head is None:
            return None
        active = active_at(held.head, self._instant(held))
        return held if (active and active.digest) == (serving and serving.digest) else None

    def status(self) -> Status:
        """How things are, without a look at the store."""
        self._switch()
        serving, held, age_ms = self._serving, self._held, self.age_ms()
        release = serving.release if serving else None
        pending = pending_at(held.head, self._instant(held)) if held.head else ()
        expiry = _expiry(held, self._wall())
        return Status(
            environment=self.environment,
            revision=release and release.revision,
            bundle=release and release.bundle,
            digest=serving and serving.digest,
            commit=release and release.source.commit,
            active_since=release and release.activates_at,
            age_ms=age_ms,
            stale=age_ms is None or age_ms > self.ttl_ms() or expiry is not None,
            pending=[(entry.release.revision, entry.release.activates_at) for entry in pending],
            last_error=self._error or expiry,
            expires_at=held.head and held.head.expires_at,
            verified_by=held.head.signatures[0]["key"] if self._verifier and held.head else None,
        )

    def _served(self) -> Serving:
        if self._serving is not None:
            return self._serving
        raise NotReady(f"no release of {self.environment!r} to answer from yet: {self._error or self._first_instant()}")

    def _first_instant(self) -> str:
        if self._held.head is None:
            return "another thread is still looking for the first"
        first = min((entry.release for entry in self._held.head.releases), key=lambda release: release.activates_at)
        return f"release {first.revision} becomes active at {format_instant(first.activates_at)}"

    def _look_alone(self) -> None:
        """Look, unless another thread does; before the first good release wait for that one, bounded."""
        looking = self._own_locks().looking
        if not looking.acquire(timeout=0 if self._serving else PATIENCE_SECONDS):
            return
        try:
            if self.is_due():
                self._look()
        finally:
            looking.release()

    def _look(self) -> Exception | None:
        """One look at the store, whose outcome is remembered; its fault, if any. The caller holds `looking`."""
        wall, monotonic = self._wall(), self._monotonic()
        held, fault, whole = self._held, None, False
        try:
            if _expiry(held, wall):
                # Where the present head has expired another place may have one that holds.
                held = held._replace(etag=None)
            held = see_head(self._fetcher, self.environment, held, self._verifier)
            instant = self._instant(held)
            ahead = self._ahead(held, instant)
            held, fault = complete(self._fetcher, held, ahead)
            due = (entry for entry in ahead if entry.release.activates_at <= instant)
            whole = self._serving is None or all(entry.digest in held.snapshots for entry in due)
            if expiry := _expiry(held, wall):
                fault, whole = fault or Untrusted(expiry), False
        except Exception as error:  # whatever it is, the last good release answers and the error is shown
            fault = error
        with self._own_locks().switching:
            self._held = held
            if whole:
                self._checked = (wall, monotonic)
            if fault is None:
                self._ready = (wall, monotonic)
            self._remember(fault, wall, monotonic)
        self._switch()
        return fault

    def _instant(self, held: Held) -> int:
        """Now; but a head proves by its newest release that at least that instant has come."""
        published_at: int = held.head.last.release.published_at
        return max(self._wall(), published_at)

    def _ahead(self, held: Held, instant: int) -> tuple[Entry, ...]:
        """What is to be served instead of the present release: at `instant`, if that one is outdated, and later."""
        active = active_at(held.head, instant)
        served = self._serving.release.revision if self._serving else 0
        entries = ((active,) if active else ()) + pending_at(held.head, instant)
        return tuple(entry for entry in entries if entry.release.revision > served)

    def _remember(self, fault: Exception | None, wall: int, monotonic: int) -> None:
        """Set when the next look is due: after success counted from its start, after a fault from its end."""
        if fault is None:
            self._failures, self._error = 0, None
            self._due = self._due_after(self.ttl_ms(), wall, monotonic)
            return
        self._failures += 1
        self._error = _said(fault)
        delay_ms = FIRST_BACKOFF_MS
        if self._serving is not None:
            # The exponent is bounded so that a long outage builds no long numbers.
            delay_ms = min(delay_ms << min(self._failures - 1, 20), max(delay_ms, self.ttl_ms()))
        self._due = self._due_after(delay_ms, self._wall(), self._monotonic())

    def _due_after(self, delay_ms: int, wall: int, monotonic: int) -> _Due:
        jittered_ms = int(delay_ms * (1 - JITTER * self._random()))
        return _Due(monotonic + jittered_ms, wall, wall + jittered_ms)

    def _switch(self) -> None:
        """Serve what is active by the wall clock, as far as it is held; needs no network."""
        with self._own_locks().switching:
            held = self._held
            if held.head is None:
                return
            instant = self._instant(held)
            ahead = self._ahead(held, instant)
            due = bool(ahead) and ahead[0].release.activates_at <= instant
            if due and ahead[0].digest not in held.snapshots:
                # Another release is active, and is known to be: the last look that counts is the one that had it all.
                self._checked = self._ready
            elif due:
                entry, ahead = ahead[0], ahead[1:]
                snapshot = held.snapshots[entry.digest]
                self._serving = Serving(snapshot, entry.release, entry.digest, entry, None, self._wall())
                self._held = held = pruned(held, entry, ahead)
            if self._serving is not None:
                self._serving = self._serving._replace(checked_at=self._checked and self._checked[0])
                instants = (at for entry in ahead if (at := entry.release.activates_at) > instant)
                look = self._due
                self._fast = (self._serving, look.monotonic, look.seen_wall, min(look.wall, *instants, look.wall))

    def _own_locks(self) -> _Locks:
        """The locks of this process: one that a thread held when its process forked is held in the child for ever."""
        pid = getpid()
        return self._locks.get(pid) or self._locks.setdefault(pid, _Locks(allocate_lock(), allocate_lock()))


def _expiry(held: Held, now: int) -> str | None:
    """What there is to say of a head that has expired."""
    head = held.head
    if head is None or head.expires_at is None or now < head.expires_at:
        return None
    return (
        f"head of {head.environment!r} (revision {head.revision}) has expired at {format_instant(head.expires_at)} "
        "and nobody has signed it anew"
    )


def _said(fault: Exception) -> str:
    return str(fault) if isinstance(fault, BurgeeError) else f"{type(fault).__name__}: {fault}"
