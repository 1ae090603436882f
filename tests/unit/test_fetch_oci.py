"""Reading from a registry, as far as it needs no network: logins, tokens, redirects, and what answers mean."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.oci_artifacts import encode_artifact, layer_of
from burgee.bundle.oci_records import HEAD, RELEASE
from burgee.core.errors import BurgeeError, Denied, DigestMismatch, InvalidDocument, NotFound, Unavailable
from burgee.fetch.oci import OciFetcher
from burgee.fetch.port import NOT_MODIFIED
from tests.fakes.aws import Answer, Asked, FakeConnections, FakeRim

KEY = keys.head("production")
URL = "oci://ghcr.io/acme/flags"
HOME = "https://ghcr.io/v2/acme/flags"
CONTENT = b"the head"
ARTIFACT = encode_artifact(HEAD, [layer_of(HEAD, CONTENT)])
ETAG = digest_of(ARTIFACT)
FOUND: tuple[Answer, Answer] = ((200, ARTIFACT), (200, CONTENT))
REALM = "https://auth.example.org/token"
ASKED = f"GET {REALM}?service=ghcr.io&scope=repository%3Aacme%2Fflags%3Apull"
CHALLENGE = f'Bearer realm="{REALM}",service="ghcr.io",scope="other"'
BEARER: Answer = (401, b"", {"WWW-Authenticate": CHALLENGE})
BASIC: Answer = (401, b"", {"WWW-Authenticate": 'Basic realm="flags"'})
LOGIN = {"BURGEE_OCI_USERNAME": "ann", "BURGEE_OCI_PASSWORD": "hidden"}
SHOWN = f"Basic {b64encode(b'ann:hidden').decode()}"


def a_token(text: str, seconds: int = 300) -> Answer:
    return 200, json.dumps({"token": text, "expires_in": seconds}).encode()


def a_fetcher(
    *answers: Answer, environ: dict[str, str] | None = None, rim: FakeRim | None = None
) -> tuple[OciFetcher, FakeConnections]:
    connections = FakeConnections(*answers)
    return OciFetcher(URL, environ or {}, rim=(rim or FakeRim()).rim(), connections=connections), connections


def shown(connections: FakeConnections) -> list[str | None]:
    return [asked.headers.get("Authorization") for asked in connections.asked]


def test_a_head_is_read_by_its_tag_and_asked_for_again_by_its_artifacts_digest() -> None:
    fetcher, connections = a_fetcher(*FOUND, (304, b""))
    fetched = fetcher.get(KEY)
    assert (fetched.content, fetched.etag) == (CONTENT, ETAG)
    assert fetcher.get(KEY, fetched.etag) is NOT_MODIFIED
    assert [asked.url for asked in connections.asked] == [
        f"{HOME}/manifests/production.head",
        f"{HOME}/blobs/{digest_of(CONTENT)}",
        f"{HOME}/manifests/production.head",
    ]
    first, _, again = connections.asked
    assert first.headers == {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    assert again.headers["If-None-Match"] == f'"{ETAG}"'


def test_a_registry_that_knows_no_conditions_sends_no_head_twice() -> None:
    fetcher, connections = a_fetcher((200, ARTIFACT))
    assert fetcher.get(KEY, ETAG) is NOT_MODIFIED
    assert len(connections.asked) == 1


def test_a_token_is_asked_for_when_the_registry_wants_one_and_used_until_shortly_before_it_expires() -> None:
    rim = FakeRim(answers={ASKED: a_token("one")})
    fetcher, connections = a_fetcher(BEARER, *FOUND, *FOUND, *FOUND, environ=LOGIN, rim=rim)
    fetcher.get(KEY)
    rim.clock.advance(289_000)
    fetcher.get(KEY)
    assert shown(connections) == [None] + ["Bearer one"] * 4
    rim.answers[ASKED] = a_token("two")
    rim.clock.advance(2_000)
    fetcher.get(KEY)
    assert shown(connections)[5:] == ["Bearer two"] * 2
    assert [asked.headers for asked in rim.asked] == [{"Authorization": SHOWN}] * 2


def test_a_token_that_the_registry_no_longer_takes_is_replaced() -> None:
    rim = FakeRim(answers={ASKED: a_token("one")})
    fetcher, connections = a_fetcher(BEARER, *FOUND, BEARER, *FOUND, environ=LOGIN, rim=rim)
    fetcher.get(KEY)
    rim.answers[ASKED] = a_token("two")
    fetcher.get(KEY)
    assert shown(connections) == [None, "Bearer one", "Bearer one", "Bearer one", "Bearer two", "Bearer two"]


def test_nobody_asks_for_a_token_as_nobody() -> None:
    rim = FakeRim(answers={ASKED: a_token("anyone")})
    fetcher, connections = a_fetcher(BEARER, *FOUND, rim=rim)
    assert fetcher.get(KEY).content == CONTENT
    assert rim.asked == [Asked("GET", ASKED.removeprefix("GET "), {})]
    assert shown(connections) == [None, "Bearer anyone", "Bearer anyone"]


def test_a_name_and_a_password_are_shown_to_a_registry_that_wants_them() -> None:
    fetcher, connections = a_fetcher(BASIC, *FOUND, environ=LOGIN)
    fetcher.get(KEY)
    assert shown(connections) == [None, SHOWN, SHOWN]
    assert fetcher.asked_by() == "ann of BURGEE_OCI_USERNAME"


def test_a_place_for_tokens_on_plain_http_is_not_told_a_password() -> None:
    rim = FakeRim()
    challenge = {"WWW-Authenticate": 'Bearer realm="http://auth.example.org/token"'}
    fetcher, _ = a_fetcher((401, b"", challenge), environ=LOGIN, rim=rim)
    with pytest.raises(Denied, match="wanted an https URL"):
        fetcher.get(KEY)
    assert rim.asked == []


def test_where_a_registry_leads_to_for_a_blob_is_not_shown_what_the_registry_is() -> None:
    elsewhere = "https://storage.example.org/blob?signature=x"
    rim = FakeRim(answers={ASKED: a_token("one")})
    redirect: Answer = (307, b"", {"Location": elsewhere})
    fetcher, connections = a_fetcher(BEARER, (200, ARTIFACT), redirect, (200, CONTENT), environ=LOGIN, rim=rim)
    assert fetcher.get(KEY).content == CONTENT
    assert connections.asked[-1].url == elsewhere
    assert shown(connections) == [None, "Bearer one", "Bearer one", None]


def test_a_challenge_of_another_place_than_the_registry_is_not_met() -> None:
    rim = FakeRim(answers={ASKED: a_token("one")})
    redirect: Answer = (307, b"", {"Location": "https://storage.example.org/blob"})
    fetcher, _ = a_fetcher((200, ARTIFACT), redirect, BEARER, environ=LOGIN, rim=rim)
    with pytest.raises(Denied):
        fetcher.get(KEY)
    assert rim.asked == []


def test_a_blob_is_not_fetched_over_plain_http() -> None:
    fetcher, _ = a_fetcher((200, ARTIFACT), (307, b"", {"Location": "http://storage.example.org/blob"}))
    with pytest.raises(Unavailable, match="wanted an address of the same scheme"):
        fetcher.get(KEY)


def test_a_registry_that_leads_in_circles_is_left() -> None:
    fetcher, connections = a_fetcher(*[(307, b"", {"Location": f"{HOME}/manifests/production.head"})] * 9)
    with pytest.raises(Unavailable, match="more than 3 redirects"):
        fetcher.get(KEY)
    assert len(connections.asked) == 4


def test_content_that_is_not_what_its_digest_says_is_refused() -> None:
    fetcher, _ = a_fetcher((200, ARTIFACT), (200, b"another"), (200, b"another"))
    with pytest.raises(DigestMismatch):
        fetcher.get(KEY)
    with pytest.raises(DigestMismatch):
        fetcher.get(keys.blob(digest_of(CONTENT)))


def test_an_artifact_of_another_kind_or_size_is_refused() -> None:
    other = encode_artifact(RELEASE, [layer_of(RELEASE, CONTENT)])
    fetcher, _ = a_fetcher((200, other), (200, ARTIFACT))
    with pytest.raises(InvalidDocument, match=r"wanted application/vnd\.burgee\.head\.v1"):
        fetcher.get(KEY)
    with pytest.raises(InvalidDocument, match="8 bytes, wanted at most 7"):
        fetcher.get(KEY, max_bytes=7)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((404, b'{"errors":[{"code":"GONE","message":"it is"}]}'), NotFound, "404 GONE: it is"),
        ((401, b""), Denied, "asked by ann of BURGEE_OCI_USERNAME; a reader needs the right to pull, and "),
        ((403, b'{"errors":[{"code":"DENIED"}]}'), Denied, "403 DENIED"),
        ((429, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}'), Unavailable, "429 TOOMANYREQUESTS"),
        ((503, b""), Unavailable, "503 Said So"),
        ((304, b""), Unavailable, "304"),
        ((307, b""), Unavailable, "307"),
    ],
)
def test_refusals_say_what_was_asked_where_and_by_whom(answer: Answer, error: type[BurgeeError], said: str) -> None:
    fetcher, _ = a_fetcher(answer, environ=LOGIN)
    with pytest.raises(error, match=said) as refused:
        fetcher.get(KEY)
    assert str(refused.value).startswith(f"GET manifests/production.head of {URL} at https://ghcr.io: ")


def test_a_place_for_tokens_that_refuses_or_fails_is_named() -> None:
    rim = FakeRim(answers={ASKED: (401, b"")})
    fetcher, _ = a_fetcher(BEARER, BEARER, environ=LOGIN, rim=rim)
    with pytest.raises(Denied, match=r"auth\.example\.org/token.*401"):
        fetcher.get(KEY)
    rim.answers[ASKED] = (503, b"")
    with pytest.raises(Unavailable, match=r"auth\.example\.org/token.*503"):
        fetcher.get(KEY)


def test_what_a_registry_does_not_keep_is_not_asked_for() -> None:
    fetcher, connections = a_fetcher()
    with pytest.raises(NotFound, match="is nothing that a registry keeps"):
        fetcher.get(keys.static_snapshot("production", "default"))
    assert connections.asked == []


def test_a_login_of_dockers_configuration_is_read_once_the_first_time_it_is_needed() -> None:
    encoded = b64encode(b"ann:hidden").decode()
    rim = FakeRim(files={"/home/ann/.docker/config.json": json.dumps({"auths": {"ghcr.io": {"auth": encoded}}})})
    fetcher, connections = a_fetcher(BASIC, *FOUND, environ={"HOME": "/home/ann"}, rim=rim)
    fetcher.get(KEY)
    assert shown(connections)[1:] == [SHOWN, SHOWN]
    assert fetcher.asked_by() == "ann of /home/ann/.docker/config.json"


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]", '{"auths":{"ghcr.io":{"auth":"%"}}}'])
def test_a_configuration_that_cannot_be_read_is_named(text: str) -> None:
    rim = FakeRim(files={"/home/ann/.docker/config.json": text})
    fetcher, _ = a_fetcher(environ={"HOME": "/home/ann"}, rim=rim)
    with pytest.raises(Denied, match=r"no credentials to ask with: /home/ann/\.docker/config\.json"):
        fetcher.get(KEY)


def test_each_challenge_may_have_a_header_of_its_own() -> None:
    rim = FakeRim(answers={ASKED: a_token("one")})
    challenges = {"WWW-Authenticate": "Negotiate", "www-authenticate": CHALLENGE}
    fetcher, connections = a_fetcher((401, b"", challenges), *FOUND, environ=LOGIN, rim=rim)
    fetcher.get(KEY)
    assert shown(connections) == [None, "Bearer one", "Bearer one"]


def test_where_a_registry_leads_to_is_said_without_what_signs_it() -> None:
    leads: Answer = (307, b"", {"Location": "http://storage.example.org/layer?X-Amz-Signature=hidden"})
    fetcher, _ = a_fetcher((200, ARTIFACT), leads)
    with pytest.raises(Unavailable, match=r"redirected to 'http://storage\.example\.org/layer'") as raised:
        fetcher.get(KEY)
    assert "hidden" not in str(raised.value)


def test_a_login_for_another_registry_is_not_shown() -> None:
    fetcher, connections = a_fetcher(BASIC, environ={**LOGIN, "BURGEE_OCI_REGISTRY": "registry.example.org"})
    with pytest.raises(Denied, match="asked by nobody, for there is no login"):
        fetcher.get(KEY)
    assert shown(connections) == [None]
