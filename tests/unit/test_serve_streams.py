"""Streams of changes: what a client is sent, given what it was sent last (Flipt semantics, 3.4, 3.7 and 4.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from burgee.bundle.digest import digest_of
from burgee.bundle.index import Index, Listed
from burgee.core.errors import EnvironmentNotFound, Forbidden, Unauthenticated, Unavailable
from burgee.serve.auth import Gate
from burgee.serve.message import Request, Response
from burgee.serve.scopes import Scopes
from burgee.serve.streams import Stream
from burgee.serve.tokens import Token
from tests.builders import a_boolean_flag
from tests.serving import TTL_MS, Served, header

LINES = "/client/v2/environments/staging/namespaces/default/stream"
EVENTS = "/ofrep/v1/_stream/staging/default/events"
SNAPSHOT = "/client/v2/environments/staging/namespaces/default/snapshot"
WANTS_EVENTS = {"accept": "text/event-stream"}


class Client:
    """One client of a stream, which remembers what it was sent last as the host does."""

    def __init__(self, response: Response) -> None:
        assert response.status == 200 and isinstance(response.body, Stream)
        self.stream = response.body
        self.mark = response.body.mark

    def news(self) -> bytes | None:
        found = self.stream.news(self.mark)
        if found is None:
            return None
        self.mark, message = found
        return b"".join(message)

    def snapshot(self) -> Any:
        line = self.news()
        assert line is not None and line.endswith(b"}\n") and line.count(b"\n") == 1
        return json.loads(line)["result"]


def change(served: Served, *keys: str, **how: Any) -> None:
    """Publish flags with these keys, and let the reader see it."""
    served.publish(*(a_boolean_flag(key) for key in keys), **how)
    served.clock.advance(TTL_MS)
    served.get("/status")


def etag_of_index(served: Served) -> str:
    found = served.store.read_index()
    assert found is not None
    return found[1]


def keys_of(snapshot: Any) -> list[str]:
    return [flag["key"] for flag in snapshot["flags"]]


def test_a_line_is_the_snapshot_that_others_poll() -> None:
    served = Served(streams=True)
    line = Client(served.call("GET", LINES)).news()
    assert line == b'{"result":' + served.call("GET", SNAPSHOT).body + b"}\n"


def test_what_a_client_has_is_not_sent_again() -> None:
    client = Client(Served(streams=True).call("GET", LINES))
    assert client.news() is not None
    assert client.news() is None


def test_a_change_is_sent_once_it_is_served() -> None:
    served = Served(streams=True)
    client = Client(served.call("GET", LINES))
    client.news()
    change(served, "new")
    assert keys_of(client.snapshot()) == ["new"]
    assert client.news() is None


def test_a_slow_client_gets_the_newest_state_alone() -> None:
    served = Served(streams=True)
    client = Client(served.call("GET", LINES))
    client.news()
    for number in range(5):
        change(served, f"flag-{number}")
    assert keys_of(client.snapshot()) == ["flag-4"]
    assert client.news() is None


def test_a_change_that_was_taken_back_meanwhile_is_no_news() -> None:
    served = Served(a_boolean_flag("a"), streams=True)
    client = Client(served.call("GET", LINES))
    client.news()
    change(served, "b")
    change(served, "a")
    assert client.news() is None


def test_a_change_elsewhere_is_no_news() -> None:
    served = Served(streams=True)
    client = Client(served.call("GET", LINES))
    client.news()
    change(served, "new", environment="production")
    assert client.news() is None


def test_clients_of_one_snapshot_share_its_bytes() -> None:
    served = Served(streams=True)
    first, second = (served.call("GET", LINES).body.news("") for _ in range(2))
    assert first[1][1] is second[1][1]


def test_asking_for_news_never_looks_at_the_store() -> None:
    served = Served(streams=True)
    client = Client(served.call("GET", LINES))
    served.fetcher.calls.clear()
    served.clock.advance(TTL_MS * 10)
    client.news()
    assert served.fetcher.calls == []


def test_a_release_is_news_from_the_instant_it_becomes_active_even_in_an_outage() -> None:
    served = Served(streams=True)
    client = Client(served.call("GET", LINES))
    client.news()
    change(served, "later", active_after=TTL_MS + 5_000)
    served.fetcher.faults[""] = Unavailable("the store is down")
    served.clock.advance(4_999)
    assert client.news() is None
    served.clock.advance(1)
    assert keys_of(client.snapshot()) == ["later"]


def test_the_digest_of_what_a_client_has_spares_it_the_first_line() -> None:
    served = Served(streams=True)
    etag = header(served.call("GET", SNAPSHOT), "etag")
    assert Client(served.call("GET", LINES, query=f"digest={etag}")).news() is None
    assert Client(served.call("GET", LINES, query=f"digest={'0' * 40}")).news() is not None
    assert Client(served.call("GET", LINES, query="digest=")).news() is not None


@pytest.mark.parametrize("digest", ["abc", "0" * 39, "0" * 41, "0" * 32])
def test_a_digest_of_another_length_is_a_bad_request(digest: str) -> None:
    status, answer = Served(streams=True).get(LINES, query=f"digest={digest}")
    assert (status, answer["message"]) == (400, "invalid field digest: must be a 40-character string")


def test_if_none_match_spares_nothing_for_clients_send_that_of_their_first_snapshot_for_ever() -> None:
    served = Served(a_boolean_flag("a"), streams=True)
    etag = header(served.call("GET", SNAPSHOT), "etag")
    # It was sent "b", its connection broke, and "a" came back: it has "b" and still says that it has "a".
    client = Client(served.call("GET", LINES, headers={"if-none-match": etag or ""}))
    assert keys_of(client.snapshot()) == ["a"]


@pytest.mark.parametrize("path", [EVENTS, LINES])
def test_an_event_names_the_snapshot_and_asks_for_evaluation_anew(path: str) -> None:
    served = Served(streams=True)
    etag = header(served.call("GET", SNAPSHOT), "etag") or ""
    response = served.call("GET", path, headers=WANTS_EVENTS)
    assert header(response, "content-type") == "text/event-stream"
    client = Client(response)
    expected = f'id: {etag[:9]}\ndata: {{"etag":"{etag}","type":"refetchEvaluation"}}\n\n'
    assert client.news() == expected.encode()
    assert client.news() is None
    change(served, "new")
    assert client.news() != expected.encode()


@pytest.mark.parametrize(
    "accepted", ["text/event-stream", "text/event-stream; charset=utf-8", "text/event-stream, */*"]
)
def test_who_accepts_events_first_of_all_gets_them(accepted: str) -> None:
    assert Served(streams=True).call("GET", EVENTS, headers={"accept": accepted}).status == 200


@pytest.mark.parametrize("headers", [{}, {"accept": "*/*"}, {"accept": "application/json, text/event-stream"}])
def test_who_does_not_accept_events_is_told_in_plain_text(headers: dict[str, str]) -> None:
    response = Served(streams=True).call("GET", EVENTS, headers=headers)
    assert (response.status, header(response, "content-type")) == (406, "text/plain; charset=utf-8")


def test_an_event_that_a_client_has_seen_is_not_sent_when_it_comes_back() -> None:
    served = Served(streams=True)
    first = Client(served.call("GET", EVENTS, headers=WANTS_EVENTS))
    first.news()
    again = {**WANTS_EVENTS, "last-event-id": first.mark}
    assert Client(served.call("GET", EVENTS, headers=again)).news() is None
    change(served, "new")
    assert Client(served.call("GET", EVENTS, headers=again)).news() is not None


def test_the_environment_named_default_is_the_default_one() -> None:
    served = Served(streams=True)
    lines = served.call("GET", "/client/v2/environments/default/namespaces/default/stream")
    events = served.call("GET", "/ofrep/v1/_stream/default/default/events", headers=WANTS_EVENTS)
    assert Client(lines).news() == Client(served.call("GET", LINES)).news()
    assert Client(events).news() == Client(served.call("GET", EVENTS, headers=WANTS_EVENTS)).news()


def test_a_stream_follows_the_default_environment_to_another_one() -> None:
    served = Served(streams=True)
    change(served, "of-production", environment="production")
    client = Client(served.call("GET", "/client/v2/environments/default/namespaces/default/stream"))
    client.news()
    listed = {"staging": Listed("main", False), "production": Listed("main", True)}
    served.store.swap_index(Index("https://example.org/flags", listed), etag_of_index(served))
    served.clock.advance(TTL_MS)
    served.get("/status")
    assert keys_of(client.snapshot()) == ["of-production"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/client/v2/environments/nope/namespaces/default/stream", 404),
        ("/client/v2/environments/staging/namespaces/nope/stream", 404),
        ("/client/v2/environments/production/namespaces/default/stream", 503),
        ("/ofrep/v1/_stream/nope/default/events", 404),
        ("/ofrep/v1/_stream/staging/nope/events", 404),
        ("/ofrep/v1/_stream/production/default/events", 503),
    ],
)
def test_what_cannot_be_streamed_is_told_before_a_stream_begins(path: str, status: int) -> None:
    assert Served(streams=True).get(path, headers=WANTS_EVENTS)[0] == status


def test_a_namespace_that_is_gone_is_sent_as_an_empty_one_and_comes_back() -> None:
    served = Served(streams=True)
    client, watcher = Client(served.call("GET", LINES)), Client(served.call("GET", EVENTS, headers=WANTS_EVENTS))
    first, event = client.news(), watcher.news()
    change(served, "other", namespace="elsewhere")
    assert client.snapshot() == {"namespace": {"key": "default"}, "flags": []}
    gone = watcher.news()
    assert gone is not None and gone != event
    change(served, "back")
    assert keys_of(client.snapshot()) == ["back"] and first is not None
    assert watcher.news() not in (None, gone)


def test_a_stream_of_an_environment_that_is_dropped_ends() -> None:
    served = Served(streams=True)
    client = Client(served.call("GET", LINES))
    client.news()
    listed = {"production": Listed("main", True)}
    served.store.swap_index(Index("https://example.org/flags", listed), etag_of_index(served))
    served.clock.advance(TTL_MS)
    served.get("/status")
    with pytest.raises(EnvironmentNotFound):
        client.news()


def test_a_stream_ends_with_the_token_it_was_opened_with() -> None:
    served = Served(gate=Gate([Token(digest_of(b"secret"), expires_at=1_800_000_000_000 + 5_000)]), streams=True)
    assert served.call("GET", LINES).status == 401
    client = Client(served.call("GET", LINES, headers={"authorization": "Bearer secret"}))
    assert client.news() is not None
    served.clock.advance(5_000)
    with pytest.raises(Unauthenticated):
        client.news()


def test_a_token_streams_what_it_is_for() -> None:
    elsewhere = Gate([Token(digest_of(b"secret"), Scopes([("production", "*")]))])
    served = Served(gate=elsewhere, streams=True)
    request = Request("GET", LINES, headers={"authorization": "Bearer secret"})
    with pytest.raises(Forbidden):
        served.service.admit(request).find_present(request, "staging", "default")
    for path in (LINES, EVENTS):
        assert served.call("GET", path, headers={**WANTS_EVENTS, "authorization": "Bearer secret"}).status == 403


@pytest.mark.parametrize(("path", "message"), [(LINES, "message"), (EVENTS, "errorDetails")])
def test_a_function_says_that_it_does_not_stream(path: str, message: str) -> None:
    status, answer = Served().get(path, headers=WANTS_EVENTS)
    assert status == 501
    assert answer[message].startswith("this process does not stream")


def test_heartbeats_are_nothing_to_a_client() -> None:
    served = Served(streams=True)
    lines = Client(served.call("GET", LINES))
    assert json.loads(lines.stream.heartbeat * 3 + (lines.news() or b""))["result"]["namespace"] == {"key": "default"}
    events = Client(served.call("GET", EVENTS, headers=WANTS_EVENTS))
    assert events.stream.heartbeat == b":\n\n"


@pytest.mark.parametrize("path", [LINES, EVENTS])
def test_proxies_are_asked_to_pass_a_stream_on_as_it_comes(path: str) -> None:
    response = Served(streams=True).call("GET", path, headers={**WANTS_EVENTS, "accept-encoding": "gzip"})
    assert header(response, "x-accel-buffering") == "no"
    assert header(response, "cache-control") == "no-store"
    assert header(response, "content-encoding") is None


def test_a_ticket_lets_pages_follow_the_events_of_a_token_and_nothing_else() -> None:
    tokens = [Token(digest_of(b"secret"), Scopes([("staging", "default")])), Token(digest_of(b"other"))]
    served = Served(gate=Gate(tokens), streams=True)
    bearer = {"authorization": "Bearer secret"}
    _, answer = served.post("/ofrep/v1/evaluate/flags", {}, headers=bearer)
    path, _, query = answer["eventStreams"][0]["endpoint"]["requestUri"].partition("?")
    assert path == EVENTS
    assert Client(served.call("GET", path, query=query, headers=WANTS_EVENTS)).news()
    for elsewhere in (LINES, SNAPSHOT, EVENTS.replace("staging", "production"), EVENTS.replace("staging", "default")):
        assert served.call("GET", elsewhere, query=query, headers=WANTS_EVENTS).status == 401
    for wrong in ("", "ticket=", query + "0", "ticket=\u1234"):
        assert served.call("GET", path, query=wrong, headers=WANTS_EVENTS).status == 401


def test_a_ticket_ends_with_its_token() -> None:
    token = Token(digest_of(b"secret"), expires_at=Served().clock.wall() + 1_000)
    served = Served(gate=Gate([token]), streams=True)
    _, answer = served.post("/ofrep/v1/evaluate/flags", {}, headers={"authorization": "Bearer secret"})
    path, _, query = answer["eventStreams"][0]["endpoint"]["requestUri"].partition("?")
    assert served.call("GET", path, query=query, headers=WANTS_EVENTS).status == 200
    served.clock.advance(1_000)
    assert served.call("GET", path, query=query, headers=WANTS_EVENTS).status == 401
