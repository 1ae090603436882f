"""References: which bundle a text names, and where."""

from __future__ import annotations

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


def test_a_place_that_is_no_folder_is_refused_where_one_is_wanted() -> None:
    with pytest.raises(ConfigurationError, match=r"wanted a folder such as \./bundles:production.*burgee bundle copy"):
        folder_reference("oci://ghcr.io/acme/flags")


def test_a_folder_is_taken_for_a_reference_when_it_is_a_layout(tmp_path: Path) -> None:
    assert not is_reference(str(tmp_path / "bundles"))
    LayoutArtifacts(tmp_path / "bundles").put_blob(b"{}")
    assert is_reference(str(tmp_path / "bundles")) and is_reference(f"{tmp_path}/bundles:prod")


def test_only_urls_that_name_bundles_are_taken_for_references() -> None:
    names = ["oci://r/f", "oci-layout:///a", "s3://b#c", "https://h/#production"]
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
