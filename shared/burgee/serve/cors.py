"""Pages of other origins: which may ask, and the headers that tell their browsers so.

Source: the Fetch standard, section 3.2 (CORS protocol); Flipt semantics 3.6 (names of headers). A preflight is answered
without a token, for browsers send none with it.
"""

from __future__ import annotations

from .message import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from .message import Request

    Pairs: TypeAlias = tuple[tuple[str, str], ...]

# Pages that are being written on this machine, whatever port their server has.
LOCAL = tuple(f"{scheme}://{host}:*" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1", "[::1]"))
_ANY = "*"
_ANY_PORT = ":*"

_METHODS = "GET, HEAD, POST, OPTIONS"
# What clients send: Flipt's, those generated for its REST API, OFREP's with tracing, and readers of event streams.
_REQUEST_HEADERS = (
    "Accept, Authorization, Baggage, Cache-Control, Content-Type, If-None-Match, Last-Event-ID, Traceparent, "
    "Tracestate, X-CSRF-Token, X-Fern-Language, X-Fern-SDK-Name, X-Fern-SDK-Version, X-Flipt-Accept-Server-Version, "
    "X-Flipt-Environment, X-Flipt-Namespace"
)
_ANSWER_HEADERS = "ETag, Link, Retry-After, burgee-age, burgee-environment, burgee-revision"
_PREFLIGHT = (
    ("access-control-allow-methods", _METHODS),
    ("access-control-allow-headers", _REQUEST_HEADERS),
    ("access-control-max-age", "300"),
)
_EXPOSED = ("access-control-expose-headers", _ANSWER_HEADERS)
_CREDENTIALS = ("access-control-allow-credentials", "true")


class Cors:
    """The origins whose pages may ask. Safe among threads: it does not change."""

    __slots__ = ("_any_port", "_everybody", "_listed", "_vary")

    def __init__(self, origins: Iterable[str]) -> None:
        """Origins as browsers send them, `https://shop.example.org`; `:*` at the end is any port, `*` any origin."""
        self._listed = frozenset(origins)
        self._everybody = _ANY in self._listed
        self._any_port = frozenset(
            origin.removesuffix(_ANY_PORT) for origin in self._listed if origin.endswith(_ANY_PORT)
        )
        # Caches must keep answers for different origins apart, unless all get the same.
        self._vary: Pairs = () if self._listed == {_ANY} else (("vary", "origin"),)

    def preflight(self, request: Request) -> Response | None:
        """The answer to a preflight; None for every other request."""
        if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
            return None
        granted = self._granted(request.headers.get("origin", ""))
        return Response(204, (*self._vary, *granted, *(_PREFLIGHT if granted else ())))

    def tell(self, request: Request, response: Response) -> Response:
        """The response with what the browser has to know; every response needs it, errors and 304 too."""
        granted = self._granted(request.headers.get("origin", ""))
        more = (*self._vary, *granted, _EXPOSED) if granted else self._vary
        return response._replace(headers=(*response.headers, *more))

    def _granted(self, origin: str) -> Pairs:
        """Nothing for an origin that may not ask. Credentials, which are cookies, only for those that are listed."""
        if origin and (origin in self._listed or self._is_listed_for_any_port(origin)):
            return ("access-control-allow-origin", origin), _CREDENTIALS
        return (("access-control-allow-origin", _ANY),) if origin and self._everybody else ()

    def _is_listed_for_any_port(self, origin: str) -> bool:
        host, _, port = origin.rpartition(":")
        return origin in self._any_port or (port.isdecimal() and host in self._any_port)
