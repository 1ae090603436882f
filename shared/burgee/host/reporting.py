"""Telling the store what this process serves: one small object for each environment, written anew while it lives.

Law: reporting is never in the way. It has a thread of its own, asks a store that does not answer once and not for long,
and a fault is said once and tried again with the next report.

A store has no verb that removes. A report says when it expires, and who starts takes over a place whose report has
expired long since, if it finds one; so there are hardly more objects than there were readers at once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from random import sample

from .. import __version__
from ..core.errors import BurgeeError, Conflict, ContentError
from ..deliver.instances import LIFETIME_MS, Instance, decode_instance, encode_instance
from ..fetch.environments import Environments
from ..fetch.live import Live
from ..store.port import Store
from .repeating import Repeating

Say = Callable[[str], None]
EVERY_MS = 60_000
# So long has a place been empty before another reader takes it: its own may only have been frozen.
_GRACE_MS = 3_600_000
_LOOKED_AT = 20
_LONGEST_HOST = 60
_log = logging.getLogger("burgee.host")


@dataclass(frozen=True, slots=True)
class _Written:
    """A report, where it is, and the etag of its object; when it was written, in milliseconds."""

    place: str
    etag: str
    report: Instance
    at: int


class Reporting(Repeating):
    """As a context manager it reports until the context ends; then it says that it has ended.

    It is woken when what is served may have changed, which is reported then.
    `instance` is a name as `name_of` gives it, kept for the process; `now()` is in milliseconds since the epoch.
    """

    def __init__(
        self, store: Store, environments: Environments, *, instance: str, now: Callable[[], int], say: Say
    ) -> None:
        super().__init__("burgee-reporting", at_end=self.end)
        self._store = store
        self._environments = environments
        self._instance = instance
        self._now = now
        self._say = say
        self._written: dict[str, _Written] = {}
        self._since: dict[str, tuple[str | None, int]] = {}
        self._said: dict[str, str] = {}

    def report(self) -> None:
        """Write what has changed since the last report, and what is a minute old."""
        for live in self._environments.opened():
            self._guarded(live.environment, partial(self._report, live))

    def end(self) -> None:
        """Let what was reported expire now."""
        for environment, written in self._written.items():
            ended = replace(written.report, expires_at=self._now())
            self._guarded(environment, partial(self._swap, written.place, ended, written.etag))

    def _step(self) -> float:
        self.report()
        return EVERY_MS

    def _report(self, live: Live) -> None:
        report, written = self._seen(live), self._written.get(live.environment)
        if written is not None:
            same = replace(report, seen_at=written.report.seen_at, expires_at=written.report.expires_at)
            if same == written.report and 0 <= self._now() - written.at < EVERY_MS:
                return
            try:
                etag = self._swap(written.place, report, written.etag)
            except Conflict:
                # Somebody has taken the place while this process was frozen.
                written = None
            else:
                self._written[live.environment] = _Written(written.place, etag, report, self._now())
        if written is None:
            self._written[live.environment] = self._first(report)

    def _seen(self, live: Live) -> Instance:
        status, now = live.status(), self._now()
        known = self._since.get(live.environment)
        if known is None or known[0] != status.digest:
            known = self._since[live.environment] = status.digest, now
        return Instance(
            instance=self._instance,
            environment=live.environment,
            revision=status.revision,
            bundle=status.bundle,
            release=status.digest,
            since=None if status.digest is None else known[1],
            seen_at=None if status.age_ms is None else now - status.age_ms,
            stale=status.stale,
            expires_at=now + LIFETIME_MS,
            version=__version__,
        )

    def _first(self, report: Instance) -> _Written:
        """The report at a place of its own: one that was given up, else a new one."""
        places = self._store.list_instances(report.environment)
        for place in sample(places, min(_LOOKED_AT, len(places))):
            etag = self._given_up(report.environment, place)
            if etag is not None:
                try:
                    return _Written(place, self._swap(place, report, etag), report, self._now())
                except Conflict:
                    # Another reader that starts has taken it.
                    continue
        place = next(name for name in _places_of(self._instance) if name not in places)
        return _Written(place, self._swap(place, report, None), report, self._now())

    def _given_up(self, environment: str, place: str) -> str | None:
        """The etag of a place whose report has expired long since."""
        try:
            found = self._store.read_instance(environment, place)
            if found is None or decode_instance(found[0], environment).expires_at + _GRACE_MS > self._now():
                return None
        except (BurgeeError, ContentError):
            return None
        return found[1]

    def _swap(self, place: str, report: Instance, etag: str | None) -> str:
        return self._store.swap_instance(report.environment, place, encode_instance(report), etag)

    def _guarded(self, environment: str, step: Callable[[], object]) -> None:
        try:
            step()
        except BurgeeError as error:
            self._say_once(environment, f"what is served could not be reported: {error}")
        except Exception:
            _log.exception("reporting failed by a fault of burgee's own and is tried again")
        else:
            if self._said.pop(environment, None):
                self._say(f"{environment}: what is served is reported again")

    def _say_once(self, environment: str, text: str) -> None:
        if self._said.get(environment) != text:
            self._said[environment] = text
            self._say(f"{environment}: {text}")


def name_of(host: str, random: str) -> str:
    """The name of a process: its host's, of letters, digits, dots and hyphens, and what is random."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", host)[:_LONGEST_HOST].strip("-.")
    return f"{plain or 'host'}-{random}"


def _places_of(instance: str) -> Iterator[str]:
    """Places by its name; the first one is somebody else's now if it was frozen for long."""
    name = re.sub(r"[^a-z0-9]+", "-", instance.lower())
    yield name
    yield from (f"{name}-{number}" for number in count(2))
