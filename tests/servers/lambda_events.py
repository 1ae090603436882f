"""Events as AWS makes them: those of function URLs (payload 2.0) and those of an event source mapping of a queue.

Source: AWS Lambda developer guide, "Request and response payloads" and "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from time import gmtime, strftime, time
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

_ID = "abcdefghijklmnopqrstuvwxyz012345"
_DOMAIN = f"{_ID}.lambda-url.eu-central-1.on.aws"
_CLIENT = "192.0.2.1"
# Every other type is taken for bytes, those of forms too.
_TEXTS = ("application/json", "application/javascript", "application/xml")
_ATTRIBUTES = {"StringValue": "stringValue", "BinaryValue": "binaryValue", "DataType": "dataType"}

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


def url_event(
    method: str,
    path: str,
    headers: Headers = (),
    body: bytes = b"",
    query: str = "",
    *,
    at: float | None = None,
) -> dict[str, Any]:
    """The event of a request to a function URL; `path` and `query` are as on the wire, `at` is in seconds."""
    at = time() if at is None else at
    given = _joined(headers)
    cookies = given.pop("cookie", "")
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": _added(at) | given | {"host": _DOMAIN},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": _ID,
            "domainName": _DOMAIN,
            "domainPrefix": _ID,
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": _CLIENT,
                "userAgent": given.get("user-agent", ""),
            },
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": strftime("%d/%b/%Y:%H:%M:%S +0000", gmtime(at)),
            "timeEpoch": int(at * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True), lower=False)
    if body:
        event["isBase64Encoded"] = is_binary = _is_binary(given, body)
        event["body"] = b64encode(body).decode() if is_binary else body.decode()
    return event


def sqs_event(messages: Iterable[Mapping[str, Any]], queue_arn: str) -> dict[str, Any]:
    """The event of these messages, as boto3's `receive_message` gives them when asked for all of their attributes."""
    return {"Records": [_record(message, queue_arn) for message in messages]}


def _joined(pairs: Headers, *, lower: bool = True) -> dict[str, str]:
    """Each name once; values of one name are joined with commas, those of cookies with semicolons."""
    joined: dict[str, str] = {}
    for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
        name = name.lower() if lower else name
        separator = "; " if name == "cookie" else ","
        joined[name] = f"{joined[name]}{separator}{value}" if name in joined else value
    return joined


def _added(at: float) -> dict[str, str]:
    return {
        "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-trace-id": f"Root=1-{int(at):08x}-{uuid4().hex[:24]}",
        "x-forwarded-for": _CLIENT,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }


def _is_binary(headers: Mapping[str, str], body: bytes) -> bool:
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if "content-encoding" in headers or not content_type.startswith(("text/", *_TEXTS)):
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return True
    return False


def _record(message: Mapping[str, Any], queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {
            name: _attribute(attribute) for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _attribute(attribute: Mapping[str, Any]) -> dict[str, Any]:
    values = {_ATTRIBUTES[name]: value for name, value in attribute.items() if name in _ATTRIBUTES}
    if "binaryValue" in values:
        values["binaryValue"] = b64encode(values["binaryValue"]).decode()
    return {"stringListValues": [], "binaryListValues": [], **values}
