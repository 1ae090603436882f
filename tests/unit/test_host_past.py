"""What is asked with `?at=`: the answer of then, for those who may ask for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from burgee.bundle.digest import digest_of
from burgee.core.instant import format_instant
from burgee.host.past import Past
from burgee.serve.app import App
from burgee.serve.auth import Gate
from burgee.serve.message import Response
from burgee.serve.tokens import read_token
from tests.builders import a_boolean_flag, a_document
from tests.fakes.publisher import publish
from tests.serving import Served, header

ENTRY = digest_of(b"secret")
BODY = {"flagKey": "on", "entityId": "u"}
ASKED = "/evaluate/v1/boolean"
MINUTE = 60_000


def served(*entries: str) -> Served:
    """Two releases of `staging` a minute apart, of which the second turns `on` on; a minute later it is now."""
    served = Served(a_boolean_flag("on", enabled=False), gate=Gate(list(map(read_token, entries))) if entries else None)
    served.clock.advance(MINUTE)
    served.publish(a_boolean_flag("on", enabled=True), a_boolean_flag("new"))
    served.clock.advance(MINUTE)
    return with_past(served)


def with_past(served: Served) -> Served:
    """The server, which has looked at no log yet."""
    service = served.service
    past = Past(served.fetcher, service.environments, gate=service.gate, now=served.clock.wall)  # type: ignore[arg-type]
    served.app = App(service, past=past)
    return served


def ago(served: Served, milliseconds: int) -> str:
    return "at=" + format_instant(served.clock.wall() - milliseconds)


def asked(served: Served, query: str, *, token: str = "", body: dict[str, Any] = BODY, path: str = ASKED) -> Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return served.call("POST", path, body, headers=headers, query=query)


def test_the_answer_is_the_one_of_then() -> None:
    then = served()
    for query, enabled, revision in ((ago(then, 90_000), False, "1"), (ago(then, 30_000), True, "2"), ("", True, "2")):
        answer = asked(then, query)
        assert json.loads(answer.body)["enabled"] is enabled
        assert (answer.status, header(answer, "burgee-revision")) == (200, revision)
        assert header(answer, "burgee-at") == (query.removeprefix("at=") or None)


def test_the_same_question_has_the_same_answer_whenever_it_is_asked() -> None:
    then = served()
    query = ago(then, 90_000)
    first = json.loads(asked(then, query).body)
    then.publish(a_boolean_flag("other"))
    then.clock.advance(1_000 * MINUTE)
    again = json.loads(asked(then, query).body)
    for volatile in ("requestId", "requestDurationMillis"):
        first.pop(volatile), again.pop(volatile)
    assert first == again and first["timestamp"] == query.removeprefix("at=").replace(".000Z", "Z")


def test_every_endpoint_that_evaluates_lists_or_gives_a_snapshot_answers_of_then() -> None:
    then = served()
    query = ago(then, 90_000)
    status, found = then.post("/ofrep/v1/evaluate/flags/on", {"context": {"targetingKey": "u"}}, query=query)
    assert (status, found["value"]) == (200, False)
    status, found = then.post("/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u"}}, query=query)
    assert [flag["key"] for flag in found["flags"]] == ["on"] and "eventStreams" not in found
    status, found = then.post("/evaluate/v1/batch", {"requests": [BODY]}, query=query)
    assert found["responses"][0]["booleanResponse"]["enabled"] is False
    for path in ("/internal/v1/evaluation/snapshot/namespace/default", "/api/v1/namespaces/default/flags"):
        status, found = then.get(path, query=query)
        assert [flag["key"] for flag in found["flags"]] == ["on"], path
    # What is asked beside it holds as ever.
    status, found = then.get("/api/v1/namespaces/default/flags", query=f"{ago(then, 30_000)}&limit=1")
    assert ([flag["key"] for flag in found["flags"]], found["totalCount"]) == (["new"], 2)


def test_a_flag_that_was_not_there_yet_is_not_found() -> None:
    then = served()
    assert asked(then, ago(then, 90_000), body={**BODY, "flagKey": "new"}).status == 404
    assert asked(then, ago(then, 30_000), body={**BODY, "flagKey": "new"}).status == 200


def test_before_the_first_release_there_is_no_answer() -> None:
    then = served()
    answer = asked(then, ago(then, 10 * MINUTE))
    assert (answer.status, b"had no active release at" in answer.body) == (404, True)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("at=", "wanted an RFC 3339 instant"),
        ("at=yesterday", "wanted an RFC 3339 instant"),
        ("at=2999-01-01T00:00:00Z", "is still to come"),
        ("at=9999-12-31T23:59:59-23:00", "in the years 0000 to 9999"),
        ("%61t=yesterday", "wanted an RFC 3339 instant"),
    ],
)
def test_what_is_no_instant_or_still_to_come_is_refused_and_never_answered_as_of_now(query: str, says: str) -> None:
    answer = asked(served(), query)
    assert (answer.status, says in answer.body.decode()) == (400, True)
    answer = asked(served(), query, path="/ofrep/v1/evaluate/flags/on", body={"context": {"targetingKey": "u"}})
    assert answer.status == 400 and says in json.loads(answer.body)["errorDetails"]


def test_the_sign_of_an_offset_may_come_as_it_is() -> None:
    then = served()
    instant = format_instant(then.clock.wall() - 90_000 + 60 * MINUTE).replace("Z", "+01:00")
    assert header(asked(then, f"at={instant}"), "burgee-revision") == "1"
    assert header(asked(then, f"at={instant.replace('+', '%2B')}"), "burgee-revision") == "1"


@pytest.mark.parametrize(
    "path",
    ["/status", "/healthz", "/client/v2/environments/staging/namespaces/default/stream"],
)
def test_what_is_about_the_present_alone_refuses_an_instant(path: str) -> None:
    then = served()
    status, found = then.get(path, query=ago(then, 90_000))
    assert status == 400 and "?at= goes with what evaluates" in found["message"]


def test_a_process_without_the_log_says_who_answers() -> None:
    then = served()
    then.app = App(then.service)
    answer = asked(then, ago(then, 90_000))
    assert (answer.status, b"ask `burgee serve`" in answer.body) == (501, True)
    assert json.loads(then.call("GET", "/ofrep/v1/configuration", query="at=x").body)["errorCode"] == "GENERAL"


@pytest.mark.parametrize(("words", "status"), [("", 403), ("+history", 200), ("staging/* +history", 200)])
def test_a_token_needs_the_right(words: str, status: int) -> None:
    then = served(f"{ENTRY} {words}")
    assert asked(then, ago(then, 90_000), token="secret").status == status
    assert asked(then, "", token="secret").status == 200
    assert asked(then, ago(then, 90_000), token="another").status == 401
    assert asked(then, ago(then, 90_000)).status == 401


def test_the_right_reaches_no_further_than_its_entry() -> None:
    then = served(f"{ENTRY} production/* +history", f"{ENTRY} staging/*")
    # One entry is for the present of staging, the other for the past of production.
    assert asked(then, "", token="secret").status == 200
    assert asked(then, ago(then, 90_000), token="secret", body={**BODY, "environmentKey": "staging"}).status == 403


def test_a_token_that_has_expired_cannot_ask_for_a_time_when_it_had_not() -> None:
    then = served(f"{ENTRY} +history expires=2000-01-01")
    assert asked(then, ago(then, 90_000), token="secret").status == 401


def test_scopes_hold_for_the_past_too() -> None:
    then = served(f"{ENTRY} staging/checkout +history")
    assert asked(then, ago(then, 90_000), token="secret", body={**BODY, "environmentKey": "staging"}).status == 403


def test_an_environment_that_the_store_does_not_list_is_not_found() -> None:
    then = served()
    assert asked(then, ago(then, 90_000), body={**BODY, "environmentKey": "gone"}).status == 404


def test_a_token_says_that_it_may() -> None:
    token = read_token(f"{ENTRY} staging/* +history expires=2999-01-01")
    assert token.history and str(token) == f"{ENTRY} staging/* +history expires=2999-01-01T00:00:00Z"
    assert str(read_token(f"{ENTRY} +history")) == f"{ENTRY} +history"
    assert not read_token(ENTRY).history


def test_what_was_read_of_the_log_is_not_read_again() -> None:
    then = served()
    query = ago(then, 90_000)
    asked(then, query)
    reads = len(then.fetcher.calls)
    for _ in range(5):
        asked(then, query)
    assert len(then.fetcher.calls) <= reads + 1


def test_an_instant_of_which_something_may_still_come_to_be_seen_is_refused_until_it_cannot() -> None:
    then = served()
    query = ago(then, 9_000)
    answer = asked(then, query)
    assert answer.status == 400
    assert b"may not be seen yet" in answer.body and b"ask again from 20" in answer.body
    # Published before that instant by a publisher whose store was slow to show it.
    late = a_document([a_boolean_flag("on", enabled=False)]).content
    publish(then.store, {"default": late}, at=then.clock.wall() - 9_500)
    then.clock.advance(2_000)
    answers = []
    for _ in range(2):
        answer = asked(with_past(then), query)
        answers.append((answer.status, header(answer, "burgee-revision"), json.loads(answer.body)["enabled"]))
        then.clock.advance(MINUTE)
    assert answers == [(200, "3", False)] * 2
