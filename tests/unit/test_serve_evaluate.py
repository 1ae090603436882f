"""The evaluation endpoints, as Flipt's clients call them (Flipt semantics, 2.10 to 2.12, 3.1, 3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from burgee.serve.evaluate import MOST_REQUESTS
from tests.serving import Served

BOOLEAN, VARIANT, BATCH = "/evaluate/v1/boolean", "/evaluate/v1/variant", "/evaluate/v1/batch"
YES = {"p": "y"}


def test_a_boolean_answer_has_every_field_in_flipts_order() -> None:
    status, answer = Served().post(BOOLEAN, {"flagKey": "bool", "entityId": "u", "context": YES, "requestId": "r-1"})
    assert status == 200
    assert list(answer) == [
        *("enabled", "reason", "requestId", "requestDurationMillis", "timestamp", "flagKey", "segmentKeys"),
    ]
    assert answer == {
        "enabled": True,
        "reason": "MATCH_EVALUATION_REASON",
        "requestId": "r-1",
        "requestDurationMillis": 0.0,
        "timestamp": "2027-01-15T08:00:00Z",
        "flagKey": "bool",
        "segmentKeys": ["yes"],
    }


def test_zero_values_are_written_out() -> None:
    _, answer = Served().post(VARIANT, {"flagKey": "bare", "entityId": "u"})
    assert answer == {
        "match": False,
        "segmentKeys": [],
        "reason": "FLAG_DISABLED_EVALUATION_REASON",
        "variantKey": "",
        "variantAttachment": "",
        "requestId": "id-1",
        "requestDurationMillis": 0.0,
        "timestamp": "2027-01-15T08:00:00Z",
        "flagKey": "bare",
    }


def test_a_variant_without_attachment_has_the_text_null() -> None:
    _, answer = Served().post(VARIANT, {"flagKey": "split", "entityId": "u", "context": {"p": "n"}})
    assert (answer["variantKey"], answer["variantAttachment"], answer["match"]) == ("fallback", "null", True)


def test_an_attachment_is_json_text() -> None:
    served = Served()
    answers = [
        served.post(VARIANT, {"flagKey": "split", "entityId": str(entity), "context": YES})[1] for entity in range(20)
    ]
    assert {(answer["variantKey"], answer["variantAttachment"]) for answer in answers} == {
        ("a", '{"x":1}'),
        ("b", "null"),
    }


def test_field_names_may_be_snake_case() -> None:
    body = {"namespace_key": "default", "flag_key": "bool", "entity_id": "u", "context": YES, "reference": None}
    assert Served().post(BOOLEAN, body)[1]["enabled"] is True


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (BOOLEAN, {"flagKey": "nope"}, 404, 'flag "default/nope" not found'),
        (BOOLEAN, {}, 404, 'flag "default" not found'),
        (BOOLEAN, b"", 404, 'flag "default" not found'),
        (BOOLEAN, {"flagKey": "bool", "namespaceKey": "nope"}, 404, 'namespace "nope" not found'),
        (BOOLEAN, {"flagKey": "split"}, 400, "flag type VARIANT_FLAG_TYPE invalid"),
        (VARIANT, {"flagKey": "bool"}, 400, "flag type BOOLEAN_FLAG_TYPE invalid"),
        (BOOLEAN, {"flagKey": "bool", "context": {"n": 1}}, 400, "invalid values for key(s) in json body"),
        (BOOLEAN, {"flagKey": "bool", "context": ["n"]}, 400, "invalid values for key(s) in json body"),
        (BOOLEAN, {"flagKey": 7}, 400, "invalid values for key(s) in json body"),
        (BOOLEAN, [], 400, "invalid values for key(s) in json body"),
        (
            BOOLEAN,
            {"flagKey": "bool", "environmentKey": "nope"},
            404,
            'failed to get environment "nope" from context: environment: "nope" not found',
        ),
    ],
)
def test_errors_have_flipts_status_code_and_message(path: str, body: Any, status: int, message: str) -> None:
    code = {404: 5, 400: 3}[status]
    assert Served().post(path, body) == (status, {"code": code, "message": message, "details": []})


@pytest.mark.parametrize("body", [b"{", b"{'a':1}", b"\xff\xfe", b'{"context":NaN}', b"[" * 100_000])
def test_broken_json_is_a_bad_request(body: bytes) -> None:
    status, answer = Served().post(BOOLEAN, body)
    assert (status, answer["code"]) == (400, 3)


@pytest.mark.parametrize(
    ("path", "query", "body"),
    [
        (BOOLEAN, "", b'{"a":"\\\\","b":' + b"[" * 100_000),
        ("/api/v1/batch-evaluate", "pretty", b'{"requestId":' + b"[" * 700 + b"]" * 700 + b"}"),
        ("/api/v1/batch-evaluate", "", b'{"requestId":1e400}'),
        ("/api/v1/batch-evaluate", "", b'{"requests":{}}'),
    ],
)
def test_an_odd_body_is_a_bad_request(path: str, query: str, body: bytes) -> None:
    assert Served().call("POST", path, body, query=query).status == 400


def test_text_after_the_first_value_and_unknown_fields_are_ignored() -> None:
    assert Served().post(BOOLEAN, b'{"flagKey":"bool","x":{}} and more')[0] == 200


def test_a_null_context_value_is_the_empty_text() -> None:
    assert Served().post(BOOLEAN, {"flagKey": "bool", "context": {"p": None}})[1]["enabled"] is False


def test_lone_surrogates_become_replacement_characters() -> None:
    assert Served().post(BOOLEAN, b'{"flagKey":"half","entityId":"\\ud800"}')[0] == 200


def test_pretty_indents_and_leaves_zero_values_out() -> None:
    response = Served().call("POST", VARIANT, {"flagKey": "bare", "entityId": "u"}, query="pretty")
    assert b'\n  "reason"' in response.body and b"variantKey" not in response.body


def test_the_environment_comes_from_the_body_then_the_header_then_the_default() -> None:
    served = Served()
    served.publish(*[], environment="production")
    header = {"x-flipt-environment": "production"}
    assert served.post(BOOLEAN, {"flagKey": "bool"}, headers=header)[0] == 404
    assert served.post(BOOLEAN, {"flagKey": "bool", "environmentKey": "staging"}, headers=header)[0] == 200
    assert served.post(BOOLEAN, {"flagKey": "bool"}, headers={"x-flipt-environment": "default"})[0] == 200


def test_the_namespace_header_is_not_looked_at() -> None:
    assert Served().post(BOOLEAN, {"flagKey": "bool"}, headers={"x-flipt-namespace": "nope"})[0] == 200


def test_a_batch_answers_each_item_in_order() -> None:
    asked = [
        {"flagKey": "bool", "entityId": "u", "context": YES, "requestId": "one"},
        {"flagKey": "split", "entityId": "u", "context": YES},
        {"flagKey": "nope", "entityId": "u"},
        {"flagKey": "bool", "namespaceKey": "other", "entityId": "u"},
        {"flagKey": "bool", "environmentKey": "nope", "entityId": "u"},
    ]
    status, answer = Served().post(BATCH, {"requestId": "batch", "requests": asked})
    assert (status, answer["requestId"]) == (200, "batch")
    assert [item["type"].split("_")[0] for item in answer["responses"]] == [
        *("BOOLEAN", "VARIANT", "ERROR", "ERROR", "ERROR"),
    ]
    assert answer["responses"][0]["booleanResponse"]["requestId"] == "one"
    assert answer["responses"][1]["variantResponse"]["requestId"] == ""
    assert answer["responses"][3]["errorResponse"] == {
        "flagKey": "bool",
        "namespaceKey": "other",
        "reason": "NOT_FOUND_ERROR_EVALUATION_REASON",
    }


def test_items_of_a_batch_share_one_timestamp() -> None:
    served = Served()
    _, answer = served.post(BATCH, {"requests": [{"flagKey": "bool"}, {"flagKey": "half", "entityId": "1"}]})
    assert len({item["booleanResponse"]["timestamp"] for item in answer["responses"]}) == 1


def test_an_unknown_environment_in_the_header_fails_the_whole_batch() -> None:
    status, _ = Served().post(BATCH, {"requests": []}, headers={"x-flipt-environment": "nope"})
    assert status == 404


def test_before_the_first_release_the_answer_is_unavailable_and_says_when_to_come_back() -> None:
    response = Served().call("POST", BOOLEAN, {"flagKey": "bool", "environmentKey": "production"})
    assert response.status == 503
    assert ("retry-after", "2") in response.headers


def test_the_first_server_lines_variant_endpoint_is_served() -> None:
    status, answer = Served().post("/api/v1/evaluate", {"flagKey": "split", "entityId": "u", "context": YES})
    assert status == 200
    assert (answer["entityId"], answer["segmentKey"], answer["namespaceKey"]) == ("u", "yes", "default")
    assert answer["requestContext"] == YES


@pytest.mark.parametrize(("body", "field"), [({"entityId": "u"}, "flagKey"), ({"flagKey": "split"}, "entityId")])
def test_the_first_server_lines_endpoint_wants_flag_and_entity(body: dict[str, str], field: str) -> None:
    status, answer = Served().post("/api/v1/namespaces/default/evaluate", body)
    assert (status, answer["message"]) == (400, f"invalid field {field}: must not be empty")


def test_the_first_server_lines_batch_leaves_out_what_is_not_found_if_asked() -> None:
    asked = [{"flagKey": "nope", "entityId": "u"}, {"flagKey": "split", "entityId": "u"}]
    status, answer = Served().post("/api/v1/batch-evaluate", {"requests": asked, "excludeNotFound": True})
    assert (status, len(answer["responses"])) == (200, 1)
    assert Served().post("/api/v1/batch-evaluate", {"requests": asked})[0] == 404


@pytest.mark.parametrize("path", ["/evaluate/v1/batch", "/api/v1/batch-evaluate"])
def test_a_batch_has_a_bound(path: str) -> None:
    asked = [{"flagKey": "split", "entityId": "u"}] * (MOST_REQUESTS + 1)
    status, answer = Served().post(path, {"requests": asked})
    assert (status, answer["message"]) == (400, "a batch has at most 10000 requests, got 10001; send several")
