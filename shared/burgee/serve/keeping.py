"""What a function does beside answering: it keeps the last good releases in a folder, and says when they grow old.

Law: nothing that goes wrong here keeps an answer back. A function has no time of its own, so this happens when it is
asked, at most once a second.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..bundle.index import Index
    from ..fetch.clock import Clock
    from ..fetch.disk import Disk
    from ..fetch.environments import Environments
    from ..fetch.live import Live, Serving

LOOK_MS = 1_000
SAY_MS = 60_000
# What the alarm of a deployment looks for in the log.
STALE = "burgee: stale"


class Keeper:
    """Called after each answer; safe among threads, as what is written twice is the same."""

    __slots__ = ("_clock", "_environments", "_folder", "_index", "_keep_at", "_kept", "_look_at", "_said_at", "_say")

    def __init__(
        self, environments: Environments, folder: str | None, *, clock: Clock, say: Callable[[str], object]
    ) -> None:
        """Without a folder nothing is kept. `say` writes a line to the log."""
        self._environments = environments
        self._folder = folder
        self._clock = clock
        self._say = say
        self._kept: dict[str, tuple[Disk, Serving | None]] = {}
        self._index: Index | None = None
        # The first answer of a function is late enough as it is.
        self._look_at = clock.monotonic() + LOOK_MS
        self._said_at: int | None = None
        self._keep_at = 0

    def __call__(self) -> None:
        """Look after things, if it is time to."""
        instant = self._clock.monotonic()
        if instant < self._look_at:
            return
        self._look_at = instant + LOOK_MS
        lives = self._environments.opened()
        self._say_stale(lives, instant)
        if self._folder is None or instant < self._keep_at:
            return
        try:
            for live in lives:
                self._keep(live, self._folder)
            self._keep_index(self._folder)
        except OSError as error:
            self._say(f"burgee: cannot keep the last good release in {self._folder}: {error.strerror}")
            self._keep_at = instant + SAY_MS

    def _say_stale(self, lives: tuple[Live, ...], instant: int) -> None:
        if self._said_at is not None and instant - self._said_at < SAY_MS:
            return
        for line in self._stale(lives):
            self._say(f"{STALE}: {line}")
            self._said_at = instant

    def _stale(self, lives: tuple[Live, ...]) -> Iterator[str]:
        fault = self._environments.fault()
        if fault is not None:
            yield f"the environment index: {fault}"
        for status in (live.status() for live in lives):
            if status.stale and status.last_error:
                age = "from before this start" if status.age_ms is None else f"{status.age_ms // 1000} s old"
                served = f"at revision {status.revision}, {age}" if status.revision else "without a release"
                yield f"{status.environment} {served}: {status.last_error}"

    def _keep(self, live: Live, folder: str) -> None:
        serving = live.window()[0]
        disk, before = self._kept.get(live.environment, (None, None))
        if serving is before:
            return
        held = live.kept()
        if held is None:
            return
        if disk is None:
            from ..fetch.disk import Disk

            disk = Disk(folder, live.environment)
        disk.keep(held)
        self._kept[live.environment] = disk, serving

    def _keep_index(self, folder: str) -> None:
        index = self._environments.index()
        if index is self._index or index is None or not index.repository:
            return
        from ..fetch.disk import Disk

        Disk(folder, "").keep_index(index)
        self._index = index
