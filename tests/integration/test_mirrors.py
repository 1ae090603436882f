"""Mirrors get what the primary has: after it, forward only, and whatever went wrong the last time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from burgee.bundle import keys
from burgee.cli.main import run
from burgee.core.errors import ContentError, Denied, InvalidRequest, RefusedError, Unavailable
from burgee.deliver import receipt as receipts_of
from burgee.deliver.built import Built
from burgee.deliver.mirror import bring
from burgee.deliver.mirrors import Mirrors
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Options, Publisher
from burgee.deliver.receipt import Mirrored, Receipt
from burgee.deliver.sealing import Sealing
from burgee.deliver.status import status_of
from burgee.fetch.live import Live
from burgee.git.repository import Repository, open_repository
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from burgee.store.opening import open_store
from burgee.store.port import Objects, Store
from burgee.store.registry import open_registry
from tests.fakes.clock import VirtualClock
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.objects import Crash, FaultyObjects
from tests.fakes.signers import Ed25519InMemory
from tests.publishing import PROJECT, a_rim, features, files, revisions
from tests.servers.dev import wait_for
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.registry import registry

FIRST = files(features("a", "b"), features("a"))
NAMES = ("staging", "production")
STATIC = "/internal/"


class Places:
    """A repository, a primary, and two mirrors that may fail."""

    def __init__(self, folder: Path, project: str = PROJECT, primary: str = "memory://primary") -> None:
        self.repository = a_work_tree(folder / "flags", {**FIRST, "burgee.yaml": project})
        self.primary = FaultyObjects(MemoryObjects(primary))
        self.mirrors = {
            url: FaultyObjects(MemoryObjects(url)) for url in ("s3://acme-mirror/flags", "gs://acme-mirror")
        }
        self.clock = VirtualClock()
        self.opened: dict[str, Store] = {}

    def publish(self, *, more: Sequence[str] = (), **options: object) -> Mapping[str, Receipt]:
        asked = Options(mirrors=(*self.mirrors, *more), **options)  # type: ignore[arg-type]
        with open_repository(self.repository) as opened:
            receipts = publish(replace(self.publisher(), repository=opened, options=asked))
        return {receipt.environment: receipt for receipt in receipts}

    def publisher(self) -> Publisher:
        store = ObjectStore(self.primary)
        return Publisher(open_repository(self.repository), store, a_rim(self.clock), mirrors=Mirrors(self.open))

    def open(self, url: str) -> Store:
        return self.opened.get(url) or ObjectStore(self.mirrors[url])

    def change(self, percentage: int) -> None:
        commit(self.repository, {"flags/staging/features.yaml": features("a", "b", percentage=percentage)})


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def contents(objects: Objects) -> dict[str, bytes]:
    return {key: objects.get(key).content for key in objects.list("")}


def mirrored(receipts: Mapping[str, Receipt]) -> dict[str, Sequence[tuple[int | None, str | None]]]:
    return {name: [(each.revision, each.fault) for each in receipt.mirrors] for name, receipt in receipts.items()}


def test_mirrors_hold_the_very_bytes_of_the_primary_object_by_object(places: Places) -> None:
    for percentage in (10, 20, 30):
        places.change(percentage)
        receipts = places.publish()
    assert mirrored(receipts) == {"staging": [(3, None)] * 2, "production": [(1, None)] * 2}
    for mirror in places.mirrors.values():
        assert contents(mirror) == contents(places.primary)


def test_a_mirror_is_written_after_the_primary_and_costs_little_when_nothing_changed(places: Places) -> None:
    writes: list[str] = []
    for place in (places.primary, *places.mirrors.values()):
        place.pause = lambda verb, key, url=place.url: writes.append(url) if verb not in ("get", "list") else None
    places.publish()
    assert set(writes[: writes.index("s3://acme-mirror/flags")]) == {"memory://primary"}
    assert "memory://primary" not in writes[writes.index("s3://acme-mirror/flags") :]
    (mirror, _) = places.mirrors.values()
    before, written = len(mirror.calls), mirror.writes
    places.publish()
    assert mirror.writes == written
    # The index, the head, the last release by number.
    assert len(mirror.calls) - before == 2 * 3


def test_a_mirror_that_fails_holds_nothing_back_and_has_it_all_after_the_next_publish(places: Places) -> None:
    failing, sound = places.mirrors.values()
    failing.read_fault = Unavailable("the mirror is away")
    receipts = places.publish()
    assert receipts["staging"].outcome == "published"
    assert not receipts["staging"].is_fault
    assert mirrored(receipts)["staging"] == [(None, "the mirror is away"), (1, None)]
    failing.read_fault = None
    assert places.publish()["staging"].outcome == "unchanged"
    assert contents(failing) == contents(sound) == contents(places.primary)


def test_what_a_mirror_came_to_is_in_the_receipt_its_json_and_the_commit_status(places: Places) -> None:
    places.mirrors["gs://acme-mirror"].read_fault = Denied("not with these credentials")
    receipt = places.publish()["staging"]
    lines = receipts_of.lines(receipt)
    assert "  mirror s3://acme-mirror/flags has release 1" in lines
    wanted = "mirror gs://acme-mirror does not have it, the next publish tries again: not with these credentials"
    assert f"  warning: {wanted}" in lines
    assert receipts_of.as_json(receipt)["mirrors"] == [
        {"url": "s3://acme-mirror/flags", "revision": 1, "fault": None},
        {"url": "gs://acme-mirror", "revision": None, "fault": "not with these credentials"},
    ]
    status = status_of(receipt, most=1000)
    assert status.state == "success"
    assert status.description.endswith(", 1 of 2 mirrors failed: gs://acme-mirror")


def test_a_mirror_that_hangs_is_not_waited_for_longer_than_allowed(places: Places) -> None:
    hanging, sound = places.mirrors.values()
    places.publish()
    freed = Event()
    hanging.pause = lambda verb, key: freed.wait(20) and None
    wanted, publisher, mirrors = {"staging": tuple(places.mirrors)}, places.publisher(), Mirrors(places.open)
    late = mirrors.write(publisher.means, wanted, seconds=0.2)
    busy = mirrors.write(publisher.means, wanted, seconds=0.2)
    freed.set()
    assert late["staging"].mirrors == (
        Mirrored(hanging.url, None, "not done after 20 seconds"),
        Mirrored(sound.url, 1, None),
    )
    assert busy["staging"].mirrors[0] == Mirrored(hanging.url, None, "still being written since the last time")


def test_readers_are_told_of_a_release_before_any_mirror_is_written(places: Places) -> None:
    happened: list[str] = []
    for mirror in places.mirrors.values():
        mirror.pause = lambda verb, key: happened.append("mirror")
    with open_repository(places.repository) as opened:
        asked = replace(places.publisher(), repository=opened, options=Options(mirrors=tuple(places.mirrors)))
        publish(replace(asked, tell=lambda receipts: happened.append(f"told of {len(receipts)}")))
    assert happened[0] == "told of 2"
    assert set(happened[1:]) == {"mirror"}


def test_a_library_that_stumbles_over_a_mirror_is_that_mirrors_fault_alone(places: Places) -> None:
    places.mirrors["s3://acme-mirror/flags"].read_fault = KeyError("nobody foresaw this")
    assert mirrored(places.publish())["staging"] == [(None, "KeyError: 'nobody foresaw this'"), (1, None)]


def test_wrong_files_do_not_keep_the_last_release_from_a_mirror(places: Places) -> None:
    failing, _ = places.mirrors.values()
    failing.read_fault = Unavailable("away")
    places.publish()
    failing.read_fault = None
    commit(places.repository, {"flags/staging/features.yaml": "flags: [{key: a}]\n"})
    receipts = places.publish()
    assert receipts["staging"].outcome == "invalid"
    assert revisions(ObjectStore(failing), "staging") == [1]


def test_a_hold_keeps_nothing_that_was_released_from_a_mirror(places: Places) -> None:
    failing, _ = places.mirrors.values()
    failing.read_fault = Unavailable("away")
    places.publish()
    store = ObjectStore(places.primary)
    found = store.read_head("staging")
    assert found is not None
    store.swap_head(found[0]._replace(hold={"reason": "a rollback"}), found[1])
    places.change(50)
    failing.read_fault = None
    assert places.publish()["staging"].outcome == "queued"
    assert contents(failing) == contents(places.primary)


def test_a_mirror_that_lost_a_document_has_it_again_with_the_next_release(places: Places) -> None:
    commit(places.repository, {"flags/staging/more.features.yaml": f"namespace: more\n{features('m')}"})
    places.publish()
    lossy = MemoryObjects("gs://acme-mirror")
    document = keys.blob(digest_of(places, "more"))
    for key, content in contents(places.mirrors[lossy.url]).items():
        if key != document:
            lossy.put_new(key, content, content_type=keys.JSON, cache_control="")
    places.mirrors[lossy.url] = FaultyObjects(lossy)
    places.change(70)
    assert mirrored(places.publish())["staging"] == [(2, None)] * 2
    assert contents(lossy) == contents(places.primary)


def digest_of(places: Places, namespace: str) -> str:
    found = ObjectStore(places.primary).read_head("staging")
    assert found is not None
    digest, _size = found[0].last.release.namespaces[namespace]
    return str(digest)


def test_a_dry_run_writes_no_mirror(places: Places) -> None:
    assert places.publish(dry_run=True)["staging"].mirrors == ()
    assert [mirror.calls for mirror in places.mirrors.values()] == [[], []]


def test_the_mirrors_of_an_environment_get_nothing_of_another(tmp_path: Path) -> None:
    project = PROJECT.replace("flags/production}", "flags/production, mirrors: ['gs://acme-mirror']}")
    places = Places(tmp_path, project)
    with open_repository(places.repository) as opened:
        options = Options(allowed_mirrors=("gs://acme-*",))
        receipts = publish(replace(places.publisher(), repository=opened, options=options))
    assert [len(receipt.mirrors) for receipt in receipts] == [0, 1]
    assert revisions(places.open("gs://acme-mirror"), "production") == [1]
    assert places.open("gs://acme-mirror").read_head("staging") is None


# Whatever went wrong the last time


def test_a_new_mirror_gets_the_whole_log_with_every_bundle(places: Places) -> None:
    late = MemoryObjects("memory://late")
    for percentage in range(1, 12):
        places.change(percentage)
        places.publish()
    assert bring(ObjectStore(places.primary), ObjectStore(late), "staging", now=places.clock.wall) == 11
    assert revisions(ObjectStore(late), "staging") == list(range(11, 0, -1))
    there = contents(late)
    assert {key for key in contents(places.primary) if key.startswith("blobs/")} - set(there) == {
        keys.blob(digest) for digest in own_digests(places, "production") - own_digests(places, "staging")
    }


def own_digests(places: Places, environment: str) -> set[str]:
    found = ObjectStore(places.primary).read_head(environment)
    assert found is not None
    release = found[0].last.release
    return {release.bundle, *(digest for digest, _size in release.namespaces.values())}


def test_a_crash_after_any_write_to_a_mirror_leaves_one_that_readers_can_use_and_the_next_time_completes(
    places: Places,
) -> None:
    now = places.clock.wall
    for percentage in (10, 20):
        places.change(percentage)
        places.publish()
    primary = ObjectStore(places.primary)
    counted = FaultyObjects(MemoryObjects("memory://counted"))
    bring(primary, ObjectStore(counted), "staging", now=now)
    assert counted.writes >= 8
    for number in range(1, counted.writes + 1):
        for late in (False, True):
            mirror = FaultyObjects(MemoryObjects(f"memory://{number}-{late}"))
            mirror.fail_write(number, Crash(), after=late)
            with pytest.raises(Crash):
                bring(primary, ObjectStore(mirror), "staging", now=now)
            usable(mirror)
            bring(primary, ObjectStore(mirror), "staging", now=now)
            assert contents(mirror) == contents(counted)


def usable(mirror: FaultyObjects) -> None:
    """A head that is there has all that it names."""
    if ObjectStore(mirror).read_head("staging") is None:
        return
    reader = Live(FaultyFetcher(mirror), "staging", ttl_ms=1_000, clock=VirtualClock(), random=lambda: 0.5)
    reader.current()
    assert reader.status().revision == 2


def test_a_log_that_a_crash_left_with_gaps_at_its_end_is_completed_from_there(places: Places) -> None:
    mirror = FaultyObjects(MemoryObjects("memory://gaps"))
    primary = ObjectStore(places.primary)
    for percentage in range(1, 9):
        places.change(percentage)
        places.publish()
    mirror.fail_write(12, Crash())
    with pytest.raises(Crash):
        bring(primary, ObjectStore(mirror), "staging", now=places.clock.wall)
    places.change(50)
    places.publish()
    bring(primary, ObjectStore(mirror), "staging", now=places.clock.wall)
    assert revisions(ObjectStore(mirror), "staging") == list(range(9, 0, -1))


def test_publishers_that_mirror_at_the_same_time_end_in_the_same_state(places: Places) -> None:
    primary, mirror = ObjectStore(places.primary), MemoryObjects("memory://raced")
    for percentage in range(1, 6):
        places.change(percentage)
        places.publish()
    with ThreadPoolExecutor(8) as pool:
        reached = list(
            pool.map(lambda _: bring(primary, ObjectStore(mirror), "staging", now=places.clock.wall), range(8))
        )
    assert reached == [5] * 8
    assert revisions(ObjectStore(mirror), "staging") == [5, 4, 3, 2, 1]


def test_a_pending_release_is_mirrored_at_once_and_its_static_snapshots_at_its_instant(tmp_path: Path) -> None:
    places = Places(tmp_path, PROJECT.replace("{default: true,", "{default: true, activation_delay: 2m,"))
    places.publish()
    mirror, _ = places.mirrors.values()
    assert revisions(ObjectStore(mirror), "staging") == [1]
    assert not any(STATIC in key and "staging" in key for key in contents(mirror))
    places.clock.advance(120_000)
    places.publish()
    found = ObjectStore(mirror).read_static("staging", "default")
    assert found is not None
    assert found[0] == contents(places.primary)[keys.static_snapshot("staging", "default")]


# What is no mirror of this primary


def test_a_mirror_of_another_repository_is_left_alone(places: Places, tmp_path: Path) -> None:
    other = Places(tmp_path / "other", primary="memory://other")
    other.publish()
    before = contents(other.primary)
    places.publish()
    with pytest.raises(RefusedError, match=r"memory://other belongs to repository .*; give the mirror an empty place"):
        bring(ObjectStore(places.primary), ObjectStore(other.primary), "staging", now=places.clock.wall)
    assert contents(other.primary) == before


def test_a_mirror_is_handed_over_with_its_store_when_its_log_is_the_same(places: Places) -> None:
    places.publish()
    for store in (ObjectStore(places.primary), places.open("gs://acme-mirror")):
        found = store.read_index()
        assert found is not None
        store.swap_index(found[0]._replace(repository="https://git.example.org/acme/before"), found[1])
    assert places.publish(adopt=True)["staging"].mirrors[1] == Mirrored("gs://acme-mirror", 1, None)
    assert contents(places.mirrors["gs://acme-mirror"]) == contents(places.primary)


def test_a_mirror_of_another_log_is_not_handed_over_and_stays_as_it_is(places: Places, tmp_path: Path) -> None:
    other = Places(tmp_path / "other", primary="memory://other")
    other.change(90)
    other.publish()
    before = contents(other.primary)
    places.publish()
    with pytest.raises(ContentError, match="another release 1 than the primary"):
        bring(ObjectStore(places.primary), ObjectStore(other.primary), "staging", now=places.clock.wall, adopt=True)
    assert contents(other.primary) == before


def test_the_store_is_no_mirror_of_itself(places: Places) -> None:
    primary = ObjectStore(places.primary)
    with pytest.raises(InvalidRequest, match="memory://primary is the store itself, and no mirror of it"):
        bring(primary, primary, "staging", now=places.clock.wall)


def test_the_tag_of_a_registry_is_put_right_by_a_publish_that_finds_nothing_new(places: Places, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as running:
        places.opened[running.url()] = open_store(running.url(), environ={}, as_mirror=True)
        places.publish(more=(running.url(),))
        artifacts = open_registry(running.url(), {})
        wanted = artifacts.get_manifest("staging")
        artifacts.put_manifest("staging", artifacts.get_manifest("production").content, wanted.media_type)
        assert artifacts.get_manifest("staging").digest != wanted.digest
        places.publish(more=(running.url(),))
        assert artifacts.get_manifest("staging").digest == wanted.digest


@pytest.mark.parametrize("ahead", [False, True])
def test_a_mirror_whose_log_is_another_is_left_alone(places: Places, ahead: bool) -> None:
    mirror = places.mirrors["gs://acme-mirror"]
    places.publish()
    places.change(20)
    places.publish()
    # The primary begins again, as after a restore from nothing.
    places.primary = FaultyObjects(MemoryObjects("memory://primary"))
    places.clock.advance(1000)
    for percentage in (60,) if ahead else (60, 70, 80):
        places.change(percentage)
        places.publish()
    before = contents(mirror)
    with pytest.raises(ContentError, match="never goes back" if ahead else "another release 2 than the primary"):
        bring(ObjectStore(places.primary), ObjectStore(mirror), "staging", now=places.clock.wall)
    assert contents(mirror) == before


# What the command line says


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository to be in, with a store and a mirror of it beside it."""
    a_work_tree(tmp_path / "flags", FIRST)
    monkeypatch.chdir(tmp_path / "flags")
    monkeypatch.setenv("BURGEE_STORE", (tmp_path / "store").as_uri())
    monkeypatch.setenv("BURGEE_MIRRORS", (tmp_path / "mirror").as_uri())
    return tmp_path


