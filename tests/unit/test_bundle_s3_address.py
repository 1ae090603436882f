"""Where a bucket is, as a URL says it."""

from __future__ import annotations

import pytest

from burgee.bundle.s3_address import S3Address, checked_endpoint, is_region, read_s3_address
from burgee.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://acme-flags", ("acme-flags", "", None, None)),
        ("s3://acme-flags/", ("acme-flags", "", None, None)),
        ("S3://acme-flags/shop/", ("acme-flags", "shop/", None, None)),
        ("s3://acme-flags/two/parts", ("acme-flags", "two/parts/", None, None)),
        ("s3://acme-flags/a%20b", ("acme-flags", "a%20b/", None, None)),
        ("s3://acme-flags?region=eu-west-1", ("acme-flags", "", "eu-west-1", None)),
        ("s3://acme-flags/?region=eu%2Dwest%2D1", ("acme-flags", "", "eu-west-1", None)),
        ("s3://acme-flags/x?endpoint=http://127.0.0.1:9000/", ("acme-flags", "x/", None, "http://127.0.0.1:9000")),
        (
            "s3://acme-flags/x?endpoint=https%3A%2F%2Fs3.example.org%2Fs3&region=auto",
            ("acme-flags", "x/", "auto", "https://s3.example.org/s3"),
        ),
    ],
)
def test_a_url_says_bucket_prefix_region_and_endpoint(
    url: str, address: tuple[str, str, str | None, str | None]
) -> None:
    assert read_s3_address(url) == S3Address(*address)


def test_the_place_is_shown_without_the_query() -> None:
    assert read_s3_address("s3://acme-flags/shop/?region=eu-west-1").url == "s3://acme-flags/shop"
    assert read_s3_address("s3://acme-flags").url == "s3://acme-flags"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://", "wanted a bucket and a prefix, as s3://acme-flags/production, got 's3://'"),
        ("s3://ab", "wanted a bucket and a prefix"),
        ("s3:acme", "wanted a bucket and a prefix"),
        ("s3://a b c", "wanted a bucket and a prefix"),
        ("s3://acme/a\nb", "wanted a bucket and a prefix"),
        ("s3://acme/a//b", "wanted a bucket and a prefix"),
        ("s3://acme/a/../b", "wanted a bucket and a prefix"),
        ("s3://acme/.", "wanted a bucket and a prefix"),
        ("s3://key:hidden@acme/x", "has no credentials and no fragment"),
        ("s3://acme/x#fragment", "has no credentials and no fragment"),
        ("s3://acme/x?token=hidden", "says region and endpoint and nothing else, got another name"),
        ("s3://acme/x?region=eu-west-1&", "says region and endpoint and nothing else, got another name"),
        ("s3://acme/x?Region=eu-west-1", "says region and endpoint and nothing else, got another name"),
        ("s3://acme/x?region=eu-west-1&region=eu-west-1", "says region once, got it twice"),
        ("s3://acme/x?region=", "wanted a region such as eu-central-1"),
        ("s3://acme/x?region=hidden!", "wanted a region such as eu-central-1"),
        ("s3://acme/x?endpoint=http://[::1", "wanted an endpoint such as"),
        ("s3://acme/x?region=evil.example/", "wanted a region such as eu-central-1"),
        ("s3://acme/x?endpoint=", "wanted an endpoint such as"),
        ("s3://acme/x?endpoint=https://key:hidden@host", "no credentials, query or fragment"),
        ("s3://acme/x?endpoint=https://host?sig=hidden", "no credentials, query or fragment"),
        ("s3://acme/x?endpoint=https://host%23hidden", "no credentials, query or fragment"),
    ],
)
def test_a_url_that_names_no_bucket_is_refused_with_what_to_do(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        read_s3_address(url)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000", "https://[::1]:9000/s3", "https://s3.example.org", "http://[::1]"]
)
def test_endpoints_are_plain_web_addresses(url: str) -> None:
    assert checked_endpoint(f"{url}/") == url


@pytest.mark.parametrize(
    "url", ["127.0.0.1:9000", "ftp://host", "http://", "http://:80", "http://h:x", "http://h:70000", "http://a b"]
)
def test_other_endpoints_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"wanted an endpoint such as https://s3\.example\.org"):
        checked_endpoint(url)


@pytest.mark.parametrize(("bucket", "fits"), [("acme-flags", True), ("acme.flags", False), ("Acme", False)])
def test_a_bucket_is_part_of_a_host_if_it_can_be(bucket: str, fits: bool) -> None:
    assert read_s3_address(f"s3://{bucket}").fits_a_host is fits


def test_regions_are_letters_digits_and_dashes() -> None:
    assert is_region("eu-central-1")
    assert not any(map(is_region, ("", "a.b", "a/b", "é", "x" * 41)))
