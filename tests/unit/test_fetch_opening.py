"""From a URL to a fetcher."""

from __future__ import annotations

from pathlib import Path

import pytest

from burgee.core.errors import ConfigurationError
from burgee.fetch.file import FileFetcher
from burgee.fetch.http import HttpFetcher
from burgee.fetch.opening import open_fetcher


def test_a_file_url_opens_the_folder_it_names(tmp_path: Path) -> None:
    folder = tmp_path / "with blank?"
    folder.mkdir()
    (folder / "key").write_bytes(b"content")
    fetcher = open_fetcher(folder.as_uri())
    assert isinstance(fetcher, FileFetcher)
    assert fetcher.get("key").content == b"content"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/flags/", "https://flags.example.org", "HTTPS://[::1]:8443/a"])
def test_web_addresses_are_opened(url: str) -> None:
    assert isinstance(open_fetcher(url), HttpFetcher)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://bucket/prefix", "does not have s3:// stores yet"),
        ("azblob://account/container", "does not have azblob:// stores yet"),
        ("gs://bucket", "does not have gs:// stores yet"),
        ("oci://ghcr.io/acme/flags", "does not have oci:// stores yet"),
        ("memory://x", "live in the publishing process alone"),
        ("ftp://host/path", "unknown scheme 'ftp' in 'ftp://host/path'; known: file, http, https"),
        ("", "named by a URL such as file:///srv/flags"),
        ("./flags", "named by a URL such as file:///srv/flags"),
        ("file://host/path", "file URLs have no host, got 'host'"),
        ("file://./flags", "file URLs have an absolute path"),
        ("file:flags", "file URLs have an absolute path"),
        ("file:/flags", "file URLs have an absolute path"),
        ("file://flags", "file URLs have an absolute path"),
        ("file:///a?b", r"write \? as %3F"),
        ("file:///a%00b", "hold no NUL"),
        ("http://", "wanted an address such as"),
        ("http://host:port/", "wanted an address such as"),
        ("https://user:secret@host/", "no credentials, query or fragment; the one for host has"),
        ("https://host/?sig=secret", "no credentials, query or fragment; the one for host has"),
    ],
)
def test_a_url_that_names_nothing_to_read_is_refused_with_what_to_do(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        open_fetcher(url)
    assert "secret" not in str(raised.value)
