"""The snapshot that Flipt's client SDKs poll, with ETag and 304.

Sources: Flipt semantics 3.7, 4.3 and 4.4. The ETag is unquoted as Flipt's is; clients send it back as they got it, and
a quoted form is understood too.
"""

from __future__ import annotations

from _thread import allocate_lock

from ..bundle.flipt import client_snapshot
from ..core.errors import NamespaceNotFound, NotReady, SnapshotNotFound
from .answers import JSON_TYPE, names_etag
from .compression import compressed, takes_gzip
from .message import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..core.snapshot import Indexed
    from .message import Request
    from .service import Service


_EFFORT = 6


class Snapshots:
    """Client snapshots of what is served now, each made once and compressed once."""

    __slots__ = ("_made", "_making", "_packed")

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[Indexed, bytes, str]] = {}
        self._packed: dict[tuple[str, str], tuple[bytes, Response]] = {}
        # One at a time: many clients ask for a new snapshot at once, and making a large one takes long.
        self._making = allocate_lock()

    def answer(self, service: Service, request: Request, namespace: str, environment: str = "") -> Response:
        """GET /internal/v1/evaluation/snapshot/namespace/{ns}, and the same below /client/v2/environments/{env}."""
        try:
            serving, found = service.find(request, environment, namespace)
        except NamespaceNotFound as error:
            raise SnapshotNotFound(namespace) from error
        content, etag = self.made(service, serving.release.environment, found.document)
        headers = (("etag", etag), *service.headers(serving))
        if names_etag(request.headers.get("if-none-match", ""), etag):
            return Response(304, headers)
        response = Response(200, (JSON_TYPE, *headers), content)
        if not takes_gzip(request):
            return response
        packed = self._compressed((serving.release.environment, found.key), content)
        return packed._replace(headers=(*response.headers, *packed.headers))

    def _compressed(self, key: tuple[str, str], content: bytes) -> Response:
        """The content as it goes over the wire, with the headers that say so; with more effort than for one answer."""
        packed = self._packed.get(key)
        if packed is None or packed[0] is not content:
            with self._making:
                packed = self._packed[key] = content, compressed(Response(200, (), content), level=_EFFORT)
        return packed[1]

    def made(self, service: Service, environment: str, document: Indexed) -> tuple[bytes, str]:
        """(bytes, ETag) of a document that is served in an environment."""
        key = environment, document.namespace
        made = self._made.get(key)
        if made is None or made[0] is not document:
            with self._making:
                made = self._made.get(key)
                if made is None or made[0] is not document:
                    made = (document, *client_snapshot(document))
                    # Environments of pull requests come and go, and namespaces too.
                    left = [each for each in self._made if _is_served(service, *each)]
                    self._packed = {each: self._packed[each] for each in left if each in self._packed}
                    self._made = {**{each: self._made[each] for each in left}, key: made}
        return made[1], made[2]


def _is_served(service: Service, environment: str, namespace: str) -> bool:
    live = service.environments.known(environment)
    try:
        return live is not None and namespace in live.present().snapshot.namespaces
    except NotReady:
        return False
