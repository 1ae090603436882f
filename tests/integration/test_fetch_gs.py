"""Reading Google Cloud Storage from a server that checks tokens, with tokens of every kind."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from burgee.core.errors import BurgeeError, Denied, NotFound, Unavailable
from burgee.fetch.connections import Patience, Reply
from burgee.fetch.google_tokens import ACCOUNTS
from burgee.fetch.gs import GsFetcher
from burgee.fetch.live import Live
from burgee.fetch.opening import open_fetcher
from burgee.fetch.port import NOT_MODIFIED
from burgee.fetch.rim import Rim, system_rim
from burgee.store.file import FileObjects
from burgee.store.gs import open_gs
from burgee.store.objects import ObjectStore
from tests.fakes.clock import VirtualClock
from tests.fakes.publisher import a_document, publish
from tests.integration.conftest import BUCKET
from tests.publishing import features, files
from tests.servers.dev import BURGEE, burgee, running, wait_for
from tests.servers.gcs import GET, READER, Gcs
from tests.servers.git_cli import a_work_tree
from tests.servers.outage import between
from tests.servers.played import Answer, Asked, played

pytestmark = pytest.mark.integration

KEY = "environments/staging/head.json"
URL = f"gs://{BUCKET}/shop"
HOUR = 3_600_000
FLAVOR = {"Metadata-Flavor": "Google"}


def reading(gs: Gcs, url: str = URL, rim: Rim | None = None, **environ: str) -> GsFetcher:
    return GsFetcher(url, gs.environ(**environ), rim=rim)


def fault(fetcher: GsFetcher, key: str = KEY) -> BurgeeError:
    """What a read that has to fail says."""
    with pytest.raises(BurgeeError) as raised:
        fetcher.get(key)
    return raised.value


# Objects


def test_an_object_is_read_and_is_then_not_modified(gs: Gcs) -> None:
    generation = gs.put(BUCKET, KEY, b"first", prefix="shop")
    fetcher = open_fetcher(URL, gs.environ())
    first = fetcher.get(KEY)
    assert (first.content, first.etag) == (b"first", str(generation))
    assert fetcher.get(KEY, first.etag) is NOT_MODIFIED
    gs.put(BUCKET, KEY, b"second", prefix="shop")
    assert fetcher.get(KEY, first.etag).content == b"second"
    assert [each.status for each in gs.log] == [200, 304, 200]


def test_every_key_is_found_by_its_own_name(gs: Gcs) -> None:
    keys = ["plain", "a b", "a,b", "a+b", "a%b", "a%20b", "ä/ö", "a~b-c_d.e", "a=b&c?d", "(a)!*'", "a#b"]
    for number, key in enumerate(keys):
        gs.put(BUCKET, key, b"%d" % number, prefix="shop")
    fetcher = reading(gs)
    assert [fetcher.get(key).content for key in keys] == [b"%d" % number for number in range(len(keys))]


def test_what_googles_own_client_writes_is_read_with_the_etag_it_was_written_with(gs: Gcs) -> None:
    etag = open_gs(URL, gs.environ()).put_new(KEY, b"\0\r\n", content_type="a/b", cache_control="no-cache")
    assert reading(gs).get(KEY) == (b"\0\r\n", etag)


def test_an_object_that_is_missing_is_not_found_and_a_bucket_that_is_missing_is_said(gs: Gcs) -> None:
    missing = fault(reading(gs))
    assert isinstance(missing, NotFound)
    assert f"404 Not Found: No such object: {BUCKET}/shop/{KEY}" in str(missing)
    nowhere = fault(reading(gs, "gs://no-such-bucket/shop"))
    assert isinstance(nowhere, Unavailable)
    assert "404 Not Found: The specified bucket does not exist; check the bucket's name" in str(nowhere)


# Permissions


def test_a_public_bucket_is_read_by_nobody_and_a_private_one_is_not(gs: Gcs) -> None:
    gs.tokens = {}
    gs.put(gs.make_bucket("public-flags", public=True), KEY, b"content")
    gs.put(BUCKET, KEY, b"content", prefix="shop")
    fetcher = reading(gs, "gs://public-flags")
    first = fetcher.get(KEY)
    assert first.content == b"content"
    assert fetcher.get(KEY, first.etag) is NOT_MODIFIED
    refused = fault(reading(gs))
    assert isinstance(refused, Denied)
    assert "401 Unauthorized: Anonymous caller does not have storage.objects.get access" in str(refused)
    assert "asked by nobody, for there are no credentials" in str(refused)


def test_a_token_reads_what_its_owner_may(gs: Gcs) -> None:
    gs.tokens = {"reader": READER, "getter": frozenset({GET}), "nobody": frozenset()}
    gs.put(BUCKET, KEY, b"content", prefix="shop")
    for token in ("reader", "getter"):
        assert reading(gs, GOOGLE_OAUTH_ACCESS_TOKEN=token).get(KEY).content == b"content"
    assert isinstance(fault(reading(gs, GOOGLE_OAUTH_ACCESS_TOKEN="reader"), "none"), NotFound)
    unlisted = fault(reading(gs, GOOGLE_OAUTH_ACCESS_TOKEN="getter"), "none")
    assert isinstance(unlisted, Denied)
    assert "an object that is missing is refused in the same words" in str(unlisted)
    denied = fault(reading(gs, GOOGLE_OAUTH_ACCESS_TOKEN="nobody"))
    assert isinstance(denied, Denied)
    assert f"a reader needs storage.objects.get on the bucket {BUCKET}" in str(denied)
    unknown = fault(reading(gs, GOOGLE_OAUTH_ACCESS_TOKEN="hidden"))
    assert isinstance(unknown, Denied)
    assert "Invalid Credentials; asked by the token of GOOGLE_OAUTH_ACCESS_TOKEN; renew or replace it" in str(unknown)
    assert "hidden" not in str(unknown)


# Sources of tokens


def of_service(token: str) -> bytes:
    return json.dumps({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}).encode()


def test_a_machine_of_googles_reads_as_its_service_account_and_renews_its_token_before_it_expires(gs: Gcs) -> None:
    gs.put(BUCKET, KEY, b"content", prefix="shop")
    gs.tokens = {"first": READER, "second": READER}
    clock = VirtualClock()
    started = clock.wall()

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("metadata-flavor") != "Google":
            return 403, b"", FLAVOR
        return 200, of_service("second" if clock.wall() >= started + HOUR - 300_000 else "first"), FLAVOR

    with played(answer) as machine, between(gs.url) as relay:
        environ = {"STORAGE_EMULATOR_HOST": relay.url, "GCE_METADATA_HOST": machine.url.removeprefix("http://")}
        fetcher = GsFetcher(URL, environ, rim=system_rim(clock.wall))
        for milliseconds in (0, HOUR - 300_001, 1, 1_000_000):
            clock.advance(milliseconds)
            assert fetcher.get(KEY).content == b"content"
        assert fetcher.asked_by() == "the service account of this machine"
        fetcher.close()
    assert machine.requests() == ["GET /computeMetadata/v1/instance/service-accounts/default/token"] * 2


def test_what_still_holds_is_used_while_the_machine_gives_no_other(gs: Gcs) -> None:
    gs.put(BUCKET, KEY, b"content", prefix="shop")
    gs.tokens = {"first": READER}
    clock = VirtualClock()
    answers = iter([(200, of_service("first"), FLAVOR), (503, b"", FLAVOR), (503, b"", FLAVOR)])
    with played(lambda asked: next(answers)) as machine:
        host = machine.url.removeprefix("http://")
        fetcher = reading(gs, rim=system_rim(clock.wall), GCE_METADATA_HOST=host)
        fetcher.get(KEY)
        clock.advance(HOUR - 20_000)
        assert fetcher.get(KEY).content == b"content"
        clock.advance(20_000)
        with pytest.raises(Unavailable, match="asked for a token of the service account of this machine"):
            fetcher.get(KEY)


def test_a_token_that_was_revoked_is_asked_for_anew_once(gs: Gcs) -> None:
    gs.put(BUCKET, KEY, b"content", prefix="shop")
    gs.tokens = {"first": READER}
    tokens = iter(["first", "second", "third", "fourth"])
    with played(lambda asked: (200, of_service(next(tokens)), FLAVOR)) as machine:
        fetcher = reading(gs, GCE_METADATA_HOST=machine.url.removeprefix("http://"))
        fetcher.get(KEY)
        gs.tokens = {"second": READER}
        assert fetcher.get(KEY).content == b"content"
        gs.tokens = {}
        assert "renew or replace it" in str(fault(fetcher))
    assert len(machine.asked) == 3


def test_many_threads_ask_for_one_token(gs: Gcs) -> None:
    gs.put(BUCKET, KEY, b"content", prefix="shop")
    gs.tokens = {"first": READER}
    with played(lambda asked: (200, of_service("first"), FLAVOR)) as machine, ThreadPoolExecutor(8) as pool:
        fetcher = reading(gs, GCE_METADATA_HOST=machine.url.removeprefix("http://"))
        assert {each.content for each in pool.map(fetcher.get, [KEY] * 40)} == {b"content"}
        fetcher.close()
    assert len(machine.asked) == 1


def test_a_machine_without_such_a_service_asks_as_nobody(gs: Gcs) -> None:
    gs.tokens = {}
    with played(lambda asked: (404, b"", {})) as another_cloud:
        host = another_cloud.url.removeprefix("http://")
        assert "asked by nobody" in str(fault(reading(gs, GCE_METADATA_HOST=host)))
    assert "asked by nobody" in str(fault(reading(gs, GCE_METADATA_HOST=host)))


def test_a_login_of_gcloud_reads_with_the_token_it_is_exchanged_for(gs: Gcs, tmp_path: Path) -> None:
    gs.put(BUCKET, KEY, b"content", prefix="shop")
    gs.tokens = {"fresh": READER}
    login = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r", "account": ""}
    (tmp_path / ".config/gcloud").mkdir(parents=True)
    (tmp_path / ".config/gcloud/application_default_credentials.json").write_text(json.dumps(login))
    real = system_rim(VirtualClock().wall)

    def answer(asked: Asked) -> Answer:
        fields = parse_qs(asked.body.decode())
        known = fields["grant_type"] == ["refresh_token"] and fields["refresh_token"] == ["r"]
        return (200, of_service("fresh"), {}) if known else (400, b'{"error": "invalid_grant"}', {})

    with played(answer) as accounts:

        def ask(method: str, url: str, headers: dict[str, str], body: bytes, patience: Patience) -> Reply:
            assert url == ACCOUNTS
            reply: Reply = real.ask(method, f"{accounts.url}/token", headers, body, patience)
            return reply

        fetcher = reading(gs, rim=Rim(real.read, ask, real.now), HOME=str(tmp_path))
        assert [fetcher.get(KEY).content for _ in range(3)] == [b"content"] * 3
    assert accounts.requests() == ["POST /token"]


# Readers


def test_a_live_snapshot_reads_a_bucket_through_an_outage(gs: Gcs, tmp_path: Path) -> None:
    store = ObjectStore(FileObjects(tmp_path))
    clock = VirtualClock()

    def published(enabled: bool) -> None:
        publish(store, {"default": a_document(enabled=enabled)}, at=clock.wall())
        for path in (path for path in tmp_path.rglob("*") if path.is_file()):
            gs.put(BUCKET, path.relative_to(tmp_path).as_posix(), path.read_bytes(), prefix="shop")

    published(True)
    with between(gs.url) as relay:
        fetcher = open_fetcher(URL, {"STORAGE_EMULATOR_HOST": relay.url})
        live = Live(fetcher, "staging", ttl_ms=60_000, clock=clock, random=lambda: 0.0)
        assert live.current().release.revision == 1
        relay.answer_503()
        clock.advance(60_000)
        assert live.current().release.revision == 1
        assert "503 Service Unavailable" in str(live.status().last_error)
        published(False)
        relay.mend()
        clock.advance(60_000)
        assert live.current().release.revision == 2
        assert live.status().last_error is None


def test_the_command_line_and_serve_read_a_bucket(gs: Gcs, tmp_path: Path) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", percentage=0), features("a", percentage=100)))
    environ = gs.environ(HOME=str(tmp_path), PATH="/usr/bin:/bin", BURGEE_STORE=URL, BURGEE_AUTH="none")
    done = burgee(environ, "publish", str(shop))
    assert done.returncode == 0, done.stderr
    evaluated = burgee(environ, "evaluate", "a", "--entity", "u", "-e", "production", "--store", URL)
    assert (evaluated.returncode, evaluated.stdout, evaluated.stderr) == (0, "true\n", "")
    shown = burgee(environ, "status", "--store", URL, "--json")
    assert [each["revision"] for each in json.loads(shown.stdout)["environments"]] == [1, 1]
    command = (str(BURGEE), "serve", "--store", URL, "--port", "0")
    with running(*command, environ={**environ, "BURGEE_ENVIRONMENT": "production"}) as serving:
        assert wait_for(lambda: serving.said("production: release 1 sha256:"))
        assert serving.enabled("a") is True
