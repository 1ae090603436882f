"""Listing flags in the shape of Flipt's second server line; those with a schedule as they are now.

Source: Flipt semantics 3.3.
"""

from __future__ import annotations

from ..core.compile import attachment_text, default_variant, flag_type
from ..core.errors import FlagNotFound, InvalidRequest
from ..core.schedule import flag_at
from .answers import answer, query_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .message import Request, Response
    from .service import Service

# More digits than any page has; Python itself stops reading at some thousands.
_DIGITS = 18


def list_flags(service: Service, request: Request, namespace: str) -> Response:
    """GET /api/v1/namespaces/{ns}/flags"""
    query = query_of(request)
    serving, found = service.find(request, _environment(query), namespace)
    document = found.document
    keys = document.flag_keys()
    start, end = _page(query, len(keys))
    now = service.now()
    flags = [_fields(flag_at(flag, now)) for key in keys[start:end] if (flag := document.flag(key))]
    body = {"flags": flags, "nextPageToken": str(end) if end < len(keys) else "", "totalCount": len(keys)}
    return answer(request, body, headers=service.headers(serving))


def get_flag(service: Service, request: Request, namespace: str, key: str) -> Response:
    """GET /api/v1/namespaces/{ns}/flags/{key}: unlike in the list, with its variants."""
    serving, found = service.find(request, _environment(query_of(request)), namespace)
    flag = found.document.flag(key)
    if flag is None:
        raise FlagNotFound(namespace, key)
    variants = [_variant(key, variant) for variant in flag.get("variants", ())]
    fields = _fields(flag_at(flag, service.now()))
    return answer(request, {**fields, "variants": variants}, headers=service.headers(serving))


def _environment(query: Mapping[str, str]) -> str:
    return query.get("environmentKey") or query.get("environment_key", "")


def _page(query: Mapping[str, str], total: int) -> tuple[int, int]:
    limit, token = query.get("limit", "0"), query.get("pageToken") or query.get("page_token", "")
    if not _is_count(limit):
        raise InvalidRequest(f"limit is a whole number, got {limit!r}")
    if token and not int(limit):
        raise InvalidRequest("limit must be set when offset or pageToken is set")
    start = int(token) if _is_count(token) else 0
    if (token and not _is_count(token)) or (start and start >= total):
        raise InvalidRequest(f"invalid offset: {token}")
    return start, min(total, start + int(limit)) if int(limit) else total


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS


def _fields(flag: Mapping[str, Any]) -> dict[str, Any]:
    fields = {
        "key": flag["key"],
        "name": flag.get("name", ""),
        "description": flag.get("description", ""),
        "enabled": bool(flag.get("enabled")),
        "variants": [],
        "namespaceKey": "",
        "type": flag_type(flag),
    }
    if default := default_variant(flag):
        fields["defaultVariant"] = _variant(flag["key"], default)
    if metadata := flag.get("metadata"):
        fields["metadata"] = metadata
    return fields


def _variant(flag: str, variant: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{flag}/{variant['key']}",
        "flagKey": flag,
        "key": variant["key"],
        "name": variant.get("name", ""),
        "description": variant.get("description", ""),
        "attachment": attachment_text(variant) or "null",
        "namespaceKey": "",
    }
