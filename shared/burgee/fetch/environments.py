"""The environments of a store as a reader sees them: the index, kept fresh, and a live snapshot of each.

Law: an index that cannot be read leaves the last one in force.
"""

from __future__ import annotations

from _thread import allocate_lock
from contextlib import suppress

from ..bundle import keys
from ..bundle.index import Index, Listed, decode_index
from ..core.errors import BurgeeError, EnvironmentNotFound, NotFound, NotReady
from .held import INDEX_BYTES
from .live import PATIENCE_SECONDS, Live
from .port import NOT_MODIFIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock
    from .port import Fetcher
    from .verify import Verifier

_BACKOFF_MS = 1_000


class Environments:
    """Live snapshots by environment; safe among threads, for whatever is replaced is replaced whole."""

    __slots__ = (
        "_clock",
        "_etag",
        "_failures",
        "_fast",
        "_fault",
        "_fetcher",
        "_index",
        "_kept",
        "_lives",
        "_look_at",
        "_looked_at",
        "_looking",
        "_monotonic",
        "_random",
        "_ttl_ms",
        "_verifier",
        "_wall",
    )

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        ttl_ms: int,
        clock: Clock,
        random: Callable[[], float],
        only: str | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        """`only` serves one environment, which is then the default, and spares reading the index.

        With a `verifier` heads count only if that believes them, and the index for no more than which there are.
        """
        self._fetcher = fetcher
        self._ttl_ms = ttl_ms
        self._clock = clock
        self._monotonic = clock.monotonic
        self._wall = clock.wall
        self._random = random
        self._verifier = verifier
        self._lives: dict[str, Live] = {}
        self._index = Index("", {only: Listed("", True)}) if only else None
        self._etag: str | None = None
        self._fault: BurgeeError | None = None
        self._failures = 0
        # (monotonic, wall): the next look at the index, and the last one; None with `only`.
        self._look_at: tuple[float, float] | None = None if only else (float("-inf"), float("-inf"))
        self._looked_at = 0
        # What `find` has found, and for how long that holds: the monotonic and the wall time that `_is_due` compares.
        never = (float("inf"), float("-inf"), float("inf")) if only else (float("-inf"), 0, 0)
        self._fast: tuple[dict[str, Live], float, float, float] = ({}, *never)
        self._looking = allocate_lock()
        self._kept: Fetcher | None = None

    def resume(self, fetcher: Fetcher) -> None:
        """Take over what was kept of earlier looks, for as long as the store does not answer; it counts as no look."""
        self._kept = fetcher
        with suppress(BurgeeError):
            self._index = self._index or decode_index(fetcher.get(keys.INDEX, max_bytes=INDEX_BYTES).content)

    def index(self) -> Index | None:
        """The index that was read last, as it is in force; None before the first."""
        return self._index

    def fault(self) -> BurgeeError | None:
        """What went wrong with the last look at the index."""
        return self._fault

    def opened(self) -> tuple[Live, ...]:
        """The live snapshots of the environments that were asked for."""
        return tuple(self._lives.values())

    def names(self) -> tuple[str, ...]:
        """The environments the store lists, by name. Raises NotReady while the index has not been read once."""
        return tuple(self._current().environments)

    def default(self) -> str | None:
        """The default environment. Raises NotReady while the index has not been read once."""
        name: str | None = self._current().default
        return name

    def live(self, name: str) -> Live:
        """The live snapshot of an environment. Raises EnvironmentNotFound, NotReady."""
        found = self.find(name) if name else None
        if found is None:
            raise EnvironmentNotFound(f"environment {name!r} not found")
        return found

    def find(self, name: str) -> Live | None:
        """The live snapshot of an environment, of the default one for no name; None if there is none. Raises NotReady.

        Once it was found it is found again at the cost of a look at the clocks, until the index is looked at anew.
        """
        found, due_monotonic, seen_wall, due_wall = self._fast
        if self._monotonic() < due_monotonic and seen_wall <= self._wall() < due_wall:
            live = found.get(name)
            if live is not None:
                return live
        live = self._find(self._current(), name)
        if live is not None:
            # Into what was valid at the beginning: after a look just now that is forgotten already, and no harm done.
            found[name] = live
        return live

    def known(self, name: str) -> Live | None:
        """As `find`, by the index that was read last: without a look at the store."""
        return self._find(self._read(), name)

    def refresh(self) -> None:
        """Look at the index and every environment now; faults are kept for `status`, the last good answers."""
        with self._looking:
            self._fault = self._look()
        for name in self._index.environments if self._index else ():
            try:
                self.live(name).refresh()
            except BurgeeError:
                continue

    def _find(self, index: Index, name: str) -> Live | None:
        found = name or index.default
        if found is None or found not in index.environments:
            return None
        return self._lives.get(found) or self._begin(found)

    def _begin(self, name: str) -> Live:
        made = Live(
            self._fetcher,
            name,
            ttl_ms=self._ttl_ms,
            clock=self._clock,
            random=self._random,
            verifier=self._verifier,
        )
        if self._kept is not None:
            with suppress(BurgeeError):
                made.resume(self._kept)
        return self._lives.setdefault(name, made)

    def _current(self) -> Index:
        if self._look_at is not None and self._is_due(self._look_at):
            self._look_alone()
        return self._read()

    def _read(self) -> Index:
        if self._index is None:
            raise NotReady(f"the store lists no environments yet: {self._fault}") from self._fault
        return self._index

    def _look_alone(self) -> None:
        """Look, unless another thread does; before the first good look wait for that one, bounded."""
        if not self._looking.acquire(timeout=0 if self._index else PATIENCE_SECONDS):
            return
        try:
            if self._look_at is not None and self._is_due(self._look_at):
                self._fault = self._look()
        finally:
            self._looking.release()

    def _is_due(self, look_at: tuple[float, float]) -> bool:
        wall = self._wall()
        return self._monotonic() >= look_at[0] or wall >= look_at[1] or wall < self._looked_at

    def _look(self) -> BurgeeError | None:
        if self._look_at is None:
            return None
        fault: BurgeeError | None = None
        try:
            fetched = self._fetcher.get(keys.INDEX, self._etag, max_bytes=INDEX_BYTES)
            if fetched is not NOT_MODIFIED:
                index = decode_index(fetched.content)
                self._index = index if self._verifier is None else self._verifier.index(index, self._lives)
                self._etag = fetched.etag
                # Those of pull requests come and go, and would stay in memory for ever.
                self._lives = {name: live for name, live in self._lives.items() if name in self._index.environments}
        except NotFound as error:
            fault = NotReady(f"nothing has been published to it, or it is another place: {error}")
        except BurgeeError as error:
            fault = error
        self._failures = self._failures + 1 if fault else 0
        self._postpone(self._pause_ms() if fault else self._ttl_ms)
        return fault

    def _pause_ms(self) -> int:
        """Until the next look after a fault: longer and longer while there is something to answer from meanwhile."""
        if self._index is None:
            return _BACKOFF_MS
        # The exponent is bounded so that a long outage builds no long numbers.
        return min(_BACKOFF_MS << min(self._failures - 1, 20), max(_BACKOFF_MS, self._ttl_ms))

    def _postpone(self, milliseconds: int) -> None:
        self._looked_at = self._wall()
        self._look_at = (self._monotonic() + milliseconds, self._looked_at + milliseconds)
        self._fast = ({}, self._look_at[0], self._looked_at, self._look_at[1])
