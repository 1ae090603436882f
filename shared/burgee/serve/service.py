"""What handlers answer from: the environments' live snapshots, a clock, and what the caller may ask for.

Law: whatever is out of a caller's scope is refused here, by its name alone, before the store is looked at.
"""

from __future__ import annotations

from ..core.errors import EnvironmentNotFound, Forbidden
from ..core.snapshot import DEFAULT_NAMESPACE
from .scopes import EVERYTHING, Scopes
from .texts import Releases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from ..core.snapshot import Namespace
    from ..fetch.live import Live, Serving
    from .auth import Gate
    from .message import Request
    from .texts import Texts

    class Environments(Protocol):
        """The environments a store lists."""

        def find(self, name: str) -> Live | None: ...
        def known(self, name: str) -> Live | None: ...
        def live(self, name: str) -> Live: ...
        def default(self) -> str | None: ...
        def names(self) -> tuple[str, ...]: ...


DEFAULT_ENVIRONMENT = "default"
ENVIRONMENT_HEADER = "x-flipt-environment"
_ALIASES = ("", DEFAULT_ENVIRONMENT)
_NOTHING = Scopes()
_MOST_VIEWS = 1_000
_REFUSAL = "the token is not for this environment and namespace"


class Service:
    """The state that requests share, as callers of one scope may use it; safe among threads.

    `now()` is in milliseconds since the epoch, `timer()` counts milliseconds from anywhere, `new_id()` makes ids.
    `streams` says whether this process streams changes.
    """

    __slots__ = (
        "_everything",
        "_releases",
        "_scopes",
        "_views",
        "environments",
        "gate",
        "new_id",
        "now",
        "streams",
        "timer",
    )

    def __init__(
        self,
        environments: Environments,
        *,
        now: Callable[[], int],
        timer: Callable[[], float],
        new_id: Callable[[], str],
        gate: Gate | None,
        streams: bool = False,
    ) -> None:
        """With a `gate` nothing may be asked for but by what `admit` returns; without one everybody may ask."""
        self.environments = environments
        self.now = now
        self.timer = timer
        self.new_id = new_id
        self.gate = gate
        self.streams = streams
        self._scopes = EVERYTHING if gate is None else _NOTHING
        self._everything = gate is None
        self._releases = Releases(environments.known)
        self._views: dict[Scopes, Service] = {}

    def admit(self, request: Request) -> Service:
        """The service as the request's token may use it. Raises Unauthenticated."""
        if self.gate is None:
            return self
        scopes = self.gate.admit(request, self.now)
        return self._views.get(scopes) or self._under(scopes)

    def find(self, request: Request, environment: str, namespace: str) -> tuple[Serving, Namespace]:
        """What is served, as `serving` finds it, and a namespace of it; an empty key is `default`.

        Raises Forbidden, EnvironmentNotFound, NotReady, NamespaceNotFound.
        """
        if self._everything:
            # What nearly every request comes to, without the detours by which the others learn what is wrong.
            live = self.environments.find(environment or request.headers.get(ENVIRONMENT_HEADER, ""))
            if live is not None:
                serving = live.current()
                return serving, serving.snapshot.namespace(namespace)
        else:
            self.check(request, environment, namespace)
        serving = self.serving(request, environment)
        return serving, self.namespace(serving, namespace)

    def find_present(self, request: Request, environment: str, namespace: str) -> tuple[Serving, Namespace]:
        """As `find`, by what is known: without a look at the store."""
        if not self._everything:
            self.check(request, environment, namespace)
        named = environment or request.headers.get(ENVIRONMENT_HEADER, "")
        serving = self.live(named, look=False).present()
        return serving, self.namespace(serving, namespace)

    def check(self, request: Request, environment: str, namespace: str) -> None:
        """Raises Forbidden when the names alone are out of scope, without a look at what exists."""
        named = environment or request.headers.get(ENVIRONMENT_HEADER, "")
        namespace = namespace or DEFAULT_NAMESPACE
        # Which environment is the default one only the store can say.
        hold = self._scopes.hold_somewhere(namespace) if named in _ALIASES else self._scopes.hold(named, namespace)
        if not hold:
            raise Forbidden(_REFUSAL)

    def serving(self, request: Request, named: str = "") -> Serving:
        """What the environment serves that `named`, else the request's header names; else the default one.

        Raises Forbidden, EnvironmentNotFound, NotReady.
        """
        return self.live(named or request.headers.get(ENVIRONMENT_HEADER, "")).current()

    def namespace(self, serving: Serving, key: str) -> Namespace:
        """A namespace of what is served; an empty key is `default`. Raises Forbidden, NamespaceNotFound."""
        if not (self._everything or self._scopes.hold(serving.release.environment, key or DEFAULT_NAMESPACE)):
            raise Forbidden(_REFUSAL)
        found: Namespace = serving.snapshot.namespace(key)
        return found

    def live(self, name: str, *, look: bool = True) -> Live:
        """The live snapshot of an environment; of the default one for no name, and for `default` unless one has that
        name. Without a `look` it is found by what is known. Raises Forbidden, EnvironmentNotFound, NotReady."""
        if not (self._everything or name in _ALIASES or self._scopes.hold_some_of(name)):
            raise Forbidden(_REFUSAL)
        find = self.environments.find if look else self.environments.known
        live = find(name)
        if live is None and name == DEFAULT_ENVIRONMENT:
            live = find("")
        if live is None:
            name = name or DEFAULT_ENVIRONMENT
            raise EnvironmentNotFound(
                f'failed to get environment "{name}" from context: environment: "{name}" not found'
            )
        if not (self._everything or self._scopes.hold_some_of(live.environment)):
            raise Forbidden(_REFUSAL)
        return live

    def names(self) -> Iterator[str]:
        """The environments that may be asked for, by name. Raises NotReady."""
        return (name for name in self.environments.names() if self._everything or self._scopes.hold_some_of(name))

    def texts(self, serving: Serving) -> Texts:
        """The pieces that answers of this release are joined from."""
        return self._releases.texts(serving)

    def headers(self, serving: Serving) -> tuple[tuple[str, str], ...]:
        """Which release answered, and how many seconds ago the store was last seen."""
        return self._releases.texts(serving).headers(serving, self.now())

    def _under(self, scopes: Scopes) -> Service:
        view = Service(
            self.environments,
            now=self.now,
            timer=self.timer,
            new_id=self.new_id,
            gate=self.gate,
            streams=self.streams,
        )
        view._scopes, view._everything, view._releases = scopes, scopes == EVERYTHING, self._releases
        if len(self._views) >= _MOST_VIEWS:
            self._views.clear()
        self._views[scopes] = view
        return view
