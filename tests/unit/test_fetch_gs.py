"""Reading Google Cloud Storage, as far as it needs no network: addresses, conditions and what answers mean."""

from __future__ import annotations

import json

import pytest

from burgee.bundle.gs_refusals import refusal_of
from burgee.core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from burgee.fetch.gs import GsFetcher
from burgee.fetch.opening import open_fetcher
from burgee.fetch.port import NOT_MODIFIED
from tests.fakes.aws import Answer, FakeConnections, FakeRim

KEY = "environments/staging/head.json"
TOKEN = {"GOOGLE_OAUTH_ACCESS_TOKEN": "token"}
FOUND: Answer = (200, b"content", {"x-goog-generation": "1700000000000001"})
OBJECT = "/download/storage/v1/b/acme-flags/o/shop%2Fenvironments%2Fstaging%2Fhead.json?alt=media"


def a_fetcher(
    *answers: Answer, url: str = "gs://acme-flags/shop", environ: dict[str, str] = TOKEN, rim: FakeRim | None = None
) -> tuple[GsFetcher, FakeConnections]:
    connections = FakeConnections(*answers)
    return GsFetcher(url, environ, rim=(rim or FakeRim()).rim(), connections=connections), connections


def an_error(reason: str, message: str) -> bytes:
    return json.dumps({"error": {"code": 0, "message": message, "errors": [{"reason": reason}]}}).encode()


def test_an_object_is_asked_for_with_a_token_and_its_generation() -> None:
    fetcher, connections = a_fetcher(FOUND, (304, b""))
    fetched = fetcher.get(KEY)
    assert (fetched.content, fetched.etag) == (b"content", "1700000000000001")
    assert fetcher.get(KEY, fetched.etag) is NOT_MODIFIED
    first, second = connections.asked
    assert first.url == f"https://storage.googleapis.com{OBJECT}"
    assert first.headers == {"Authorization": "Bearer token"}
    assert second.url == f"{first.url}&ifGenerationNotMatch=1700000000000001"


def test_without_credentials_nothing_is_shown() -> None:
    fetcher, connections = a_fetcher(FOUND, environ={})
    assert fetcher.get(KEY).content == b"content"
    assert connections.asked[0].headers == {}


@pytest.mark.parametrize(
    ("url", "environ", "asked"),
    [
        ("gs://acme-flags", {}, "https://storage.googleapis.com/download/storage/v1/b/acme-flags/o/%C3%A4%20b%2Bc"),
        ("gs://acme-flags?endpoint=http://h:1/x", {}, "http://h:1/x/download/storage/v1/b/acme-flags/o/%C3%A4%20b%2Bc"),
        (
            "gs://acme-flags/two/parts/",
            {"STORAGE_EMULATOR_HOST": "127.0.0.1:4443"},
            "http://127.0.0.1:4443/download/storage/v1/b/acme-flags/o/two%2Fparts%2F%C3%A4%20b%2Bc",
        ),
    ],
)
def test_a_key_is_one_part_of_the_address_below_the_endpoint(url: str, environ: dict[str, str], asked: str) -> None:
    fetcher, connections = a_fetcher(FOUND, url=url, environ=environ)
    fetcher.get("ä b+c")
    assert connections.asked[0].url == f"{asked}?alt=media"


@pytest.mark.parametrize("etag", ['"v1"', "", "x&generation=1", "²"])
def test_the_etag_of_another_store_is_no_condition(etag: str) -> None:
    fetcher, connections = a_fetcher(FOUND)
    assert fetcher.get(KEY, etag).content == b"content"
    assert connections.asked[0].url.endswith("?alt=media")


def test_an_answer_without_a_generation_asks_for_no_news() -> None:
    fetcher, _ = a_fetcher((200, b"content"))
    assert fetcher.get(KEY).etag is None


