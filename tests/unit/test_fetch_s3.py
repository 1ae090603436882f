"""Reading a bucket, as far as it needs no network: addresses, signatures and what answers mean."""

from __future__ import annotations

import re

import pytest
from botocore.loaders import create_loader

from burgee.bundle.s3_address import is_region, read_s3_address
from burgee.core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from burgee.fetch.aws_endpoints import domain_of
from burgee.fetch.port import NOT_MODIFIED
from burgee.fetch.s3 import S3Fetcher, base_of
from burgee.fetch.xml_answers import element
from tests.fakes.aws import Answer, FakeConnections, FakeRim, an_error
from tests.fakes.clock import NOON

KEY = "environments/staging/head.json"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAREADER", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1"}
NOBODY = {"AWS_REGION": "eu-central-1"}
FOUND: Answer = (200, b"content", {"ETag": '"v1"'})


def a_fetcher(
    *answers: Answer, url: str = "s3://acme-flags/shop", environ: dict[str, str] = KEYS, rim: FakeRim | None = None
) -> tuple[S3Fetcher, FakeConnections]:
    connections = FakeConnections(*answers)
    return S3Fetcher(url, environ, rim=(rim or FakeRim()).rim(), connections=connections), connections


def test_an_object_is_asked_for_signed_and_with_its_etag() -> None:
    fetcher, connections = a_fetcher(FOUND, (304, b""))
    fetched = fetcher.get(KEY)
    assert (fetched.content, fetched.etag) == (b"content", '"v1"')
    assert fetcher.get(KEY, fetched.etag) is NOT_MODIFIED
    first, second = connections.asked
    assert first.url == "https://acme-flags.s3.eu-central-1.amazonaws.com/shop/environments/staging/head.json"
    assert first.headers["X-Amz-Date"] == "20270115T080000Z"
    assert first.headers["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIAREADER/20270115/eu-central-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="
    )
    assert "If-None-Match" not in first.headers
    assert second.headers["If-None-Match"] == '"v1"'


def test_without_credentials_nothing_is_signed() -> None:
    fetcher, connections = a_fetcher(FOUND, environ=NOBODY)
    assert fetcher.get(KEY).content == b"content"
    assert connections.asked[0].headers == {}


@pytest.mark.parametrize(
    ("url", "key", "path"),
    [
        ("s3://acme-flags", "a/b", "/a/b"),
        ("s3://acme-flags/", "a/b", "/a/b"),
        ("s3://acme-flags/shop/", "a,b+c", "/shop/a%2Cb%2Bc"),
        ("s3://acme-flags/two/parts", "ä b", "/two/parts/%C3%A4%20b"),
        ("s3://acme-flags/a%20b", "k", "/a%2520b/k"),
        ("S3://acme-flags/x", "~-._", "/x/~-._"),
    ],
)
def test_a_key_is_looked_for_below_the_prefix_which_is_taken_as_it_is_written(url: str, key: str, path: str) -> None:
    fetcher, connections = a_fetcher(FOUND, url=url)
    fetcher.get(key)
    assert connections.asked[0].url == f"https://acme-flags.s3.eu-central-1.amazonaws.com{path}"


@pytest.mark.parametrize(
    ("bucket", "region", "base"),
    [
        ("acme-flags", "eu-west-1", "https://acme-flags.s3.eu-west-1.amazonaws.com"),
        ("acme.flags", "eu-west-1", "https://s3.eu-west-1.amazonaws.com/acme.flags"),
        ("Acme_Flags", "us-east-1", "https://s3.us-east-1.amazonaws.com/Acme_Flags"),
        ("a" * 64, "us-east-1", f"https://s3.us-east-1.amazonaws.com/{'a' * 64}"),
        ("acme", "cn-north-1", "https://acme.s3.cn-north-1.amazonaws.com.cn"),
        ("acme", "us-gov-west-1", "https://acme.s3.us-gov-west-1.amazonaws.com"),
        ("acme", "us-isob-east-1", "https://acme.s3.us-isob-east-1.sc2s.sgov.gov"),
    ],
)
def test_a_bucket_is_a_host_if_it_can_be_one(bucket: str, region: str, base: str) -> None:
    assert base_of(read_s3_address(f"s3://{bucket}"), region) == base


