"""From a URL to a fetcher."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import burgee
from burgee.core.errors import ConfigurationError
from burgee.fetch.file import FileFetcher
from burgee.fetch.http import HttpFetcher
from burgee.fetch.opening import open_fetcher
from burgee.fetch.s3 import S3Fetcher

HERE = Path(__file__)


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


@pytest.mark.parametrize("url", ["s3://acme-flags", "s3://acme.flags/shop/", "S3://acme-flags/a/b"])
def test_buckets_are_opened_with_what_variables_say(url: str) -> None:
    assert isinstance(open_fetcher(url), S3Fetcher)
    with pytest.raises(ConfigurationError, match="wanted a region such as eu-central-1"):
        open_fetcher(url, {"AWS_REGION": "nowhere!"})


@pytest.mark.parametrize(
    "script",
    [
        f"from burgee.fetch.opening import open_fetcher; open_fetcher({HERE.parent.as_uri()!r}).get({HERE.name!r})",
        "import burgee.fetch.gs, burgee.fetch.s3, burgee.fetch.http",
    ],
)
def test_what_is_not_asked_for_is_not_imported(script: str) -> None:
    command = (
        f"import sys; sys.path.insert(0, {str(Path(burgee.__file__).parents[1])!r}); {script}; print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", command], capture_output=True, text=True, check=True)
    costly = {"http.client", "urllib.parse", "urllib.request", "ssl", "hmac", "hashlib", "email", "json", "socket"}
    assert costly & set(run.stdout.split()) == set()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://b", "wanted a bucket and a prefix, as s3://acme-flags/production, got 's3://b'"),
        ("azblob://account", "wanted an account, a container and a prefix, as azblob://acmeflags/flags/production"),
        ("gs://b", "wanted a bucket and a prefix, as gs://acme-flags/production, got 'gs://b'"),
        ("oci://ghcr.io", "wanted a registry and a repository, as oci://ghcr.io/acme/flags, got 'oci://ghcr.io'"),
        ("memory://x", "live in the publishing process alone"),
        ("ftp://host/path", "unknown scheme 'ftp' in 'ftp://host/path'; known: azblob, file, gs, http, https, oci, s3"),
        ("", "named by a URL such as file:///srv/flags"),
        ("./flags", "named by a URL such as file:///srv/flags"),
        ("file://host/path", "file URLs have no host, got 'file://host/path'"),
        ("file://./flags", "file URLs have an absolute path"),
        ("file:flags", "file URLs have an absolute path"),
        ("file:/flags", "file URLs have an absolute path"),
        ("file://flags", "file URLs have an absolute path"),
        ("file:///a?b", r"write \? as %3F"),
        ("file:///a%00b", "hold no NUL"),
        ("http://", "wanted an address such as"),
        ("http://[zz]/", "wanted an address such as"),
        ("http://a..b/", "wanted an address such as"),
        ("http://äö.invalid/", "wanted an address such as"),
        ("http://host:0/", "wanted an address such as"),
        ("https://user:sec/ret@host/", "got 'https://...@host/'"),
        ("https://user:sec#ret@host/", "got 'https://...'"),
        ("ftp://user:secret@host/path?secret", "unknown scheme 'ftp' in 'ftp://...@host/path'; known: azblob"),
        ("user:secret@host/", "named by a URL such as file:///srv/flags, got '...@host/'"),
        ("secret@host://x", "named by a URL such as file:///srv/flags"),
        ("file://user:secret@host/path", "file URLs have no host, got 'file://...@host/path'"),
        ("http://host:port/", "wanted an address such as"),
        ("https://user:secret@host/", "with no credentials, query or fragment, got 'https://...@host/'"),
        ("https://host/?sig=secret", "with no credentials, query or fragment, got 'https://host/'"),
        ("https://user:secret@[::1", "with no credentials, query or fragment, got 'https://...@\\[::1'"),
    ],
)
def test_a_url_that_names_nothing_to_read_is_refused_with_what_to_do(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        open_fetcher(url)
    assert "secret" not in str(raised.value)
