"""The last good release on disk: starts without network, and what a folder may hold that must not be answered from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.client import Client
from burgee.core.errors import InvalidDocument, NotReady, Unavailable
from tests.fakes.clients import ClientScene, hanging, looked
from tests.fakes.publisher import a_document, publish
from tests.fakes.scene import HEAD, TTL_MS

ON = a_document(enabled=True)
OFF = a_document(enabled=False)
BETA = a_document("beta")
OUTAGE = Unavailable("the store sleeps")
HOURS = 3_600


@pytest.fixture
def scene() -> ClientScene:
    made = ClientScene()
    made.publish(ON, BETA)
    return made


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return tmp_path / "not yet" / "kept"


def kept(scene: ClientScene, disk: Path) -> Client:
    """A client that keeps on disk what it has just seen."""
    return scene.client(disk=str(disk))


def cold(scene: ClientScene, disk: Path, **options: str) -> Client:
    """A client that starts without network."""
    scene.fetcher.faults[""] = OUTAGE
    client = scene.client(disk=str(disk), **options)
    scene.fetcher.faults.clear()
    return client


def blob(disk: Path, content: bytes) -> Path:
    return disk / keys.blob(digest_of(content))


def files(disk: Path) -> set[str]:
    return {str(path.relative_to(disk)) for path in disk.rglob("*") if path.is_file()}


# Starts without network


def test_a_cold_start_without_network_answers_from_the_last_good_and_says_that_it_is_stale(
    scene: ClientScene, disk: Path
) -> None:
    warm = kept(scene, disk)
    client = cold(scene, disk)
    for of in (client, client.namespace("beta")):
        assert of.boolean("on", "x") == warm.boolean("on", "x")._replace(stale=True)
    assert client.evaluate_all("x")["on"].stale is True
    status = client.status()
    assert (status.revision, status.stale, status.age_ms) == (1, True, None)
    assert status.last_error == "the store sleeps"


def test_when_the_network_is_back_nothing_is_stale_and_no_document_is_fetched_again(
    scene: ClientScene, disk: Path
) -> None:
    kept(scene, disk)
    client = cold(scene, disk)
    scene.fetcher.calls.clear()
    client.refresh()
    assert client.boolean("on", "x").stale is False
    assert scene.fetcher.calls == [HEAD]


def test_while_the_store_hangs_a_start_answers_from_disk_at_once(scene: ClientScene, disk: Path) -> None:
    kept(scene, disk)
    with hanging(scene.fetcher):
        client = scene.client(disk=str(disk), start_timeout=0)
        assert client.boolean("on", "x").enabled is True


def test_what_was_kept_is_the_last_that_was_seen(scene: ClientScene, disk: Path) -> None:
    client = kept(scene, disk)
    scene.publish(OFF, BETA)
    client.refresh()
    assert cold(scene, disk).boolean("on", "x")[1] is False
    assert cold(scene, disk).status().revision == 2


def test_a_pending_release_becomes_active_at_its_instant_after_a_cold_start(scene: ClientScene, disk: Path) -> None:
    scene.publish(OFF, active_after=60_000)
    kept(scene, disk)
    client = cold(scene, disk)
    scene.fetcher.faults[""] = OUTAGE
    scene.clock.advance(59_999)
    assert client.boolean("on", "x").enabled is True
    scene.clock.advance(1)
    assert client.boolean("on", "x").enabled is False


def test_a_release_that_became_active_while_nobody_ran_is_answered_from(scene: ClientScene, disk: Path) -> None:
    scene.publish(OFF, active_after=60_000)
    kept(scene, disk)
    scene.clock.advance(60_000)
    assert cold(scene, disk).boolean("on", "x").enabled is False


def test_without_disk_or_before_anything_was_kept_there_is_nothing_to_start_from(
    scene: ClientScene, disk: Path
) -> None:
    client = cold(scene, disk)
    with pytest.raises(NotReady, match="the store sleeps"):
        client.boolean("on", "x")
    assert client.status().last_error == "the store sleeps"


def test_the_release_of_one_environment_is_not_that_of_another(scene: ClientScene, disk: Path) -> None:
    publish(scene.store, {"default": OFF}, at=scene.clock.wall(), environment="production")
    for environment in ("staging", "production"):
        scene.client(disk=str(disk), environment=environment)
    assert cold(scene, disk).boolean("on", "x").enabled is True
    assert cold(scene, disk, environment="production").boolean("on", "x").enabled is False


# What must not be answered from


def test_an_older_head_is_refused_after_a_restart(scene: ClientScene, disk: Path) -> None:
    first = scene.objects.get(HEAD).content
    scene.publish(OFF, BETA)
    kept(scene, disk)
    scene.fetcher.contents[HEAD] = first
    client = kept(scene, disk)
    assert client.boolean("on", "x").revision == 2
    assert "went back from revision 2 to 1" in str(client.status().last_error)
    with pytest.raises(InvalidDocument):
        client.refresh()
    assert cold(scene, disk).boolean("on", "x").revision == 2


def test_an_older_head_is_refused_even_where_the_documents_on_disk_are_lost(scene: ClientScene, disk: Path) -> None:
    first = scene.objects.get(HEAD).content
    scene.publish(OFF, BETA)
    kept(scene, disk)
    blob(disk, OFF).unlink()
    scene.fetcher.contents[HEAD] = first
    client = kept(scene, disk)
    with pytest.raises(InvalidDocument, match="went back"):
        client.refresh()
    scene.fetcher.contents.clear()
    client.refresh()
    assert client.boolean("on", "x").revision == 2


BROKEN = {
    "empty": b"",
    "cut short": ON[: len(ON) // 2],
    "other bytes of the same length": ON[:-1] + b"!",
    "a document, but another": OFF,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_document_on_disk_is_not_answered_from_and_is_written_anew(
    scene: ClientScene, disk: Path, content: bytes
) -> None:
    kept(scene, disk)
    blob(disk, ON).write_bytes(content)
    client = cold(scene, disk)
    with pytest.raises(NotReady):
        client.boolean("on", "x")
    client.refresh()
    assert client.boolean("on", "x").enabled is True
    assert blob(disk, ON).read_bytes() == ON
    assert cold(scene, disk).boolean("on", "x").enabled is True


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"format":2}'])
def test_a_broken_head_on_disk_is_no_head_and_is_written_anew(scene: ClientScene, disk: Path, content: bytes) -> None:
    kept(scene, disk)
    whole = (disk / HEAD).read_bytes()
    for broken in (content, whole[:-20], whole.replace(b"publish", b"rolback")):
        (disk / HEAD).write_bytes(broken)
        client = cold(scene, disk)
        with pytest.raises(NotReady):
            client.boolean("on", "x")
        client.refresh()
        assert (disk / HEAD).read_bytes() == whole


def test_what_is_not_a_file_in_the_place_of_one_is_nothing_to_start_from(scene: ClientScene, disk: Path) -> None:
    (disk / HEAD).mkdir(parents=True)
    client = cold(scene, disk)
    with pytest.raises(NotReady):
        client.boolean("on", "x")
    client.refresh()
    assert client.boolean("on", "x").enabled is True
    assert "cannot keep the release on disk" in str(client.status().last_error)


def test_a_head_whose_documents_cannot_be_had_does_not_replace_the_last_good(scene: ClientScene, disk: Path) -> None:
    client = kept(scene, disk)
    scene.publish(OFF, BETA)
    scene.fetcher.faults[keys.blob(digest_of(OFF))] = OUTAGE
    with pytest.raises(Unavailable):
        client.refresh()
    assert cold(scene, disk).boolean("on", "x").revision == 1
    client.refresh()
    assert cold(scene, disk).boolean("on", "x").revision == 2


def test_a_pending_release_that_cannot_be_had_does_not_keep_the_active_one_from_being_kept(
    scene: ClientScene, disk: Path
) -> None:
    scene.publish(OFF, BETA)
    later = a_document("gamma")
    scene.publish(OFF, BETA, later, active_after=60_000)
    scene.fetcher.faults[keys.blob(digest_of(later))] = OUTAGE
    client = kept(scene, disk)
    assert client.boolean("on", "x").revision == 2
    assert cold(scene, disk).boolean("on", "x").revision == 2
    # And once it can be had it is kept, although the head is the same.
    client.refresh()
    started = cold(scene, disk)
    scene.clock.advance(60_000)
    assert started.boolean("on", "x").revision == 3


# The folder


def test_a_folder_that_cannot_be_written_is_told_and_stops_nothing(scene: ClientScene, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    client = scene.client(disk=str(tmp_path / "file" / "kept"))
    assert client.boolean("on", "x").enabled is True
    assert "cannot keep the release on disk" in str(client.status().last_error)
    scene.publish(OFF, BETA)
    scene.clock.advance(TTL_MS)
    client.boolean("on", "x")
    looked(client)
    assert client.boolean("on", "x").enabled is False


def test_a_folder_that_can_be_written_again_is_written(scene: ClientScene, tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    client = scene.client(disk=str(tmp_path / "kept"))
    assert client.status().last_error
    (tmp_path / "kept").unlink()
    client.refresh()
    assert client.status().last_error is None
    assert cold(scene, tmp_path / "kept").boolean("on", "x").enabled is True


def test_a_release_without_any_flags_is_kept_like_every_other(disk: Path) -> None:
    scene = ClientScene()
    scene.publish()
    assert kept(scene, disk).status().last_error is None
    assert cold(scene, disk).status().revision == 1


def test_only_the_user_may_read_what_is_kept(scene: ClientScene, disk: Path) -> None:
    kept(scene, disk)
    modes = {path.stat().st_mode & 0o777 for path in disk.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_an_unchanged_release_is_written_once(scene: ClientScene, disk: Path) -> None:
    client = kept(scene, disk)
    before = {path: path.stat().st_mtime_ns for path in disk.rglob("*") if path.is_file()}
    for _ in range(5):
        client.refresh()
    assert {path: path.stat().st_mtime_ns for path in disk.rglob("*") if path.is_file()} == before


def test_documents_that_no_head_names_go_after_an_hour(scene: ClientScene, disk: Path) -> None:
    publish(scene.store, {"default": a_document("default", enabled=True)}, at=scene.clock.wall(), environment="other")
    client = kept(scene, disk)
    scene.client(disk=str(disk), environment="other")
    leftover = blob(disk, ON).with_name("0123.77-beef.tmp")
    leftover.write_bytes(b"half")
    for number in range(3):
        scene.publish(a_document(f"n{number}"), namespaces=(f"n{number}",))
        client.refresh()
    assert len(list((disk / keys.BLOBS).iterdir())) == 6
    for path in (disk / keys.BLOBS).iterdir():
        os.utime(path, (path.stat().st_mtime - HOURS - 1,) * 2)
    scene.publish(a_document("last"), namespaces=("last",))
    client.refresh()
    # What the other environment's head names, and its own.
    assert files(disk / keys.BLOBS) == {
        digest_of(content).removeprefix("sha256:") for content in (ON, a_document("last"))
    }
    assert cold(scene, disk, environment="other").boolean("on", "x").enabled is True
    assert cold(scene, disk).namespace("last").boolean("on", "x").enabled is True


def test_a_head_that_a_killed_process_did_not_put_in_place_goes_after_an_hour(scene: ClientScene, disk: Path) -> None:
    client = kept(scene, disk)
    head = disk / HEAD
    old, young = (head.with_name(f"{head.name}.77-{name}.tmp") for name in ("dead", "beef"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (old.stat().st_mtime - HOURS - 60,) * 2)
    scene.publish(OFF, BETA)
    client.refresh()
    assert {path.name for path in head.parent.iterdir()} == {head.name, young.name}


def test_a_document_that_is_named_again_counts_as_new(scene: ClientScene, disk: Path) -> None:
    client = kept(scene, disk)
    scene.publish(OFF, BETA)
    client.refresh()
    long_ago = blob(disk, ON).stat().st_mtime - 10 * HOURS
    os.utime(blob(disk, ON), (long_ago, long_ago))
    scene.publish(ON, BETA)
    client.refresh()
    assert blob(disk, ON).stat().st_mtime > long_ago + 9 * HOURS


def test_a_newer_head_of_another_process_stays(scene: ClientScene, disk: Path) -> None:
    slow = kept(scene, disk)
    second = scene.publish(OFF, BETA)
    seen_by_slow = scene.objects.get(HEAD).content
    scene.publish(ON, BETA)
    fast = kept(scene, disk)
    assert fast.boolean("on", "x").revision == 3
    # A mirror that lags behind.
    scene.fetcher.contents[HEAD] = seen_by_slow
    slow.refresh()
    assert slow.boolean("on", "x").revision == second.revision
    assert cold(scene, disk).boolean("on", "x").revision == 3


def test_a_relative_folder_stays_where_it_was_when_the_process_goes_elsewhere(
    scene: ClientScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = scene.client(disk="kept")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    scene.publish(OFF, BETA)
    client.refresh()
    assert cold(scene, tmp_path / "kept").boolean("on", "x").revision == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_closed_client_has_kept_what_it_saw(scene: ClientScene, disk: Path) -> None:
    with kept(scene, disk) as client:
        scene.publish(OFF, BETA)
        client.refresh()
    assert cold(scene, disk).boolean("on", "x").revision == 2
