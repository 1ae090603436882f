"""Writing to S3 through faults, refusals and races; and publishing to it from a Git repository."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from burgee import __version__
from burgee.core.errors import (
    BurgeeError,
    ConfigurationError,
    Conflict,
    InvalidDocument,
    Unavailable,
)
from burgee.fetch.live import Live
from burgee.fetch.opening import open_fetcher
from burgee.store import remote
from burgee.store.objects import ObjectStore
from burgee.store.opening import open_objects, open_store
from burgee.store.pace import Pace
from burgee.store.remote import RemoteObjects
from burgee.store.s3 import S3Wire, open_s3
from tests.fakes.aws import an_error
from tests.fakes.clock import VirtualClock
from tests.integration.conftest import BUCKET
from tests.publishing import features, files, publish_once, revisions
from tests.servers.dev import BURGEE
from tests.servers.faulty import Faulty, Harm, faulty
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.moto import ANYBODY, REGION, Keys, Moto
from tests.servers.played import Answer

pytestmark = pytest.mark.integration

KEY = "environments/staging/head.json"

URL = f"s3://{BUCKET}/shop"
# As burgee is, save that a test has no time.
HASTY = Pace(first=0.01, longest=0.05)
# Where a server may be silent.
IMPATIENT = replace(HASTY, answer=0.5)


@pytest.fixture
def relay(server: Moto) -> Iterator[Faulty]:
    with faulty(server.url) as running:
        yield running


@pytest.fixture
def objects(server: Moto, relay: Faulty) -> RemoteObjects:
    """Objects behind the relay."""
    return open_s3(URL, server.environ(AWS_ENDPOINT_URL=relay.url), pace=HASTY)


@pytest.fixture
def impatient(server: Moto, relay: Faulty) -> RemoteObjects:
    """The same, for who does not wait long for an answer."""
    return open_s3(URL, server.environ(AWS_ENDPOINT_URL=relay.url), pace=IMPATIENT)


def wire_of(objects: RemoteObjects) -> S3Wire:
    assert isinstance(objects.wire, S3Wire)
    return objects.wire


def put(objects: RemoteObjects, content: bytes = b"content", key: str = KEY) -> str:
    return objects.put_new(key, content, content_type="application/json", cache_control="no-cache")


def swap(objects: RemoteObjects, content: bytes, expected: str | None, key: str = KEY) -> str:
    return objects.swap(key, content, expected=expected, content_type="application/json", cache_control="no-cache")


def refusal(status: int, code: str, **headers: str) -> Answer:
    return status, an_error(code, f"Said {code}"), {"Content-Type": "application/xml", **headers}


BROKEN = refusal(500, "InternalError")
SLOW_DOWN = refusal(503, "SlowDown")
AT_ONCE = refusal(409, "ConditionalRequestConflict")


# What is written


def test_an_object_has_its_type_and_cache_rules_and_a_signature_over_its_content(
    server: Moto, relay: Faulty, objects: RemoteObjects
) -> None:
    put(objects, b"{}\r\n")
    found = server.client().head_object(Bucket=BUCKET, Key=f"shop/{KEY}")
    assert (found["ContentType"], found["CacheControl"]) == ("application/json", "no-cache")
    (asked,) = relay.asked
    assert asked.headers["x-amz-content-sha256"] == sha256(b"{}\r\n").hexdigest()
    assert not [name for name in asked.headers if "checksum" in name or name in ("x-amz-trailer", "transfer-encoding")]
    assert f"burgee/{__version__}" in asked.headers["user-agent"]


def test_what_others_put_into_the_bucket_is_not_listed(server: Moto, objects: RemoteObjects) -> None:
    for key in ("a", "a/", ".hidden", "b//c", "z/é"):
        server.client().put_object(Bucket=BUCKET, Key=f"shop/{key}", Body=b"")
    server.client().put_object(Bucket=BUCKET, Key="shopping/a", Body=b"")
    assert list(objects.list("")) == ["a", "z/é"]


def test_a_listing_of_more_than_one_page_is_whole_and_sorted(
    server: Moto, relay: Faulty, objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    for number in range(25):
        server.client().put_object(Bucket=BUCKET, Key=f"shop/n/{number}", Body=b"")
    assert list(objects.list("n/")) == sorted(f"n/{number}" for number in range(25))
    assert len(relay.asked) == 3


def test_an_object_that_is_longer_than_readers_take_is_not_read(
    server: Moto, objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LARGEST_BYTES", 10)
    put(objects, b"x" * 10, "fits")
    put(objects, b"x" * 11, "long")
    assert objects.get("fits").content == b"x" * 10
    with pytest.raises(InvalidDocument, match="11 bytes or more, wanted at most 10"):
        objects.get("long")


@pytest.mark.parametrize("url", [f"s3://{BUCKET}", f"s3://{BUCKET}/a/b/", f"S3://{BUCKET}/with%20percent"])
def test_writer_and_reader_of_one_url_mean_the_same_objects(server: Moto, url: str) -> None:
    with_query = f"{url}?region={REGION}&endpoint={server.url}"
    keys = ANYBODY.environ()
    put(open_s3(with_query, keys))
    assert open_fetcher(with_query, keys).get(KEY).content == b"content"
    assert open_fetcher(url, server.environ()).get(KEY).content == b"content"


# Faults that pass


@pytest.mark.parametrize(
    "harm", [Harm(answer=SLOW_DOWN), Harm(answer=BROKEN), Harm(answer=(502, b"<html>", {})), Harm(), Harm(hangs=True)]
)
def test_a_read_is_tried_again_through_faults_that_pass(relay: Faulty, impatient: RemoteObjects, harm: Harm) -> None:
    put(impatient)
    relay.next("GET", harm, harm, harm)
    assert impatient.get(KEY).content == b"content"
    relay.next("GET", harm)
    assert list(impatient.list("")) == [KEY]


@pytest.mark.parametrize(
    "harm", [Harm(answer=SLOW_DOWN), Harm(answer=BROKEN), Harm(answer=AT_ONCE), Harm(), Harm(hangs=True)]
)
def test_a_write_that_did_not_arrive_is_done_by_a_later_attempt(
    relay: Faulty, impatient: RemoteObjects, harm: Harm
) -> None:
    relay.next("PUT", harm, harm)
    etag = put(impatient, b"first")
    relay.next("PUT", harm, harm, harm)
    swap(impatient, b"second", etag)
    assert impatient.get(KEY).content == b"second"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Harm(answer=SLOW_DOWN), "503 SlowDown: Said SlowDown"),
        (Harm(answer=BROKEN), "500 InternalError: Said InternalError"),
        (Harm(), "onnection was closed before we received a valid response"),
        (Harm(hangs=True), "ead timeout"),
    ],
)
def test_faults_that_stay_are_unavailable_after_four_attempts(
    relay: Faulty, impatient: RemoteObjects, harm: Harm, said: str
) -> None:
    relay.always = lambda asked: harm if asked.method in ("GET", "PUT") else None
    with pytest.raises(Unavailable, match=rf"GET {URL}/{KEY} at {relay.url}: .*{said}"):
        impatient.get(KEY)
    with pytest.raises(Unavailable, match=rf"PUT {URL}/{KEY} at {relay.url}: .*{said}"):
        put(impatient)
    assert relay.methods().count("GET") == relay.methods().count("PUT") == 4


def test_no_attempt_begins_after_the_time_for_all_of_them(server: Moto) -> None:
    clock = VirtualClock()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(40_000)

    pace = Pace(sleep=wait, clock=lambda: clock.monotonic() / 1000, random=lambda: 1.0)
    with faulty(server.url) as relay:
        relay.always = lambda asked: Harm(answer=SLOW_DOWN)
        with pytest.raises(Unavailable):
            open_s3(URL, server.environ(AWS_ENDPOINT_URL=relay.url), pace=pace).get(KEY)
        assert len(relay.asked) == 2
    assert waits == [0.4, 0.8]


# Was it us?

AFTER_IT_WAS_DONE = [
    Harm(arrives=True),
    Harm(arrives=True, hangs=True),
    Harm(arrives=True, answer=BROKEN),
    Harm(arrives=True, answer=(504, b"<html>", {})),
]


@pytest.mark.parametrize("harm", AFTER_IT_WAS_DONE)
def test_a_write_that_was_done_before_its_answer_was_lost_is_known_as_ones_own(
    relay: Faulty, impatient: RemoteObjects, harm: Harm
) -> None:
    relay.next("PUT", harm)
    etag = put(impatient, b"first")
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"first", etag)
    relay.next("PUT", harm)
    etag = swap(impatient, b"second", etag)
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"second", etag)
    assert relay.methods().count("HEAD") >= 2


@pytest.mark.parametrize("harm", AFTER_IT_WAS_DONE)
def test_a_write_whose_answers_are_all_lost_is_known_by_a_look(
    relay: Faulty, impatient: RemoteObjects, harm: Harm
) -> None:
    relay.next("PUT", *[harm] * 4)
    etag = put(impatient, b"first")
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"first", etag)


def test_the_same_bytes_of_somebody_else_are_not_taken_for_ones_own(
    server: Moto, relay: Faulty, objects: RemoteObjects
) -> None:
    another = open_s3(URL, server.environ())
    relay.next("PUT", Harm(then=lambda: put(another, b"same")))
    with pytest.raises(Conflict, match="for the first time, it exists"):
        put(objects, b"same")
    etag = another.get(KEY).etag
    relay.next("PUT", Harm(then=lambda: swap(another, b"both", etag)))
    with pytest.raises(Conflict, match=f"wanted {KEY} in {URL} at etag {etag}, it is at another"):
        swap(objects, b"both", etag)


def test_a_write_that_was_done_and_replaced_meanwhile_is_a_conflict(
    server: Moto, relay: Faulty, objects: RemoteObjects
) -> None:
    another = open_s3(URL, server.environ())
    relay.next("PUT", Harm(arrives=True, then=lambda: swap(another, b"theirs", another.get(KEY).etag)))
    with pytest.raises(Conflict):
        put(objects, b"mine")
    assert objects.get(KEY).content == b"theirs"


def test_a_write_of_unknown_end_that_cannot_be_looked_for_is_unavailable_and_says_so(
    relay: Faulty, objects: RemoteObjects
) -> None:
    relay.next("PUT", Harm(arrives=True))
    relay.always = lambda asked: Harm(answer=SLOW_DOWN) if asked.method == "HEAD" else None
    with pytest.raises(Unavailable, match=f"whether {KEY} in {URL} was written is not known: HEAD"):
        put(objects)


def test_writes_that_keep_meeting_others_are_a_conflict_once_somebody_has_written(
    server: Moto, relay: Faulty, objects: RemoteObjects
) -> None:
    another = open_s3(URL, server.environ())
    etag = put(another, b"first")
    relay.always = lambda asked: Harm(answer=AT_ONCE) if asked.method == "PUT" else None
    with pytest.raises(Conflict):
        put(objects, b"mine")
    with pytest.raises(Unavailable, match="409 ConditionalRequestConflict"):
        swap(objects, b"mine", etag)
    swap(another, b"second", etag)
    with pytest.raises(Conflict):
        swap(objects, b"mine", etag)
    assert another.get(KEY).content == b"second"


def test_of_many_threads_whose_answers_get_lost_exactly_one_wins(relay: Faulty, objects: RemoteObjects) -> None:
    for number in range(5):
        key = f"race/{number}"
        relay.next("PUT", *[Harm(arrives=True, answer=BROKEN)] * 8, *[Harm(answer=AT_ONCE)] * 8)
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
        assert [objects.get(key).content] == [b"%d" % thread for thread in won]


# Refusals


def said_of(objects: RemoteObjects, verb: Any = None) -> str:
    """What a verb that has to fail says, after the name of its class."""
    with pytest.raises(BurgeeError) as raised:
        (verb or put)(objects)
    return f"{type(raised.value).__name__}: {raised.value}"


ASKED_BY = f"asked by access key ...{ANYBODY.access_key[-4:]} of AWS_ACCESS_KEY_ID"
REFUSALS = [
    (refusal(404, "NoSuchBucket"), "Unavailable", "check the bucket's name in the URL of the store, and the endpoint"),
    (refusal(403, "AccessDenied"), "Denied", f"{ASKED_BY}; burgee needs s3:PutObject on {BUCKET}/shop/*"),
    (refusal(403, "InvalidAccessKeyId"), "Denied", f"{ASKED_BY}; renew or replace it"),
    (refusal(400, "ExpiredToken"), "Denied", "renew or replace it"),
    (refusal(403, "SignatureDoesNotMatch"), "Denied", "renew or replace it"),
    (refusal(400, "AuthorizationHeaderMalformed"), "Denied", "say the bucket's region in the URL of the store"),
    (refusal(301, "PermanentRedirect"), "Unavailable", "say the bucket's region in the URL of the store"),
    (refusal(501, "NotImplemented"), "Unfit", "cannot do what burgee needs"),
    (refusal(400, "EntityTooLarge"), "Unavailable", "400 EntityTooLarge: Said EntityTooLarge"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), REFUSALS)
def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    relay: Faulty, objects: RemoteObjects, answer: Answer, kind: str, said: str
) -> None:
    relay.always = lambda asked: Harm(answer=answer)
    message = said_of(objects)
    assert message.startswith(f"{kind}: PUT {URL}/{KEY} at {relay.url}: {answer[0]} ")
    assert said in message
    assert relay.methods().count("PUT") == 1
    assert ANYBODY.secret_key not in message


def test_a_clock_that_is_off_is_said_with_both_times(relay: Faulty, objects: RemoteObjects) -> None:
    relay.ahead_seconds = 3600
    relay.always = lambda asked: Harm(answer=refusal(403, "RequestTimeTooSkewed"))
    message = said_of(objects)
    assert message.startswith("Denied: PUT")
    assert "set this machine's clock: it says 20" in message
    assert message.endswith("GMT")


def test_a_bucket_of_another_region_is_found_there(server: Moto, relay: Faulty, objects: RemoteObjects) -> None:
    elsewhere = refusal(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-west-3"})

    def answer(asked: Any) -> Harm | None:
        return None if "/eu-west-3/s3/" in asked.headers["authorization"] else Harm(answer=elsewhere)

    relay.always = answer
    put(objects)
    assert objects.get(KEY).content == b"content"
    assert relay.methods() == ["PUT", "PUT", "GET"]
    assert wire_of(objects).bucket.region == "eu-west-3"


def test_a_service_that_leads_elsewhere_without_end_is_left(relay: Faulty, objects: RemoteObjects) -> None:
    regions = iter([f"eu-west-{number}" for number in range(100)])
    relay.always = lambda asked: Harm(
        answer=refusal(301, "PermanentRedirect", **{"x-amz-bucket-region": next(regions)})
    )
    assert "say the bucket's region in the URL of the store" in said_of(objects)
    assert len(relay.asked) == 4


def test_an_endpoint_that_nobody_listens_at_is_unavailable(server: Moto) -> None:
    nowhere = open_s3(URL, server.environ(AWS_ENDPOINT_URL="http://127.0.0.1:1"), pace=HASTY)
    for verb in (lambda objects: objects.get(KEY), put):
        assert f"{KEY} at http://127.0.0.1:1: could not connect to the endpoint" in said_of(nowhere, verb)


def test_a_bucket_that_is_not_there_is_no_missing_object(server: Moto) -> None:
    nowhere = open_s3("s3://no-such-bucket/shop", server.environ(), pace=HASTY)
    for verb in (lambda objects: objects.get(KEY), put, lambda objects: swap(objects, b"", '"etag"')):
        assert "NoSuchBucket" in said_of(nowhere, verb)
        assert said_of(nowhere, verb).startswith("Unavailable")


def test_an_answer_without_an_etag_is_of_no_use(relay: Faulty, objects: RemoteObjects) -> None:
    relay.next("PUT", Harm(answer=(200, b"", {})))
    assert said_of(objects) == (f"Unfit: {KEY} in {URL} has no ETag; burgee can only publish where versions have names")


# Permissions


def a_user(server: Moto, **allowed: tuple[str, ...]) -> Keys:
    """A user who may do what is named, as `s3_GetObject=("resource",)`."""
    keys = server.make_user("publisher", action="sts:GetCallerIdentity", resource="*")
    for action, resources in allowed.items():
        statement = {"Effect": "Allow", "Action": action.replace("_", ":"), "Resource": resources}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        server.client("iam").put_user_policy(UserName="publisher", PolicyName=action, PolicyDocument=policy)
    return keys


BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
PUBLISHED = (f"{BUCKET_ARN}/shop/blobs/*", f"{BUCKET_ARN}/shop/environments/*", f"{BUCKET_ARN}/shop/probe.json")
RIGHTS = {"s3_GetObject": PUBLISHED, "s3_PutObject": PUBLISHED, "s3_ListBucket": (BUCKET_ARN,)}


def test_a_publisher_writes_below_its_prefix_and_nowhere_else(server: Moto, tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", files(features("a"), features("a")))
    environ = server.environ(a_user(server, **RIGHTS))
    with server.enforcing():
        receipts = publish_once(repository, open_s3(URL, environ, pace=HASTY))
        assert {receipt.outcome for receipt in receipts.values()} == {"published"}
        elsewhere = said_of(open_s3(f"s3://{BUCKET}/other", environ, pace=HASTY))
    assert elsewhere.startswith("Denied: PUT")
    assert f"burgee needs s3:PutObject on {BUCKET}/other/*" in elsewhere


def test_a_right_that_is_missing_is_named(server: Moto) -> None:
    environ = server.environ(a_user(server, s3_GetObject=PUBLISHED))
    with server.enforcing():
        objects = open_s3(URL, environ, pace=HASTY)
        assert "s3:PutObject on acme-flags/shop/*" in said_of(objects)
        assert "s3:ListBucket on the bucket acme-flags" in said_of(objects, lambda objects: objects.list(""))
        other = open_s3(f"s3://{BUCKET}/other", environ, pace=HASTY)
        assert "without s3:ListBucket on the bucket an object that is missing is refused in the same words" in said_of(
            other, lambda objects: objects.get(KEY)
        )


# Who asks


def test_without_credentials_nobody_is_asked(relay: Faulty) -> None:
    environ = {"AWS_ENDPOINT_URL": relay.url, "AWS_EC2_METADATA_DISABLED": "true"}
    environ |= {"AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_CONFIG_FILE": "/nowhere"}
    message = said_of(open_s3(URL, environ))
    assert message == (
        f"Denied: cannot ask {URL}: unable to locate credentials; "
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )
    assert relay.asked == []


def test_a_profile_of_the_files_that_variables_name_is_asked_as(server: Moto, relay: Faulty, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        f"[flags]\naws_access_key_id = {ANYBODY.access_key}\naws_secret_access_key = {ANYBODY.secret_key}\n"
    )
    (tmp_path / "config").write_text("[profile flags]\nregion = eu-west-3\nendpoint_url = http://127.0.0.1:1\n")
    environ = {
        "AWS_PROFILE": "flags",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL_S3": relay.url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    objects = open_s3(URL, environ, pace=HASTY)
    put(objects)
    assert f"Credential={ANYBODY.access_key}/" in relay.asked[0].headers["authorization"]
    assert "/eu-west-3/s3/" in relay.asked[0].headers["authorization"]
    assert (
        objects.wire.asked_by()
        == f"access key ...{ANYBODY.access_key[-4:]} of profile 'flags' (shared-credentials-file)"
    )


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"AWS_ACCESS_KEY_ID": "half"}, "half of an access key"),
        ({"AWS_PROFILE": "nobody", "AWS_CONFIG_FILE": "/nowhere"}, "AWS_PROFILE names what is in no file of profiles"),
        ({"AWS_REGION": "eu west"}, "wanted a region such as eu-central-1 in AWS_REGION"),
        ({"AWS_ENDPOINT_URL": "127.0.0.1:5000"}, "wanted an endpoint such as https://s3.example.org"),
        ({"AWS_ENDPOINT_URL_S3": "https://u:hidden@h"}, "no credentials, query or fragment"),
    ],
)
def test_variables_that_are_wrong_are_said_when_the_store_is_opened(environ: Mapping[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        open_store(URL, environ=environ)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://acme-flags/x?region=eu-west-1", "https://acme-flags.s3.eu-west-1.amazonaws.com/x/k"),
        ("s3://acme.flags/x?region=eu-west-1", "https://s3.eu-west-1.amazonaws.com/acme.flags/x/k"),
        ("s3://acme-flags?region=cn-north-1", "https://acme-flags.s3.cn-north-1.amazonaws.com.cn/k"),
        ("s3://acme-flags/x?endpoint=https://s3.example.org", "https://s3.example.org/acme-flags/x/k"),
    ],
)
def test_writers_ask_where_readers_ask(url: str, place: str) -> None:
    bucket = wire_of(open_s3(url, ANYBODY.environ())).bucket
    request = {"Bucket": bucket.address.bucket, "Key": f"{bucket.address.prefix}k"}
    signed_url: str = bucket.asker().client.generate_presigned_url("get_object", Params=request)
    assert signed_url.partition("?")[0] == place


def test_a_store_in_s3_without_its_sdk_says_which_extra_to_install() -> None:
    script = (
        f"import sys; sys.modules['botocore'] = None\nfrom burgee.store.opening import open_store\nopen_store({URL!r})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "ConfigurationError: stores in S3 need boto3" in done.stderr
    assert done.stderr.rstrip().endswith("pip install 'burgee[aws]'")


def test_opening_other_stores_does_not_import_the_sdk(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom burgee.store.opening import open_store\n"
        f"open_store({tmp_path.as_uri()!r}); print('botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


# Publishing


def burgee(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BURGEE), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_a_repository_is_published_to_a_bucket_and_readers_follow(server: Moto, tmp_path: Path) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", percentage=0), features("a", percentage=100)))
    environ = server.environ(HOME=str(tmp_path), PATH="/usr/bin:/bin", BURGEE_STORE=f"{URL}?region={REGION}")
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
    shown = burgee(environ, "history", "staging", "--json")
    assert [each["revision"] for each in json.loads(shown.stdout)] == [2, 1]
    assert burgee(environ, "evaluate", "a", "--entity", "u", "--store", URL).stdout == "true\n"
    assert burgee(environ, "publish", str(shop)).returncode == 0


def test_of_publishers_that_race_one_makes_the_release_and_the_log_stays_a_chain(
    server: Moto, relay: Faulty, tmp_path: Path
) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))
    environ = server.environ(AWS_ENDPOINT_URL=relay.url)
    for round_number in range(3):
        commit(shop, {"flags/staging/features.yaml": features("a", percentage=11 + round_number)})
        relay.next("PUT", *[Harm(arrives=True, answer=BROKEN), Harm(answer=AT_ONCE)] * 4)
        publish = partial(publish_once, shop)
        with ThreadPoolExecutor(4) as pool:
            receipts = list(pool.map(publish, [open_s3(URL, environ, pace=HASTY) for _ in range(4)]))
        outcomes = sorted(each["staging"].outcome for each in receipts)
        assert outcomes == ["published", "unchanged", "unchanged", "unchanged"]
    store = open_store(URL, environ=environ)
    assert revisions(store, "staging") == [3, 2, 1]
    assert revisions(store, "production") == [1]


def test_a_publish_through_a_slow_and_broken_bucket_is_whole(server: Moto, relay: Faulty, tmp_path: Path) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", "b"), features("a")))
    count = iter(range(10_000))
    harms = (None, Harm(answer=SLOW_DOWN), None, Harm(arrives=True, answer=BROKEN), None, Harm(arrives=True))
    relay.always = lambda asked: harms[next(count) % len(harms)]
    receipts = publish_once(shop, open_s3(URL, server.environ(AWS_ENDPOINT_URL=relay.url), pace=HASTY))
    assert {receipt.outcome for receipt in receipts.values()} == {"published"}
    store = ObjectStore(open_objects(URL, environ=server.environ()))
    assert revisions(store, "staging") == revisions(store, "production") == [1]
