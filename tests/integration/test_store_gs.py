"""Writing to Google Cloud Storage through faults, refusals and races; and publishing to it from a Git repository."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier, active_count
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from burgee import __version__
from burgee.core.errors import BurgeeError, ConfigurationError, Conflict, InvalidDocument, Unavailable
from burgee.fetch.live import Live
from burgee.fetch.opening import open_fetcher
from burgee.store import remote
from burgee.store.gs import open_gs
from burgee.store.objects import ObjectStore
from burgee.store.opening import open_objects, open_store
from burgee.store.pace import Pace
from burgee.store.remote import RemoteObjects
from burgee.store.self_test import publisher_test
from tests.fakes.clock import VirtualClock
from tests.publishing import features, files, publish_once, revisions
from tests.servers.dev import BURGEE
from tests.servers.faulty import Faulty, Harm, faulty
from tests.servers.gcs import CREATE, GET, READER, WRITER, Gcs, gcs
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.played import Answer, played

pytestmark = pytest.mark.integration

BUCKET = "acme-flags"
URL = f"gs://{BUCKET}/shop"
KEY = "environments/staging/head.json"
NAME = f"shop/{KEY}"
# As burgee is, save that a test has no time.
HASTY = Pace(first=0.01, longest=0.05)
# Where a server may be silent.
IMPATIENT = replace(HASTY, answer=0.5)


@pytest.fixture(scope="module")
def google() -> Iterator[Gcs]:
    with gcs() as running:
        yield running


@pytest.fixture
def server(google: Gcs) -> Gcs:
    google.reset()
    google.make_bucket(BUCKET)
    return google


@pytest.fixture
def relay(server: Gcs) -> Iterator[Faulty]:
    with faulty(server.url) as running:
        yield running


@pytest.fixture
def objects(relay: Faulty) -> RemoteObjects:
    """Objects behind the relay, for who does not wait long for an answer."""
    return behind(relay, pace=IMPATIENT)


def behind(relay: Faulty, pace: Pace = HASTY, **environ: str) -> RemoteObjects:
    return open_gs(URL, {"STORAGE_EMULATOR_HOST": relay.url, **environ}, pace=pace)


def put(objects: RemoteObjects, content: bytes = b"content", key: str = KEY) -> str:
    return objects.put_new(key, content, content_type="application/json", cache_control="no-cache")


def swap(objects: RemoteObjects, content: bytes, expected: str | None, key: str = KEY) -> str:
    return objects.swap(key, content, expected=expected, content_type="application/json", cache_control="no-cache")


def refusal(status: int, reason: str) -> Answer:
    error = {"code": status, "message": f"Said {reason}.", "errors": [{"reason": reason}]}
    return status, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"}


BROKEN = refusal(503, "backendError")
SLOW_DOWN = refusal(429, "rateLimitExceeded")


# What is written


def test_an_object_has_its_type_and_cache_rules_and_a_mark_and_nothing_else_is_asked(
    server: Gcs, relay: Faulty, objects: RemoteObjects
) -> None:
    threads = active_count()
    etag = put(objects, b"{}\r\n")
    kept = server.buckets.list(BUCKET, NAME, "", 1)[0][0]
    assert (kept.content, str(kept.generation)) == (b"{}\r\n", etag)
    assert (kept.fields["contentType"], kept.fields["cacheControl"]) == ("application/json", "no-cache")
    assert len(kept.fields["metadata"]["burgee-write"]) == 32
    (asked,) = relay.asked
    assert asked.path == f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart&ifGenerationMatch=0"
    assert f"burgee/{__version__}" in asked.headers["user-agent"]
    assert active_count() <= threads + 2


def test_what_others_put_into_the_bucket_is_not_listed(server: Gcs, objects: RemoteObjects) -> None:
    for name in ("shop/a", "shop/a/", "shop/.hidden", "shop/b//c", "shop/z/é", "shopping/a"):
        server.put(BUCKET, name, b"")
    server.page_size = 2
    assert list(objects.list("")) == ["a", "z/é"]


def test_an_object_that_is_longer_than_readers_take_is_not_read(
    objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LARGEST_BYTES", 10)
    put(objects, b"x" * 10, "fits")
    put(objects, b"x" * 11, "long")
    assert objects.get("fits").content == b"x" * 10
    with pytest.raises(InvalidDocument, match="11 bytes or more, wanted at most 10"):
        objects.get("long")


def test_an_object_of_more_than_a_request_takes_is_written_whole(server: Gcs, objects: RemoteObjects) -> None:
    content = bytes(range(256)) * 40_000
    etag = put(objects, content)
    assert objects.get(KEY).content == content
    with pytest.raises(Conflict):
        put(objects, content)
    with pytest.raises(Conflict):
        swap(objects, content, "5")
    swap(objects, content[::-1], etag)
    assert objects.get(KEY).content == content[::-1]


@pytest.mark.parametrize("url", [f"gs://{BUCKET}", f"gs://{BUCKET}/a/b/", f"GS://{BUCKET}/with%20percent"])
def test_writer_and_reader_of_one_url_mean_the_same_objects(server: Gcs, url: str) -> None:
    with_query = f"{url}?endpoint={server.url}"
    put(open_gs(with_query, {}))
    assert open_fetcher(with_query, {}).get(KEY).content == b"content"
    assert open_fetcher(url, server.environ()).get(KEY).content == b"content"


# Faults that pass

PASSING = [
    *(Harm(answer=SLOW_DOWN), Harm(answer=BROKEN), Harm(answer=refusal(408, "requestTimeout"))),
    *(Harm(answer=(502, b"<html>", {})), Harm(), Harm(hangs=True)),
]


@pytest.mark.parametrize("harm", PASSING)
def test_a_read_is_tried_again_through_faults_that_pass(relay: Faulty, objects: RemoteObjects, harm: Harm) -> None:
    put(objects)
    relay.next("GET", harm, harm, harm)
    assert objects.get(KEY).content == b"content"
    relay.next("GET", harm)
    assert list(objects.list("")) == [KEY]


@pytest.mark.parametrize("harm", PASSING)
def test_a_write_that_did_not_arrive_is_done_by_a_later_attempt(
    relay: Faulty, objects: RemoteObjects, harm: Harm
) -> None:
    relay.next("POST", harm, harm)
    etag = put(objects, b"first")
    relay.next("POST", harm, harm, harm)
    swap(objects, b"second", etag)
    assert objects.get(KEY).content == b"second"


DAMAGED = {"x-goog-hash": "crc32c=AAAAAA==,md5=AAAAAAAAAAAAAAAAAAAAAA==", "x-goog-generation": "1"}


@pytest.mark.parametrize(
    ("headers", "said"),
    [(DAMAGED, "hecksum mismatch"), ({**DAMAGED, "x-goog-stored-content-length": "8"}, "tored-Content-Length is 8")],
)
def test_content_that_does_not_have_its_sum_is_read_again(
    relay: Faulty, objects: RemoteObjects, headers: Mapping[str, str], said: str
) -> None:
    put(objects)
    relay.next("GET", Harm(answer=(200, b"damaged", headers)))
    assert objects.get(KEY).content == b"content"
    relay.always = lambda asked: Harm(answer=(200, b"damaged", headers))
    with pytest.raises(Unavailable, match=said):
        objects.get(KEY)


def test_content_that_stops_midway_is_read_again(relay: Faulty, objects: RemoteObjects) -> None:
    put(objects)
    relay.next("GET", Harm(answer=(200, b"cont", {"Content-Length": "7"})))
    assert objects.get(KEY).content == b"content"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Harm(answer=SLOW_DOWN), "429 rateLimitExceeded: Said rateLimitExceeded"),
        (Harm(answer=BROKEN), "503 backendError: Said backendError"),
        (Harm(answer=(502, b"<html>oh</html>", {})), "502 Bad Gateway"),
        (Harm(), "onnection aborted"),
        (Harm(hangs=True), "ead timed out"),
    ],
)
def test_faults_that_stay_are_unavailable_after_four_attempts(
    relay: Faulty, objects: RemoteObjects, harm: Harm, said: str
) -> None:
    relay.always = lambda asked: harm if "/download/" in asked.path or asked.method == "POST" else None
    with pytest.raises(Unavailable, match=rf"GET {URL}/{KEY} at {relay.url}: .*{said}"):
        objects.get(KEY)
    with pytest.raises(Unavailable, match=rf"PUT {URL}/{KEY} at {relay.url}: .*{said}"):
        put(objects)
    assert len([asked for asked in relay.asked if "/download/" in asked.path]) == relay.methods().count("POST") == 4


# Was it us?

AFTER_IT_WAS_DONE = [
    Harm(arrives=True),
    Harm(arrives=True, hangs=True),
    Harm(arrives=True, answer=BROKEN),
    Harm(arrives=True, answer=(504, b"<html>", {})),
    Harm(arrives=True, answer=(200, b"<html>", {})),
]


@pytest.mark.parametrize("harm", AFTER_IT_WAS_DONE)
def test_a_write_that_was_done_before_its_answer_was_lost_is_known_as_ones_own(
    relay: Faulty, objects: RemoteObjects, harm: Harm
) -> None:
    relay.next("POST", harm)
    etag = put(objects, b"first")
    assert (objects.get(KEY).content, objects.get(KEY).etag) == (b"first", etag)
    relay.next("POST", harm)
    etag = swap(objects, b"second", etag)
    assert (objects.get(KEY).content, objects.get(KEY).etag) == (b"second", etag)


@pytest.mark.parametrize("harm", AFTER_IT_WAS_DONE)
def test_a_write_whose_answers_are_all_lost_is_known_by_a_look(
    server: Gcs, relay: Faulty, objects: RemoteObjects, harm: Harm
) -> None:
    relay.next("POST", *[harm] * 4)
    etag = put(objects, b"first")
    assert (objects.get(KEY).content, objects.get(KEY).etag) == (b"first", etag)
    assert len(server.writes(NAME)) == 1


def test_a_large_write_that_was_done_before_its_answer_was_lost_is_known_as_ones_own(
    server: Gcs, relay: Faulty, objects: RemoteObjects
) -> None:
    content = bytes(range(256)) * 40_000
    relay.next("PUT", Harm(arrives=True))
    etag = put(objects, content)
    relay.next("PUT", Harm(), Harm(answer=BROKEN))
    etag = swap(objects, content[::-1], etag)
    assert (objects.get(KEY).content, objects.get(KEY).etag) == (content[::-1], etag)
    assert len(server.writes(NAME)) == 2


def test_the_same_bytes_of_somebody_else_are_not_taken_for_ones_own(
    server: Gcs, relay: Faulty, objects: RemoteObjects
) -> None:
    another = open_gs(URL, server.environ())
    relay.next("POST", Harm(then=lambda: put(another, b"same")))
    with pytest.raises(Conflict, match="for the first time, it exists"):
        put(objects, b"same")
    etag = another.get(KEY).etag
    relay.next("POST", Harm(then=lambda: swap(another, b"both", etag)))
    with pytest.raises(Conflict, match=f"wanted {KEY} in {URL} at etag {etag}, it is at another"):
        swap(objects, b"both", etag)


def test_a_write_that_was_done_and_replaced_meanwhile_is_a_conflict(
    server: Gcs, relay: Faulty, objects: RemoteObjects
) -> None:
    another = open_gs(URL, server.environ())
    relay.next("POST", Harm(arrives=True, then=lambda: swap(another, b"theirs", another.get(KEY).etag)))
    with pytest.raises(Conflict):
        put(objects, b"mine")
    assert objects.get(KEY).content == b"theirs"


def test_a_write_of_unknown_end_that_cannot_be_looked_for_is_unavailable_and_says_so(
    relay: Faulty, objects: RemoteObjects
) -> None:
    relay.next("POST", Harm(arrives=True))
    relay.always = lambda asked: Harm(answer=BROKEN) if asked.method == "GET" else None
    with pytest.raises(Unavailable, match=f"whether {KEY} in {URL} was written is not known: HEAD"):
        put(objects)


def test_of_many_threads_whose_answers_get_lost_exactly_one_wins(
    server: Gcs, relay: Faulty, objects: RemoteObjects
) -> None:
    for number in range(5):
        key = f"race/{number}"
        relay.next("POST", *[Harm(arrives=True, answer=BROKEN)] * 8, *[Harm(answer=SLOW_DOWN)] * 8)
        barrier = Barrier(16)

        def wins(thread: int, key: str = key, barrier: Barrier = barrier) -> bool:
            barrier.wait()
            try:
                put(objects, b"%d" % thread, key)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            won = [thread for thread, has_won in enumerate(pool.map(wins, range(16))) if has_won]
        assert [objects.get(key).content] == [b"%d" % thread for thread in won], server.writes(f"shop/{key}")


# Refusals


def said_of(objects: RemoteObjects, verb: Any = None) -> str:
    """What a verb that has to fail says, after the name of its class."""
    with pytest.raises(BurgeeError) as raised:
        (verb or put)(objects)
    return f"{type(raised.value).__name__}: {raised.value}"


REFUSALS = [
    (refusal(404, "notFound"), "Unavailable", "check the bucket's name in the URL of the store, and the endpoint"),
    (refusal(403, "forbidden"), "Denied", f"for the bucket {BUCKET} burgee needs storage.objects.create and"),
    (refusal(401, "authError"), "Denied", "asked by nobody, for there are no credentials; run `gcloud auth"),
    (refusal(501, "notImplemented"), "Unfit", "cannot do what burgee needs"),
    (refusal(400, "invalid"), "Unavailable", "400 invalid: Said invalid"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), REFUSALS)
def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    relay: Faulty, objects: RemoteObjects, answer: Answer, kind: str, said: str
) -> None:
    relay.always = lambda asked: Harm(answer=answer)
    message = said_of(objects)
    assert message.startswith(f"{kind}: PUT {URL}/{KEY} at {relay.url}: {answer[0]} ")
    assert said in message
    assert relay.methods() == ["POST"]


def test_a_service_that_leads_elsewhere_is_not_followed(relay: Faulty, objects: RemoteObjects) -> None:
    relay.always = lambda asked: Harm(answer=(302, b"", {"Location": f"{relay.url}/elsewhere"}))
    assert f"302, it leads to {relay.url}/elsewhere; check the endpoint" in said_of(objects)
    assert f"302, it leads to {relay.url}/elsewhere; check the endpoint" in said_of(objects, lambda it: it.get(KEY))
    assert len(relay.asked) == 2


def test_an_endpoint_that_nobody_listens_at_is_unavailable() -> None:
    nowhere = open_gs(URL, {"STORAGE_EMULATOR_HOST": "127.0.0.1:1"}, pace=HASTY)
    for verb in (lambda objects: objects.get(KEY), put, lambda objects: objects.list("")):
        message = said_of(nowhere, verb)
        assert message.startswith("Unavailable")
        assert message.endswith("at http://127.0.0.1:1: could not connect to 127.0.0.1")


def test_a_bucket_that_is_not_there_is_no_missing_object(server: Gcs) -> None:
    nowhere = open_gs("gs://no-such-bucket/shop", server.environ(), pace=HASTY)
    verbs = (lambda objects: objects.get(KEY), put, lambda objects: swap(objects, b"", "5"))
    for verb in (*verbs, lambda objects: objects.list("")):
        message = said_of(nowhere, verb)
        assert message.startswith("Unavailable")
        assert "specified bucket does not exist; check the bucket's name" in message


@pytest.mark.parametrize("answer", [b"{}", b'{"generation": "first"}'])
def test_an_answer_without_a_generation_is_of_no_use(relay: Faulty, objects: RemoteObjects, answer: bytes) -> None:
    relay.next("POST", Harm(answer=(200, answer, {"Content-Type": "application/json"})))
    assert said_of(objects) == (
        f"Unfit: {KEY} in {URL} has no generation; burgee can only publish where versions have names"
    )


def test_the_clock_of_the_server_is_known_from_its_answers(relay: Faulty, objects: RemoteObjects) -> None:
    assert objects.wire.clock_difference() is None
    relay.ahead_seconds = 3600
    put(objects)
    difference = objects.wire.clock_difference()
    assert difference is not None
    assert 3590 < difference < 3610


# Permissions


def verdicts(objects: RemoteObjects) -> dict[str, str]:
    return {finding.check: finding.verdict.value for finding in publisher_test(objects)}


def test_a_bucket_that_keeps_its_promises_passes_the_self_test_with_the_documented_rights(server: Gcs) -> None:
    server.tokens = {"writer": WRITER}
    objects = open_gs(URL, server.environ(GOOGLE_OAUTH_ACCESS_TOKEN="writer"), pace=HASTY)
    assert set(verdicts(objects).values()) == {"ok"}
    assert {each.name for each in server.buckets.list(BUCKET, "", "", 100)[0]} == {"shop/probe.json"}
    assert objects.wire.asked_by() == "the token of GOOGLE_OAUTH_ACCESS_TOKEN"
    assert objects.wire.place == f"bucket {BUCKET}, prefix shop/, at {server.url}"


@pytest.mark.parametrize(
    ("rights", "check", "said"),
    [
        (READER, "create", "storage.objects.create"),
        (READER | {CREATE}, "swap", "storage.objects.delete"),
        (WRITER - {"storage.objects.list"}, "list", "storage.objects.list"),
    ],
)
def test_a_right_that_is_missing_is_found_and_named(server: Gcs, rights: frozenset[str], check: str, said: str) -> None:
    server.tokens = {"token": rights}
    objects = open_gs(URL, server.environ(GOOGLE_OAUTH_ACCESS_TOKEN="token"), pace=HASTY)
    denied = {each.check: each.detail for each in publisher_test(objects) if each.verdict == "denied"}
    assert said in denied[check]
    assert "asked by the token of GOOGLE_OAUTH_ACCESS_TOKEN; for the bucket acme-flags burgee needs" in denied[check]


def test_without_the_right_to_list_an_object_that_is_missing_is_refused_and_this_is_said(server: Gcs) -> None:
    server.tokens = {"token": frozenset({GET})}
    objects = open_gs(URL, server.environ(GOOGLE_OAUTH_ACCESS_TOKEN="token"), pace=HASTY)
    message = said_of(objects, lambda objects: objects.get(KEY))
    assert message.startswith("Denied: GET")
    assert "an object that is missing is refused in the same words" in message


def test_a_service_that_ignores_conditions_is_unfit(server: Gcs) -> None:
    server.ignores = {"ifGenerationMatch"}
    found = [each for each in publisher_test(open_gs(URL, server.environ())) if each.verdict == "unfit"]
    assert [(each.check, "do not publish to it" in each.detail) for each in found] == [("create", True)]


# Who asks


def test_a_refused_token_is_said_to_be_renewed_and_never_shown(server: Gcs) -> None:
    server.tokens = {}
    message = said_of(open_gs(URL, server.environ(GOOGLE_OAUTH_ACCESS_TOKEN="hidden"), pace=HASTY))
    assert "401 authError: Invalid Credentials; asked by the token of GOOGLE_OAUTH_ACCESS_TOKEN; renew" in message
    assert "hidden" not in message
    assert len(server.log) == 1


def test_a_token_that_is_none_is_said_when_the_store_is_opened_and_never_shown() -> None:
    with pytest.raises(ConfigurationError, match="GOOGLE_OAUTH_ACCESS_TOKEN is one line") as raised:
        open_store(URL, environ={"GOOGLE_OAUTH_ACCESS_TOKEN": "hidden\n"})
    assert "hidden" not in str(raised.value)


def test_tokens_are_not_told_to_another_machine_without_tls() -> None:
    environ = {"STORAGE_EMULATOR_HOST": "http://gcs.example.org", "GOOGLE_OAUTH_ACCESS_TOKEN": "hidden"}
    assert open_gs(URL, environ).wire.asked_by() == "nobody, for tokens are not told without TLS"


def a_key(path: Path, accounts: str) -> Path:
    """The file with a service account's key, which the server at that address exchanges tokens for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "client_email": "publisher@acme.iam.gserviceaccount.com"}
    account |= {"private_key": pem, "token_uri": f"{accounts}/token", "project_id": "acme"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(account))
    return path


