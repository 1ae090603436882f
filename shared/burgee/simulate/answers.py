"""What was answered, beside what the log says was active: the promise, checked answer by answer.

Law: an answer is judged at the real time at which it is given, which no reader knows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..bundle.release import Release
from .scenario import CHARTED, Scenario

CHART_STEP_MS = 250
_KEPT = 10


@dataclass(frozen=True, slots=True)
class Strayed:
    """An answer that no reader may give: of no release that is active within the skew, though its last look is fresh.

    `instant` is real, in milliseconds; `off` how long before (negative) or after the instant of the change; `age` is
    the reader's own, or None."""

    reader: int
    instant: int
    revision: int
    active: int
    off: int
    age: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """The release `revision` becomes the active one at `instant`.

    `first` is when a fresh reader first answered it, `last` when one last answered an older one; None where none did.
    """

    revision: int
    instant: int
    first: int | None = None
    last: int | None = None

    @property
    def window(self) -> int:
        """For how long (ms) fresh readers gave different answers."""
        return 0 if self.first is None or self.last is None else max(0, self.last - self.first)


class Answers:
    """Counts answers as they are heard; `reader` is whose they are."""

    def __init__(self, scenario: Scenario, releases: Sequence[Release]) -> None:
        self.reader = 0
        self.fresh = self.stale = self.strayed_count = 0
        self.strayed: list[Strayed] = []
        self.worst: Strayed | None = None
        self.shares: dict[int, list[int]] = {}
        self._skew = scenario.skew
        self._fresh_until = scenario.fresh
        self._charted_at = releases[CHARTED - 1].published_at
        changes = _changes(releases)
        self._instants = [change.instant for change in changes]
        self._revisions = [change.revision for change in changes]
        self._first: list[int | None] = [None] * len(changes)
        self._last: list[int | None] = [None] * len(changes)

    def hear(self, instant: int, revision: int, age: int | None, stale: bool) -> None:
        """An answer given at the real `instant` (ms), from a reader of that `age` (ms), which may call it stale."""
        fresh = age is not None and age <= self._fresh_until
        now = bisect_right(self._instants, instant)
        if fresh:
            self.fresh += 1
            self._chart(instant, revision)
            self._measure(instant, revision, now)
        else:
            self.stale += 1
        if revision != self._revisions[now - 1] and (fresh or not stale):
            self._judge(instant, revision, age, now)

    def changes(self) -> tuple[Change, ...]:
        """The changes that readers saw: all but the first release's."""
        return tuple(map(Change, self._revisions, self._instants, self._first, self._last))[1:]

    def _chart(self, instant: int, revision: int) -> None:
        share = self.shares.setdefault((instant - self._charted_at) // CHART_STEP_MS, [0, 0])
        share[0] += 1
        share[1] += revision >= CHARTED

    def _measure(self, instant: int, revision: int, now: int) -> None:
        """Remember the first answer that has a change, and the last one, after it, that has it not."""
        has = bisect_right(self._revisions, revision)
        for change in range(min(has, now) - 1, max(has, now)):
            if has > change:
                self._first[change] = min(instant, self._first[change] or instant)
            else:
                self._last[change] = max(instant, self._last[change] or instant)

    def _judge(self, instant: int, revision: int, age: int | None, now: int) -> None:
        """A wrong answer has strayed unless by a clock that is off within the skew its release is the active one."""
        near = self._instants[max(0, now - 1) : now + 1]
        off = min((instant - change for change in near), key=abs)
        strayed = Strayed(self.reader, instant, revision, self._revisions[now - 1], off, age)
        if self.worst is None or abs(off) > abs(self.worst.off):
            self.worst = strayed
        first, last = (bisect_right(self._instants, instant + skew) for skew in (-self._skew, self._skew))
        if revision in self._revisions[max(0, first - 1) : last]:
            return
        self.strayed_count += 1
        # One of each reader says enough.
        if len(self.strayed) < _KEPT and not (self.strayed and self.strayed[-1].reader == self.reader):
            self.strayed.append(strayed)


def _changes(releases: Sequence[Release]) -> list[Change]:
    """When which release becomes the active one: the highest among those whose instant has come."""
    changes: list[Change] = []
    for release in sorted(releases, key=lambda release: (release.activates_at, -release.revision)):
        if not changes or release.revision > changes[-1].revision:
            changes.append(Change(release.revision, release.activates_at))
    return changes
