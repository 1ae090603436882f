"""What handlers answer from: the environments' live snapshots, a clock, and who may ask."""

from __future__ import annotations

from ..core.errors import EnvironmentNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ..fetch.live import Live, Serving
    from .message import Request

    class Environments(Protocol):
        """The environments a store lists."""

        def live(self, name: str) -> Live: ...
        def default(self) -> str | None: ...
        def names(self) -> tuple[str, ...]: ...


DEFAULT_ENVIRONMENT = "default"
ENVIRONMENT_HEADER = "x-flipt-environment"


class Service:
    """The state that requests share; safe among threads.

    `now()` is in milliseconds since the epoch, `timer()` counts milliseconds from anywhere, `new_id()` makes ids.
    """

    __slots__ = ("environments", "new_id", "now", "timer", "token_digests")

    def __init__(
        self,
        environments: Environments,
        *,
        now: Callable[[], int],
        timer: Callable[[], float],
        new_id: Callable[[], str],
        token_digests: frozenset[str] | None,
    ) -> None:
        """`token_digests` are the digests of the tokens that may ask; None lets everybody ask."""
        self.environments = environments
        self.now = now
        self.timer = timer
        self.new_id = new_id
        self.token_digests = token_digests

    def serving(self, request: Request, named: str = "") -> Serving:
        """What the environment serves that `named`, else the request's header names; else the default one.

        `default` means the default environment unless one has that name. Raises EnvironmentNotFound, NotReady.
        """
        return self.live(named or request.headers.get(ENVIRONMENT_HEADER, "")).current()

    def live(self, name: str) -> Live:
        """The live snapshot of an environment, of the default one for an empty name. Raises EnvironmentNotFound."""
        names = self.environments.names()
        default = self.environments.default()
        if name in names:
            return self.environments.live(name)
        if name in ("", DEFAULT_ENVIRONMENT) and default is not None:
            return self.environments.live(default)
        name = name or DEFAULT_ENVIRONMENT
        raise EnvironmentNotFound(f'failed to get environment "{name}" from context: environment: "{name}" not found')

    def headers(self, serving: Serving) -> tuple[tuple[str, str], ...]:
        """Which release answered, and how many seconds ago the store was last seen."""
        age = max(0, self.now() - serving.checked_at) // 1000
        return (
            ("burgee-environment", serving.release.environment),
            ("burgee-revision", str(serving.release.revision)),
            ("burgee-age", str(age)),
        )