def test_publish_writes_the_mirrors_of_its_variables_and_status_says_how_far_each_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = (folder / "mirror").as_uri()
    assert run(["publish"]) == 0
    assert capsys.readouterr().out.count(f"  mirror {mirror} has release 1\n") == 2
    commit(folder / "flags", {"flags/staging/features.yaml": features("a", "b", "c")})
    monkeypatch.delenv("BURGEE_MIRRORS")
    assert run(["publish"]) == 0
    capsys.readouterr()
    assert run(["status", "--mirror", mirror]) == 0
    rows = [
        line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("file:") and mirror in line
    ]
    assert [row[1:] for row in rows] == [
        ["production", "1", "up", "to", "date"],
        ["staging", "1", "1", "release", "behind"],
    ]


def test_a_mirror_that_cannot_be_written_is_a_warning_and_no_failure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mirror").write_text("a file, where a folder should be")
    assert run(["publish"]) == 0
    assert "  warning: mirror file://" in capsys.readouterr().out
    assert run(["status", "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert {each["environment"]: each["behind"] for each in said["mirrors"]} == {"staging": None, "production": None}
    assert all(each["error"] for each in said["mirrors"])


def test_status_knows_the_mirrors_that_the_burgee_yaml_of_its_folder_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = PROJECT.replace("flags/production}", "flags/production, mirrors: ['oci://127.0.0.1:1/acme/flags']}")
    commit(folder / "flags", {"burgee.yaml": project})
    assert run(["publish", "--environment", "staging"]) == 0
    assert run(["status"]) == 0
    assert "not asked: BURGEE_ALLOWED_MIRRORS does not allow it" in capsys.readouterr().out
    monkeypatch.setenv("BURGEE_ALLOWED_MIRRORS", "oci://127.0.0.1:1/*")
    assert run(["status"]) == 3
    assert "mirror oci://127.0.0.1:1/acme/flags, environment 'production': " in capsys.readouterr().err


def test_a_mirror_whose_url_names_no_store_is_said_before_anything_is_released(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BURGEE_MIRRORS", "azbob://x/y")
    assert run(["publish"]) == 2
    assert "unknown store scheme 'azbob'" in capsys.readouterr().err
    assert not (folder / "store").exists()


# How long mirrors take


def lags(places: Places) -> tuple[int, ...]:
    found = ObjectStore(places.primary).read_head("staging")
    assert found is not None
    return tuple(found.head.lags_ms)


def delayed(places: Places, url: str, milliseconds: int) -> None:
    """Let time go by before the mirror shows a head."""

    def pause(verb: str, key: str) -> None:
        if (verb, key) == ("swap", keys.head("staging")):
            places.clock.advance(milliseconds)

    places.mirrors[url].pause = pause


def test_the_head_learns_how_long_its_slowest_mirror_took(places: Places) -> None:
    delayed(places, "gs://acme-mirror", 40_000)
    places.publish()
    (lag,) = lags(places)
    assert 40_000 <= lag < 40_000 + 1000
    places.publish()
    assert contents(places.mirrors["gs://acme-mirror"]) == contents(places.primary)
    assert len(lags(places)) == 1


def test_the_lag_of_a_mirror_that_catches_up_at_a_later_tick_counts_from_what_it_lacked_first(places: Places) -> None:
    failing, _ = places.mirrors.values()
    places.publish()
    failing.read_fault = Unavailable("the mirror is away")
    for percentage in (20, 30):
        places.change(percentage)
        places.publish()
        places.clock.advance(60_000)
    assert lags(places) == ()
    failing.read_fault = None
    assert places.publish()["staging"].outcome == "unchanged"
    (lag,) = lags(places)
    assert 120_000 <= lag < 120_000 + 1000


def test_the_lag_of_a_mirror_that_is_done_after_nobody_waits_any_more_is_noted_still(places: Places) -> None:
    hanging, _ = places.mirrors.values()
    places.publish()
    places.change(20)
    places.mirrors.pop(hanging.url)
    places.publish()
    places.mirrors[hanging.url] = hanging
    freed, mirrors, publisher = Event(), Mirrors(places.open), places.publisher()
    hanging.pause = lambda verb, key: freed.wait(20) and None
    late = mirrors.write(publisher.means, {"staging": (hanging.url,)}, seconds=0.1)
    assert late["staging"].mirrors[0].fault == "not done after 20 seconds"
    places.clock.advance(30_000)
    freed.set()
    assert wait_for(lambda: bool(lags(places)))
    (lag,) = lags(places)
    assert 30_000 <= lag < 30_000 + 1000


def test_a_lag_beyond_all_that_instants_wait_for_is_a_warning(places: Places) -> None:
    failing, _ = places.mirrors.values()
    places.publish()
    failing.read_fault = Unavailable("the mirror is away")
    places.change(20)
    places.publish()
    places.clock.advance(3_600_000)
    failing.read_fault = None
    (warning,) = places.publish()["staging"].warnings
    assert "mirror s3://acme-mirror/flags shows what was published 3600 s ago only now" in warning
    assert lags(places) == ()
    assert places.publish()["staging"].warnings == ()


def test_a_mirror_that_is_new_to_an_old_log_says_nothing_of_lags(places: Places) -> None:
    added = places.mirrors.pop("gs://acme-mirror")
    places.publish()
    places.change(20)
    places.publish()
    places.clock.advance(60_000)
    places.mirrors["gs://acme-mirror"] = added
    receipt = places.publish()["staging"]
    assert (lags(places), receipt.warnings) == ((), ())


def test_of_a_head_that_only_says_something_else_of_itself_no_document_is_copied_again(places: Places) -> None:
    places.publish()
    store = ObjectStore(places.primary)
    found = store.read_head("staging")
    assert found is not None
    store.swap_head(found.head._replace(hold={"reason": "a load test"}), found.etag)
    (mirror, _) = places.mirrors.values()
    for place in (mirror, places.primary):
        place.calls.clear()
    bring(store, ObjectStore(mirror), "staging", now=places.clock.wall)
    assert ("swap", keys.head("staging")) in mirror.calls
    assert [key for verb, key in mirror.calls if verb == "put_new"] == []
    assert [key for _, key in places.primary.calls if key.startswith("blobs/")] == []
    assert contents(mirror) == contents(places.primary)


# While burgee.yaml cannot be read


def away(repository: Repository) -> Repository:
    class Away:
        identity = repository.identity

        def default_ref(self) -> str:
            raise Unavailable("the Git host is away")

    return Away()  # type: ignore[return-value]


def test_mirrors_are_settled_while_the_git_host_is_away_those_of_burgee_yaml_as_a_warm_process_knows_them(
    tmp_path: Path,
) -> None:
    project = PROJECT.replace("{default: true,", "{default: true, activation_delay: 2m,")
    places = Places(tmp_path, project.replace("flags/staging}", "flags/staging, mirrors: ['gs://acme-mirror']}"))
    options = Options(mirrors=("s3://acme-mirror/flags",), allowed_mirrors=("gs://acme-*",))
    with open_repository(places.repository) as opened:
        warm = replace(places.publisher(), repository=opened, options=options)
        publish(warm)
        places.clock.advance(120_000)
        for publisher, settled in ((replace(warm, built=Built()), {"s3"}), (warm, {"s3", "gs"})):
            with pytest.raises(Unavailable, match="away"):
                publish(replace(publisher, repository=away(opened)))
            shown = {url[:2] for url in places.mirrors if places.open(url).read_static("staging", "default")}
            assert shown == settled


def test_mirrors_that_fail_while_the_git_host_is_away_are_noted(places: Places) -> None:
    places.publish()
    places.mirrors["gs://acme-mirror"].read_fault = Unavailable("the mirror is away too")
    noted: list[str] = []
    with open_repository(places.repository) as opened:
        options = Options(mirrors=tuple(places.mirrors))
        publisher = replace(places.publisher(), repository=away(opened), options=options, note=noted.append)
        with pytest.raises(Unavailable, match="Git host"):
            publish(publisher)
    assert len(noted) == 2 and "the mirror is away too" in noted[0]


# What is wrong with one environment


def test_a_head_that_cannot_be_read_keeps_nothing_of_another_environment_back(places: Places) -> None:
    places.publish()
    found = places.primary.get(keys.head("staging"))
    places.primary.swap(
        keys.head("staging"),
        json.dumps({**json.loads(found.content), "lags_ms": ["x"]}).encode(),
        expected=found.etag,
        content_type=keys.JSON,
        cache_control="",
    )
    commit(places.repository, {"flags/production/features.yaml": features("a", percentage=77)})
    receipts = places.publish()
    assert {name: receipt.outcome for name, receipt in receipts.items()} == {
        "staging": "failed",
        "production": "published",
    }
    assert "has lags_ms of the wrong kind" in receipts["staging"].message


def test_what_nobody_foresaw_in_one_environment_fails_that_one_alone_and_is_told(places: Places) -> None:
    def pause(verb: str, key: str) -> None:
        if key == keys.head("staging"):
            raise KeyError("a library's own")

    places.primary.pause = pause
    noted: list[str] = []
    with open_repository(places.repository) as opened:
        receipts = publish(replace(places.publisher(), repository=opened, note=noted.append))
    assert [receipt.outcome for receipt in receipts] == ["failed", "published"]
    assert receipts[0].message == 'nobody foresaw this: KeyError: "a library\'s own"'
    assert "in pause, line " in noted[0]


def test_what_a_receipt_says_is_not_noted_once_more(places: Places) -> None:
    places.publish()
    noted: list[str] = []
    with open_repository(places.repository) as opened:
        publisher = replace(places.publisher(), repository=opened, note=noted.append)
        receipts = publish(replace(publisher, sealing=Sealing([Ed25519InMemory(1)])))
    assert ["is not signed" in receipt.message for receipt in receipts] == [True, True]
    assert noted == []
