"""Lambda function URLs, payload 2.0: an event as a Request, a Response as what the function returns.

Source: AWS Lambda developer guide, "Request and response payloads". API Gateway's HTTP APIs send the same.
"""

from __future__ import annotations

from .message import Request, Response, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


_PLAIN = (("content-type", "text/plain; charset=utf-8"),)
_NO_REQUEST = "wanted an event of payload format 2.0, as function URLs and HTTP APIs send, got none that is whole"


def answer(app: Callable[[Request], Response], event: Mapping[str, Any]) -> dict[str, Any]:
    """What the function returns for an event; 400 for one of another kind, as a console's or a load balancer's."""
    try:
        request = request_of(event)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return result_of(Response(400, _PLAIN, f"{_NO_REQUEST}: {error!r}\n".encode("utf-8", "backslashreplace")))
    return result_of(app(request))


def request_of(event: Mapping[str, Any]) -> Request:
    """The Request in an event, whose names of headers are in lower case already."""
    body, path, headers = event.get("body") or "", event["rawPath"], event.get("headers") or {}
    if event.get("isBase64Encoded"):
        from binascii import a2b_base64

        content = a2b_base64(body)
    else:
        content = body.encode()
    if "%" in path:
        from urllib.parse import unquote

        path = unquote(path)
    if cookies := event.get("cookies"):
        headers = {**headers, "cookie": "; ".join(cookies)}
    method, query = event["requestContext"]["http"]["method"], event.get("rawQueryString", "")
    # Whoever invokes the function by hand may send what is no text, or has none in UTF-8.
    "".join((method, path, query, *headers, *headers.values())).encode()
    return Request._make((method, path, query, headers, content))


def result_of(response: Response) -> dict[str, Any]:
    """A Response as a result. What has no UTF-8 text, which is what is compressed, goes as base64."""
    status, pairs, content = response
    headers = dict(pairs)
    if len(headers) < len(pairs):
        headers = joined(pairs)
    if not isinstance(content, bytes):
        content = b"".join(content)
    if "content-encoding" in headers:
        from binascii import b2a_base64

        text, encoded = b2a_base64(content, newline=False).decode(), True
    else:
        text, encoded = content.decode(), False
    return {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": encoded}
