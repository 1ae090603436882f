"""Reading S3 from a server that checks signatures and permissions, with credentials of every kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from burgee.core.errors import BurgeeError, Denied, NotFound, Unavailable
from burgee.core.instant import format_instant
from burgee.fetch.live import Live
from burgee.fetch.opening import open_fetcher
from burgee.fetch.port import NOT_MODIFIED
from burgee.fetch.rim import Rim, system_rim
from burgee.fetch.s3 import S3Fetcher
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.fakes.clock import VirtualClock
from tests.fakes.publisher import a_document, publish
from tests.integration.conftest import BUCKET
from tests.publishing import features, files
from tests.servers.dev import BURGEE, burgee, running, wait_for
from tests.servers.git_cli import a_work_tree
from tests.servers.moto import ANYBODY, REGION, Keys, Moto
from tests.servers.outage import between
from tests.servers.played import Answer, Asked, played

pytestmark = pytest.mark.integration

KEY = "environments/staging/head.json"
ON = a_document(enabled=True)
OFF = a_document(enabled=False)

URL = f"s3://{BUCKET}/shop"
READ = {"action": "s3:GetObject", "resource": f"arn:aws:s3:::{BUCKET}/shop/*"}


def reading(url: str, environ: Mapping[str, str], rim: Rim | None = None) -> S3Fetcher:
    return S3Fetcher(url, environ, rim=rim)


def fault(server: Moto, url: str, keys: Keys | None, key: str = KEY) -> BurgeeError:
    """What a read that has to fail says."""
    with pytest.raises(BurgeeError) as raised:
        reading(url, server.environ(keys)).get(key)
    return raised.value


# Objects


def test_an_object_is_read_and_is_then_not_modified(server: Moto) -> None:
    server.put(BUCKET, KEY, b"first", prefix="shop")
    fetcher = open_fetcher(URL, server.environ())
    first = fetcher.get(KEY)
    assert first.content == b"first"
    assert fetcher.get(KEY, first.etag) is NOT_MODIFIED
    server.put(BUCKET, KEY, b"second", prefix="shop")
    assert fetcher.get(KEY, first.etag).content == b"second"


def test_every_key_is_found_by_its_own_name_with_its_signature_checked(server: Moto) -> None:
    keys = ["plain", "a b", "a,b", "a+b", "a%b", "a%20b", "ä/ö", "a~b-c_d.e", "a=b&c", "(a)!*'"]
    for number, key in enumerate(keys):
        server.put(BUCKET, key, b"%d" % number, prefix="shop")
    reader = server.make_user("reader", **READ)
    fetcher = reading(URL, server.environ(reader))
    with server.enforcing():
        assert [fetcher.get(key).content for key in keys] == [b"%d" % number for number in range(len(keys))]


def test_a_public_bucket_is_read_without_credentials(server: Moto) -> None:
    server.make_bucket("public-flags", public=True)
    server.put("public-flags", KEY, b"content")
    fetcher = reading("s3://public-flags", server.environ(None))
    first = fetcher.get(KEY)
    assert first.content == b"content"
    assert fetcher.get(KEY, first.etag) is NOT_MODIFIED


def test_a_private_bucket_is_not_read_without_credentials(server: Moto) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    refused = fault(server, URL, None)
    assert isinstance(refused, Denied)
    assert "asked by nobody, for there are no credentials" in str(refused)


def test_an_object_that_is_missing_is_not_found_and_a_bucket_that_is_missing_is_said(server: Moto) -> None:
    missing = fault(server, URL, ANYBODY)
    assert isinstance(missing, NotFound)
    assert "404 NoSuchKey: The specified key does not exist" in str(missing)
    nowhere = fault(server, "s3://no-such-bucket/shop", ANYBODY)
    assert isinstance(nowhere, Unavailable)
    assert "404 NoSuchBucket: The specified bucket does not exist; check the bucket's name" in str(nowhere)


# Permissions


def test_a_reader_may_read_below_its_prefix_and_nowhere_else(server: Moto) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    server.put(BUCKET, KEY, b"content", prefix="other")
    server.put(server.make_bucket("other-bucket"), KEY, b"content", prefix="shop")
    reader = server.make_user("reader", **READ)
    with server.enforcing():
        assert reading(URL, server.environ(reader)).get(KEY).content == b"content"
        for url in (f"s3://{BUCKET}/other", "s3://other-bucket/shop"):
            refused = fault(server, url, reader)
            assert isinstance(refused, Denied)
            assert f"403 AccessDenied: Access Denied; asked by access key ...{reader.access_key[-4:]} of" in str(
                refused
            )
            assert "a reader needs s3:GetObject on" in str(refused)


def test_a_wrong_secret_and_an_unknown_key_are_denied_in_their_own_words(server: Moto) -> None:
    reader = server.make_user("reader", **READ)
    with server.enforcing():
        wrong = fault(server, URL, reader._replace(secret_key="wrong"))
        unknown = fault(server, URL, Keys("AKIAUNKNOWN", "secret"))
    assert isinstance(wrong, Denied)
    assert "403 SignatureDoesNotMatch" in str(wrong)
    assert isinstance(unknown, Denied)
    assert "403 InvalidAccessKeyId" in str(unknown)
    assert "wrong" not in str(wrong)


def test_the_session_of_a_role_reads_with_its_token_and_not_without(server: Moto) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    session = server.assume(server.make_role("reader", **READ))
    with server.enforcing():
        assert reading(URL, server.environ(session)).get(KEY).content == b"content"
        refused = fault(server, URL, session._replace(token="another"))
    assert isinstance(refused, Denied)
    assert "InvalidToken" in str(refused)


# Regions


def regional(asked: Asked, region: str, server: Moto) -> Answer:
    """What answers for S3 in one region, before the server that has the objects."""
    signed_for = re.findall(r"/([^/]+)/s3/aws4_request", asked.headers.get("authorization", ""))
    if signed_for != [region]:
        body = b"<Error><Code>PermanentRedirect</Code><Message>Elsewhere</Message></Error>"
        return 301, body, {"x-amz-bucket-region": region}
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    try:
        connection.request("GET", asked.path, headers=dict(asked.headers))
        response = connection.getresponse()
        return response.status, response.read(), {"ETag": response.getheader("ETag", "")}
    finally:
        connection.close()


def test_a_bucket_of_another_region_is_found_there_by_a_new_signature(server: Moto) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    reader = server.make_user("reader", **READ)
    with server.enforcing(), played(lambda asked: regional(asked, "eu-west-3", server)) as front:
        fetcher = reading(URL, server.environ(reader, AWS_ENDPOINT_URL=front.url))
        first = fetcher.get(KEY)
        assert first.content == b"content"
        assert fetcher.get(KEY, first.etag) is NOT_MODIFIED
        assert len(front.asked) == 3
        fetcher.close()


# Sources of credentials


def of_service(keys: Keys, *, expires_at: int) -> bytes:
    fields = {
        "Code": "Success",
        "AccessKeyId": keys.access_key,
        "SecretAccessKey": keys.secret_key,
        "Token": keys.token,
        "Expiration": format_instant(expires_at),
    }
    return json.dumps(fields).encode()


def test_a_container_reads_as_its_role(server: Moto, tmp_path: Path) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    session = server.assume(server.make_role("reader", **READ))
    token = tmp_path / "token"
    token.write_text("pod token\n")
    clock = VirtualClock()

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("authorization") != "pod token":
            return 401, b"", {}
        return 200, of_service(session, expires_at=clock.wall() + 3_600_000), {}

    with server.enforcing(), played(answer) as service:
        environ = server.environ(
            None,
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{service.url}/v1/credentials",
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token),
        )
        fetcher = reading(URL, environ, system_rim(clock.wall))
        assert fetcher.get(KEY).content == b"content"
        assert fetcher.get(KEY).content == b"content"
        assert service.requests() == ["GET /v1/credentials"]
        token.write_text("outdated")
        with pytest.raises(Denied, match=r"/v1/credentials: 401 Unauthorized; asked for the credentials of the cont"):
            reading(URL, environ).get(KEY)


ROLES = "/latest/meta-data/iam/security-credentials/"


def test_an_instance_reads_as_its_role_and_renews_it_before_it_expires(server: Moto) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    role = server.make_role("reader", **READ)
    sessions = [server.assume(role), server.assume(role)]
    clock = VirtualClock()

    def answer(asked: Asked) -> Answer:
        if asked.method == "PUT":
            return 200, b"metadata session", {}
        if asked.headers.get("x-aws-ec2-metadata-token") != "metadata session":
            return 401, b"", {}
        if asked.path == ROLES:
            return 200, b"reader", {}
        return 200, of_service(sessions[clock.wall() >= started + 3_300_000], expires_at=clock.wall() + 3_600_000), {}

    started = clock.wall()
    with server.enforcing(), played(answer) as service, played(lambda asked: regional(asked, REGION, server)) as front:
        environ = server.environ(
            None,
            AWS_EC2_METADATA_DISABLED="false",
            AWS_EC2_METADATA_SERVICE_ENDPOINT=service.url,
            AWS_ENDPOINT_URL=front.url,
        )
        fetcher = reading(URL, environ, system_rim(clock.wall))
        for milliseconds in (0, 3_299_999, 1, 3_000_000):
            clock.advance(milliseconds)
            assert fetcher.get(KEY).content == b"content"
        fetcher.close()
    assert service.requests() == ["PUT /latest/api/token", f"GET {ROLES}", f"GET {ROLES}reader"] * 2
    first, second = (session.access_key for session in sessions)
    signed_by = [re.findall(r"Credential=(\w+)/", asked.headers["authorization"])[0] for asked in front.asked]
    assert signed_by == [first, first, second, second]


def test_a_web_identity_reads_as_the_role_it_is_exchanged_for(server: Moto, tmp_path: Path) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    role = server.make_role("reader", **READ)
    (tmp_path / "token").write_text("header.claims.signature")
    environ = server.environ(None, AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"), AWS_ROLE_ARN=role)
    server.put(BUCKET, KEY, b"content", prefix="other")
    fetchers = [reading(URL, environ), reading(f"s3://{BUCKET}/other", environ)]
    # Exchanged before: with permissions enforced the server knows only requests that are signed.
    assert [fetcher.get(KEY).content for fetcher in fetchers] == [b"content"] * 2
    with server.enforcing():
        assert fetchers[0].get(KEY).content == b"content"
        with pytest.raises(Denied, match=f"403 AccessDenied.*of role {role}"):
            fetchers[1].get(KEY)


def test_a_machine_without_such_a_service_asks_as_nobody(server: Moto) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    with played(lambda asked: (404, b"", {})) as another_cloud:
        environ = server.environ(
            None, AWS_EC2_METADATA_DISABLED="", AWS_EC2_METADATA_SERVICE_ENDPOINT=another_cloud.url
        )
        with pytest.raises(Denied, match="asked by nobody"):
            reading(URL, environ).get(KEY)
    environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = another_cloud.url
    with pytest.raises(Denied, match="asked by nobody"):
        reading(URL, environ).get(KEY)


def test_a_profile_reads_as_its_keys(server: Moto, tmp_path: Path) -> None:
    server.put(BUCKET, KEY, b"content", prefix="shop")
    reader = server.make_user("reader", **READ)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        f"[flags]\naws_access_key_id = {reader.access_key}\naws_secret_access_key = {reader.secret_key}\n"
    )
    with server.enforcing():
        environ = server.environ(None, HOME=str(tmp_path), AWS_PROFILE="flags")
        assert reading(URL, environ).get(KEY).content == b"content"


# Readers


def test_a_live_snapshot_reads_a_bucket_through_an_outage(server: Moto, tmp_path: Path) -> None:
    store = ObjectStore(FileObjects(tmp_path))
    clock = VirtualClock()
    publish(store, {"default": ON}, at=clock.wall())
    server.upload(tmp_path, BUCKET, prefix="shop")
    with between(server.url) as relay:
        fetcher = open_fetcher(URL, server.environ(AWS_ENDPOINT_URL=relay.url))
        live = Live(fetcher, "staging", ttl_ms=60_000, clock=clock, random=lambda: 0.0)
        assert live.current().release.revision == 1
        relay.cut()
        clock.advance(60_000)
        assert live.current().release.revision == 1
        assert "/acme-flags/shop/environments/staging/head.json: " in str(live.status().last_error)
        relay.answer_503()
        clock.advance(60_000)
        assert live.current().release.revision == 1
        assert "503 Service Unavailable" in str(live.status().last_error)
        publish(store, {"default": OFF}, at=clock.wall())
        server.upload(tmp_path, BUCKET, prefix="shop")
        relay.mend()
        clock.advance(60_000)
        assert live.current().release.revision == 2
        assert live.status().last_error is None


@pytest.fixture
def published(server: Moto, tmp_path: Path) -> dict[str, str]:
    """What a command's environment has to read a bucket with a publish in it."""
    shop = a_work_tree(tmp_path / "shop", files(features("a", percentage=0), features("a", percentage=100)))
    done = burgee({}, "publish", str(shop), "--store", (tmp_path / "store").as_uri())
    assert done.returncode == 0, done.stderr
    server.upload(tmp_path / "store", BUCKET, prefix="shop")
    return server.environ(BURGEE_AUTH="none", BURGEE_TTL="0.5", HOME=str(tmp_path))


def test_the_command_line_reads_a_bucket(published: dict[str, str]) -> None:
    evaluated = burgee(published, "evaluate", "a", "--entity", "u", "-e", "production", "--store", URL)
    assert (evaluated.returncode, evaluated.stdout, evaluated.stderr) == (0, "true\n", "")
    shown = burgee(published, "status", "--store", URL, "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [each["revision"] for each in json.loads(shown.stdout)["environments"]] == [1, 1]
    denied = burgee({**published, "AWS_ACCESS_KEY_ID": "half", "AWS_SECRET_ACCESS_KEY": ""}, "status", "--store", URL)
    assert (denied.returncode, denied.stdout) == (3, "")
    assert "AWS_ACCESS_KEY_ID has half of an access key" in denied.stderr


def test_serve_answers_from_a_bucket(published: dict[str, str]) -> None:
    command = (str(BURGEE), "serve", "--store", URL, "--port", "0")
    with running(*command, environ={**published, "BURGEE_ENVIRONMENT": "production"}) as serving:
        assert wait_for(lambda: serving.said("production: release 1 sha256:"))
        assert serving.enabled("a") is True
