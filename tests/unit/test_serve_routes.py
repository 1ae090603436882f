"""Paths, methods, snapshots, flags, health and tokens of the evaluate API (Flipt semantics, 3.1, 3.3, 3.5, 4.3)."""

from __future__ import annotations

import gc
import gzip
import json

import pytest

from burgee.bundle.digest import digest_of
from burgee.bundle.index import Index, Listed
from burgee.core.errors import Unavailable
from burgee.core.snapshot import Snapshot
from tests.builders import a_boolean_flag, a_flag, a_variant
from tests.serving import TTL_MS, Served, header

SNAPSHOT = "/internal/v1/evaluation/snapshot/namespace/default"


@pytest.mark.parametrize("path", ["/api/v2/environments", "/evaluate/v1/nope", "/internal/v1", "/client/v2/x"])
def test_an_unknown_path_below_a_mount_is_not_found_in_json(path: str) -> None:
    assert Served().get(path) == (404, {"code": 5, "message": "Not Found", "details": []})


def test_the_front_leads_to_the_status() -> None:
    response = Served().call("GET", "/")
    assert (response.status, header(response, "location")) == (302, "/status?pretty")


def test_a_path_outside_the_mounts_is_not_found_in_plain_text() -> None:
    response = Served().call("GET", "/nope")
    assert (response.status, header(response, "content-type")) == (404, "text/plain; charset=utf-8")


def test_another_method_on_a_known_path_is_501() -> None:
    assert Served().get("/evaluate/v1/boolean") == (501, {"code": 12, "message": "Method Not Allowed", "details": []})


@pytest.mark.parametrize("path", [SNAPSHOT, SNAPSHOT + "/", "/" + SNAPSHOT])
def test_a_slash_too_many_does_not_matter(path: str) -> None:
    assert Served().get(path)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/internal/v1/evaluation/snapshot/namespace/*"),
        ("GET", "/client/v2/environments/*/namespaces/*/snapshot"),
        ("GET", "/client/v2/environments/*/namespaces/*/stream"),
        ("GET", "/ofrep/v1/_stream/*/*/events"),
        ("GET", "/api/v1/namespaces/*/flags"),
        ("GET", "/api/v1/namespaces/*/flags/*"),
        ("POST", "/api/v1/namespaces/*/batch-evaluate"),
        ("POST", "/ofrep/v1/evaluate/flags/*"),
    ],
)
def test_a_star_in_a_path_is_a_name_that_nothing_has(method: str, path: str) -> None:
    served = Served(streams=True)
    body = {"requests": [{"flagKey": "bool", "entityId": "e"}]} if method == "POST" else None
    assert served.call(method, path, body, headers={"accept": "text/event-stream"}).status == 404


def test_the_snapshot_has_an_unquoted_etag_and_304_repeats_it() -> None:
    served = Served()
    first = served.call("GET", SNAPSHOT)
    etag = header(first, "etag")
    assert etag is not None and len(etag) == 40
    again = served.call("GET", SNAPSHOT, headers={"if-none-match": etag})
    assert (again.status, again.body, header(again, "etag")) == (304, b"", etag)
    assert served.call("GET", SNAPSHOT, headers={"if-none-match": f'W/"{etag}"'}).status == 304
    assert served.call("GET", SNAPSHOT, headers={"if-none-match": "other"}).status == 200


def test_the_snapshots_etag_changes_with_its_flags_alone() -> None:
    served = Served()
    before = header(served.call("GET", SNAPSHOT), "etag")
    served.publish(a_boolean_flag("new"))
    served.clock.advance(TTL_MS)
    assert header(served.call("GET", SNAPSHOT), "etag") != before


def test_a_snapshot_by_environment_is_the_same_document() -> None:
    served = Served()
    response = served.call("GET", "/client/v2/environments/staging/namespaces/default/snapshot")
    assert response.body == served.call("GET", SNAPSHOT).body
    assert served.get("/client/v2/environments/nope/namespaces/default/snapshot")[0] == 404


def test_a_snapshot_of_an_unknown_namespace_is_not_found() -> None:
    status, answer = Served().get("/internal/v1/evaluation/snapshot/namespace/nope")
    assert (status, answer["message"]) == (404, 'evaluation snapshot for namespace "nope" not found')


