"""The snapshot that Flipt's client SDKs poll, with ETag and 304.

Sources: Flipt semantics 3.7, 4.3 and 4.4. The ETag is unquoted as Flipt's is; clients send it back as they got it, and
a quoted form is understood too.
"""

from __future__ import annotations

from ..bundle.flipt import client_snapshot
from ..core.errors import NamespaceNotFound, SnapshotNotFound
from .answers import JSON_TYPE
from .message import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..core.snapshot import Indexed
    from .message import Request
    from .service import Service


class Snapshots:
    """Client snapshots of what is served now, each made once."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[Indexed, bytes, str]] = {}

    def answer(self, service: Service, request: Request, namespace: str, environment: str = "") -> Response:
        """GET /internal/v1/evaluation/snapshot/namespace/{ns}, and the same below /client/v2/environments/{env}."""
        serving = service.serving(request, environment)
        try:
            document = serving.snapshot.namespace(namespace).document
        except NamespaceNotFound as error:
            raise SnapshotNotFound(namespace) from error
        content, etag = self._of(serving.release.environment, document)
        headers = (("etag", etag), *service.headers(serving))
        if _names(request.headers.get("if-none-match", ""), etag):
            return Response(304, headers)
        return Response(200, (JSON_TYPE, *headers), content)

    def _of(self, environment: str, document: Indexed) -> tuple[bytes, str]:
        key = environment, document.namespace
        made = self._made.get(key)
        if made is None or made[0] is not document:
            made = self._made[key] = (document, *client_snapshot(document))
        return made[1], made[2]


def _names(header: str, etag: str) -> bool:
    return any(candidate.strip().removeprefix("W/").strip('"') == etag for candidate in header.split(","))
