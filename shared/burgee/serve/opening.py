"""From settings to an App: the evaluate API over a store, on this machine's clock."""

from __future__ import annotations

from os import F_OK, access, urandom
from time import perf_counter

from ..core.errors import ConfigurationError
from ..fetch.clock import SystemClock, system_random
from ..fetch.connections import Patience
from ..fetch.environments import Environments
from ..fetch.opening import open_fetchers
from .app import App
from .auth import open_gate
from .cors import Cors
from .keeping import Keeper
from .service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..fetch.verify import Verifier
    from ..settings import Settings
    from .auth import Gate


# A function is ended after some seconds, and somebody waits: a look at the index and one at a head have to fit in.
_PATIENCE = Patience(connect=1.0, read=2.0, whole=3.5)


def open_function(
    settings: Settings, environ: Mapping[str, str], *, say: Callable[[str], object]
) -> tuple[App, Callable[[], None]]:
    """The App that the settings describe, and what to call after each of its answers; looks at no store yet.

    `environ` is where stores find their credentials; `say` is told of what goes wrong later on and of no request.
    Raises ConfigurationError.
    """
    if not settings.store:
        raise ConfigurationError("no store: set BURGEE_STORE to its URL, such as s3://bucket/prefix")
    gate = open_gate(settings, now=SystemClock.wall, say=say)
    environments = open_environments(settings.store, settings, environ, patience=_PATIENCE)
    if settings.keep and access(settings.keep, F_OK):
        from ..fetch.file import FileFetcher

        environments.resume(FileFetcher(settings.keep))
    keeper = Keeper(environments, settings.keep, clock=SystemClock(), say=say)
    return App(service_over(environments, gate), cors=open_cors(settings)), keeper


def open_environments(
    url: str, settings: Settings, environ: Mapping[str, str], *, patience: Patience | None = None
) -> Environments:
    """The environments that the settings let a reader see, of the store at `url` or, while it fails, of its mirrors.

    Raises ConfigurationError.
    """
    verifier = open_verifier(settings)
    return Environments(
        open_fetchers((url, *settings.mirrors), environ, patience=patience, verifier=verifier),
        ttl_ms=settings.ttl_ms,
        clock=SystemClock(),
        random=system_random,
        only=settings.environment,
        verifier=verifier,
    )


def service_over(
    environments: Environments, gate: Gate | None, *, streams: bool = False, now: Callable[[], int] = SystemClock.wall
) -> Service:
    """A Service on this machine's clock; without a gate everybody may ask."""
    return Service(environments, now=now, timer=_milliseconds, new_id=new_id, gate=gate, streams=streams)


def open_cors(settings: Settings) -> Cors | None:
    """Which pages may ask; None when none may."""
    return Cors(settings.cors_origins) if settings.cors_origins else None


def new_id() -> str:
    """A random UUID, version 4; spares the import of `uuid`."""
    digits = urandom(16).hex()
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[int(digits[16], 16) % 4]}{digits[17:20]}-{digits[20:]}"
    )


def open_verifier(settings: Settings) -> Verifier | None:
    """What the settings have releases checked by, None for nothing. Raises ConfigurationError."""
    if not settings.verify_keys:
        if settings.verify_repository:
            raise ConfigurationError("BURGEE_VERIFY_REPOSITORY is set and BURGEE_VERIFY_KEYS is not; set both or none")
        return None
    try:
        from ..fetch.verify import Verifier
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "BURGEE_VERIFY_KEYS is set, and this package leaves out what verifies: deploy the package evaluate-verify"
        ) from error
    return Verifier(settings.verify_keys, now=SystemClock.wall, repository=settings.verify_repository)


def _milliseconds() -> float:
    return perf_counter() * 1000
