"""OpenFeature's remote evaluation protocol (OFREP 0.3; Flipt semantics, 3.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from burgee.bundle.digest import digest_of
from burgee.core.errors import Unavailable
from tests.builders import (
    Normal,
    a_boolean_flag,
    a_constraint,
    a_document,
    a_flag,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
    named,
)
from tests.fakes.publisher import publish
from tests.serving import TTL_MS, Served, header

FLAGS = "/ofrep/v1/evaluate/flags"
SUCCESS_REASONS = {"STATIC", "DEFAULT", "TARGETING_MATCH", "SPLIT", "CACHED", "DISABLED", "UNKNOWN", "STALE"}
FAILURE_CODES = {"PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "GENERAL"}


def ask(served: Served, key: str, /, **context: Any) -> tuple[int, Any]:
    """One flag for an entity `u`, unless the context says otherwise."""
    return served.post(f"{FLAGS}/{key}", {"context": {"targetingKey": "u", **context}})


def ask_all(served: Served, /, **context: Any) -> tuple[int, dict[str, Any]]:
    """All flags by key, for an entity `u` unless the context says otherwise."""
    status, answer = served.post(FLAGS, {"context": {"targetingKey": "u", **context}})
    return status, {flag["key"]: flag for flag in answer["flags"]}


def publish_matching(served: Served, constraint: Normal) -> None:
    """One flag `f` in `staging` that is on for those whom a constraint matches."""
    content = a_document([a_boolean_flag("f", a_segment_rollout("only"))], [a_segment("only", [constraint])]).content
    publish(served.store, {"default": content}, at=served.clock.wall())


def test_a_boolean_flag_has_its_value_as_variant_and_no_metadata() -> None:
    response = Served().call("POST", f"{FLAGS}/bool", {"context": {"targetingKey": "u", "p": "y"}})
    assert response.status == 200
    assert response.body == b'{"key":"bool","reason":"TARGETING_MATCH","variant":"true","value":true}'


def test_a_variant_flag_has_the_variants_key_as_value_and_its_attachment_in_the_metadata() -> None:
    served = Served(
        a_flag("f", variants=[a_variant("a", {"x": 1})], rules=[a_rule(named("everybody", "yes"), [("a", 100)])])
    )
    assert ask(served, "f", p="y") == (
        200,
        {
            "key": "f",
            "reason": "TARGETING_MATCH",
            "variant": "a",
            "metadata": {"segments": "everybody,yes", "attachment": '{"x":1}'},
            "value": "a",
        },
    )


@pytest.mark.parametrize(
    ("key", "context", "reason", "value"),
    [
        ("bool", {}, "DEFAULT", False),
        ("split", {"p": "n"}, "TARGETING_MATCH", "fallback"),
        ("split", {}, "DEFAULT", "fallback"),
        ("bare", {}, "DISABLED", ""),
        ("ruleless", {}, "UNKNOWN", ""),
        ("off", {}, "DISABLED", False),
    ],
)
def test_every_reason_is_one_of_openfeatures(key: str, context: dict[str, str], reason: str, value: Any) -> None:
    served = Served(
        a_boolean_flag("bool", a_segment_rollout("yes")),
        a_boolean_flag("off"),
        a_flag("bare", enabled=False),
        a_flag("ruleless"),
        a_flag(
            "split",
            variants=[a_variant("a"), a_variant("fallback", default=True)],
            rules=[a_rule("yes", [("a", 100)]), a_rule("no")],
        ),
    )
    status, answer = ask(served, key, **context)
    assert (status, answer["reason"], answer["value"]) == (200, reason, value)
    assert reason in SUCCESS_REASONS
    assert answer["variant"] == (value if isinstance(value, str) else str(value).lower())


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "details"),
    [
        ("/nope", {}, 404, "FLAG_NOT_FOUND", "flag was not found nope"),
        ("/a/b/", {}, 404, "FLAG_NOT_FOUND", "flag was not found a/b"),
        ("/a%2Fb", {}, 404, "FLAG_NOT_FOUND", "flag was not found a%2Fb"),
        ("/bool", b"{", 400, "PARSE_ERROR", "body is not JSON"),
        ("/bool", b"\xff", 400, "PARSE_ERROR", "body is not JSON"),
        ("/bool", b"[1]", 400, "PARSE_ERROR", "body is not a JSON object"),
        ("/bool", b'{"context":{"n":NaN}}', 400, "PARSE_ERROR", "body is not JSON"),
        ("/bool", {"context": []}, 400, "INVALID_CONTEXT", "the context is not a JSON object"),
        ("/bool", {"context": {"tags": ["a"]}}, 400, "INVALID_CONTEXT", "property 'tags'"),
        ("/bool", {"context": {"who": {"a": 1}}}, 400, "INVALID_CONTEXT", "property 'who'"),
        ("/bool", {"context": {"targetingKey": []}}, 400, "INVALID_CONTEXT", "property 'targetingKey'"),
        ("/half", {"context": {}}, 400, "TARGETING_KEY_MISSING", "targeting key"),
        ("/half", {"context": {"targetingKey": None}}, 400, "TARGETING_KEY_MISSING", "targeting key"),
        ("/half", {}, 400, "TARGETING_KEY_MISSING", "targeting key"),
    ],
)
def test_a_failure_of_one_flag_names_it_with_a_code_and_details(
    path: str, body: Any, status: int, code: str, details: str
) -> None:
    got, answer = Served().post(FLAGS + path, body)
    assert (got, answer["errorCode"]) == (status, code)
    assert answer["key"] == path.strip("/")
    assert details in answer["errorDetails"]
    assert code in FAILURE_CODES


def test_what_needs_no_bucket_needs_no_targeting_key() -> None:
    served = Served()
    for key, context in (("bool", {"p": "y"}), ("bool", {}), ("bare", {}), ("split", {"p": "n"})):
        assert served.post(f"{FLAGS}/{key}", {"context": context})[0] == 200


def test_an_empty_targeting_key_counts_as_given_as_in_flipt() -> None:
    assert ask(Served(), "half", targetingKey="")[0] == 200


def test_an_empty_body_is_an_empty_context() -> None:
    assert Served().post(f"{FLAGS}/bool", b"")[1]["reason"] == "DEFAULT"


@pytest.mark.parametrize(("sent", "seen"), [(7, "7"), (2.0, "2"), (0.5, "0.5"), (True, "true"), ("x", "x")])
def test_numbers_and_booleans_are_seen_as_their_texts(sent: Any, seen: str) -> None:
    served = Served()
    publish_matching(served, a_constraint("plan", "eq", seen))
    assert ask(served, "f", plan=sent)[1]["value"] is True
    assert ask(served, "f", plan="something else")[1]["value"] is False


def test_null_is_seen_as_the_empty_text() -> None:
    served = Served()
    publish_matching(served, a_constraint("plan", "empty"))
    assert ask(served, "f", plan=None)[1]["value"] is True


@pytest.mark.parametrize("key", [7, "7", 7.0])
def test_the_whole_context_with_the_targeting_key_is_seen_by_constraints(key: Any) -> None:
    served = Served()
    publish_matching(served, a_constraint("targetingKey", "eq", "7"))
    assert ask(served, "f", targetingKey=key)[1]["value"] is True


def test_a_number_as_targeting_key_falls_into_the_bucket_of_its_text() -> None:
    served = Served(a_boolean_flag("f", a_threshold(50)))
    answers = [ask(served, "f", targetingKey=number)[1]["value"] for number in range(20)]
    assert answers == [ask(served, "f", targetingKey=str(number))[1]["value"] for number in range(20)]
    assert set(answers) == {True, False}


def test_all_flags_come_by_key_without_disabled_variant_flags() -> None:
    served = Served(
        a_boolean_flag("b-off"),
        a_boolean_flag("a-on", enabled=True),
        a_flag("d-variant", variants=[a_variant("v", default=True)]),
        a_flag("c-disabled", enabled=False),
    )
    status, flags = ask_all(served)
    assert (status, list(flags)) == (200, ["a-on", "b-off", "d-variant"])
    for key in flags:
        assert flags[key] == ask(served, key)[1]


def test_the_context_may_name_the_flags_wanted() -> None:
    served = Served()
    for named_flags in ("half, bare ,bool", ["half", "bare", "bool"], " half,,bare,bool,"):
        assert list(ask_all(served, flags=named_flags)[1]) == ["half", "bare", "bool"]


def test_a_flag_that_is_named_twice_is_answered_once() -> None:
    status, answer = Served().post(FLAGS, {"context": {"targetingKey": "u", "flags": "bool,half,bool" + ",bool" * 99}})
    assert (status, [flag["key"] for flag in answer["flags"]]) == (200, ["bool", "half"])


@pytest.mark.parametrize("wanted", ["", " , ", [], [1], 7, {}])
def test_a_selection_without_keys_is_an_invalid_context(wanted: Any) -> None:
    status, answer = Served().post(FLAGS, {"context": {"targetingKey": "u", "flags": wanted}})
    assert (status, answer["errorCode"], set(answer)) == (400, "INVALID_CONTEXT", {"errorCode", "errorDetails"})


def test_one_failing_flag_does_not_fail_the_others() -> None:
    served = Served()
    status, flags = ask_all(served, flags="bool,nope,half")
    assert status == 200
    assert flags["nope"] == {"key": "nope", "errorCode": "FLAG_NOT_FOUND", "errorDetails": "flag was not found nope"}
    assert "value" in flags["bool"] and "value" in flags["half"]


def test_without_targeting_key_only_the_flags_that_need_it_fail() -> None:
    status, answer = Served().post(FLAGS, {"context": {"p": "n"}})
    flags = {flag["key"]: flag for flag in answer["flags"]}
    assert (status, list(flags)) == (200, ["bool", "half", "split"])
    assert flags["half"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert flags["split"]["value"] == "fallback" and flags["bool"]["value"] is False


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "PARSE_ERROR"),
        ({"context": 7}, 400, "INVALID_CONTEXT"),
        ({"context": {"tags": []}}, 400, "INVALID_CONTEXT"),
    ],
)
def test_a_failure_of_the_whole_bulk_names_no_flag(body: Any, status: int, code: str) -> None:
    got, answer = Served().post(FLAGS, body)
    assert (got, answer["errorCode"], set(answer)) == (status, code, {"errorCode", "errorDetails"})


def test_bulk_has_a_weak_etag_and_an_unchanged_answer_is_304() -> None:
    served = Served()
    body = {"context": {"targetingKey": "u"}}
    first = served.call("POST", FLAGS, body)
    etag = header(first, "etag")
    assert etag is not None and etag.startswith('W/"') and etag.endswith('"') and len(etag) == 20
    again = served.call("POST", FLAGS, body, headers={"if-none-match": etag})
    assert (again.status, again.body, header(again, "etag")) == (304, b"", etag)
    assert served.call("POST", FLAGS, body, headers={"if-none-match": f'"x", {etag}'}).status == 304
    assert served.call("POST", FLAGS, body, headers={"if-none-match": 'W/"x"'}).status == 200


def test_the_etag_says_what_is_answered_and_nothing_else() -> None:
    served = Served(a_boolean_flag("f", a_segment_rollout("yes")))
    etags = [
        header(served.call("POST", FLAGS, {"context": context}), "etag")
        for context in ({"p": "y"}, {"p": "y", "q": "z"}, {"p": "n"})
    ]
    assert etags[0] == etags[1] != etags[2]
    served.publish(a_boolean_flag("f", a_segment_rollout("everybody")))
    served.clock.advance(TTL_MS)
    same_answer = served.call("POST", FLAGS, {"context": {"p": "y"}})
    assert (header(same_answer, "burgee-revision"), header(same_answer, "etag")) == ("2", etags[0])


def test_an_attachment_alone_changes_the_etag() -> None:
    served, etags = Served(a_flag("f", variants=[a_variant("v", {"n": 1}, default=True)])), []
    for number in (2, 3):
        etags.append(header(served.call("POST", FLAGS, {}), "etag"))
        served.publish(a_flag("f", variants=[a_variant("v", {"n": number}, default=True)]))
        served.clock.advance(TTL_MS)
    assert etags[0] != etags[1]


def test_namespace_and_environment_come_from_headers() -> None:
    served = Served()
    served.publish(a_boolean_flag("there", enabled=True), environment="production", namespace="other")
    headers = {"x-flipt-environment": "production", "x-flipt-namespace": "other"}
    status, answer = served.post(FLAGS, {}, headers=headers)
    assert (status, [flag["key"] for flag in answer["flags"]]) == (200, ["there"])
    assert served.post(f"{FLAGS}/there", {}, headers=headers)[1]["value"] is True


@pytest.mark.parametrize("headers", [{"x-flipt-environment": "nope"}, {"x-flipt-namespace": "nope"}])
def test_an_unknown_environment_or_namespace_is_404_in_the_protocols_shape(headers: dict[str, str]) -> None:
    served = Served()
    status, answer = served.post(f"{FLAGS}/bool", {}, headers=headers)
    assert (status, answer["key"], answer["errorCode"]) == (404, "bool", "FLAG_NOT_FOUND")
    assert "nope" in answer["errorDetails"]
    status, answer = served.post(FLAGS, {}, headers=headers)
    assert (status, answer["errorCode"]) == (404, "GENERAL")


def test_before_the_first_release_the_protocol_says_when_to_come_back() -> None:
    for path in (FLAGS, f"{FLAGS}/bool"):
        response = Served().call("POST", path, {}, headers={"x-flipt-environment": "production"})
        assert (response.status, header(response, "retry-after")) == (503, "2")
        assert json.loads(response.body)["errorCode"] == "GENERAL"


def test_without_token_the_error_has_the_protocols_shape() -> None:
    status, answer = Served(tokens=frozenset({digest_of(b"secret")})).post(f"{FLAGS}/bool", {})
    assert (status, answer) == (401, {"errorCode": "GENERAL", "errorDetails": "request was not authenticated"})


def test_during_an_outage_the_last_good_release_answers() -> None:
    served = Served()
    ask_all(served)
    served.fetcher.faults[""] = Unavailable("gone")
    served.clock.advance(90_000)
    response = served.call("POST", FLAGS, {"context": {"targetingKey": "u"}})
    assert (response.status, header(response, "burgee-age")) == (200, "90")


def test_event_streams_are_named_where_the_process_streams() -> None:
    assert "eventStreams" not in Served().post(FLAGS, {})[1]
    _, answer = Served(streams=True).post(FLAGS, {}, headers={"x-flipt-environment": "default"})
    assert answer["eventStreams"] == [
        {"type": "sse", "endpoint": {"requestUri": "/ofrep/v1/_stream/staging/default/events"}}
    ]


def test_the_configuration_says_what_providers_may_do() -> None:
    status, answer = Served().get("/ofrep/v1/configuration")
    assert (status, answer["name"]) == (200, "burgee")
    assert answer["capabilities"]["cacheInvalidation"]["polling"]["enabled"] is True
    assert answer["capabilities"]["flagEvaluation"]["supportedTypes"] == ["string", "boolean"]


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/ofrep/v1/nope", 404), ("GET", FLAGS, 501)])
def test_what_is_not_there_is_refused_in_the_protocols_shape(method: str, path: str, status: int) -> None:
    response = Served().call(method, path)
    answer = json.loads(response.body)
    assert (response.status, set(answer)) == (status, {"errorCode", "errorDetails"})


def test_a_pretty_answer_is_indented() -> None:
    response = Served().call("POST", f"{FLAGS}/bool", {"context": {"p": "y"}}, query="pretty")
    assert response.body.startswith(b'{\n  "key": "bool"')
