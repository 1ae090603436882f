"""Where a bucket of Google Cloud Storage is, as a URL and a variable say it."""

from __future__ import annotations

import pytest

from burgee.bundle.addresses import keeps_secrets
from burgee.bundle.gs_address import GOOGLE, GsAddress, endpoint_of, read_gs_address
from burgee.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("gs://acme-flags", ("acme-flags", "", None)),
        ("gs://acme-flags/", ("acme-flags", "", None)),
        ("GS://acme_flags.example.org/shop/", ("acme_flags.example.org", "shop/", None)),
        ("gs://acme-flags/two/parts", ("acme-flags", "two/parts/", None)),
        ("gs://acme-flags/a%20b", ("acme-flags", "a%20b/", None)),
        ("gs://acme-flags/x?endpoint=http://127.0.0.1:4443/", ("acme-flags", "x/", "http://127.0.0.1:4443")),
        ("gs://acme-flags?endpoint=https%3A%2F%2Fg.example.org%2Fgs", ("acme-flags", "", "https://g.example.org/gs")),
    ],
)
def test_a_url_says_bucket_prefix_and_endpoint(url: str, address: tuple[str, str, str | None]) -> None:
    assert read_gs_address(url) == GsAddress(*address)


def test_the_place_is_shown_without_the_query() -> None:
    assert read_gs_address("gs://acme-flags/shop/?endpoint=http://h").url == "gs://acme-flags/shop"
    assert read_gs_address("gs://acme-flags").url == "gs://acme-flags"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gs://", "wanted a bucket and a prefix, as gs://acme-flags/production, got 'gs://'"),
        ("gs://ab", "wanted a bucket and a prefix"),
        ("gs:acme", "wanted a bucket and a prefix"),
        ("gs://Acme", "wanted a bucket and a prefix"),
        ("gs://acme-", "wanted a bucket and a prefix"),
        ("gs://a b c", "wanted a bucket and a prefix"),
        ("gs://acme/a\nb", "wanted a bucket and a prefix"),
        ("gs://acme/a//b", "wanted a bucket and a prefix"),
        ("gs://acme/a/../b", "wanted a bucket and a prefix"),
        ("gs://key:hidden@acme/x", "has no credentials and no fragment"),
        ("gs://acme/x#fragment", "has no credentials and no fragment"),
        ("gs://acme/x?token=hidden", "says endpoint and nothing else, got another name"),
        ("gs://acme/x?endpoint=http://h&endpoint=http://h", "says endpoint once, got it twice"),
        ("gs://acme/x?endpoint=", "wanted an endpoint such as https://storage.example.org"),
        ("gs://acme/x?endpoint=http://a..b", "wanted an endpoint such as https://storage.example.org"),
        ("gs://acme/x?endpoint=https://key:hidden@host", "no credentials, query or fragment"),
    ],
)
def test_a_url_that_names_no_bucket_is_refused_with_what_to_do(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        read_gs_address(url)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "variable", "endpoint"),
    [
        ("gs://acme-flags", "", GOOGLE),
        ("gs://acme-flags", "127.0.0.1:4443", "http://127.0.0.1:4443"),
        ("gs://acme-flags", "https://gcs.example.org/", "https://gcs.example.org"),
        ("gs://acme-flags?endpoint=http://h", "127.0.0.1:4443", "http://h"),
    ],
)
def test_the_endpoint_is_the_urls_then_the_variables_then_googles(url: str, variable: str, endpoint: str) -> None:
    assert endpoint_of(read_gs_address(url), {"STORAGE_EMULATOR_HOST": variable}) == endpoint


@pytest.mark.parametrize("variable", ["ftp://host", "http://", "http://u:hidden@h", "a b"])
def test_a_variable_that_is_no_address_is_refused(variable: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        endpoint_of(read_gs_address("gs://acme-flags"), {"STORAGE_EMULATOR_HOST": variable})
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("endpoint", "may"),
    [
        (GOOGLE, True),
        ("http://127.0.0.1:4443", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://[::1]", True),
        ("http://LocalHost:80/x", True),
        ("http://127.8.0.2", True),
        ("http://gcs:4443", False),
        ("http://localhost:80@example.org", False),
        ("http://localhost:80\\@example.org", False),
        ("http://127.0.0.example", False),
        ("http://128.0.0.1", False),
        ("localhost", False),
        ("http://127.0.0.1.example.org", False),
        ("http://localhost.example.org:80/x", False),
    ],
)
def test_tokens_are_told_to_https_and_to_this_machine(endpoint: str, may: bool) -> None:
    assert keeps_secrets(endpoint) is may
