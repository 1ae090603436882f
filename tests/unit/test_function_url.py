"""Events of Lambda function URLs (payload 2.0) as requests, and responses as results."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from burgee.serve.cors import Cors
from burgee.serve.function_url import answer, request_of, result_of
from burgee.serve.message import Response
from tests.serving import Served


def an_event(method: str = "GET", path: str = "/healthz", body: str | None = None, **more: Any) -> dict[str, Any]:
    """An event as AWS documents it; without a body the field is absent."""
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "id.lambda-url.eu-west-1.on.aws", "content-type": "application/json"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "id",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            "requestId": "r",
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": 1_800_000_000_000,
        },
        "isBase64Encoded": False,
        **more,
    }
    return event if body is None else {**event, "body": body}


def test_an_event_is_answered_with_what_the_app_answers() -> None:
    served, body = Served(), {"flagKey": "bool", "entityId": "ü", "context": {"p": "y"}, "requestId": "r-1"}
    result = answer(served.app, an_event("POST", "/evaluate/v1/boolean", json.dumps(body, ensure_ascii=False)))
    response = served.call("POST", "/evaluate/v1/boolean", body)
    assert result == {
        "statusCode": 200,
        "headers": dict(response.headers),
        "body": response.body.decode(),
        "isBase64Encoded": False,
    }
    assert json.dumps(result)


def test_method_path_query_headers_and_body_are_those_of_the_event() -> None:
    event = an_event("POST", "/a%2Fb/%C3%BC+%25", "text", rawQueryString="x=%20&y", cookies=["a=1", "b=2"])
    request = request_of(event)
    assert (request.method, request.path, request.query, request.body) == ("POST", "/a/b/ü+%", "x=%20&y", b"text")
    assert request.headers == {**event["headers"], "cookie": "a=1; b=2"}
    assert "cookie" not in event["headers"]


@pytest.mark.parametrize("event", [an_event(), an_event(body=""), {**an_event(), "body": None}])
def test_an_event_without_body_is_a_request_without_one(event: dict[str, Any]) -> None:
    assert request_of(event).body == b""


def test_an_event_without_headers_is_a_request_without_any() -> None:
    assert request_of(an_event(headers=None)).headers == {}
    assert answer(Served().app, an_event(headers=None))["statusCode"] == 200


def test_a_body_in_base64_is_decoded() -> None:
    content = json.dumps({"flagKey": "bool"}).encode()
    event = an_event("POST", "/evaluate/v1/boolean", base64.b64encode(content).decode(), isBase64Encoded=True)
    assert request_of(event).body == content
    assert answer(Served().app, event)["statusCode"] == 200


def test_a_token_in_a_cookie_is_seen() -> None:
    from burgee.bundle.digest import digest_of

    served = Served(tokens=frozenset({digest_of(b"secret")}))
    event = an_event("POST", "/evaluate/v1/boolean", '{"flagKey":"bool"}')
    assert answer(served.app, event)["statusCode"] == 401
    assert answer(served.app, {**event, "cookies": ["x=y", "flipt_client_token=secret"]})["statusCode"] == 200


def test_a_compressed_answer_goes_as_base64_and_names_that_come_twice_are_joined() -> None:
    path = "/internal/v1/evaluation/snapshot/namespace/default"
    event = an_event(path=path)
    event["headers"] = {**event["headers"], "accept-encoding": "gzip", "origin": "https://shop.example.org"}
    served = Served(cors=Cors(["https://shop.example.org"]))
    result = answer(served.app, event)
    assert result["isBase64Encoded"] is True
    assert result["headers"]["vary"] == "accept-encoding, origin"
    assert gzip.decompress(base64.b64decode(result["body"])) == served.call("GET", path).body


def test_304_has_an_empty_body() -> None:
    served, path = Served(), "/internal/v1/evaluation/snapshot/namespace/default"
    etag = answer(served.app, an_event(path=path))["headers"]["etag"]
    event = an_event(path=path)
    event["headers"] = {**event["headers"], "if-none-match": etag}
    result = answer(served.app, event)
    assert (result["statusCode"], result["body"], result["isBase64Encoded"]) == (304, "", False)


def test_a_body_in_pieces_is_joined() -> None:
    assert result_of(Response(200, (), iter([b"a", b"b"])))["body"] == "ab"


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"key1": "value1"}, id="a console's test"),
        pytest.param({"httpMethod": "GET", "path": "/healthz", "headers": {}, "body": None}, id="payload 1.0"),
        pytest.param({}, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param(an_event("POST", "/x", "abc", isBase64Encoded=True), id="base64 that ends too early"),
        pytest.param(an_event("POST", "/x", "\u00e9", isBase64Encoded=True), id="base64 that is none"),
        pytest.param(an_event("POST", "/x", "\ud800"), id="half a surrogate pair"),
    ],
)
def test_an_event_of_another_kind_is_a_bad_request_that_says_so(event: Any) -> None:
    result = answer(Served().app, event)
    assert result["statusCode"] == 400
    assert "payload format 2.0" in result["body"]
    assert json.dumps(result)
