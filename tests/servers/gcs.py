"""Google Cloud Storage on loopback: its JSON API as far as Google's own client and burgee's readers ask it.

Emulators that can be had accept writes whose condition does not hold; this one honours them exactly, and refuses every
parameter it does not know. `test_gcs_stub.py` runs Google's client against it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from re import fullmatch
from secrets import token_hex
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from burgee.bundle.keys import JSON, cache_control
from tests.servers.gcs_objects import NO_BUCKET, Buckets, Conditions, Kept, Refused

GET, LIST, CREATE, DELETE = (f"storage.objects.{verb}" for verb in ("get", "list", "create", "delete"))
READER = frozenset({GET, LIST})
WRITER = frozenset({GET, LIST, CREATE, DELETE})
_GENERATIONS = {"ifGenerationMatch", "ifGenerationNotMatch"}
_EVERYWHERE = {"alt", "prettyPrint"}


class Logged(NamedTuple):
    """A request and how it ended: `name` is that of the object, `generation` the one it made or gave, 0 for none."""

    method: str
    target: str
    name: str
    status: int
    generation: int


@dataclass(slots=True)
class Gcs:
    """A running server. Without `tokens` everybody may do everything.

    `tokens` are bearer tokens and what their owners may do; `public` are buckets in which everybody may read what is
    there. `ignores` makes another service of it, that does not know these parameters and says nothing of it.
    """

    url: str = ""
    buckets: Buckets = field(default_factory=Buckets)
    tokens: dict[str, frozenset[str]] | None = None
    public: set[str] = field(default_factory=set)
    ignores: set[str] = field(default_factory=set)
    page_size: int = 1000
    log: list[Logged] = field(default_factory=list)

    def reset(self) -> None:
        """Forget buckets, permissions and requests."""
        self.buckets, self.tokens, self.page_size = Buckets(), None, 1000
        for each in (self.public, self.ignores, self.log):
            each.clear()

    def make_bucket(self, name: str, *, public: bool = False, versioning: bool = False) -> str:
        """Its name."""
        self.buckets.make(name, versioning=versioning)
        if public:
            self.public.add(name)
        return name

    def put(self, bucket: str, key: str, content: bytes, *, prefix: str = "") -> int:
        """The generation of an object below the prefix, as a publisher writes it."""
        name = f"{prefix.strip('/')}/{key}".lstrip("/")
        said = {"name": name, "contentType": JSON, "cacheControl": cache_control(key)}
        return self.buckets.put(bucket, content, said, Conditions()).generation

    def writes(self, name: str) -> list[Logged]:
        """The requests that made a generation of an object, in their order: of racers on one, one of them did."""
        return [each for each in self.log if each.method in ("POST", "PUT") and each.name == name and each.generation]

    def environ(self, **more: str) -> dict[str, str]:
        """The variables of somebody who reads and writes here."""
        return {"STORAGE_EMULATOR_HOST": self.url, **more}


@contextmanager
def gcs() -> Iterator[Gcs]:
    """A server without buckets, until the context ends."""
    running = Gcs()
    uploads: dict[str, tuple[dict[str, Any], Conditions]] = {}

    class Handler(_Handler):
        state = running
        started = uploads

    class Server(ThreadingHTTPServer):
        # Many racers arrive at once.
        request_queue_size = 64
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        running.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join(5)


class _Request:
    """What was asked, taken apart."""

    def __init__(self, method: str, target: str, headers: Mapping[str, str], body: bytes, state: Gcs) -> None:
        self.method, self.headers, self.body, self.state = method, headers, body, state
        parts = urlsplit(target)
        self.path = parts.path
        self.said = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}

    def knows(self, *names: str) -> None:
        """Raises Refused when another parameter was said than these."""
        unknown = set(self.said) - set(names) - _EVERYWHERE
        if unknown:
            raise Refused(400, f"this server knows no parameter {sorted(unknown)} here", "invalidParameter")

    def conditions(self) -> Conditions:
        return Conditions(self.number("ifGenerationMatch"), self.number("ifGenerationNotMatch"))

    def number(self, name: str) -> int | None:
        text = self.said.get(name)
        if text is None or name in self.state.ignores:
            return None
        if not fullmatch("[0-9]{1,19}", text):
            raise Refused(400, f"Invalid value for: Value '{text}' is not a valid long", "invalidParameter")
        return int(text)

    def allowed(self, right: str, bucket: str) -> bool:
        """Whether whoever asks has the right. Raises Refused for a token that nobody has."""
        if self.state.tokens is None:
            return True
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if not scheme:
            return right == GET and bucket in self.state.public
        if scheme != "Bearer" or token not in self.state.tokens:
            raise Refused(401, "Invalid Credentials", "authError")
        return right in self.state.tokens[token] or (right == GET and bucket in self.state.public)

    def demand(self, right: str, bucket: str) -> None:
        """Raises Refused unless whoever asks has the right."""
        if self.allowed(right, bucket):
            return
        anonymous = "authorization" not in self.headers
        who = "Anonymous caller" if anonymous else "reader@acme.iam.gserviceaccount.com"
        message = f"{who} does not have {right} access to the Google Cloud Storage object."
        hint = f" Permission '{right}' denied on resource (or it may not exist)."
        raise Refused(401 if anonymous else 403, message + hint, "required" if anonymous else "forbidden")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: Gcs
    started: dict[str, tuple[dict[str, Any], Conditions]]

    def do_GET(self) -> None:
        self._about, self._generation = "", 0
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = _Request(self.command, self.path, headers, body, self.state)
        try:
            status, content, more = self._answered(request)
        except Refused as refused:
            status, content, more = self._refusal(request, refused)
        self.state.log.append(Logged(self.command, self.path, self._about, status, self._generation))
        self._give(status, content, more)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that the base class looks for

    def _answered(self, request: _Request) -> tuple[int, bytes, dict[str, str]]:
        for method, pattern, answer in _ROUTES:
            found = fullmatch(pattern, request.path)
            if found and method == request.method:
                return answer(self, request, *map(unquote, found.groups()))
        raise Refused(404, f"this server does not answer {request.method} {request.path}", "notFound")

    def _media(self, request: _Request, bucket: str, name: str) -> tuple[int, bytes, dict[str, str]]:
        if request.said.get("alt") != "media":
            return self._stat(request, bucket, name)
        request.knows("generation", *_GENERATIONS)
        kept = self._found(request, bucket, name)
        headers = {
            "Content-Type": str(kept.resource()["contentType"]),
            "Cache-Control": str(kept.fields.get("cacheControl", "private, max-age=0")),
            "ETag": kept.etag,
            "x-goog-generation": str(kept.generation),
            "x-goog-metageneration": "1",
            "x-goog-hash": f"crc32c={kept.crc32c},md5={kept.md5}",
            "x-goog-stored-content-length": str(len(kept.content)),
        }
        return 200, kept.content, headers

    def _stat(self, request: _Request, bucket: str, name: str) -> tuple[int, bytes, dict[str, str]]:
        request.knows("projection", "fields", "generation", *_GENERATIONS)
        resource = self._found(request, bucket, name).resource()
        wanted = request.said.get("fields")
        return _json({name: resource[name] for name in wanted.split(",")} if wanted else resource)

    def _found(self, request: _Request, bucket: str, name: str) -> Kept:
        self._about = name
        request.demand(GET, bucket)
        try:
            kept = request.state.buckets.get(
                bucket, name, request.conditions(), generation=request.number("generation")
            )
        except Refused as refused:
            # Who may not list may not know that there is nothing either.
            if refused.status == 404 and request.state.buckets.has(bucket):
                request.demand(LIST, bucket)
            raise
        self._generation = kept.generation
        return kept

    def _list(self, request: _Request, bucket: str) -> tuple[int, bytes, dict[str, str]]:
        request.knows("projection", "prefix", "pageToken", "maxResults")
        request.demand(LIST, bucket)
        at_most = min(request.number("maxResults") or request.state.page_size, request.state.page_size)
        kept, more = request.state.buckets.list(
            bucket, request.said.get("prefix", ""), request.said.get("pageToken", ""), at_most
        )
        # As the real one, it has no `items` when there are none.
        items = {"items": [each.resource() for each in kept]} if kept else {}
        return _json({"kind": "storage#objects", **items, **({"nextPageToken": more} if more else {})})

    def _delete(self, request: _Request, bucket: str, name: str) -> tuple[int, bytes, dict[str, str]]:
        request.knows(*_GENERATIONS)
        self._about = name
        request.demand(DELETE, bucket)
        request.state.buckets.delete(bucket, name, request.conditions())
        return 204, b"", {}

    def _upload(self, request: _Request, bucket: str) -> tuple[int, bytes, dict[str, str]]:
        if request.said.get("uploadType") == "resumable":
            return self._start(request, bucket)
        request.knows("uploadType", *_GENERATIONS)
        said, content = _parts(request)
        return self._put(request, bucket, said, content, request.conditions())

    def _start(self, request: _Request, bucket: str) -> tuple[int, bytes, dict[str, str]]:
        request.knows("uploadType", *_GENERATIONS)
        said, conditions = json.loads(request.body), request.conditions()
        self._demand_put(request, bucket, said["name"], conditions)
        conditions.check(request.state.buckets.generation(bucket, said["name"]), reads=False)
        number = token_hex(8)
        self.started[number] = {"contentType": request.headers.get("x-upload-content-type"), **said}, conditions
        place = f"{request.state.url}{request.path}?uploadType=resumable&upload_id={number}"
        return 200, b"", {"Location": place}

    def _finish(self, request: _Request, bucket: str) -> tuple[int, bytes, dict[str, str]]:
        request.knows("uploadType", "upload_id")
        size = len(request.body)
        if request.headers.get("content-range") != f"bytes 0-{size - 1}/{size}":
            raise Refused(501, "this server takes the whole of an upload at once", "notImplemented")
        said, conditions = self.started.pop(request.said["upload_id"])
        return self._put(request, bucket, said, request.body, conditions)

    def _put(
        self, request: _Request, bucket: str, said: dict[str, Any], content: bytes, conditions: Conditions
    ) -> tuple[int, bytes, dict[str, str]]:
        self._demand_put(request, bucket, said["name"], conditions)
        kept = request.state.buckets.put(bucket, content, said, conditions)
        self._generation = kept.generation
        return _json(kept.resource())

    def _demand_put(self, request: _Request, bucket: str, name: str, conditions: Conditions) -> None:
        self._about = name
        request.demand(CREATE, bucket)
        # To replace an object is to delete the one before, save where that is what was to be avoided.
        if conditions.match != 0 and request.state.buckets.generation(bucket, name):
            request.demand(DELETE, bucket)

    def _make_bucket(self, request: _Request) -> tuple[int, bytes, dict[str, str]]:
        request.knows("project", "projection")
        name = json.loads(request.body)["name"]
        request.state.buckets.make(name)
        return _json({"kind": "storage#bucket", "name": name})

    def _bucket(self, request: _Request, bucket: str) -> tuple[int, bytes, dict[str, str]]:
        request.knows("projection")
        if not request.state.buckets.has(bucket):
            raise Refused(404, NO_BUCKET, "notFound")
        return _json({"kind": "storage#bucket", "name": bucket})

    def _refusal(self, request: _Request, refused: Refused) -> tuple[int, bytes, dict[str, str]]:
        if refused.status == 304:
            return 304, b"", {}
        more = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'} if refused.status == 401 else {}
        if request.said.get("alt") == "media":
            # The real one answers a read of content in plain words.
            return refused.status, refused.message.encode(), {"Content-Type": "text/html; charset=UTF-8", **more}
        about = {"message": refused.message, "domain": "global", "reason": refused.reason}
        error = {"code": refused.status, "message": refused.message, "errors": [about]}
        return refused.status, json.dumps({"error": error}).encode(), {"Content-Type": _JSON, **more}

    def _give(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


_JSON = "application/json; charset=UTF-8"
_OBJECT = "/storage/v1/b/([^/]+)/o/([^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[..., tuple[int, bytes, dict[str, str]]]], ...] = (
    ("GET", f"/download{_OBJECT}", _Handler._media),
    ("GET", _OBJECT, _Handler._media),
    ("DELETE", _OBJECT, _Handler._delete),
    ("GET", "/storage/v1/b/([^/]+)/o", _Handler._list),
    ("POST", "/upload/storage/v1/b/([^/]+)/o", _Handler._upload),
    ("PUT", "/upload/storage/v1/b/([^/]+)/o", _Handler._finish),
    ("POST", "/storage/v1/b", _Handler._make_bucket),
    ("GET", "/storage/v1/b/([^/]+)", _Handler._bucket),
)


def _json(fields: Mapping[str, Any]) -> tuple[int, bytes, dict[str, str]]:
    return 200, json.dumps(fields).encode(), {"Content-Type": _JSON}


def _parts(request: _Request) -> tuple[dict[str, Any], bytes]:
    """The metadata and the content of an upload in two parts (RFC 2387)."""
    kind = fullmatch('multipart/related; boundary="?([^"]+)"?', request.headers.get("content-type", ""))
    if request.said.get("uploadType") != "multipart" or kind is None:
        raise Refused(400, "this server takes uploads of type multipart and resumable", "badRequest")
    boundary = b"--" + kind[1].encode()
    before, *parts, after = (b"\r\n" + request.body).split(b"\r\n" + boundary)
    if before or after.strip() != b"--" or len(parts) != 2:
        raise Refused(400, "Malformed multipart body.", "badRequest")
    (_, about), (heads, content) = (part.removeprefix(b"\r\n").split(b"\r\n\r\n", 1) for part in parts)
    content_type = fullmatch(b"(?i)content-type: *(.*)", heads)
    said = {"contentType": content_type[1].decode()} if content_type else {}
    return {**said, **json.loads(about)}, content
