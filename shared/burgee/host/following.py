"""Following a store: a thread that looks whenever a look is due, and tells when what is served has changed.

Law: it wakes at the instant a pending release becomes active and at each step of a schedule, so that these too are told
at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..core.errors import BurgeeError
from ..core.snapshot import Snapshot
from ..fetch.environments import Environments
from ..fetch.live import Live
from .repeating import Repeating

if TYPE_CHECKING:
    from ..fetch.clock import Clock

Say = Callable[[str], None]
_FOR_EVER = float("inf")
_log = logging.getLogger("burgee.host")
# Shorter pauses would be haste, not promptness.
_SHORTEST_MS = 5.0
# The steps of a short ramp come faster than clients could be sent whole snapshots.
_BETWEEN_STEPS_MS = 1_000


class _Steps(NamedTuple):
    """A snapshot, and the wall instants from which and until which its flags stay as they are (milliseconds)."""

    snapshot: Snapshot | None
    since: float
    until: float


_NO_STEPS = _Steps(None, 0, _FOR_EVER)


class Following(Repeating):
    """As a context manager it follows until the context ends.

    `ttl_ms` is how long it goes without looking at most; `say` is told of each change in words, `tell` that there was
    one.
    """

    def __init__(
        self, environments: Environments, *, ttl_ms: float, clock: Clock, tell: Callable[[], object], say: Say
    ) -> None:
        super().__init__("burgee-following")
        self._environments = environments
        self._ttl_ms = ttl_ms
        self._clock = clock
        self._tell = tell
        self._say = say
        self._said: dict[str, str] = {}
        self._steps: dict[str, _Steps] = {}
        self._served: object = None

    def see(self) -> float:
        """Say and tell what has changed since the last time; the milliseconds until it is time to see again."""
        try:
            lives = [self._environments.live(name) for name in self._environments.names()]
            default = self._environments.default()
        except BurgeeError as error:
            self._say_once("store", str(error))
            return self._ttl_ms
        self._said.pop("store", None)
        for live in lives:
            self._say_once(live.environment, _state(live))
        self._steps = {live.environment: self._stepped(live) for live in lives}
        served = default, [(live.environment, live.status().digest, self._steps[live.environment]) for live in lives]
        if served != self._served:
            self._served = served
            self._tell()
        return min([self._ttl_ms, *map(self._pause, lives)])

    def _step(self) -> float:
        """See, and let no fault end the following."""
        try:
            return max(_SHORTEST_MS, self.see())
        except Exception:
            _log.exception("following the store failed by a fault of burgee's own and is tried again")
            return self._ttl_ms

    def _say_once(self, name: str, state: str) -> None:
        if self._said.get(name) != state:
            self._said[name] = state
            self._say(f"{name}: {state}")

    def _stepped(self, live: Live) -> _Steps:
        """How far the schedules in what is served have come; the very same until a step comes."""
        wall, known = self._clock.wall(), self._steps.get(live.environment, _NO_STEPS)
        try:
            snapshot = live.present().snapshot
            if known.snapshot is snapshot and known.since <= wall < known.until:
                return known
            steps = [namespace.document.next_step(wall) for namespace in snapshot.namespaces.values()]
        except BurgeeError:
            # Who asks for the flags is told.
            return _NO_STEPS
        ahead = min((step for step in steps if step is not None), default=None)
        if ahead is None:
            return _Steps(snapshot, 0, _FOR_EVER)
        return _Steps(snapshot, wall, max(ahead, wall + _BETWEEN_STEPS_MS) if known.snapshot is snapshot else ahead)

    def _pause(self, live: Live) -> float:
        """The milliseconds until another look is due, a pending release becomes active, or a step comes."""
        status, wall = live.status(), self._clock.wall()
        ends = [instant - wall for _, instant in status.pending]
        if status.revision is not None:
            _, monotonic, _, last_wall = live.window()
            ends += [monotonic - self._clock.monotonic(), last_wall - wall]
            ends.append(self._steps.get(live.environment, _NO_STEPS).until - wall)
        return min(ends, default=self._ttl_ms)


def _state(live: Live) -> str:
    try:
        release = live.current().release
    except BurgeeError as error:
        return str(error)
    fault = live.status().last_error
    answers = f"release {release.revision} {release.bundle[:19]}"
    return f"{answers} goes on answering, the last look failed: {fault}" if fault else f"{answers} answers"
