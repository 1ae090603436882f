"""JSON in and out the way Flipt's gateway does it, and errors as its clients expect them.

Source: Flipt semantics 3.1. Every text that is not proper Unicode is made so here, at the rim.
"""

from __future__ import annotations

from ..core.errors import BurgeeError, InvalidRequest
from .message import Request, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

JSON_TYPE = ("content-type", "application/json")
_RETRY_SECONDS = "2"

# gRPC codes by the HTTP status they travel with.
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13, 501: 12, 503: 14, 504: 4}


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body; an empty body is an empty object, text after the object is ignored.

    Raises InvalidRequest for anything else.
    """
    from json import JSONDecoder

    text = _proper(request.body.decode("utf-8", "replace")).lstrip(" \t\r\n")
    if not text:
        return {}
    try:
        value, _end = JSONDecoder(parse_constant=_refuse).raw_decode(text)
        value = _proper_object(value) if "\\" in text else value
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRequest("invalid values for key(s) in json body")
    return value


def answer(request: Request, fields: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A JSON answer; with the query parameter `pretty` indented and without zero values, as Flipt has it."""
    from json import dumps

    if "pretty" in query_of(request):
        text = dumps(_without_zeros(fields), ensure_ascii=False, indent=2)
    else:
        text = dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return Response(status, (JSON_TYPE, *headers), text.encode())


def failure(request: Request, error: BurgeeError) -> Response:
    """The answer to an error, with its status and Flipt's body."""
    headers = (("retry-after", _RETRY_SECONDS),) if error.status == 503 else ()
    return refuse(request, error.status, str(error), headers=headers)


def refuse(request: Request, status: int, message: str, *, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An error answer of a status and message."""
    body = {"code": _CODES.get(status, 2), "message": message, "details": []}
    return answer(request._replace(query=""), body, status=status, headers=headers)


def query_of(request: Request) -> dict[str, str]:
    """The query parameters; the last of a name wins."""
    if not request.query:
        return {}
    from urllib.parse import parse_qsl

    return dict(parse_qsl(request.query, keep_blank_values=True))


def _refuse(name: str) -> None:
    raise ValueError(f"invalid value {name}")


def _proper(text: str) -> str:
    return text[1:] if text.startswith("\ufeff") else text


def _proper_object(value: Any) -> Any:
    """Lone surrogates, which only escapes can bring, become U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_proper_object(name): _proper_object(member) for name, member in value.items()}
    return [_proper_object(member) for member in value] if isinstance(value, list) else value


def _without_zeros(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _without_zeros(member) for name, member in value.items()}
        return {name: member for name, member in kept.items() if member not in ("", 0, [], None)}
    return [_without_zeros(member) for member in value] if isinstance(value, list) else value