def test_an_endpoint_of_variables_has_the_bucket_in_its_path() -> None:
    environ = {**KEYS, "AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000/s3/"}
    fetcher, connections = a_fetcher(FOUND, environ=environ)
    fetcher.get("k")
    assert connections.asked[0].url == "http://127.0.0.1:9000/s3/acme-flags/shop/k"
    assert connections.asked[0].headers["Host"] == "127.0.0.1:9000"


def test_what_the_url_says_wins_over_variables() -> None:
    environ = {**KEYS, "AWS_REGION": "nowhere!", "AWS_ENDPOINT_URL_S3": "not an address"}
    url = "s3://acme-flags/shop?endpoint=http://127.0.0.1:9000/s3/&region=eu-west-3"
    fetcher, connections = a_fetcher(FOUND, (404, b""), url=url, environ=environ)
    fetcher.get("k")
    assert connections.asked[0].url == "http://127.0.0.1:9000/s3/acme-flags/shop/k"
    assert "/eu-west-3/s3/aws4_request" in connections.asked[0].headers["Authorization"]
    with pytest.raises(NotFound, match=r"GET s3://acme-flags/shop/k at http://127\.0\.0\.1:9000/s3/acme-flags: 404"):
        fetcher.get("k")


def test_a_region_of_the_url_is_where_amazon_is_asked() -> None:
    fetcher, connections = a_fetcher(FOUND, url="s3://acme-flags?region=eu-west-3")
    fetcher.get("k")
    assert connections.asked[0].url == "https://acme-flags.s3.eu-west-3.amazonaws.com/k"


