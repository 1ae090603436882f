"""The timer of a long-running host: what no event told, and what only time brings about."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from threading import Event, Thread

from ..bundle.head import active_at
from ..core.errors import BurgeeError
from ..deliver.settle import Settled, settle
from ..store.port import Store

SETTLE_SECONDS = 1.0
PUBLISH_SECONDS = 30.0
_log = logging.getLogger("burgee.host")


class Reconciler:
    """Settles static snapshots every second, and publishes every half minute, until it is stopped."""

    def __init__(self, store: Store, *, now: Callable[[], int], publish: Callable[[], object]) -> None:
        self._store = store
        self._now = now
        self._publish = publish
        self._settled: dict[str, Settled | None] = {}
        self._stop = Event()
        self._thread = Thread(target=self._run, name="burgee-reconciler", daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is under way."""
        self._stop.set()
        self._thread.join(10.0)

    def settle(self) -> None:
        """Bring the static snapshots up to date where another release is active than last time, or a step has come."""
        found = self._store.read_index()
        for name in found[0].environments if found else ():
            self._guarded(partial(self._settle, name))

    def _settle(self, name: str) -> None:
        head = self._store.read_head(name)
        active, settled = active_at(head[0], self._now()) if head else None, self._settled.get(name)
        if active is None:
            return
        if settled is None or settled.digest != active.digest or _is_over(settled, self._now()):
            self._settled[name] = settle(self._store, name, now=self._now)

    def _run(self) -> None:
        waited = 0.0
        while not self._stop.wait(SETTLE_SECONDS):
            waited += SETTLE_SECONDS
            self._guarded(self.settle)
            if waited >= PUBLISH_SECONDS:
                waited = 0.0
                self._guarded(self._publish)

    def _guarded(self, step: Callable[[], object]) -> None:
        """One step's fault never keeps the next from being tried, nor ends the timer."""
        try:
            step()
        except BurgeeError as error:
            _log.warning("reconciling failed and is tried again: %s", error)
        except Exception:
            _log.exception("reconciling failed by a fault of burgee's own and is tried again")


def _is_over(settled: Settled, now: int) -> bool:
    return settled.until is not None and settled.until <= now
