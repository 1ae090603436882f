"""The evaluate API as one function from Request to Response.

Source: Flipt semantics 3.1: unknown paths below an API's mount are 404 in JSON, a known path with another method is
501, and one slash at the end of a path is dropped.
"""

from __future__ import annotations

from ..core.errors import BurgeeError
from . import evaluate, flags, health, legacy
from .answers import failure, refuse
from .auth import admit
from .message import Response
from .snapshots import Snapshots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .message import Request
    from .service import Service

    Handler = Callable[..., Response]
    Routes = dict[tuple[str, ...], dict[str, Handler]]

_MOUNTS = ("evaluate", "api", "internal", "client", "ofrep")
_GZIP_FROM_BYTES = 1024


class App:
    """Answers the evaluate API from a Service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        snapshots = Snapshots()
        self._open: Routes = {
            ("healthz",): {"GET": health.healthz},
            ("health",): {"GET": health.health},
            ("readyz",): {"GET": health.readyz},
            ("",): {"GET": health.front},
        }
        self._guarded: Routes = {
            ("status",): {"GET": health.status},
            ("evaluate", "v1", "boolean"): {"POST": evaluate.boolean},
            ("evaluate", "v1", "variant"): {"POST": evaluate.variant},
            ("evaluate", "v1", "batch"): {"POST": evaluate.batch},
            ("internal", "v1", "evaluation", "snapshot", "namespace", "*"): {"GET": snapshots.answer},
            ("client", "v2", "environments", "*", "namespaces", "*", "snapshot"): {"GET": _by_environment(snapshots)},
            ("api", "v1", "namespaces", "*", "flags"): {"GET": flags.list_flags},
            ("api", "v1", "namespaces", "*", "flags", "*"): {"GET": flags.get_flag},
            ("api", "v1", "evaluate"): {"POST": legacy.evaluate},
            ("api", "v1", "namespaces", "*", "evaluate"): {"POST": legacy.evaluate},
            ("api", "v1", "batch-evaluate"): {"POST": legacy.batch_evaluate},
            ("api", "v1", "namespaces", "*", "batch-evaluate"): {"POST": legacy.batch_evaluate},
        }

    def __call__(self, request: Request) -> Response:
        """The answer to a request; errors of the caller and of the store are answers too."""
        try:
            response = self._route(request)
        except BurgeeError as error:
            response = failure(request, error)
        return _compressed(request, response)

    def _route(self, request: Request) -> Response:
        # Some clients keep the slash at the end of their base URL, so the path begins with two.
        parts = tuple(request.path.lstrip("/").removesuffix("/").split("/"))
        found = _find(self._open, parts)
        if found is None:
            found = _find(self._guarded, parts)
            if found is None:
                return _unknown(request, parts)
            admit(request, self._service.token_digests)
        methods, arguments = found
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            return refuse(request, 501, "Method Not Allowed")
        return handler(self._service, request, *arguments)


def _find(routes: Routes, parts: tuple[str, ...]) -> tuple[dict[str, Handler], tuple[str, ...]] | None:
    exact = routes.get(parts)
    if exact is not None:
        return exact, ()
    for pattern, methods in routes.items():
        if len(pattern) == len(parts) and all(want in ("*", part) for want, part in zip(pattern, parts, strict=True)):
            return methods, tuple(part for want, part in zip(pattern, parts, strict=True) if want == "*")
    return None


def _by_environment(snapshots: Snapshots) -> Handler:
    def handler(service: Service, request: Request, environment: str, namespace: str) -> Response:
        return snapshots.answer(service, request, namespace, environment)

    return handler


def _unknown(request: Request, parts: tuple[str, ...]) -> Response:
    if parts[0] in _MOUNTS:
        return refuse(request, 404, "Not Found")
    return Response(404, (("content-type", "text/plain; charset=utf-8"),), b"404 page not found\n")


def _compressed(request: Request, response: Response) -> Response:
    accepted = request.headers.get("accept-encoding", "")
    body = response.body
    if "gzip" not in accepted or not isinstance(body, bytes) or len(body) < _GZIP_FROM_BYTES:
        return response
    from gzip import compress

    headers = (*response.headers, ("content-encoding", "gzip"), ("vary", "accept-encoding"))
    return response._replace(headers=headers, body=compress(body, compresslevel=5, mtime=0))
