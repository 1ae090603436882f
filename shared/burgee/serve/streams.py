"""Streams: a client stays connected and is told whenever its namespace has changed.

Law: a stream is level-triggered. What is sent depends on what the client was sent last and on what is served now, and
on nothing between: a slow client gets the newest state, and a change it has missed costs nothing.

Sources: Flipt semantics 3.4 (events), 3.7 (lines) and 4.4 (what the official clients do with them).
"""

from __future__ import annotations

from collections import namedtuple
from hashlib import sha1

from ..bundle.flipt import empty_client_snapshot
from ..core.errors import InvalidRequest, NamespaceNotFound, NotReady, SnapshotNotFound
from . import answers, ofrep
from .message import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .message import Request
    from .service import Service
    from .snapshots import Snapshots

EVENT_STREAM = "text/event-stream"
_ETAG_DIGITS = 40
_ID_DIGITS = 9
_NO_STREAMS = (
    "this process does not stream: it is a function that ends with its answer; poll the snapshot instead, or stream "
    "from `burgee serve`"
)
# The first for proxies in general, the second for nginx, which would collect a good deal before it passes any on.
_UNBUFFERED = (("cache-control", "no-store"), ("x-accel-buffering", "no"))

Form = namedtuple("Form", "content_type digits message heartbeat")
Form.__doc__ = """How changes are written: `message(content, etag)` is what a change is told with, in pieces.

`digits` of the ETag tell what a client has; `heartbeat` means nothing to it, and shows whether it is still there."""


def _line(content: bytes, etag: str) -> tuple[bytes, ...]:
    return b'{"result":', content, b"}\n"


def _event(content: bytes, etag: str) -> tuple[bytes, ...]:
    data = f'{{"etag":"{etag}","type":"refetchEvaluation"}}'
    return (f"id: {etag[:_ID_DIGITS]}\ndata: {data}\n\n".encode(),)


# An empty line is an error to Flipt's clients, and so is any line that is no snapshot; white space before one is not.
LINES = Form("application/json", _ETAG_DIGITS, _line, b" ")
EVENTS = Form(EVENT_STREAM, _ID_DIGITS, _event, b":\n\n")


class Stream:
    """One client's view of a namespace: the body of a response that has no end of its own.

    `mark` tells what the client has when it comes, nothing if it is empty.
    """

    __slots__ = ("_environment", "_form", "_namespace", "_request", "_service", "_snapshots", "mark")

    def __init__(
        self,
        service: Service,
        request: Request,
        snapshots: Snapshots,
        *,
        environment: str,
        namespace: str,
        form: Form,
        mark: str,
    ) -> None:
        self._service = service
        self._request = request._replace(body=b"")
        self._snapshots = snapshots
        self._environment = environment
        self._namespace = namespace
        self._form = form
        self.mark = mark

    @property
    def heartbeat(self) -> bytes:
        """What may be sent at any time between messages."""
        heartbeat: bytes = self._form.heartbeat
        return heartbeat

    def news(self, mark: str) -> tuple[str, tuple[bytes, ...]] | None:
        """(its mark, the message in pieces) for a client that has what `mark` tells; None if that is served still.

        Looks at no store, but may take as long as it takes to make a snapshot. Raises RequestError once the client may
        ask for the namespace no longer, or the environment is gone.
        """
        try:
            content, etag = self._present()
        except NotReady:
            return None
        present = etag[: self._form.digits]
        return None if present == mark else (present, self._form.message(content, etag))

    def _present(self) -> tuple[bytes, str]:
        service = self._service.admit(self._request)
        try:
            serving, namespace = service.find_present(self._request, self._environment, self._namespace)
        except NamespaceNotFound:
            # It was there when the stream began; its flags are gone, which is news like any other.
            content = empty_client_snapshot(self._namespace)
            return content, sha1(content, usedforsecurity=False).hexdigest()
        return self._snapshots.made(service, serving.release.environment, namespace.document)


class Streams:
    """Answers the paths of streams, from the same snapshots that others poll."""

    __slots__ = ("_snapshots",)

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def lines(self, service: Service, request: Request, environment: str, namespace: str) -> Response:
        """GET /client/v2/environments/{env}/namespaces/{ns}/stream: a snapshot a line, or events if they are wanted.

        If-None-Match is of no account: Flipt's clients send that of their very first snapshot for ever, whatever they
        have been sent since, and after a broken connection wait for a snapshot even if it is the same.
        """
        if not service.streams:
            return answers.refuse(request, 501, _NO_STREAMS)
        if _wants_events(request):
            return self._events(service, request, environment, namespace)
        digest = answers.query_of(request).get("digest", "")
        if len(digest) not in (0, _ETAG_DIGITS):
            raise InvalidRequest(f"invalid field digest: must be a {_ETAG_DIGITS}-character string")
        return self._answer(service, request, environment, namespace, LINES, digest)

    def events(self, service: Service, request: Request, environment: str, namespace: str) -> Response:
        """GET /ofrep/v1/_stream/{env}/{ns}/events"""
        if not service.streams:
            return ofrep.refuse(501, _NO_STREAMS)
        if not _wants_events(request):
            message = f"these are events, for clients that accept {EVENT_STREAM}\n"
            return Response(406, (("content-type", "text/plain; charset=utf-8"),), message.encode())
        return self._events(service, request, environment, namespace)

    def _events(self, service: Service, request: Request, environment: str, namespace: str) -> Response:
        mark = request.headers.get("last-event-id", "")
        return self._answer(service, request, environment, namespace, EVENTS, mark)

    def _answer(
        self, service: Service, request: Request, environment: str, namespace: str, form: Form, mark: str
    ) -> Response:
        try:
            service.find(request, environment, namespace)
        except NamespaceNotFound as error:
            raise SnapshotNotFound(namespace) from error
        stream = Stream(
            service,
            request,
            self._snapshots,
            environment=environment,
            namespace=namespace,
            form=form,
            mark=mark,
        )
        return Response(200, (("content-type", form.content_type), *_UNBUFFERED), stream)


def _wants_events(request: Request) -> bool:
    accepted: str = request.headers.get("accept", "")
    return accepted.startswith(EVENT_STREAM)
