"""All mirrors of a publish, each by itself and at the same time.

Law: mirrors come after the primary and after readers were told. One that fails, or takes too long, is said in the
receipt and holds nothing back; no mirror is written by two threads of a process. Whenever one comes to show a release,
in time or late, the head learns how long that took: its readers are to be ready for the next instant too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING

from ..bundle.addresses import shown_url
from ..bundle.head import LONGEST_LAG_MS
from ..core.errors import BurgeeError
from ..store.port import Store
from .mirror import bring
from .receipt import Mirrored, Receipt
from .tending import note_lag

if TYPE_CHECKING:
    from .publisher import Means

# For all of them together, so that a mirror that hangs does not cost a function its time.
SECONDS = 20.0
_LATE = f"not done after {SECONDS:g} seconds"
_BUSY = "still being written since the last time"


@dataclass(frozen=True, slots=True)
class Became:
    """What became of an environment at its mirrors, and what is to be said beside that."""

    mirrors: tuple[Mirrored, ...] = ()
    warnings: tuple[str, ...] = ()

    def on(self, receipt: Receipt) -> Receipt:
        """The receipt that says so too."""
        return replace(receipt, mirrors=self.mirrors, warnings=(*receipt.warnings, *self.warnings))


@dataclass(slots=True)
class _Copy:
    """One environment on its way to one mirror, and what became of it."""

    environment: str
    result: Mirrored


@dataclass(frozen=True, slots=True)
class _Source:
    """What mirrors are brought from, and whether those of others are taken over."""

    means: Means
    adopt: bool


class Mirrors:
    """The mirrors that a process writes; `open_mirror` gives the store at the URL of one."""

    def __init__(self, open_mirror: Callable[[str], Store]) -> None:
        self._open = open_mirror
        self._stores: dict[str, Store] = {}
        self._writing: dict[str, Thread] = {}
        # One at a time writes what it measured to the head of the primary; by environment, what no receipt said yet.
        self._noting = Lock()
        self._unsaid: dict[str, tuple[str, ...]] = {}

    def write(
        self, means: Means, wanted: Mapping[str, Sequence[str]], *, adopt: bool = False, seconds: float = SECONDS
    ) -> dict[str, Became]:
        """What became of each environment at each of its mirrors; `wanted` maps environments to URLs.

        `adopt` takes over mirrors of another repository.
        """
        urls = dict.fromkeys(url for mirrors in wanted.values() for url in mirrors)
        copies = {
            url: [_Copy(name, Mirrored(url, None, _LATE)) for name in wanted if url in wanted[name]] for url in urls
        }
        deadline = time.monotonic() + seconds
        for thread in [self._begin(_Source(means, adopt), url, copies[url]) for url in urls]:
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        results = {
            name: tuple(copy.result for url in mirrors for copy in copies[url] if copy.environment == name)
            for name, mirrors in wanted.items()
        }
        return {name: Became(mirrors, self._unsaid.pop(name, ())) for name, mirrors in results.items()}

    def _begin(self, source: _Source, url: str, copies: Sequence[_Copy]) -> Thread | None:
        """The thread that writes a mirror; None while the one of an earlier time still does."""
        before = self._writing.get(url)
        if before is not None and before.is_alive():
            for copy in copies:
                copy.result = Mirrored(url, None, _BUSY)
            return None
        # A daemon: what no time-out bounds may not hold the end of the process up.
        thread = Thread(target=self._bring_all, args=(source, url, copies), daemon=True)
        self._writing[url] = thread
        thread.start()
        return thread

    def _bring_all(self, source: _Source, url: str, copies: Sequence[_Copy]) -> None:
        for copy in copies:
            try:
                copy.result = Mirrored(url, self._brought(source, url, copy.environment), None)
            except BurgeeError as error:
                copy.result = Mirrored(url, None, str(error))
            except Exception as error:
                # A library that stumbles over a mirror's answer is that mirror's fault, and no other's.
                copy.result = Mirrored(url, None, f"{type(error).__name__}: {error}")

    def _brought(self, source: _Source, url: str, environment: str) -> int:
        if url not in self._stores:
            self._stores[url] = self._open(url)
        means = source.means
        return bring(
            means.store,
            self._stores[url],
            environment,
            now=means.rim.now,
            pause=means.pause,
            adopt=source.adopt,
            shown=partial(self._note_lag, means, url, environment),
        )

    def _note_lag(self, means: Means, url: str, environment: str, since: int) -> None:
        lag = max(0, means.rim.now() - since)
        with self._noting:
            if lag > LONGEST_LAG_MS:
                said = (
                    f"mirror {shown_url(url)} shows what was published {lag // 1000} s ago only now: no instant waits "
                    "so long, so its readers may be late again"
                )
                self._unsaid[environment] = (*self._unsaid.get(environment, ()), said)
                return
            # Without it instants are as safe as before; what is wrong with the store is said elsewhere.
            with suppress(BurgeeError):
                note_lag(means, environment, lag)
