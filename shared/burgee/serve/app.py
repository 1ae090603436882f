"""The evaluate API as one function from Request to Response.

Source: Flipt semantics 3.1: unknown paths below an API's mount are 404 in JSON, a known path with another method is
501, and one slash at the end of a path is dropped.
"""

from __future__ import annotations

from ..core.errors import BurgeeError, NotReady
from . import answers, evaluate, flags, health, legacy, ofrep
from .auth import EVENTS
from .compression import compressed, takes_gzip
from .message import Response
from .snapshots import Snapshots
from .streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .cors import Cors
    from .message import Request
    from .service import Service

    Handler = Callable[..., Response]
    Past = Callable[[Request, str], Response]
    Routes = dict[tuple[str, ...], dict[str, Handler]]

_MOUNTS = ("evaluate", "api", "internal", "client", "ofrep")
_OFREP = "ofrep"
_NOT_READY = "there is nothing to answer from yet; /status says why, to those who may ask for it"
# What is asked for with GET depends on the token and on headers, which caches between know nothing of: some keep what
# does not say this for a day, for whoever asks.
_CACHED = ("cache-control", "private, no-cache")
_ONE_FLAG = ("ofrep", "v1", "evaluate", "flags", "*")
_NO_PAST = "this process answers of now alone, without ?at=; ask `burgee serve` over the same store"


class App:
    """Answers the evaluate API from a Service."""

    def __init__(self, service: Service, *, cors: Cors | None = None, past: Past | None = None) -> None:
        """Without `cors` pages of other origins may not ask; `past` answers what is asked with `?at=`."""
        self._service = service
        self._cors = cors
        self._past = past
        snapshots = Snapshots()
        streams = Streams(snapshots)
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
            _ONE_FLAG: {"POST": ofrep.evaluate},
            _ONE_FLAG[:-1]: {"POST": ofrep.evaluate_all},
            ("ofrep", "v1", "configuration"): {"GET": ofrep.configuration},
            ("internal", "v1", "evaluation", "snapshot", "namespace", "*"): {"GET": snapshots.answer},
            ("client", "v2", "environments", "*", "namespaces", "*", "snapshot"): {"GET": _by_environment(snapshots)},
            ("client", "v2", "environments", "*", "namespaces", "*", "stream"): {"GET": streams.lines},
            (*EVENTS.strip("/").split("/"), "*", "*", "events"): {"GET": streams.events},
            ("api", "v1", "namespaces", "*", "flags"): {"GET": flags.list_flags},
            ("api", "v1", "namespaces", "*", "flags", "*"): {"GET": flags.get_flag},
            ("api", "v1", "evaluate"): {"POST": legacy.evaluate},
            ("api", "v1", "namespaces", "*", "evaluate"): {"POST": legacy.evaluate},
            ("api", "v1", "batch-evaluate"): {"POST": legacy.batch_evaluate},
            ("api", "v1", "namespaces", "*", "batch-evaluate"): {"POST": legacy.batch_evaluate},
        }
        # What is asked most has no name in its path, and is found without taking the path apart.
        self._exact = {
            (method, "/" + "/".join(parts)): handler
            for parts, methods in self._guarded.items()
            for method, handler in methods.items()
            if "*" not in parts
        }

    def __call__(self, request: Request) -> Response:
        """The answer to a request; errors of the caller and of the store are answers too."""
        if self._cors is not None and (preflight := self._cors.preflight(request)):
            return preflight
        response = self.answer(request)
        if request.method != "POST" and not any(name == _CACHED[0] for name, _ in response.headers):
            response = response._replace(headers=(*response.headers, _CACHED))
        if takes_gzip(request):
            response = compressed(response)
        return response if self._cors is None else self._cors.tell(request, response)

    def answer(self, request: Request) -> Response:
        """The answer without what it is told with on its way: how it may be kept, packed and shown to pages."""
        try:
            if request.query and (at := answers.query_of(request).get("at")) is not None:
                # Whatever comes, no answer of now is taken for one of then.
                return self._past(request, at) if self._past else _refuse(request, 501, _NO_PAST)
            handler = self._exact.get((request.method, request.path))
            return handler(self._service.admit(request), request) if handler else self._route(request)
        except BurgeeError as fault:
            # Why there is nothing names the store and who reads it, and is not for everybody who asks.
            error = NotReady(_NOT_READY) if isinstance(fault, NotReady) else fault
            return ofrep.failure(error) if _parts(request)[0] == _OFREP else answers.failure(request, error)

    def _route(self, request: Request) -> Response:
        parts = _parts(request)
        if found := _find(self._open, parts):
            methods, arguments = found
            return _handle(methods, self._service, request, *arguments)
        found = _find(self._guarded, parts)
        if found is None:
            return _unknown(request, parts)
        methods, arguments = found
        return _handle(methods, self._service.admit(request), request, *arguments)


def _handle(methods: dict[str, Handler], service: Service, request: Request, *arguments: str) -> Response:
    handler = methods.get(request.method) or methods.get("GET" if request.method == "HEAD" else "")
    if handler is None:
        return _refuse(request, 501, "Method Not Allowed")
    return handler(service, request, *arguments)


def _parts(request: Request) -> tuple[str, ...]:
    # Some clients keep the slash at the end of their base URL, so the path begins with two.
    parts = tuple(request.path.lstrip("/").removesuffix("/").split("/"))
    # A flag's key may hold slashes, or what looks like one once it is decoded; then no such flag is found.
    last = len(_ONE_FLAG) - 1
    return (*parts[:last], "/".join(parts[last:])) if len(parts) > last and parts[:last] == _ONE_FLAG[:last] else parts


def _find(routes: Routes, parts: tuple[str, ...]) -> tuple[dict[str, Handler], tuple[str, ...]] | None:
    # In a path `*` is a name like any other; only in a pattern does it stand for one.
    exact = None if "*" in parts else routes.get(parts)
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
        return _refuse(request, 404, "Not Found")
    return Response(404, (("content-type", "text/plain; charset=utf-8"),), b"404 page not found\n")


def _refuse(request: Request, status: int, message: str) -> Response:
    if _parts(request)[0] == _OFREP:
        return ofrep.refuse(status, message)
    return answers.refuse(request, status, message)
