"""What is asked with `?at=`: the answer that was given at an instant that has passed.

Law: it is the release of then, evaluated at the instant of then, by the very handlers that answer now; only who may ask
is decided by the tokens and the clock of now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlencode

from ..core.errors import EnvironmentNotFound, InvalidDocument, InvalidRequest
from ..core.instant import format_instant, parse_instant
from ..fetch.environments import Environments
from ..fetch.history import History
from ..fetch.live import Live, Serving
from ..serve.app import App
from ..serve.auth import EVENTS, Gate
from ..serve.message import Request, Response
from ..serve.opening import service_over
from ..serve.scopes import Scopes
from ..serve.service import Service

if TYPE_CHECKING:
    from ..fetch.port import Fetcher
    from ..fetch.verify import Verifier

_MOUNTS = ("/evaluate/", "/api/", "/internal/", "/client/", "/ofrep/")
_STREAM = "/stream"
# With keys an instant costs a read for each release since: so many may be asked for while others wait to be answered.
_REACH = 2_000


class Past:
    """Answers requests of an instant from the logs of the environments; safe among threads."""

    def __init__(
        self,
        fetcher: Fetcher,
        environments: Environments,
        *,
        gate: Gate | None,
        now: Callable[[], int],
        verifier: Verifier | None = None,
    ) -> None:
        """`fetcher` reads the store of the environments, `now()` is in milliseconds since the epoch."""
        self._fetcher = fetcher
        self._environments = environments
        self._gate = gate
        self._now = now
        self._verifier = verifier
        self._histories: dict[str, History] = {}

    def __call__(self, request: Request, at: str) -> Response:
        """The answer as of the instant of a text. Raises InvalidRequest for one that is none or still to come, and for
        one that History refuses."""
        instant = self._instant(at)
        path = "/" + request.path.strip("/")
        if not path.startswith(_MOUNTS) or path.startswith(EVENTS) or path.endswith(_STREAM):
            raise InvalidRequest("?at= goes with what evaluates, lists flags or gives a snapshot, with nothing else")
        response = App(self._service(instant)).answer(_without_at(request))
        return response._replace(headers=(*response.headers, ("burgee-at", format_instant(instant))))

    def history(self, environment: str) -> History:
        """The log of an environment; what was read of it is kept for as long as the store lists it."""
        found = self._histories.get(environment)
        if found is None:
            listed = {name: kept for name, kept in self._histories.items() if self._environments.known(name)}
            found = History(self._fetcher, environment, verifier=self._verifier, reach=_REACH)
            self._histories = {**listed, environment: found}
        return found

    def _instant(self, text: str) -> int:
        try:
            # In a query `+` is a blank to most who read one.
            instant = parse_instant(text.replace(" ", "+"))
        except InvalidDocument as error:
            raise InvalidRequest(f"at: {error}") from error
        if instant > self._now():
            raise InvalidRequest(f"at: {format_instant(instant)} is still to come, and what is planned may change")
        return instant

    def _service(self, instant: int) -> Service:
        # Stand-ins, of which no more is asked than they have.
        environments = cast(Environments, _Environments(self, self._environments, instant, self._now()))
        gate = None if self._gate is None else cast(Gate, _Guarded(self._gate, self._now))
        return service_over(environments, gate, now=lambda: instant)


@dataclass(frozen=True, slots=True)
class _Guarded:
    """The gate, for those who may ask of the past now."""

    gate: Gate
    now: Callable[[], int]

    def admit(self, request: Request, now: Callable[[], int]) -> Scopes:
        return self.gate.admit(request, self.now, history=True)


@dataclass(frozen=True, slots=True)
class _Environments:
    """The environments that there are, as they were at an instant."""

    past: Past
    present: Environments
    instant: int
    now: int

    def find(self, name: str) -> _Then | None:
        return self._then(self.present.find(name))

    def known(self, name: str) -> _Then | None:
        return self._then(self.present.known(name))

    def live(self, name: str) -> _Then:
        found = self.find(name)
        if found is None:
            raise EnvironmentNotFound(f"environment {name!r} not found")
        return found

    def default(self) -> str | None:
        return self.present.default()

    def names(self) -> tuple[str, ...]:
        return self.present.names()

    def _then(self, live: Live | None) -> _Then | None:
        if live is None:
            return None
        return _Then(live.environment, self.past.history(live.environment), self.instant, self.now)


@dataclass(frozen=True, slots=True)
class _Then:
    """An environment at an instant, asked for now."""

    environment: str
    history: History
    instant: int
    now: int

    def current(self) -> Serving:
        """What was answered from. Raises NotFound when there was nothing to, and as History does."""
        serving: Serving = self.history.at(self.instant, now=self.now)._replace(checked_at=self.instant)
        return serving

    present = current


def _without_at(request: Request) -> Request:
    pairs = [pair for pair in parse_qsl(request.query, keep_blank_values=True) if pair[0] != "at"]
    return request._replace(query=urlencode(pairs))