@pytest.mark.parametrize("variable", ["GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "HOME"])
def test_the_file_of_credentials_is_found_where_google_has_it_and_exchanged_once(
    server: Gcs, tmp_path: Path, variable: str
) -> None:
    server.tokens = {"fresh": WRITER}
    path = tmp_path / ".config/gcloud/application_default_credentials.json"
    with played(lambda asked: (200, b'{"access_token": "fresh", "expires_in": 3600}', {})) as accounts:
        a_key(path, accounts.url)
        places = {"GOOGLE_APPLICATION_CREDENTIALS": path, "CLOUDSDK_CONFIG": path.parent, "HOME": tmp_path}
        objects = open_gs(URL, server.environ(**{variable: str(places[variable])}), pace=HASTY)
        put(objects)
        assert objects.get(KEY).content == b"content"
        assert accounts.requests() == ["POST /token"]
        assert b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer" in accounts.asked[0].body
    assert objects.wire.asked_by() == f"publisher@acme.iam.gserviceaccount.com of the file {path}"


def test_a_token_that_was_revoked_is_exchanged_for_another(server: Gcs, tmp_path: Path) -> None:
    tokens = iter(["first", "second"])
    server.tokens = {"first": WRITER}

    def answer(asked: Any) -> Answer:
        return 200, json.dumps({"access_token": next(tokens), "expires_in": 3600}).encode(), {}

    with played(answer) as accounts:
        path = a_key(tmp_path / "key.json", accounts.url)
        objects = open_gs(URL, server.environ(GOOGLE_APPLICATION_CREDENTIALS=str(path)), pace=HASTY)
        etag = put(objects)
        server.tokens = {"second": WRITER}
        swap(objects, b"second", etag)
        assert accounts.requests() == ["POST /token"] * 2


def test_a_login_of_gcloud_is_known_by_its_file(tmp_path: Path) -> None:
    login = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    path = tmp_path / "application_default_credentials.json"
    path.write_text(json.dumps(login))
    objects = open_gs(f"{URL}?endpoint=https://gcs.example.org", {"CLOUDSDK_CONFIG": str(tmp_path)})
    assert objects.wire.asked_by() == f"the file {path}"


@pytest.mark.parametrize("content", [None, "{", "{}", '{"type": "service_account"}', "[]"])
def test_a_file_of_credentials_that_is_none_is_denied_with_what_to_do(
    server: Gcs, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    message = said_of(open_gs(URL, server.environ(GOOGLE_APPLICATION_CREDENTIALS=str(path)), pace=HASTY))
    assert message.startswith(f"Denied: cannot ask {URL}: ")
    assert message.endswith("run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS")
    assert server.log == []


def test_accounts_that_cannot_be_reached_are_unavailable_and_those_that_refuse_denied(
    server: Gcs, tmp_path: Path
) -> None:
    path = a_key(tmp_path / "key.json", "http://127.0.0.1:1")
    environ = server.environ(GOOGLE_APPLICATION_CREDENTIALS=str(path))
    said = f"Unavailable: PUT {URL}/{KEY} at {server.url}: could not connect to 127.0.0.1"
    assert said_of(open_gs(URL, environ, pace=HASTY)) == said
    with played(lambda asked: (400, b'{"error": "invalid_grant", "error_description": "Expired."}', {})) as accounts:
        a_key(path, accounts.url)
        message = said_of(open_gs(URL, environ, pace=HASTY))
    assert message.startswith("Denied: PUT")
    assert "invalid_grant: Expired; run `gcloud auth" in message


def test_a_machine_of_googles_asks_as_its_service_account(server: Gcs, tmp_path: Path) -> None:
    server.tokens = {"fresh": WRITER}
    shop = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))

    def metadata(asked: Any) -> Answer:
        flavor = {"Metadata-Flavor": "Google", "Content-Type": "application/json"}
        if asked.path.startswith("/computeMetadata/v1/instance/service-accounts/default/token"):
            return 200, b'{"access_token": "fresh", "expires_in": 3600, "token_type": "Bearer"}', flavor
        if asked.path.startswith("/computeMetadata/v1/instance/service-accounts/default/"):
            return 200, b'{"email": "publisher@acme.iam.gserviceaccount.com", "scopes": []}', flavor
        if asked.path == "/computeMetadata/v1/project/project-id":
            return 200, b"acme", {**flavor, "Content-Type": "text/plain"}
        return (200, b"", flavor) if asked.path == "/" else (404, b"", flavor)

    with played(metadata) as machine:
        host = machine.url.removeprefix("http://")
        environ = server.environ(HOME=str(tmp_path), PATH="/usr/bin:/bin", BURGEE_STORE=URL)
        environ |= {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}
        done = burgee(environ, "publish", str(shop))
    assert (done.returncode, done.stderr) == (0, f"store {URL} (BURGEE_STORE)\n")
    assert not {each.status for each in server.log} & {401, 403}


def test_a_store_in_gs_without_its_sdk_says_which_extra_to_install() -> None:
    script = (
        "import sys; sys.modules['google.cloud.storage'] = None\n"
        f"from burgee.store.opening import open_store\nopen_store({URL!r})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "ConfigurationError: stores in Google Cloud Storage need google-cloud-storage" in done.stderr
    assert done.stderr.rstrip().endswith("pip install 'burgee[gcp]'")


# Publishing


def burgee(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BURGEE), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_a_repository_is_published_to_a_bucket_and_readers_follow(server: Gcs, tmp_path: Path) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", percentage=0), features("a", percentage=100)))
    environ = server.environ(HOME=str(tmp_path), PATH="/usr/bin:/bin", BURGEE_STORE=URL)
    first = burgee(environ, "publish", str(shop))
    assert (first.returncode, first.stderr) == (0, f"store {URL} (BURGEE_STORE)\n")
    clock = VirtualClock()
    live = Live(open_fetcher(URL, server.environ()), "staging", ttl_ms=1_000, clock=clock, random=lambda: 0.5)
    assert live.current().release.revision == 1
    commit(shop, {"flags/staging/features.yaml": features("a", percentage=100)})
    second = burgee(environ, "publish", str(shop), "--json")
    assert [each["outcome"] for each in json.loads(second.stdout)] == ["published", "unchanged"]
    clock.advance(2_000)
    assert live.current().release.revision == 2
    assert burgee(environ, "evaluate", "a", "--entity", "u", "--store", URL).stdout == "true\n"


def test_of_publishers_that_race_one_makes_the_release_and_the_log_stays_a_chain(
    server: Gcs, relay: Faulty, tmp_path: Path
) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))
    for round_number in range(3):
        commit(shop, {"flags/staging/features.yaml": features("a", percentage=11 + round_number)})
        relay.next("POST", *[Harm(arrives=True, answer=BROKEN), Harm(answer=SLOW_DOWN)] * 4)
        publish = partial(publish_once, shop)
        with ThreadPoolExecutor(4) as pool:
            receipts = list(pool.map(publish, [behind(relay) for _ in range(4)]))
        outcomes = sorted(each["staging"].outcome for each in receipts)
        assert outcomes == ["published", "unchanged", "unchanged", "unchanged"]
    store = open_store(URL, environ=server.environ())
    assert revisions(store, "staging") == [3, 2, 1]
    assert revisions(store, "production") == [1]


def test_a_publish_through_a_slow_and_broken_bucket_is_whole(server: Gcs, relay: Faulty, tmp_path: Path) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", "b"), features("a")))
    count = iter(range(10_000))
    harms = (None, Harm(answer=SLOW_DOWN), None, Harm(arrives=True, answer=BROKEN), None, Harm(arrives=True))
    relay.always = lambda asked: harms[next(count) % len(harms)]
    receipts = publish_once(shop, behind(relay))
    assert {receipt.outcome for receipt in receipts.values()} == {"published"}
    store = ObjectStore(open_objects(URL, environ=server.environ()))
    assert revisions(store, "staging") == revisions(store, "production") == [1]
