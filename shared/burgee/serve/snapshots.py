"""The snapshot that Flipt's client SDKs poll, with ETag and 304.

Sources: Flipt semantics 3.7, 4.3 and 4.4. The ETag is unquoted as Flipt's is; clients send it back as they got it, and
a quoted form is understood too.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections import namedtuple

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
_FOR_EVER = float("inf")


class Snapshots:
    """Client snapshots of what is served now, each made and compressed once for as long as it is right.

    That is until another document is served, or the next step of a schedule in it.
    """

    __slots__ = ("_made", "_making", "_packed")

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], _Made] = {}
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
        key, now = (environment, document.namespace), service.now()
        made = self._made.get(key)
        if made is None or not made.is_right(document, now):
            with self._making:
                made = self._made.get(key)
                if made is None or not made.is_right(document, now):
                    made = _make(document, now)
                    # Environments of pull requests come and go, and namespaces too.
                    left = [each for each in self._made if _is_served(service, *each)]
                    self._packed = {each: self._packed[each] for each in left if each in self._packed}
                    self._made = {**{each: self._made[each] for each in left}, key: made}
        return made.content, made.etag


class _Made(namedtuple("_Made", "document since until content etag")):
    """A snapshot of a document, and the instants from which and until which it is right (milliseconds)."""

    __slots__ = ()

    def is_right(self, document: Indexed, at: int) -> bool:
        """Whether it is that document's at an instant."""
        return self.document is document and bool(self.since <= at < self.until)


def _make(document: Indexed, now: int) -> _Made:
    step = document.next_step(now)
    since, until = (0, _FOR_EVER) if step is None else (now, step)
    return _Made(document, since, until, *client_snapshot(document, now))


def _is_served(service: Service, environment: str, namespace: str) -> bool:
    live = service.environments.known(environment)
    try:
        return live is not None and namespace in live.present().snapshot.namespaces
    except NotReady:
        return False
