"""From a URL to a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from burgee.core.errors import ConfigurationError
from burgee.store.opening import open_store


def test_a_file_url_opens_the_folder_it_names(tmp_path: Path) -> None:
    folder = tmp_path / "with blank?"
    store = open_store(folder.as_uri())
    store.swap_static("staging", "default", b"{}", None)
    assert (folder / "environments/staging/internal/v1/evaluation/snapshot/namespace/default").read_bytes() == b"{}"
    assert store.url == folder.as_uri()


def test_one_memory_url_opened_twice_is_one_store() -> None:
    open_store("memory://opened-twice").put_blob(b"{}")
    digest = open_store("memory://opened-twice").put_blob(b"{}")
    assert open_store("memory://opened-twice").get_blob(digest) == b"{}"


def test_memory_urls_of_two_names_are_two_stores() -> None:
    open_store("memory://one").swap_static("staging", "default", b"{}", None)
    assert open_store("memory://other").read_static("staging", "default") is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://b/prefix", "wanted a bucket and a prefix, as s3://acme-flags/production, got 's3://b/prefix'"),
        ("azblob://account", "wanted an account, a container and a prefix, as azblob://acmeflags/flags/production"),
        ("gs://b", "wanted a bucket and a prefix, as gs://acme-flags/production, got 'gs://b'"),
        ("oci://ghcr.io/acme/flags", "set BURGEE_SINGLE_PUBLISHER=yes where there is never more than one"),
        ("oci://ghcr.io/acme/flags:prod", "a store is the whole repository, a tag or digest names one bundle of it"),
        ("oci://ghcr.io/acme/flags?endpoint=http://h", "publish to a bucket and name oci://ghcr.io/acme/flags as its"),
        ("oci://[::1/flags", "wanted a URL with a host that can be one, got 'oci://"),
        ("oci://127.0.0.1:1\uff0f/u:hidden@h", "wanted a URL with a host that can be one, got 'oci://...@h'"),
        ("https://[zz]/", "can be read from but not published to|wanted a URL with a host that can be one"),
        ("https://u:hidden@flags.example.org", "can be read from but not published to, got 'https://...@flags"),
        ("ftp://u:hidden@host/path?hidden", "unknown store scheme 'ftp' in 'ftp://...@host/path'"),
        ("u:hidden@host/path", "named by a URL such as file:///"),
        ("?hidden", "named by a URL such as file:///"),
        ("file://u:hidden@host/path", "file URLs have no host, got 'file://...@host/path'"),
        ("https://flags.example.org", "can be read from but not published to"),
        (
            "ftp://host/path",
            "unknown store scheme 'ftp' in 'ftp://host/path'; known: azblob, file, gs, memory, oci, s3",
        ),
        ("", "named by a URL such as file:///"),
        ("./flags", "named by a URL such as file:///"),
        ("file://host/path", "file URLs have no host, got 'file://host/path'"),
        ("file://./flags", "file URLs have an absolute path, such as file:///"),
        ("file:flags", "file URLs have an absolute path, such as file:///"),
        ("file://", "file URLs have an absolute path"),
        ("file://flags", "file URLs have an absolute path"),
        ("file:///a?b", r"write \? as %3F"),
        ("file:///a%00b", "hold no NUL"),
    ],
)
def test_a_url_that_names_no_store_is_refused_with_what_to_do(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        open_store(url)
    assert "hidden" not in str(raised.value)
