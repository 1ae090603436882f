"""Folders in OCI's image layout: beside skopeo, among writers, and what is refused in the hands of strangers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from burgee.bundle.digest import digest_of
from burgee.core.errors import (
    ConfigurationError,
    Denied,
    DigestMismatch,
    InvalidDocument,
    NotFound,
)
from burgee.store.layout import REF_NAME, LayoutArtifacts
from tests.flipt_bundles import MANIFEST_TYPE, SHOP, THE_SHOP, Layer, a_manifest, push

pytestmark = pytest.mark.integration


@pytest.fixture
def layout(tmp_path: Path) -> LayoutArtifacts:
    """A folder with one bundle, tagged `prod`."""
    made = LayoutArtifacts(tmp_path / "bundles")
    push(made, "prod", *THE_SHOP)
    return made


@pytest.fixture
def folder(layout: LayoutArtifacts, tmp_path: Path) -> Path:
    return tmp_path / "bundles"


def index_of(folder: Path) -> dict[str, Any]:
    index: dict[str, Any] = json.loads((folder / "index.json").read_text())
    return index


def change_index(folder: Path, **fields: Any) -> None:
    (folder / "index.json").write_text(json.dumps({**index_of(folder), **fields}))


def blob(folder: Path, content: bytes) -> Path:
    return folder / "blobs/sha256" / digest_of(content).removeprefix("sha256:")


def skopeo(*arguments: object) -> bytes:
    return subprocess.run(["skopeo", *map(str, arguments)], capture_output=True, check=True, timeout=30).stdout


# As OCI has it


def test_a_bundle_is_found_by_its_tag_and_by_its_digest(layout: LayoutArtifacts) -> None:
    content = a_manifest(THE_SHOP)
    by_tag = layout.get_manifest("prod")
    assert (by_tag.content, by_tag.digest, by_tag.media_type) == (content, digest_of(content), MANIFEST_TYPE)
    assert layout.get_manifest(by_tag.digest) == by_tag
    assert layout.get_blob(digest_of(SHOP), max_bytes=len(SHOP)) == SHOP
    assert layout.tags() == ("prod",)


def test_the_folder_is_as_the_specification_of_layouts_says(folder: Path) -> None:
    content = a_manifest(THE_SHOP)
    assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert index_of(folder) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                "mediaType": MANIFEST_TYPE,
                "digest": digest_of(content),
                "size": len(content),
                "annotations": {REF_NAME: "prod"},
            }
        ],
    }
    assert all(digest_of(path.read_bytes()) == f"sha256:{path.name}" for path in (folder / "blobs/sha256").iterdir())


def test_skopeo_reads_and_copies_it_unchanged(folder: Path, tmp_path: Path) -> None:
    assert skopeo("inspect", "--raw", f"oci:{folder}:prod") == a_manifest(THE_SHOP)
    skopeo("copy", f"oci:{folder}:prod", f"oci:{tmp_path}/copy:kept")
    copied = LayoutArtifacts(tmp_path / "copy")
    assert copied.get_manifest("kept").content == a_manifest(THE_SHOP)
    assert push(copied, "more", Layer(SHOP)) == digest_of(a_manifest([Layer(SHOP)]))
    assert copied.tags() == ("kept", "more")
    assert skopeo("inspect", "--raw", f"oci:{tmp_path}/copy:more") == a_manifest([Layer(SHOP)])


def test_a_tag_moves_and_other_entries_stay_as_they_are(layout: LayoutArtifacts, folder: Path) -> None:
    other = {"mediaType": MANIFEST_TYPE, "digest": "sha512:" + "0" * 128, "size": 5, "platform": {"os": "any"}}
    change_index(folder, manifests=[*index_of(folder)["manifests"], other], annotations={"kept": "yes"})
    moved = push(layout, "prod", Layer(SHOP))
    index = index_of(folder)
    assert [one["digest"] for one in index["manifests"]] == [other["digest"], moved]
    assert (index["manifests"][0], index["annotations"]) == (other, {"kept": "yes"})


def test_a_manifest_put_by_its_digest_is_listed_once_and_has_no_tag(layout: LayoutArtifacts, folder: Path) -> None:
    content = a_manifest([Layer(SHOP)])
    for _ in range(2):
        assert layout.put_manifest(digest_of(content), content, MANIFEST_TYPE) == digest_of(content)
    assert layout.get_manifest(digest_of(content)).content == content
    assert (layout.tags(), len(index_of(folder)["manifests"])) == (("prod",), 2)


def test_writing_the_same_again_changes_no_file(layout: LayoutArtifacts, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    push(layout, "prod", *THE_SHOP)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def test_sixteen_writers_at_once_lose_no_tag(tmp_path: Path) -> None:
    def write(number: int) -> str:
        content = b'{"namespace":"default","flags":[{"key":"f%d","name":"F"}]}' % number
        return push(LayoutArtifacts(tmp_path / "shared"), f"tag-{number:02d}", Layer(content))

    with ThreadPoolExecutor(16) as threads:
        digests = list(threads.map(write, range(16)))
    layout = LayoutArtifacts(tmp_path / "shared")
    assert layout.tags() == tuple(f"tag-{number:02d}" for number in range(16))
    assert [layout.get_manifest(tag).digest for tag in layout.tags()] == digests


def test_nothing_is_there_before_the_first_write(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "missing", tmp_path / "empty"):
        layout = LayoutArtifacts(folder)
        assert (layout.tags(), layout.has_blob(digest_of(SHOP))) == ((), False)
        with pytest.raises(NotFound, match="no image layout at"):
            layout.get_manifest("prod")
    assert layout.put_blob(SHOP) == digest_of(SHOP)
    assert layout.has_blob(digest_of(SHOP))


def test_an_unknown_tag_or_blob_is_not_found(layout: LayoutArtifacts) -> None:
    with pytest.raises(NotFound, match=r"no tag 'staging' in .*, there are prod"):
        layout.get_manifest("staging")
    with pytest.raises(NotFound):
        layout.get_manifest(digest_of(b"nothing"))
    with pytest.raises(NotFound):
        layout.get_blob(digest_of(b"nothing"), max_bytes=10)


# In the hands of strangers


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path, tmp_path / "file"):
        layout = LayoutArtifacts(folder)
        for act in (layout.tags, lambda: layout.put_blob(SHOP), lambda: layout.get_manifest("prod")):  # noqa: B023
            with pytest.raises(ConfigurationError, match="no folder in OCI's image layout"):
                act()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "notes.txt"]


@pytest.mark.parametrize("content", ['{"imageLayoutVersion":"2.0.0"}', "{}", "", '"text"', "[" * 100, "[" * 4096])
def test_a_layout_of_another_version_or_a_damaged_one_is_refused(
    layout: LayoutArtifacts, folder: Path, content: str
) -> None:
    (folder / "oci-layout").write_text(content)
    with pytest.raises((ConfigurationError, InvalidDocument), match=r"version '2\.0\.0'|is damaged"):
        layout.get_manifest("prod")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"manifests":{"a":1}}', '{"manifests":[1]}', '{"manifests":[{"digest":"a","size":"1"}]}'],
)
def test_a_truncated_or_strange_index_is_refused_and_not_written_over(
    layout: LayoutArtifacts, folder: Path, content: str
) -> None:
    (folder / "index.json").write_text(content)
    for act in (layout.tags, lambda: layout.get_manifest("prod"), lambda: push(layout, "next", *THE_SHOP)):
        with pytest.raises(InvalidDocument, match=r"index\.json in .* take it from a copy of the folder"):
            act()
    assert (folder / "index.json").read_text() == content


def test_a_cut_index_is_refused(layout: LayoutArtifacts, folder: Path) -> None:
    whole = (folder / "index.json").read_bytes()
    (folder / "index.json").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidDocument, match="no index of an image layout"):
        layout.tags()


def test_an_index_that_could_not_be_written_again_is_left_as_it_is(layout: LayoutArtifacts, folder: Path) -> None:
    change_index(folder, more="\ud800")
    before = (folder / "index.json").read_bytes()
    with pytest.raises(InvalidDocument, match=r"index\.json in .* holds what cannot be written again"):
        push(layout, "next", *THE_SHOP)
    assert (folder / "index.json").read_bytes() == before


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_an_index_that_is_no_file_is_not_taken_for_none(
    layout: LayoutArtifacts, folder: Path, make: Callable[[Path], None]
) -> None:
    (folder / "index.json").unlink()
    make(folder / "index.json")
    for act in (layout.tags, lambda: push(layout, "next", *THE_SHOP)):
        with pytest.raises(InvalidDocument, match=r"index\.json in .* is no file"):
            act()


def test_bytes_without_their_digest_are_refused(layout: LayoutArtifacts, folder: Path) -> None:
    blob(folder, SHOP).chmod(0o600)
    blob(folder, SHOP).write_bytes(SHOP + b" ")
    with pytest.raises(DigestMismatch):
        layout.get_blob(digest_of(SHOP), max_bytes=len(SHOP) + 1)
    assert not layout.has_blob(digest_of(SHOP))
    with pytest.raises(DigestMismatch, match="holds other bytes; remove it"):
        layout.put_blob(SHOP)
    with pytest.raises(DigestMismatch):
        layout.put_manifest(digest_of(b"other"), a_manifest(THE_SHOP), MANIFEST_TYPE)


def test_a_manifest_of_another_size_than_the_index_says_is_refused(layout: LayoutArtifacts, folder: Path) -> None:
    (listed,) = index_of(folder)["manifests"]
    change_index(folder, manifests=[{**listed, "size": listed["size"] + 1}])
    with pytest.raises(InvalidDocument, match=r"index\.json in .* says \d+ bytes of prod"):
        layout.get_manifest("prod")


def test_more_bytes_than_are_wanted_are_not_read(layout: LayoutArtifacts, folder: Path) -> None:
    with pytest.raises(InvalidDocument, match=f"has {len(SHOP)} bytes, wanted at most 10"):
        layout.get_blob(digest_of(SHOP), max_bytes=10)
    with (folder / "index.json").open("ab") as opened:
        opened.truncate(64 * 1024 * 1024)
    with pytest.raises(InvalidDocument, match="is larger than"):
        layout.tags()


@pytest.mark.parametrize("name", ["index.json", "oci-layout", "blobs/sha256", "blobs"])
def test_no_link_is_followed(layout: LayoutArtifacts, folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Denied, match="symbolic link"):
        layout.get_manifest("prod")
    with pytest.raises(Denied, match="symbolic link"):
        push(layout, "next", *THE_SHOP)


def test_the_digest_of_an_index_leads_nowhere_else(layout: LayoutArtifacts, folder: Path) -> None:
    (listed,) = index_of(folder)["manifests"]
    for digest in ("sha256:../../../etc/passwd", "../../x", "sha512:" + "0" * 128, ""):
        change_index(folder, manifests=[{**listed, "digest": digest}])
        with pytest.raises(InvalidDocument, match="wanted a digest"):
            layout.get_manifest("prod")


def test_the_last_of_two_entries_with_one_tag_holds(layout: LayoutArtifacts, folder: Path) -> None:
    (listed,) = index_of(folder)["manifests"]
    newer = push(layout, "newer", Layer(SHOP))
    last = index_of(folder)["manifests"][-1]
    change_index(folder, manifests=[listed, {**last, "annotations": listed["annotations"]}])
    assert (layout.get_manifest("prod").digest, layout.tags()) == (newer, ("prod",))
    assert push(layout, "prod", *THE_SHOP) == listed["digest"]
    assert len(index_of(folder)["manifests"]) == 1
