"""The refresh hook: a publisher tells a reader to look at the store now, instead of at the end of its TTL.

Law: nobody who does not know the secret causes a look; and however many hooks come at once, one look runs and at most
one more follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Condition
from typing import Any

from ..core.errors import BurgeeError, InvalidRequest, NotReady, Unavailable
from ..core.instant import format_instant
from ..core.signature import HEADER, check_signature
from ..fetch.environments import Environments
from ..fetch.live import Live
from ..serve.answers import answer, failure, read_object
from ..serve.message import Request, Response
from .asgi import plain

PATH = "/hooks/refresh"
LARGEST_HOOK = 64 * 1024
_PATIENCE_SECONDS = 20.0
_NOT_HERE = "this server takes no refresh hooks; set BURGEE_REFRESH_SECRET here and where you publish"


class RefreshHook:
    """Answers the hook: 200 with what is served, 202 if the look failed or did not see the revision that is named."""

    def __init__(
        self, environments: Environments, secret: str | None, *, now: Callable[[], int], tell: Callable[[], object]
    ) -> None:
        """Without a secret there is no hook (404). `tell` is told after each look."""
        self._environments = environments
        self._secret = secret
        self._now = now
        self._tell = tell
        self._looks: dict[str, SingleFlight] = {}

    def __call__(self, request: Request) -> Response:
        if self._secret is None:
            return plain(404, _NOT_HERE)
        if request.method != "POST":
            return plain(405, "a refresh is asked for with POST", (("allow", "POST"),))
        try:
            check_signature(self._secret, request.headers.get(HEADER, ""), request.body, self._now())
            environment, revision = _asked(request)
            found = [_served(live) for live in self._refreshed(environment)]
        except BurgeeError as error:
            return failure(request, error)
        seen = all(_has(each, revision) for each in found)
        return answer(request, {"environments": found}, status=200 if seen else 202)

    def _refreshed(self, environment: str) -> list[Live]:
        """The environment of that name, all for none, after a look. Raises EnvironmentNotFound, NotReady."""
        # One that is not known may be new: the store's list is to be seen first.
        self._look(environment if self._is_known(environment) else "")
        names = (environment,) if environment else self._environments.names()
        return [self._environments.live(name) for name in names]

    def _is_known(self, environment: str) -> bool:
        try:
            return bool(environment) and self._environments.known(environment) is not None
        except NotReady:
            return False

    def _look(self, environment: str) -> None:
        """Raises Unavailable when others have been looking for too long; other faults are kept for `status`."""
        self._looks.setdefault(environment, SingleFlight(partial(self._refresh, environment))).run()
        self._tell()

    def _refresh(self, environment: str) -> None:
        if not environment:
            self._environments.refresh()
            return
        with suppress(BurgeeError):
            self._environments.live(environment).refresh()


class SingleFlight:
    """Runs a call for many threads at once, so that each of them sees one that began after it asked."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._changed = Condition()
        self._begun = 0
        self._ended = 0

    def run(self) -> None:
        """Return after a call that began after this one. Raises Unavailable when that takes too long to come."""
        with self._changed:
            wanted = self._begun + 1
            while self._ended < wanted and self._begun > self._ended:
                if not self._changed.wait(_PATIENCE_SECONDS):
                    raise Unavailable("others have been looking at the store for too long; it is looked at later")
            if self._ended >= wanted:
                return
            self._begun += 1
        try:
            self._call()
        finally:
            with self._changed:
                self._ended += 1
                self._changed.notify_all()


def _asked(request: Request) -> tuple[str, int]:
    """The environment, empty for every one, and the revision it should have, 0 for any. Raises InvalidRequest."""
    fields = read_object(request)
    environment, revision = fields.get("environment"), fields.get("revision")
    if not isinstance(environment, str | None):
        raise InvalidRequest(f"`environment` is the name of one, got {environment!r:.60}")
    if revision is None:
        return environment or "", 0
    if type(revision) is not int or revision < 1:
        raise InvalidRequest(f"`revision` is a number from 1, got {revision!r:.60}")
    if not environment:
        raise InvalidRequest("`revision` is one of an `environment`, and none is named")
    return environment, revision


def _served(live: Live) -> dict[str, Any]:
    status = live.status()
    return {
        "environment": status.environment,
        "revision": status.revision,
        "release": status.digest,
        "pending": [
            {"revision": revision, "activates_at": format_instant(instant)} for revision, instant in status.pending
        ],
        "error": status.last_error,
    }


def _has(found: dict[str, Any], revision: int) -> bool:
    """Whether what is served or pending has come to the revision, as far as the last look could see."""
    known = [found["revision"] or 0, *(each["revision"] for each in found["pending"])]
    return max(known) >= revision and found["error"] is None
