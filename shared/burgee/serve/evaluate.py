"""Flipt's evaluation endpoints: boolean, variant and batch.

Sources: Flipt semantics 2.10 to 2.12 and 3.2.
"""

from __future__ import annotations

from collections import namedtuple

from ..core.errors import BurgeeError, InvalidRequest
from ..core.instant import format_instant
from ..core.model import BooleanResult, VariantResult
from .answers import answer, read_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .message import Request, Response
    from .service import Service

_WRONG_VALUE = "invalid values for key(s) in json body"

Asked = namedtuple("Asked", "request_id namespace flag entity context environment")
Asked.__doc__ = "One evaluation as asked for; texts are empty when left out, `context` maps texts to texts."


def boolean(service: Service, request: Request) -> Response:
    """POST /evaluate/v1/boolean"""
    return _single(service, request, "boolean", boolean_fields)


def variant(service: Service, request: Request) -> Response:
    """POST /evaluate/v1/variant"""
    return _single(service, request, "variant", variant_fields)


def batch(service: Service, request: Request) -> Response:
    """POST /evaluate/v1/batch: an error of one item is that item's answer."""
    started = service.timer()
    fields = read_object(request)
    listed = field_of(fields, "requests", "requests", list, [])
    items = [read_asked(item) for item in listed]
    serving = service.serving(request)
    responses = [_item(service, request, item) for item in items]
    duration, timestamp = service.timer() - started, timestamp_text(service.now())
    for response in responses:
        for inner in ("booleanResponse", "variantResponse"):
            if inner in response:
                response[inner].update(requestDurationMillis=duration, timestamp=timestamp)
    body = {
        "requestId": field_of(fields, "requestId", "request_id", str, "") or service.new_id(),
        "responses": responses,
        "requestDurationMillis": duration,
    }
    return answer(request, body, headers=service.headers(serving))


def read_asked(fields: Any) -> Asked:
    """An EvaluationRequest, its names in lowerCamelCase or snake_case. Raises InvalidRequest for a wrong type."""
    if not isinstance(fields, dict):
        raise InvalidRequest(_WRONG_VALUE)
    context = field_of(fields, "context", "context", dict, {})
    if any(not (value is None or isinstance(value, str)) for value in context.values()):
        raise InvalidRequest(_WRONG_VALUE)
    return Asked(
        field_of(fields, "requestId", "request_id", str, ""),
        field_of(fields, "namespaceKey", "namespace_key", str, ""),
        field_of(fields, "flagKey", "flag_key", str, ""),
        field_of(fields, "entityId", "entity_id", str, ""),
        {name: value or "" for name, value in context.items()} if None in context.values() else context,
        field_of(fields, "environmentKey", "environment_key", str, ""),
    )


def boolean_fields(result: BooleanResult) -> dict[str, Any]:
    """What a BooleanResponse says of a result."""
    return {
        "enabled": result.enabled,
        "reason": result.reason,
        "requestId": "",
        "requestDurationMillis": 0.0,
        "timestamp": "",
        "flagKey": result.flag_key,
        "segmentKeys": list(result.segment_keys),
    }


def variant_fields(result: VariantResult) -> dict[str, Any]:
    """What a VariantResponse says of a result; a variant without attachment has the text `null`, as in Flipt."""
    attachment = result.attachment or ("null" if result.variant_key else "")
    return {
        "match": result.match,
        "segmentKeys": list(result.segment_keys),
        "reason": result.reason,
        "variantKey": result.variant_key,
        "variantAttachment": attachment,
        "requestId": "",
        "requestDurationMillis": 0.0,
        "timestamp": "",
        "flagKey": result.flag_key,
    }


def timestamp_text(instant: int) -> str:
    """RFC 3339 with no or three fractional digits, as protobuf's JSON has it."""
    text = format_instant(instant)
    return text.replace(".000Z", "Z")


def field_of(fields: dict[str, Any], camel: str, snake: str, kind: type, default: Any) -> Any:
    """A field of a request under either of its names; null and absent are the default. Raises InvalidRequest."""
    value = fields.get(camel)
    if value is None:
        value = fields.get(snake)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise InvalidRequest(_WRONG_VALUE)
    return value


def _single(service: Service, request: Request, kind: str, write: Any) -> Response:
    started = service.timer()
    asked = read_asked(read_object(request))
    serving = service.serving(request, asked.environment)
    namespace = serving.snapshot.namespace(asked.namespace)
    evaluate = namespace.boolean if kind == "boolean" else namespace.variant
    fields = write(evaluate(asked.flag, asked.entity, asked.context, service.now()))
    fields.update(
        requestId=asked.request_id or service.new_id(),
        requestDurationMillis=service.timer() - started,
        timestamp=timestamp_text(service.now()),
    )
    return answer(request, fields, headers=service.headers(serving))


def _item(service: Service, request: Request, asked: Asked) -> dict[str, Any]:
    try:
        serving = service.serving(request, asked.environment)
        namespace = serving.snapshot.namespace(asked.namespace)
        result = namespace.evaluate(asked.flag, asked.entity, asked.context, service.now())
    except BurgeeError as error:
        if error.status == 503:
            raise
        reason = "NOT_FOUND" if error.status == 404 else "UNKNOWN"
        return {
            "type": "ERROR_EVALUATION_RESPONSE_TYPE",
            "errorResponse": {
                "flagKey": asked.flag,
                "namespaceKey": asked.namespace,
                "reason": f"{reason}_ERROR_EVALUATION_REASON",
            },
        }
    if isinstance(result, BooleanResult):
        fields = {**boolean_fields(result), "requestId": asked.request_id}
        return {"type": "BOOLEAN_EVALUATION_RESPONSE_TYPE", "booleanResponse": fields}
    fields = {**variant_fields(result), "requestId": asked.request_id}
    return {"type": "VARIANT_EVALUATION_RESPONSE_TYPE", "variantResponse": fields}
