"""What is S3's own in writing to it: conditions, refusals, regions, permissions, and who asks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from burgee import __version__
from burgee.core.errors import ConfigurationError, Conflict, Unavailable
from burgee.fetch.opening import open_fetcher
from burgee.store.opening import open_store
from burgee.store.remote import RemoteObjects
from burgee.store.s3 import S3Wire, open_s3
from tests.integration.conftest import BUCKET
from tests.publishing import features, files, publish_once
from tests.servers.faulty import Faulty, Harm, faulty
from tests.servers.git_cli import a_work_tree
from tests.servers.moto import ANYBODY, REGION, Keys, Moto
from tests.servers.played import Answer
from tests.servers.wires import s3_refusal as refusal
from tests.writing import HASTY, KEY, get_it, list_all, put, said_of, swap

pytestmark = pytest.mark.integration

URL = f"s3://{BUCKET}/shop"


@pytest.fixture
def relay(server: Moto) -> Iterator[Faulty]:
    with faulty(server.url) as running:
        yield running


@pytest.fixture
def objects(server: Moto, relay: Faulty) -> RemoteObjects:
    """Objects behind the relay."""
    return open_s3(URL, server.environ(AWS_ENDPOINT_URL=relay.url), pace=HASTY)


def wire_of(objects: RemoteObjects) -> S3Wire:
    assert isinstance(objects.wire, S3Wire)
    return objects.wire


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


@pytest.mark.parametrize("url", [f"s3://{BUCKET}", f"s3://{BUCKET}/a/b/", f"S3://{BUCKET}/with%20percent"])
def test_writer_and_reader_of_one_url_mean_the_same_objects(server: Moto, url: str) -> None:
    with_query = f"{url}?region={REGION}&endpoint={server.url}"
    keys = ANYBODY.environ()
    put(open_s3(with_query, keys))
    assert open_fetcher(with_query, keys).get(KEY).content == b"content"
    assert open_fetcher(url, server.environ()).get(KEY).content == b"content"


def test_writes_that_keep_meeting_others_are_a_conflict_once_somebody_has_written(
    server: Moto, relay: Faulty, objects: RemoteObjects
) -> None:
    another = open_s3(URL, server.environ())
    etag = put(another, b"first")
    at_once = Harm(answer=refusal(409, "ConditionalRequestConflict"))
    relay.always = lambda asked: at_once if asked.method == "PUT" else None
    with pytest.raises(Conflict):
        put(objects, b"mine")
    with pytest.raises(Unavailable, match="409 ConditionalRequestConflict"):
        swap(objects, b"mine", etag)
    swap(another, b"second", etag)
    with pytest.raises(Conflict):
        swap(objects, b"mine", etag)
    assert another.get(KEY).content == b"second"


# Refusals

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
        assert "s3:ListBucket on the bucket acme-flags" in said_of(objects, list_all)
        other = open_s3(f"s3://{BUCKET}/other", environ, pace=HASTY)
        assert "without s3:ListBucket on the bucket an object that is missing is refused in the same words" in said_of(
            other, get_it
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
    assert done.stderr.rstrip().endswith("install burgee with the extra `aws`")


def test_opening_other_stores_does_not_import_the_sdk(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom burgee.store.opening import open_store\n"
        f"open_store({tmp_path.as_uri()!r}); print('botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