def test_large_answers_are_compressed_when_the_client_takes_it() -> None:
    served = Served()
    plain = served.call("GET", SNAPSHOT)
    packed = served.call("GET", SNAPSHOT, headers={"accept-encoding": "gzip, deflate"})
    assert header(packed, "content-encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body


def test_flags_are_listed_by_key_in_pages() -> None:
    served = Served()
    status, first = served.get("/api/v1/namespaces/default/flags", query="limit=3")
    assert (status, [flag["key"] for flag in first["flags"]]) == (200, ["bare", "bool", "half"])
    assert (first["nextPageToken"], first["totalCount"]) == ("3", 4)
    _, second = served.get("/api/v1/namespaces/default/flags", query="limit=3&pageToken=3")
    assert ([flag["key"] for flag in second["flags"]], second["nextPageToken"]) == (["split"], "")


def test_a_listed_flag_has_the_shape_of_flipts_second_line() -> None:
    served = Served(a_flag("f", variants=[a_variant("v", [1], default=True)], metadata={"owner": "x"}))
    _, answer = served.get("/api/v1/namespaces/default/flags")
    (flag,) = answer["flags"]
    assert (flag["variants"], flag["namespaceKey"], flag["type"]) == ([], "", "VARIANT_FLAG_TYPE")
    assert (flag["defaultVariant"]["key"], flag["defaultVariant"]["attachment"]) == ("v", "[1]")
    assert flag["metadata"] == {"owner": "x"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("pageToken=1", "limit must be set when offset or pageToken is set"),
        ("limit=1&pageToken=9", "invalid offset: 9"),
        ("limit=1&pageToken=x", "invalid offset: x"),
        ("limit=x", "limit is a whole number, got 'x'"),
        ("limit=٣", "limit is a whole number, got '٣'"),
        ("limit=1&pageToken=" + "9" * 5000, "invalid offset: " + "9" * 5000),
    ],
)
def test_a_wrong_page_is_a_bad_request(query: str, message: str) -> None:
    status, answer = Served().get("/api/v1/namespaces/default/flags", query=query)
    assert (status, answer["message"]) == (400, message)


def test_one_flag_is_found_by_key() -> None:
    served = Served()
    assert served.get("/api/v1/namespaces/default/flags/bool")[1]["key"] == "bool"
    _, split = served.get("/api/v1/namespaces/default/flags/split")
    assert [variant["key"] for variant in split["variants"]] == ["a", "b", "fallback"]
    assert served.get("/api/v1/namespaces/default/flags/nope")[0] == 404


def test_the_process_is_alive_whatever_the_store_does() -> None:
    served = Served()
    served.fetcher.faults[""] = Unavailable("gone")
    assert served.get("/healthz")[0] == 200
    assert served.get("/health") == (200, {"status": "SERVING"})
    assert served.get("/readyz")[0] == 503


def test_it_is_ready_once_the_default_environment_has_data() -> None:
    assert Served().get("/readyz") == (200, {"ready": True})


def test_status_names_a_first_release_that_is_still_pending() -> None:
    served = Served()
    served.publish(a_boolean_flag("later"), environment="production", active_after=60_000)
    _, answer = served.get("/status")
    production = answer["environments"][0]
    assert production["revision"] is None
    assert production["pending"] == [{"revision": 1, "activates_at": "2027-01-15T08:01:00.000Z"}]


def test_status_says_what_is_served_since_when_and_how_old_it_is() -> None:
    served = Served()
    served.publish(a_boolean_flag("later"), active_after=60_000)
    served.get("/status")
    served.clock.advance(3_000)
    _, answer = served.get("/status")
    production, staging = answer["environments"]
    assert production["revision"] is None and "no release" in production["error"]
    assert production["pending"] == []
    assert (staging["revision"], staging["commit"], staging["age_seconds"]) == (1, "commit1", 3.0)
    assert staging["active_since"] == "2027-01-15T08:00:00.000Z"
    assert staging["pending"] == [{"revision": 2, "activates_at": "2027-01-15T08:01:00.000Z"}]