REFUSALS: list[tuple[Answer, type[BurgeeError], str]] = [
    ((404, b"No such object: acme-flags/shop/x"), NotFound, "404 Said So: No such object: acme-flags/shop/x"),
    ((404, an_error("notFound", "No such object: x.")), NotFound, "404 notFound: No such object: x"),
    ((404, b"<html>"), NotFound, "404 Said So"),
    ((404, b"The specified bucket does not exist."), Unavailable, "does not exist; check the bucket's name in the URL"),
    ((403, b"No get for you"), Denied, "asked by the token of GOOGLE_OAUTH_ACCESS_TOKEN; a reader needs storage.obj"),
    ((401, an_error("authError", "Invalid Credentials")), Denied, "401 authError: Invalid Credentials; asked by the"),
    ((302, b"", {"Location": "http://evil\n"}), Unavailable, "302 Said So; it leads to http://evil\\x0a"),
    ((304, b""), Unavailable, "304 Said So"),
    ((429, an_error("rateLimitExceeded", "Slow\ndown")), Unavailable, "429 rateLimitExceeded: Slow\\x0adown"),
    ((503, b""), Unavailable, "503 Said So"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), REFUSALS)
def test_a_refusal_says_where_and_what_to_do(answer: Answer, kind: type[BurgeeError], said: str) -> None:
    fetcher, connections = a_fetcher(answer, answer)
    with pytest.raises(BurgeeError) as raised:
        fetcher.get(KEY)
    assert type(raised.value) is kind
    assert str(raised.value).startswith(f"GET gs://acme-flags/shop/{KEY} at https://storage.googleapis.com: ")
    assert said in str(raised.value)
    assert len(connections.asked) == 1


def test_nobody_is_told_how_to_log_in() -> None:
    fetcher, _ = a_fetcher((401, b"Anonymous caller"), environ={})
    with pytest.raises(Denied, match=r"asked by nobody, for there are no credentials .*; run `gcloud auth"):
        fetcher.get(KEY)


def test_a_token_that_is_refused_is_renewed_once() -> None:
    rim = FakeRim({"/login": json.dumps({"type": "authorized_user", **dict.fromkeys(OF_LOGIN, "x")})})
    tokens = iter(["first", "second", "third"])
    rim.answers["POST https://oauth2.googleapis.com/token"] = lambda asked: (
        200,
        json.dumps({"access_token": next(tokens), "expires_in": 3600}).encode(),
    )
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": "/login"}
    fetcher, connections = a_fetcher((401, b""), FOUND, (401, b""), (401, b""), environ=environ, rim=rim)
    assert fetcher.get(KEY).content == b"content"
    with pytest.raises(Denied, match="asked by the login of /login; renew or replace it"):
        fetcher.get(KEY)
    shown = [asked.headers["Authorization"] for asked in connections.asked]
    assert shown == ["Bearer first", "Bearer second", "Bearer second", "Bearer third"]


OF_LOGIN = ("client_id", "client_secret", "refresh_token")


def test_the_place_and_who_asks_are_said_without_secrets() -> None:
    fetcher, _ = a_fetcher()
    assert fetcher.place == "bucket acme-flags, prefix shop/, at https://storage.googleapis.com"
    assert fetcher.asked_by() == "the token of GOOGLE_OAUTH_ACCESS_TOKEN"
    assert "token'" not in repr(fetcher.asked_by())


@pytest.mark.parametrize("url", ["gs://acme-flags", "GS://acme.flags/shop/?endpoint=http://127.0.0.1:4443"])
def test_buckets_are_opened(url: str) -> None:
    assert isinstance(open_fetcher(url), GsFetcher)


@pytest.mark.parametrize(("url", "environ"), [("gs://b", {}), ("gs://acme", {"STORAGE_EMULATOR_HOST": "a b"})])
def test_what_names_no_bucket_is_refused_when_it_is_opened(url: str, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        open_fetcher(url, environ)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (an_error("forbidden", "No."), "403 forbidden: No"),
        (b'{"error": {"message": "No"}}', "403 Forbidden: No"),
        (b'{"error": "no"}', "403 Forbidden"),
        (b"[]", "403 Forbidden"),
        (b"", "403 Forbidden"),
        (b"Plain words.", "403 Forbidden: Plain words"),
        (b"\xff", "403 Forbidden: \ufffd"),
        (b"x" * 400, f"403 Forbidden: {'x' * 300}..."),
    ],
)
def test_errors_are_read_in_both_of_googles_ways(content: bytes, said: str) -> None:
    assert str(refusal_of(403, "Forbidden", content)) == said
