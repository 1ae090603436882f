"""The variant API of Flipt's first server line, which older REST clients still call.

Source: Flipt semantics 3.2, last paragraph.
"""

from __future__ import annotations

from ..core.errors import FlagNotFound, InvalidRequest
from .answers import answer, read_object
from .evaluate import field_of, read_asked, timestamp_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..fetch.live import Serving
    from .evaluate import Asked
    from .message import Request, Response
    from .service import Service


def evaluate(service: Service, request: Request, namespace: str = "") -> Response:
    """POST /api/v1/evaluate and /api/v1/namespaces/{ns}/evaluate"""
    asked = _asked(read_object(request), namespace)
    serving = service.serving(request, asked.environment)
    return answer(request, _evaluated(service, serving, asked), headers=service.headers(serving))


def batch_evaluate(service: Service, request: Request, namespace: str = "") -> Response:
    """POST /api/v1/batch-evaluate and /api/v1/namespaces/{ns}/batch-evaluate"""
    started = service.timer()
    fields = read_object(request)
    listed = field_of(fields, "requests", "requests", list, [])
    exclude = bool(fields.get("excludeNotFound") or fields.get("exclude_not_found"))
    serving = service.serving(request)
    responses = []
    for item in listed:
        try:
            responses.append(_evaluated(service, serving, _asked(item, namespace)))
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


def _asked(fields: Any, namespace: str) -> Asked:
    asked = read_asked(fields)
    for name, value in (("flagKey", asked.flag), ("entityId", asked.entity)):
        if not value:
            raise InvalidRequest(f"invalid field {name}: must not be empty")
    return asked._replace(namespace=namespace or asked.namespace)


def _evaluated(service: Service, serving: Serving, asked: Asked) -> dict[str, Any]:
    started = service.timer()
    namespace = serving.snapshot.namespace(asked.namespace)
    result = namespace.variant(asked.flag, asked.entity, asked.context, service.now())
    return {
        "requestId": asked.request_id or service.new_id(),
        "entityId": asked.entity,
        "requestContext": dict(asked.context),
        "match": result.match,
        "flagKey": asked.flag,
        "segmentKey": result.segment_keys[0] if result.segment_keys else "",
        "timestamp": timestamp_text(service.now()),
        "value": result.variant_key,
        "requestDurationMillis": service.timer() - started,
        "attachment": result.attachment or ("null" if result.variant_key else ""),
        "reason": result.reason,
        "segmentKeys": list(result.segment_keys),
        "namespaceKey": namespace.key,
    }
