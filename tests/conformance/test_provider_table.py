"""The table of docs/stores.md that says what each store guarantees: every cell is found out at the store itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.manifest import EMPTY_CONFIG, MANIFEST_TYPE, encode_manifest
from burgee.bundle.oci_artifacts import encode_artifact, layer_of
from burgee.core.errors import Conflict, DigestMismatch
from burgee.fetch.opening import open_fetcher
from burgee.fetch.port import NOT_MODIFIED
from burgee.store.artifacts import Artifacts
from burgee.store.opening import open_objects, open_store
from burgee.store.port import Objects, SeenHead, Store
from burgee.store.registry import open_registry
from tests.fakes.publisher import a_document, publish
from tests.servers.clouds import BUCKET, Clouds

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"
KEY = "environments/staging/other.json"
HEAD = keys.head("staging")
YES, NO, ALONE, TAGS = "yes", "no", "with one publisher", "tags are"


@dataclass(frozen=True, slots=True)
class Place:
    """An empty store of one kind, on the server that plays it."""

    url: str
    environ: Mapping[str, str]

    @property
    def store(self) -> Store:
        return open_store(self.url, environ=self.environ, as_mirror=True)

    @property
    def objects(self) -> Objects:
        return open_objects(self.url, environ=self.environ)

    @property
    def artifacts(self) -> Artifacts:
        return open_registry(self.url, self.environ)

    @property
    def is_registry(self) -> bool:
        return self.url.startswith("oci://")


PLACES: dict[str, Callable[[Clouds, str, Path], Place]] = {
    "file": lambda servers, prefix, folder: Place((folder / prefix).as_uri(), {}),
    "s3": lambda servers, prefix, folder: Place(f"s3://{BUCKET}/{prefix}", servers.aws.environ()),
    "azblob": lambda servers, prefix, folder: Place(servers.azure.store_url(BUCKET, prefix), servers.azure.environ()),
    "gs": lambda servers, prefix, folder: Place(f"gs://{BUCKET}/{prefix}", servers.google.environ()),
    "oci": lambda servers, prefix, folder: Place(servers.oci.url(prefix), {}),
}


def is_created_only_if_it_is_not_there(place: Place) -> str:
    if place.is_registry:
        return tag_is_refused(place, stale=False)
    put(place.objects, b"first")
    return refused(lambda: put(place.objects, b"second"))


def is_replaced_only_if_it_is_what_was_seen(place: Place) -> str:
    if place.is_registry:
        return tag_is_refused(place, stale=True)
    seen = put(place.objects, b"first")
    swap(place.objects, b"second", seen)
    return refused(lambda: swap(place.objects, b"third", seen))


def never_goes_back(place: Place) -> str:
    first, second = released(place), released(place)
    kept = refused(lambda: place.store.swap_head(first.head, second.etag))
    assert kept == YES
    return kept if tells_racing_writers(place) else ALONE


def tells_racing_writers(place: Place) -> bool:
    """Whether a condition decides between writers, and not the order in which they came."""
    return is_replaced_only_if_it_is_what_was_seen(place) == YES


def what_a_digest_names_never_changes(place: Place) -> str:
    if place.is_registry:
        return refused(lambda: place.artifacts.put_manifest(digest_of(b"{}"), b"[]", MANIFEST_TYPE))
    digest = place.store.put_blob(b"{}")
    return refused(
        lambda: place.objects.put_new(keys.blob(digest), b"[]", content_type=keys.JSON, cache_control=keys.IMMUTABLE)
    )


def is_listed(place: Place) -> str:
    released(place)
    if place.is_registry:
        return TAGS if "staging.head" in place.artifacts.tags() else NO
    return YES if HEAD in list(place.objects.list("environments/")) else NO


def has_static_snapshots(place: Place) -> str:
    return YES if place.store.keeps_static else NO


def costs_no_content_when_unchanged(place: Place) -> str:
    released(place)
    fetcher = open_fetcher(place.url, place.environ)
    unchanged = fetcher.get(HEAD, fetcher.get(HEAD).etag) is NOT_MODIFIED
    fetcher.close()
    return YES if unchanged else NO


ROWS: dict[str, Callable[[Place], str]] = {
    "Created only if it is not there": is_created_only_if_it_is_not_there,
    "Replaced only if it is what was seen": is_replaced_only_if_it_is_what_was_seen,
    "A head never goes back": never_goes_back,
    "What a digest names never changes": what_a_digest_names_never_changes,
    "Objects are listed": is_listed,
    "Static snapshots for Flipt's client SDKs": has_static_snapshots,
    "Unchanged costs no content (304)": costs_no_content_when_unchanged,
}


def tag_is_refused(place: Place, *, stale: bool) -> str:
    """Whether a registry refuses to let a tag name another artifact, one that was seen before it moved or any."""
    artifacts = place.artifacts
    artifacts.put_blob(EMPTY_CONFIG)
    written = []
    for text in (b"first", b"second", b"third") if stale else (b"first", b"second"):
        artifacts.put_blob(text)
        artifact = encode_artifact("probe", (layer_of("probe", text),))
        written.append(artifacts.put_manifest("moved", artifact, MANIFEST_TYPE))
    return NO if artifacts.get_manifest("moved").digest == written[-1] else YES


def released(place: Place) -> SeenHead:
    """The head after another release."""
    content = a_document()
    place.store.put_blob(content)
    manifest = encode_manifest({"default": (digest_of(content), len(content))})
    place.store.put_blob(manifest, content_type=MANIFEST_TYPE)
    publish(place.store, {"default": content}, at=1_000_000)
    found = place.store.read_head("staging")
    assert found is not None
    return found


def put(objects: Objects, content: bytes) -> str:
    return objects.put_new(KEY, content, content_type=keys.JSON, cache_control=keys.MUTABLE)


def swap(objects: Objects, content: bytes, expected: str) -> str:
    return objects.swap(KEY, content, expected=expected, content_type=keys.JSON, cache_control=keys.MUTABLE)


def refused(write: Callable[[], object]) -> str:
    try:
        write()
    except (Conflict, DigestMismatch):
        return YES
    return NO


def table() -> dict[str, dict[str, str]]:
    """The cells of the page, by row and column."""
    text = PAGE.read_text(encoding="utf-8").partition("## What each store guarantees")[2].partition("\n## ")[0]
    header, _, *lines = (line for line in text.splitlines() if line.startswith("|"))
    columns = re.findall(r"`(\w+)`", header)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row: dict(zip(columns, values, strict=True)) for row, *values in cells}


def test_the_table_has_the_rows_and_columns_that_are_checked() -> None:
    assert list(table()) == list(ROWS)
    assert all(list(row) == list(PLACES) for row in table().values())


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("row", ROWS)
def test_a_cell_says_what_the_store_does(row: str, name: str, servers: Clouds, tmp_path: Path) -> None:
    place = PLACES[name](servers, f"cell-{list(ROWS).index(row)}", tmp_path)
    assert table()[row][name] == ROWS[row](place)
