"""What the URLs of stores share: who is asked, and what of them is shown."""

from __future__ import annotations

import pytest

from burgee.bundle.addresses import Form, is_authority, is_own, shown_url, taken_apart
from burgee.core.errors import ConfigurationError

FORM = Form("an x URL", "x://place", ("endpoint",), "https://x.example.org")
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "text",
    [
        "flags.example.org",
        "flags.example.org.",
        "Flags_2:443",
        "minio:9000",
        "a" * 63,
        "127.0.0.1",
        "127.0.0.1:65535",
        "[::1]",
        "[2001:db8::ffff:192.0.2.1]:1",
    ],
)
def test_a_host_is_a_name_or_an_address_with_or_without_a_port(text: str) -> None:
    assert is_authority(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "-",
        "a" * 64,
        "a b",
        "a\n",
        "a/b",
        "a@b",
        "a%20b",
        "äö.example",
        "127.0.0.1:1\uff0f",
        "[]",
        "[zz]",
        "[::1",
        "::1",
        "[::1]]",
        "[[::1]]",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        "[::1]a",
        ":80",
        "a:",
        "a:0",
        "a:65536",
        "a:x",
        "a:-1",
        "a:\u0661",
        "a:" + "1" * 5000,
        "a:1:1",
    ],
)
def test_what_no_client_could_ask_is_no_authority(text: str) -> None:
    assert not is_authority(text)


@pytest.mark.parametrize("text", ["localhost", "LOCALHOST:5000", "127.0.0.1", "127.8.9.10:1", "[::1]", "[::1]:80"])
def test_this_machine_is_known_by_its_numbers_and_their_name(text: str) -> None:
    assert is_own(text)


@pytest.mark.parametrize("text", ["127.0.0.1.example.org", "127.0.0.x", "127.1", "localhost.example.org", "128.0.0.1"])
def test_a_name_that_begins_as_this_machines_is_anothers(text: str) -> None:
    assert not is_own(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://acme-flags/shop", "s3://acme-flags/shop"),
        ("s3://acme-flags/shop?region=hidden", "s3://acme-flags/shop"),
        ("s3://acme-flags#hidden", "s3://acme-flags"),
        ("https://u:hidden@flags.example.org/x", "https://...@flags.example.org/x"),
        ("https://u:hid/den@flags.example.org/x", "https://...@flags.example.org/x"),
        ("https://u:hid@den@flags.example.org/x", "https://...@flags.example.org/x"),
        ("https://hidden#hidden@flags.example.org", "https://..."),
        ("https://hidden?hidden@flags.example.org", "https://..."),
        ("https://hidden://hidden@flags.example.org", "https://...@flags.example.org"),
        ("s3://hidden?endpoint=http://u:hidden@h", "s3://..."),
        ("oci://h/user:hidden@y", "oci://...@y"),
        (f"oci://ghcr.io/Acme/flags@{DIGEST}", "oci://ghcr.io/Acme/flags"),
        (f"oci://u:hidden@ghcr.io/flags@{DIGEST}", "oci://...@ghcr.io/flags"),
        ("u:hidden@h/x", "...@h/x"),
        ("hidden@h://x", "...@h://x"),
        ("hidden?@", "..."),
        ("./flags", "./flags"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_credentials_query_and_fragment(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert "hidden" not in shown


@pytest.mark.parametrize(
    "host",
    [
        "[::1",
        "[zz]",
        "[]",
        "a..b",
        "äö.invalid",
        "a" * 300,
        ".",
        "h:0",
        "h:70000",
        "u:hidden@h",
        "h?hidden",
        "h#hidden",
    ],
)
def test_an_endpoint_that_nobody_could_ask_is_refused(host: str) -> None:
    said = "wanted an endpoint such as https://x.example.org" if "#" not in host else "no credentials and no fragment"
    with pytest.raises(ConfigurationError, match=said) as raised:
        taken_apart(f"x://place?endpoint=http://{host}", FORM)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("query", ["hidden=1", "password=hidden", "hidden", "endpoint=http://h&hidden=1", "&"])
def test_an_unknown_name_of_a_query_is_refused_and_not_repeated(query: str) -> None:
    with pytest.raises(ConfigurationError, match="an x URL says endpoint and nothing else, got another name") as raised:
        taken_apart(f"x://place?{query}", FORM)
    assert "hidden" not in str(raised.value)
