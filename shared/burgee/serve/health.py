"""Whether the process lives, whether it has something to answer from, and what exactly it serves."""

from __future__ import annotations

from .. import __version__
from ..core.errors import BurgeeError
from ..core.instant import format_instant
from .answers import answer
from .message import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..fetch.live import Live, Status
    from .message import Request
    from .service import Service


def front(service: Service, request: Request) -> Response:
    """GET /: people who type in the address find the status."""
    return Response(302, (("location", "/status?pretty"),))


def healthz(service: Service, request: Request) -> Response:
    """GET /healthz: the process answers."""
    return answer(request, {"status": "alive"})


def health(service: Service, request: Request) -> Response:
    """GET /health: as Flipt's probes expect it."""
    return answer(request, {"status": "SERVING"})


def readyz(service: Service, request: Request) -> Response:
    """GET /readyz: 200 when the default environment has data, else 503; /status says why, to those who may ask.

    Without a default one any environment will do: who verifies believes no index that says which it is.
    """
    ready = any(map(_is_ready, _asked_first(service)))
    return answer(request, {"ready": ready}, status=200 if ready else 503)


def status(service: Service, request: Request) -> Response:
    """GET /status: what each environment serves, since when, and how old it is; only those the caller may ask for."""
    names, default = list(service.names()), service.environments.default()
    fields = {
        "version": __version__,
        "default": default if default in names else None,
        "now": format_instant(service.now()),
        "environments": [_environment(name, service.environments.live(name)) for name in names],
    }
    if service.gate and service.gate.fault:
        fields["tokens"] = service.gate.fault
    return answer(request, fields)


def _asked_first(service: Service) -> tuple[Live, ...]:
    environments = service.environments
    try:
        default = environments.find("")
        return (default,) if default else tuple(map(environments.live, environments.names()))
    except BurgeeError:
        return ()


def _is_ready(live: Live) -> bool:
    try:
        live.current()
    except BurgeeError:
        return False
    return True


def _environment(name: str, live: Live) -> dict[str, Any]:
    fault = None
    try:
        live.current()
    except BurgeeError as error:
        fault = str(error)
    found: Status = live.status()
    return {
        "environment": name,
        "revision": found.revision,
        "bundle": found.bundle,
        "release": found.digest,
        "commit": found.commit,
        "active_since": None if found.active_since is None else format_instant(found.active_since),
        "age_seconds": None if found.age_ms is None else found.age_ms / 1000,
        "stale": found.stale,
        "verified_by": found.verified_by,
        "expires_at": None if found.expires_at is None else format_instant(found.expires_at),
        "pending": [
            {"revision": revision, "activates_at": format_instant(instant)} for revision, instant in found.pending
        ],
        "error": fault or found.last_error,
    }
