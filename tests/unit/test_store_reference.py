"""References: which bundle a text names, and where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from burgee.core.errors import ConfigurationError
from burgee.store.layout import LayoutArtifacts
from burgee.store.object_artifacts import ObjectArtifacts
from burgee.store.reference import Reference, folder_reference, is_reference, open_artifacts, read_reference

DIGEST = "sha256:" + "0a" * 32

READ = [
    ("oci://ghcr.io/acme/flags:prod", "oci://ghcr.io/acme/flags", "prod"),
    ("oci://ghcr.io/acme/flags", "oci://ghcr.io/acme/flags", None),
    ("oci://localhost:5000/flags", "oci://localhost:5000/flags", None),
    ("oci://localhost:5000/flags:1.0", "oci://localhost:5000/flags", "1.0"),
    (f"oci://localhost:5000/flags@{DIGEST}", "oci://localhost:5000/flags", DIGEST),
    ("oci://r.example/f:a?endpoint=http://127.0.0.1:5/", "oci://r.example/f?endpoint=http://127.0.0.1:5/", "a"),
    ("oci-layout:///srv/bundles:prod", "oci-layout:///srv/bundles", "prod"),
    (f"oci-layout:///srv/a@b/bundles@{DIGEST}", "oci-layout:///srv/a@b/bundles", DIGEST),
    ("s3://acme-flags#production", "s3://acme-flags", "production"),
    ("s3://acme-flags/a?region=eu-central-1#production", "s3://acme-flags/a?region=eu-central-1", "production"),
    (f"file:///srv/flags#{DIGEST}", "file:///srv/flags", DIGEST),
    (f"file:///srv/flags#{DIGEST[:19]}", "file:///srv/flags", DIGEST[:19]),
    (f"oci://localhost:5000/flags@{DIGEST[:70]}", "oci://localhost:5000/flags", DIGEST[:70]),
    ("https://flags.example.org/store#staging", "https://flags.example.org/store", "staging"),
    ("gs://acme-flags", "gs://acme-flags", None),
]


@pytest.mark.parametrize(("text", "place", "name"), READ)
def test_a_reference_is_a_place_and_a_name(text: str, place: str, name: str | None) -> None:
    reference = read_reference(text)
    assert (reference.place, reference.name) == (place, name)
    if "a?endpoint" not in text:
        assert str(reference) == text


def test_a_query_stands_behind_the_tag() -> None:
    text = "oci://r.example/f:a?endpoint=http://127.0.0.1:5/"
    assert str(read_reference(text)) == text


def test_a_folder_is_a_layout(tmp_path: Path) -> None:
    place = f"oci-layout://{tmp_path}/a%20b%3F%25"
    assert read_reference(f"{tmp_path}/x/../a b?%:prod") == Reference(place, "prod")
    assert folder_reference(f"{tmp_path}/a b?%") == Reference(place, None)
    layout = open_artifacts(place, {}, now=lambda: 0)
    assert isinstance(layout, LayoutArtifacts)
    assert layout.url == place
    layout.put_blob(b"{}")
    assert (tmp_path / "a b?%/oci-layout").is_file()


def test_a_folder_beginning_with_a_dot_is_below_this_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert folder_reference("./bundles:prod").place == f"oci-layout://{tmp_path}/bundles"
    assert folder_reference("bundles").place == f"oci-layout://{tmp_path}/bundles"


REFUSED = [
    "",
    ":tag",
    "a:",
    "a:b c",
    "oci://r/f:",
    "oci://r/f:-a",
    "oci://r/f@sha256:0",
    "s3://b#",
    "s3://b#a/b",
    "a\0b",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a_name_that_nothing_can_have_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"wanted a tag|a bundle is named as"):
        read_reference(text)


HUB = "oci://ghcr.io/acme/flags:production"
FOREIGN = [
    ("http://localhost:5000/shop/flags:prod", "named as oci://localhost:5000/shop/flags:prod, one in a store"),
    (f"http://localhost:5000/flags@{DIGEST}", f"named as oci://localhost:5000/flags@{DIGEST}, "),
    ("http://r.example:5000/flags:a", "oci://r.example:5000/flags:a?endpoint=http://r.example:5000, "),
    ("https://ghcr.io/acme/flags:prod", "named as oci://ghcr.io/acme/flags:prod, "),
    ("https://localhost/flags:a", "oci://localhost/flags:a?endpoint=https://localhost, "),
    ("https://u:hidden@h/flags:a", f"named as {HUB}, "),
    ("docker://localhost:5000/shop/flags:prod", "named as oci://localhost:5000/shop/flags:prod"),
    ("flipt://local/flags:prod", "<config dir>/bundles/flags:prod, where that is ~/.config/flipt"),
    ("flipt://remote/flags:prod", f"'flipt' is no scheme of a place of bundles.*named as {HUB}"),
    ("ftp://u:hidden@h/flags", "'ftp' is no scheme of a place of bundles in 'ftp://...@h/flags'"),
    ("oci:/localhost:5000/flags", "wanted oci://localhost:5000/flags, with two slashes"),
    ("file:/srv/flags#production", "wanted file:///srv/flags, with two slashes"),
    ("s3:/acme-flags", "wanted s3://acme-flags, with two slashes"),
]


@pytest.mark.parametrize(("text", "words"), FOREIGN)
def test_what_other_programs_write_is_refused_with_what_to_write_here(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_reference(text)
    assert re.search(words.replace(".", "[.]").replace("[.]*", ".*").replace("?", "[?]"), str(refused.value)), refused
    assert "hidden" not in str(refused.value)


def test_a_store_behind_a_web_server_may_have_a_port_and_a_colon() -> None:
    for text in ("https://flags.example.org:8443", "http://localhost:5000/a:b/store", "http://h/a:b#production"):
        assert read_reference(text).scheme in ("http", "https")


def test_an_environment_of_a_folder_is_asked_for_by_the_url_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "released/environments").mkdir(parents=True)
    (tmp_path / "released/environments/index.json").write_text("{}")
    text = f"{tmp_path}/released#production"
    assert is_reference(text) and not is_reference(f"{tmp_path}/else#production")
    with pytest.raises(ConfigurationError, match=f"is a store of burgee: write file://{tmp_path}/released#production"):
        read_reference(text)
    assert read_reference(f"{tmp_path}/else#production").name is None


@pytest.mark.parametrize("text", ["oci://h/user:hidden@y", "oci://u:hidden@h/y:?a=hidden", "s3://b?hidden#a/b?hidden"])
def test_a_reference_that_is_refused_is_shown_without_credentials_and_query(text: str) -> None:
    with pytest.raises(ConfigurationError, match="wanted a tag") as raised:
        read_reference(text)
    assert "hidden" not in str(raised.value)


def test_a_place_that_is_no_folder_is_refused_where_one_is_wanted() -> None:
    with pytest.raises(ConfigurationError, match=r"wanted a folder such as \./bundles:production.*burgee bundle copy"):
        folder_reference("oci://ghcr.io/acme/flags")


def test_a_folder_is_taken_for_a_reference_when_it_is_a_layout(tmp_path: Path) -> None:
    assert not is_reference(str(tmp_path / "bundles"))
    LayoutArtifacts(tmp_path / "bundles").put_blob(b"{}")
    assert is_reference(str(tmp_path / "bundles")) and is_reference(f"{tmp_path}/bundles:prod")


def test_only_urls_that_name_bundles_are_taken_for_references() -> None:
    names = ["oci://r/f", "oci-layout:///a", "s3://b#c", "https://h/#production", "docker://r/f:a", "flipt://local/f"]
    others = ["flags", "a\0b", "x" * 5000, "a#b", "./a:b", "s3://b", "file:///a", "production@12", "C:\\flags"]
    assert all(map(is_reference, names))
    assert not any(map(is_reference, others))


@pytest.mark.parametrize(
    "url", ["oci-layout://srv/a", "oci-layout:///a?b=c", "oci-layout:///a#b", "oci-layout:///a%00"]
)
def test_a_layout_url_has_an_absolute_path_and_nothing_else(url: str) -> None:
    with pytest.raises(ConfigurationError, match="have an absolute path and no query"):
        open_artifacts(url, {}, now=lambda: 0)


def test_every_store_is_a_place_of_bundles() -> None:
    opened = open_artifacts("memory://reference", {}, now=lambda: 0)
    assert isinstance(opened, ObjectArtifacts)
    with pytest.raises(ConfigurationError, match="unknown store scheme 'ftp'"):
        open_artifacts("ftp://host", {}, now=lambda: 0)
