"""JSON in and out the way Flipt's gateway does it, and errors as its clients expect them.

Source: Flipt semantics 3.1. Every text that is not proper Unicode is made so here, at the rim.
"""

from __future__ import annotations

from ..core.errors import BurgeeError, InvalidRequest, NotJson
from ..core.json_text import json_text
from .message import Request, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from json import JSONDecoder
    from typing import Any

JSON_TYPE = ("content-type", "application/json")
_RETRY_SECONDS = "2"

# gRPC codes by the HTTP status they travel with.
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13, 501: 12, 503: 14, 504: 4}

# Filled at first use, so that importing this module does not import `json`.
_decoders: list[JSONDecoder] = []


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body; an empty body is an empty object, text after the object is ignored.

    Raises InvalidRequest for anything else.
    """
    value = read_json(request)
    if not isinstance(value, dict):
        raise InvalidRequest("invalid values for key(s) in json body")
    return value


def read_json(request: Request) -> Any:
    """The JSON value that a request's body begins with, an empty object for an empty body. Raises NotJson."""
    text = request.body.decode("utf-8", "replace").removeprefix("\ufeff").lstrip(" \t\r\n")
    if not text:
        return {}
    try:
        value, _end = (_decoders or _made_decoders())[0].raw_decode(text)
        return _proper(value) if "\\" in text else value
    except (ValueError, RecursionError) as error:
        raise NotJson(f"body is not JSON: {error}") from error


def answer(request: Request, fields: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A JSON answer; with the query parameter `pretty` indented and without zero values, as Flipt has it."""
    if "pretty" in query_of(request):
        return Response(status, (JSON_TYPE, *headers), _pretty(fields).encode())
    return Response(status, (JSON_TYPE, *headers), json_text(fields).encode())


def answer_written(request: Request, content: bytes, headers: tuple[tuple[str, str], ...]) -> Response:
    """An answer of JSON that is written already; `pretty` as with `answer`."""
    if request.query and "pretty" in query_of(request):
        from json import loads

        content = _pretty(loads(content)).encode()
    return Response._make((200, (JSON_TYPE, *headers), content))


def failure(request: Request, error: BurgeeError) -> Response:
    """The answer to an error, with its status and Flipt's body."""
    return refuse(request, error.status, str(error))


def refuse(request: Request, status: int, message: str) -> Response:
    """An error answer of a status and message."""
    body = {"code": _CODES.get(status, 2), "message": message, "details": []}
    return answer(request._replace(query=""), body, status=status, headers=headers_of(status))


def headers_of(status: int) -> tuple[tuple[str, str], ...]:
    """What a status has to be told with: when to come back, or how to say who one is (RFC 9110, 11.6.1)."""
    if status == 401:
        return (("www-authenticate", "Bearer"),)
    return (("retry-after", _RETRY_SECONDS),) if status in (429, 503) else ()


def names_etag(header: str, etag: str) -> bool:
    """Whether an If-None-Match names an ETag. Quotes and `W/` make no difference: some clients lose or add them."""
    return bool(header) and any(
        candidate.strip() == "*" or _opaque(candidate) == _opaque(etag) for candidate in header.split(",")
    )


def query_of(request: Request) -> dict[str, str]:
    """The query parameters; the last of a name wins."""
    if not request.query:
        return {}
    from urllib.parse import parse_qsl

    return dict(parse_qsl(request.query, keep_blank_values=True))


def _opaque(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')


def _made_decoders() -> list[JSONDecoder]:
    from json import JSONDecoder

    _decoders.append(JSONDecoder(parse_constant=_no_constant))
    return _decoders


def _no_constant(name: str) -> None:
    raise ValueError(f"invalid value {name}")


def _proper(value: Any) -> Any:
    """Lone surrogates, which only escapes can bring, become U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_proper(name): _proper(member) for name, member in value.items()}
    return [_proper(member) for member in value] if isinstance(value, list) else value


def _pretty(fields: Any) -> str:
    from json import dumps

    return dumps(_without_zeros(fields), ensure_ascii=False, indent=2)


def _without_zeros(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _without_zeros(member) for name, member in value.items()}
        return {name: member for name, member in kept.items() if member not in ("", 0, [], None)}
    return [_without_zeros(member) for member in value] if isinstance(value, list) else value
