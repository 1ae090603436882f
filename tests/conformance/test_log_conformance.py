"""The log over every store, on the servers that play them: any instant is asked again, every byte verified."""

from __future__ import annotations

import json
from pathlib import Path
from time import time

import pytest

from burgee.bundle import keys
from burgee.bundle.index import Index, Listed
from burgee.bundle.manifest import MANIFEST_TYPE, encode_manifest
from burgee.bundle.oci_records import release_tag
from burgee.cli.main import run
from burgee.core.instant import format_instant
from burgee.deliver.settle import settle
from tests.conformance.test_provider_table import PLACES, Place
from tests.fakes.publisher import a_document, publish
from tests.servers.clouds import Clouds

ENVIRONMENT = "staging"
KEY = keys.release(ENVIRONMENT, 1)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, servers: Clouds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A store with three releases, made a minute apart: the flag is off in the second one."""
    made = PLACES[request.param](servers, f"log-{tmp_path.name.replace('_', '-').lower()}", tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BURGEE_CACHE", str(tmp_path / "cache"))
    store, now = made.store, int(time() * 1000)
    store.swap_index(Index("https://example.org/flags", {ENVIRONMENT: Listed("main", True)}), None)
    for number in range(3):
        document = a_document(enabled=number != 1)
        store.put_blob(document)
        store.put_blob(
            encode_manifest({"default": (store.put_blob(document), len(document))}), content_type=MANIFEST_TYPE
        )
        publish(store, {"default": document}, at=now - (3 - number) * 60_000, environment=ENVIRONMENT)
    settle(store, ENVIRONMENT, now=lambda: now)
    return made


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    ended, out, err = run(list(arguments)), *capsys.readouterr()
    assert ended == code, err
    return out


def test_any_instant_is_asked_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(said(capsys, "history", "--store", place.url, "--json"))
    assert [each["revision"] for each in listed] == [3, 2, 1]
    ask = ("evaluate", "on", "--entity", "ada", "--store", place.url)
    assert said(capsys, *ask, "--revision", "1") == "true\n"
    assert said(capsys, *ask, "--at", listed[1]["published_at"]) == "false\n"
    assert said(capsys, *ask, "--digest", listed[1]["bundle"]) == "false\n"
    assert said(capsys, *ask, "--at", format_instant(int(time() * 1000))) == "true\n"
    assert "enabled false -> true" in said(capsys, "diff", "staging@2", "staging@active", "--store", place.url)


def test_a_store_that_is_whole_is_found_so(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "verify", "--store", place.url, "--json"))
    assert (found["faults"], found["notes"]) == ([], [])
    assert found["environments"] == [{"environment": ENVIRONMENT, "revision": 3, "walked": 3, "sound": 3}]


def test_a_release_that_was_changed_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    if place.is_registry:
        other = place.artifacts.get_manifest(release_tag(ENVIRONMENT, 2)).content
        place.artifacts.put_manifest(release_tag(ENVIRONMENT, 1), other, MANIFEST_TYPE)
    else:
        found = place.objects.get(KEY)
        changed = found.content.replace(b"commit1", b"commit7")
        place.objects.swap(
            KEY, changed, expected=found.etag, content_type=keys.JSON, cache_control=keys.cache_control(KEY)
        )
    (fault,) = json.loads(said(capsys, "verify", "--store", place.url, "--json", code=1))["faults"]
    assert (fault["key"], fault["kind"]) == (KEY, "changed")