def test_during_an_outage_the_last_good_release_answers_with_its_age() -> None:
    served = Served()
    served.get("/status")
    served.fetcher.faults[""] = Unavailable("the store is down")
    served.clock.advance(90_000)
    response = served.call("POST", "/evaluate/v1/boolean", {"flagKey": "bool"})
    assert (response.status, header(response, "burgee-age"), header(response, "burgee-revision")) == (200, "90", "1")
    _, answer = served.get("/status")
    staging = answer["environments"][1]
    assert staging["stale"] is True and "the store is down" in staging["error"]


TOKENS = frozenset({digest_of(b"secret")})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer secret"}, 200),
        ({"authorization": "Bearer  secret"}, 401),
        ({"authorization": "bearer secret"}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"cookie": "a=b; flipt_client_token=secret"}, 200),
        ({"cookie": "flipt_client_token=wrong"}, 401),
    ],
)
def test_a_token_is_wanted_where_tokens_are_known(headers: dict[str, str], status: int) -> None:
    served = Served(tokens=TOKENS)
    got, answer = served.post("/evaluate/v1/boolean", {"flagKey": "bool"}, headers=headers)
    assert got == status
    if status == 401:
        assert answer == {"code": 16, "message": "request was not authenticated", "details": []}


def test_a_request_without_token_costs_no_look_at_the_store() -> None:
    served = Served(tokens=TOKENS)
    served.post("/evaluate/v1/boolean", {"flagKey": "bool"})
    assert served.fetcher.calls == []


def test_health_needs_no_token() -> None:
    assert Served(tokens=TOKENS).get("/healthz")[0] == 200


def test_an_index_that_cannot_be_read_again_leaves_the_last_one_in_force() -> None:
    served = Served()
    served.get("/status")
    served.fetcher.contents["environments/index.json"] = json.dumps({"format": 99}).encode()
    served.clock.advance(TTL_MS * 3)
    assert served.post("/evaluate/v1/boolean", {"flagKey": "bool"})[0] == 200


def test_a_new_environment_is_served_within_a_ttl() -> None:
    from burgee.bundle.index import Index, Listed

    served = Served()
    served.get("/status")
    _, etag = served.store.read_index() or (None, None)
    served.store.swap_index(Index("https://example.org/flags", {"qa": Listed("main", True)}), etag)
    served.publish(a_boolean_flag("new"), environment="qa")
    served.clock.advance(TTL_MS)
    assert served.post("/evaluate/v1/boolean", {"flagKey": "new", "environmentKey": "qa"})[0] == 200
    assert served.post("/evaluate/v1/boolean", {"flagKey": "bool", "environmentKey": "staging"})[0] == 404


def list_environment(served: Served, name: str) -> None:
    """Beside `staging`, instead of whichever was there."""
    listed = served.store.read_index()
    index = Index("https://example.org/flags", {"staging": Listed("main", True), name: Listed("main", False)})
    served.store.swap_index(index, listed and listed[1])


def test_environments_that_are_gone_leave_nothing_in_memory() -> None:
    served = Served(streams=True)
    gc.collect()
    before = sum(isinstance(each, Snapshot) for each in gc.get_objects())
    for number in range(5):
        name = f"pull-{number}"
        list_environment(served, name)
        served.publish(a_boolean_flag(f"of-{number}"), environment=name)
        served.clock.advance(TTL_MS)
        headers = {"x-flipt-environment": name, "accept-encoding": "gzip"}
        assert served.call("GET", SNAPSHOT, headers=headers).status == 200
        assert served.post("/ofrep/v1/evaluate/flags", {}, headers=headers)[0] == 200
    gc.collect()
    # That of the last one.
    assert sum(isinstance(each, Snapshot) for each in gc.get_objects()) <= before + 1


@pytest.mark.parametrize("path", [SNAPSHOT, "/api/v1/namespaces/default/flags", "/status", "/healthz", "/nope"])
def test_no_cache_may_give_an_answer_to_somebody_else_or_again_without_asking(path: str) -> None:
    served = Served()
    response = served.call("GET", path)
    assert header(response, "cache-control") == "private, no-cache"
    again = served.call("GET", path, headers={"if-none-match": header(response, "etag") or "other"})
    assert header(again, "cache-control") == "private, no-cache"