@pytest.mark.parametrize(
    ("url", "environ", "said"),
    [
        ("s3://", {}, "wanted a bucket and a prefix, as s3://acme-flags/production, got 's3://'"),
        ("s3:acme", {}, "wanted a bucket and a prefix"),
        ("s3://ab/x", {}, "wanted a bucket and a prefix"),
        ("s3://a b c/x", {}, "wanted a bucket and a prefix"),
        ("s3://arn:aws:s3:eu-west-1:1:accesspoint/x", {}, "wanted a bucket and a prefix"),
        ("s3://acme/a\nb", {}, "wanted a bucket and a prefix"),
        ("s3://AKIA:secret@acme/x", {}, "has no credentials and no fragment"),
        ("s3://acme/x?token=secret", {}, "says region and endpoint and nothing else, got another name"),
        ("s3://acme/x", {"AWS_REGION": "eu west"}, "wanted a region such as eu-central-1"),
        ("s3://acme/x", {"AWS_REGION": "evil.example/"}, "wanted a region such as eu-central-1"),
        ("s3://acme/x", {"AWS_ENDPOINT_URL": "127.0.0.1:5000"}, "wanted an address such as"),
        ("s3://acme/x", {"AWS_ENDPOINT_URL_S3": "https://u:secret@h"}, "no credentials, query or fragment"),
    ],
)
def test_what_names_no_bucket_is_refused_with_what_to_do(url: str, environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        S3Fetcher(url, environ)
    assert "secret" not in str(raised.value)


# Where the bucket really is

ELSEWHERE: list[Answer] = [
    (301, an_error("PermanentRedirect"), {"x-amz-bucket-region": "eu-west-3"}),
    (307, an_error("TemporaryRedirect"), {"X-Amz-Bucket-Region": "eu-west-3", "Location": "https://elsewhere"}),
    (400, an_error("AuthorizationHeaderMalformed", more="<Region>eu-west-3</Region>")),
    (403, an_error("AccessDenied"), {"x-amz-bucket-region": "eu-west-3"}),
]


@pytest.mark.parametrize("answer", ELSEWHERE)
@pytest.mark.parametrize("environ", [KEYS, NOBODY])
def test_a_bucket_in_another_region_is_asked_for_there_from_then_on(answer: Answer, environ: dict[str, str]) -> None:
    fetcher, connections = a_fetcher(answer, FOUND, FOUND, environ=environ)
    assert fetcher.get(KEY) == fetcher.get(KEY)
    assert [asked.url.partition(".amazonaws")[0] for asked in connections.asked] == [
        "https://acme-flags.s3.eu-central-1",
        "https://acme-flags.s3.eu-west-3",
        "https://acme-flags.s3.eu-west-3",
    ]
    signed_for = [re.findall(r"/([^/]+)/s3/", asked.headers.get("Authorization", "")) for asked in connections.asked]
    assert signed_for == ([["eu-central-1"], ["eu-west-3"], ["eu-west-3"]] if environ is KEYS else [[], [], []])


def test_an_endpoint_stays_and_only_the_signature_is_for_another_region() -> None:
    fetcher, connections = a_fetcher(ELSEWHERE[2], FOUND, environ={**KEYS, "AWS_ENDPOINT_URL_S3": "http://h:9000"})
    fetcher.get("k")
    assert connections.asked[0].url == connections.asked[1].url
    assert "/eu-west-3/s3/" in connections.asked[1].headers["Authorization"]


def test_regions_that_never_end_are_bounded_and_none_becomes_part_of_a_hosts_name_unless_it_can() -> None:
    round_and_round: list[Answer] = [
        (301, b"", {"x-amz-bucket-region": region}) for region in ("eu-west-1", "eu-west-2", "eu-west-3")
    ]
    fetcher, connections = a_fetcher(*round_and_round)
    with pytest.raises(Unavailable, match="301 Said So; it leads to nowhere; say the bucket's region in the URL"):
        fetcher.get(KEY)
    assert len(connections.asked) == 3
    fetcher, connections = a_fetcher((301, b"", {"x-amz-bucket-region": "evil.example/"}))
    with pytest.raises(Unavailable):
        fetcher.get(KEY)
    assert len(connections.asked) == 1


# What refusals say

HERE = "GET s3://acme-flags/shop/environments/staging/head.json at https://acme-flags.s3.eu-central-1.amazonaws.com: "
AS_READER = "; asked by access key ...ADER of AWS_ACCESS_KEY_ID"
NEEDED = (
    "; a reader needs s3:GetObject on acme-flags/shop/*, and without s3:ListBucket on the bucket an object that is "
    "missing is refused in the same words"
)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((404, an_error("NoSuchKey", "The key does not exist.")), NotFound, "404 NoSuchKey: The key does not exist"),
        ((404, b""), NotFound, "404 Said So"),
        (
            (404, an_error("NoSuchBucket", "No bucket")),
            Unavailable,
            "404 NoSuchBucket: No bucket; check the bucket's name in the URL of the store, and the endpoint",
        ),
        (
            (403, an_error("AccessDenied", "Access Denied")),
            Denied,
            f"403 AccessDenied: Access Denied{AS_READER}{NEEDED}",
        ),
        ((401, b""), Denied, f"401 Said So{AS_READER}{NEEDED}"),
        ((403, an_error("InvalidAccessKeyId")), Denied, f"403 InvalidAccessKeyId{AS_READER}; renew or replace it"),
        (
            (403, an_error("SignatureDoesNotMatch")),
            Denied,
            f"403 SignatureDoesNotMatch{AS_READER}; renew or replace it",
        ),
        ((400, an_error("ExpiredToken", "Old")), Denied, f"400 ExpiredToken: Old{AS_READER}; renew or replace it"),
        (
            (403, an_error("RequestTimeTooSkewed"), {"Date": "Fri, 15 Jan 2027 09:00:00 GMT"}),
            Denied,
            "403 RequestTimeTooSkewed; set this machine's clock: it says 2027-01-15T08:00:00.000Z, "
            "the server Fri, 15 Jan 2027 09:00:00 GMT",
        ),
        (
            (400, an_error("AuthorizationHeaderMalformed")),
            Denied,
            "400 AuthorizationHeaderMalformed; signed for eu-central-1 by access key ...ADER of AWS_ACCESS_KEY_ID; "
            "say the bucket's region in the URL of the store, as ?region=eu-central-1, or set AWS_REGION",
        ),
        ((503, an_error("SlowDown", "Reduce\nyour rate")), Unavailable, r"503 SlowDown: Reduce\x0ayour rate"),
        ((500, b"<Code>" + b"x" * 999 + b"</Code>"), Unavailable, f"500 {'x' * 300}..."),
        ((500, b"<Code>never closed"), Unavailable, "500 Said So"),
        ((304, b""), Unavailable, "304 Said So"),
        ((206, b""), Unavailable, "206 Said So"),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_to_do(answer: Answer, error: type[BurgeeError], said: str) -> None:
    fetcher, connections = a_fetcher(answer)
    with pytest.raises(error) as raised:
        fetcher.get(KEY)
    assert type(raised.value) is error
    assert str(raised.value) == HERE + said
    assert len(connections.asked) == 1


def test_nobody_is_told_where_credentials_were_looked_for() -> None:
    rim = FakeRim({"/home/ann/.aws/config": "[default]\nsso_session = acme\n"})
    fetcher, _ = a_fetcher((403, b""), environ={**NOBODY, "HOME": "/home/ann"}, rim=rim)
    with pytest.raises(
        Denied, match=r"asked by nobody, for there are no credentials \(AWS_ACCESS_KEY_ID, profile 'def"
    ):
        fetcher.get(KEY)


def test_a_region_is_looked_for_in_the_profile_and_is_us_east_1_without_any() -> None:
    for files, region in (({"/h/.aws/config": "[default]\nregion = eu-west-2"}, "eu-west-2"), ({}, "us-east-1")):
        fetcher, connections = a_fetcher(FOUND, environ={"HOME": "/h"}, rim=FakeRim(files))
        fetcher.get("k")
        assert f".s3.{region}." in connections.asked[0].url


# Credentials that are outdated

OF_A_FILE = "[default]\naws_access_key_id = {}\naws_secret_access_key = s\n"


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_outdated_credentials_are_looked_for_again_and_other_ones_are_tried_at_once(code: str) -> None:
    rim = FakeRim({"/h/.aws/credentials": OF_A_FILE.format("AKIAONE")})
    fetcher, connections = a_fetcher(FOUND, (400, an_error(code)), FOUND, environ={"HOME": "/h"}, rim=rim)
    fetcher.get(KEY)
    rim.files["/h/.aws/credentials"] = OF_A_FILE.format("AKIATWO")
    assert fetcher.get(KEY).content == b"content"
    assert re.findall(r"AKIA\w+", str(connections.asked)) == ["AKIAONE", "AKIAONE", "AKIATWO"]


def test_nobody_who_is_refused_looks_for_credentials_again() -> None:
    rim = FakeRim()
    fetcher, connections = a_fetcher((403, b""), (403, b""), FOUND, environ={"HOME": "/h"}, rim=rim)
    with pytest.raises(Denied):
        fetcher.get(KEY)
    rim.files["/h/.aws/credentials"] = OF_A_FILE.format("AKIAONE")
    assert fetcher.get(KEY).content == b"content"
    assert "Authorization" in connections.asked[-1].headers


def test_what_is_wrong_with_credentials_is_said_as_a_refusal_before_anything_is_asked() -> None:
    fetcher, connections = a_fetcher(environ={**NOBODY, "AWS_ACCESS_KEY_ID": "AKIA"})
    with pytest.raises(Denied, match="AWS_ACCESS_KEY_ID has half of an access key; give its id and its secret"):
        fetcher.get(KEY)
    assert connections.asked == []


def test_a_signature_has_the_time_it_is_made_at() -> None:
    rim = FakeRim()
    fetcher, connections = a_fetcher(FOUND, FOUND, rim=rim)
    fetcher.get(KEY)
    rim.clock.advance(86_400_000)
    fetcher.get(KEY)
    assert rim.clock.wall() == NOON + 86_400_000
    assert [asked.headers["X-Amz-Date"] for asked in connections.asked] == ["20270115T080000Z", "20270116T080000Z"]


def test_an_element_of_an_answer_is_its_text_without_escapes() -> None:
    content = "<a><Code>x</Code><Message> &lt;b&gt; &amp;lt; &quot;é&apos; </Message><Code>y</Code>".encode()
    assert element(content, "Message") == "<b> &lt; \"é'"
    assert element(content, "Code") == "x"
    assert element(content, "Region") == element(b"", "Region") == element(b"\xff<Code>", "Code") == ""


def test_every_region_has_the_domain_that_amazons_own_client_knows() -> None:
    partitions = create_loader().load_data("partitions")["partitions"]
    known = {region: each["outputs"]["dnsSuffix"] for each in partitions for region in each["regions"]}
    # Not places but names for "all of a partition".
    known = {region: domain for region, domain in known.items() if not region.endswith("-global")}
    assert len(known) > 30
    assert {region: domain_of(region) for region in known} == known
    assert all(is_region(region) for region in known)
