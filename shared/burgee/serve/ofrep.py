"""OpenFeature's remote evaluation protocol: one flag, all flags, configuration.

Sources: OFREP 0.3 (openapi.yaml of the OpenFeature protocol) and Flipt semantics 3.4, whose shapes and texts are kept;
docs/compatibility.md lists where the two disagree.
"""

from __future__ import annotations

from hashlib import sha1

from ..core.context import NOBODY, text_of, texts_of
from ..core.errors import BurgeeError, FlagNotFound, InvalidContext, NotJson, TargetingKeyMissing
from ..core.json_text import json_text
from .answers import JSON_TYPE, answer, answer_written, headers_of, names_etag, read_json
from .auth import EVENTS
from .message import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..core.context import Context
    from ..core.snapshot import Namespace
    from .message import Request
    from .service import Service
    from .texts import Texts

NAMESPACE_HEADER = "x-flipt-namespace"
_SELECTION = "flags"

# Readers look at the store every ten seconds unless told otherwise; asking more often brings no news.
_POLLING_MS = 10_000
_CONFIGURATION = {
    "name": "burgee",
    "capabilities": {
        "cacheInvalidation": {"polling": {"enabled": True, "minPollingIntervalMs": _POLLING_MS}},
        "flagEvaluation": {"supportedTypes": ["string", "boolean"]},
    },
}


# Of errors that are the caller's; every other one is GENERAL.
_CODES: tuple[tuple[type[BurgeeError], str], ...] = (
    (FlagNotFound, "FLAG_NOT_FOUND"),
    (NotJson, "PARSE_ERROR"),
    (TargetingKeyMissing, "TARGETING_KEY_MISSING"),
    (InvalidContext, "INVALID_CONTEXT"),
)


def evaluate(service: Service, request: Request, key: str) -> Response:
    """POST /ofrep/v1/evaluate/flags/{key}"""
    try:
        entity, context = _asker(_context(request))
        serving, namespace = service.find(request, "", request.headers.get(NAMESPACE_HEADER, ""))
        now = service.now()
        result = namespace.evaluate(key, entity, context, now)
    except BurgeeError as error:
        return _refusal(error.status, _failure_of(key, error))
    texts = service.texts(serving)
    return answer_written(request, texts.ofrep(result).encode(), texts.headers(serving, now))


def evaluate_all(service: Service, request: Request) -> Response:
    """POST /ofrep/v1/evaluate/flags: an error of one flag is that flag's answer."""
    selected, sent = _selected(_context(request))
    entity, context = _asker(sent)
    serving, namespace = service.find(request, "", request.headers.get(NAMESPACE_HEADER, ""))
    now, texts = service.now(), service.texts(serving)
    if selected is None:
        flags = _all(texts, namespace, entity, context, now)
    else:
        flags = ",".join([_one(texts, namespace, key, entity, context, now) for key in selected])
    environment = serving.release.environment
    content = flags.encode()
    etag = _etag(environment, namespace.key, content)
    headers = (("etag", etag), *texts.headers(serving, now))
    if names_etag(request.headers.get("if-none-match", ""), etag):
        return Response(304, headers)
    streams = _event_streams(service, request, environment, namespace.key) if service.streams else ""
    return answer_written(request, b'{"flags":[%b]%b}' % (content, streams.encode()), headers)


def configuration(service: Service, request: Request) -> Response:
    """GET /ofrep/v1/configuration"""
    return answer(request, _CONFIGURATION)


def failure(error: BurgeeError) -> Response:
    """The answer to an error that is not about one flag."""
    return _refusal(error.status, {"errorCode": _code(error), "errorDetails": str(error)})


def refuse(status: int, message: str) -> Response:
    """An error answer of a status and message; an unknown path has the code that Flipt gives it."""
    return _refusal(status, {"errorCode": "FLAG_NOT_FOUND" if status == 404 else "GENERAL", "errorDetails": message})


def _context(request: Request) -> dict[str, Any]:
    """The context as it was sent. Raises NotJson, InvalidContext."""
    fields = read_json(request)
    if not isinstance(fields, dict):
        raise NotJson('body is not a JSON object such as {"context":{"targetingKey":"user-1"}}')
    context = fields.get("context")
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise InvalidContext("the context is not a JSON object")
    return context


def _selected(context: dict[str, Any]) -> tuple[Sequence[str] | None, dict[str, Any]]:
    """The keys that a bulk request names, None when it means all flags; and the context with them as one text."""
    named = context.get(_SELECTION)
    if named is None:
        return None, context
    if isinstance(named, list) and all(isinstance(key, str) for key in named):
        named = ",".join(named)
        context = {**context, _SELECTION: named}
    if not isinstance(named, str):
        raise InvalidContext(f"property {_SELECTION!r}: wanted flag keys with commas between")
    # Each once: a flag named a million times would make an answer that no memory holds.
    keys = list(dict.fromkeys(key for part in named.split(",") if (key := part.strip())))
    if not keys:
        raise InvalidContext("flag key was not provided")
    return keys, context


def _asker(context: dict[str, Any]) -> tuple[str, Context]:
    """The entity, and the context as constraints see it. Raises InvalidContext naming a property that has no text."""
    try:
        seen = {name: value if value.__class__ is str else text_of(value) for name, value in context.items()}
    except InvalidContext:
        # Slower, and names the property.
        seen = texts_of(context)
    return NOBODY if context.get("targetingKey") is None else seen["targetingKey"], seen


def _all(texts: Texts, namespace: Namespace, entity: str, context: Context, now: int) -> str:
    try:
        return texts.ofrep_all(namespace.evaluate_all(entity, context, now).values())
    except BurgeeError:
        # Some flag cannot be answered; each by itself shows which.
        keys = namespace.document.flag_keys()
        one_by_one = [_one(texts, namespace, key, entity, context, now, as_all=True) for key in keys]
        return ",".join(filter(None, one_by_one))


def _one(
    texts: Texts, namespace: Namespace, key: str, entity: str, context: Context, now: int, *, as_all: bool = False
) -> str:
    """A flag's success or failure; `as_all` leaves out what an answer with all flags leaves out."""
    try:
        result = namespace.evaluate(key, entity, context, now)
    except BurgeeError as error:
        return json_text(_failure_of(key, error))
    return texts.ofrep_all((result,)) if as_all else texts.ofrep(result)


def _failure_of(key: str, error: BurgeeError) -> dict[str, str]:
    if isinstance(error, FlagNotFound):
        return {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": f"flag was not found {key}"}
    # The protocol has no other code than this one for 404.
    code = "FLAG_NOT_FOUND" if error.status == 404 else _code(error)
    return {"key": key, "errorCode": code, "errorDetails": str(error)}


def _code(error: BurgeeError) -> str:
    return next((code for kind, code in _CODES if isinstance(error, kind)), "GENERAL")


def _refusal(status: int, fields: dict[str, str]) -> Response:
    return Response(status, (JSON_TYPE, *headers_of(status)), json_text(fields).encode())


def _event_streams(service: Service, request: Request, environment: str, namespace: str) -> str:
    address = f"{EVENTS}{environment}/{namespace}/events"
    if service.gate is not None:
        address += "?" + service.gate.ticket(request, address)
    return f',"eventStreams":[{{"type":"sse","endpoint":{{"requestUri":"{address}"}}}}]'


def _etag(environment: str, namespace: str, content: bytes) -> str:
    """Weak, for what goes over the wire may be compressed or indented; the same in every process that answers so."""
    digest = sha1(f"{environment}/{namespace}/".encode(), usedforsecurity=False)
    digest.update(content)
    return f'W/"{digest.hexdigest()[:16]}"'
