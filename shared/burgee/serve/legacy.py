"""The variant API of Flipt's first server line, which older REST clients still call.

Source: Flipt semantics 3.2, last paragraph.
"""

from __future__ import annotations

from ..core.errors import FlagNotFound, InvalidRequest
from .answers import answer, read_object
from .evaluate import field_of, read_asked, requests_of
from .texts import attachment_field, timestamp_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..core.snapshot import Namespace
    from .evaluate import Asked
    from .message import Request, Response
    from .service import Service


def evaluate(service: Service, request: Request, namespace: str = "") -> Response:
    """POST /api/v1/evaluate and /api/v1/namespaces/{ns}/evaluate"""
    asked = _asked(read_object(request), namespace)
    serving, found = service.find(request, asked[-1], asked[1])
    return answer(request, _evaluated(service, found, asked), headers=service.headers(serving))


def batch_evaluate(service: Service, request: Request, namespace: str = "") -> Response:
    """POST /api/v1/batch-evaluate and /api/v1/namespaces/{ns}/batch-evaluate"""
    started = service.timer()
    fields = read_object(request)
    listed = requests_of(fields)
    exclude = bool(fields.get("excludeNotFound") or fields.get("exclude_not_found"))
    if namespace:
        service.check(request, "", namespace)
    serving = service.serving(request)
    responses = []
    for item in listed:
        try:
            asked = _asked(item, namespace)
            responses.append(_evaluated(service, service.namespace(serving, asked[1]), asked))
        except FlagNotFound:
            if not exclude:
                raise
    return answer(
        request,
        {
            "requestId": field_of(fields, "requestId", "request_id", str, "") or service.new_id(),
            "responses": responses,
            "requestDurationMillis": service.timer() - started,
        },
        headers=service.headers(serving),
    )


def _asked(fields: Any, path_namespace: str) -> Asked:
    request_id, namespace, flag, entity, context, environment = read_asked(fields)
    for name, value in (("flagKey", flag), ("entityId", entity)):
        if not value:
            raise InvalidRequest(f"invalid field {name}: must not be empty")
    return request_id, path_namespace or namespace, flag, entity, context, environment


def _evaluated(service: Service, namespace: Namespace, asked: Asked) -> dict[str, Any]:
    started = service.timer()
    request_id, _, flag, entity, context, _ = asked
    result = namespace.variant(flag, entity, context, service.now())
    return {
        "requestId": request_id or service.new_id(),
        "entityId": entity,
        "requestContext": dict(context),
        "match": result.match,
        "flagKey": flag,
        "segmentKey": result.segment_keys[0] if result.segment_keys else "",
        "timestamp": timestamp_text(service.now()),
        "value": result.variant_key,
        "requestDurationMillis": service.timer() - started,
        "attachment": attachment_field(result),
        "reason": result.reason,
        "segmentKeys": list(result.segment_keys),
        "namespaceKey": namespace.key,
    }
