"""A publish that dies anywhere, and publishers that race, leave a log that readers can use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from burgee.bundle import keys
from burgee.bundle.flipt import client_snapshot
from burgee.core.errors import Unavailable
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Options, Publisher
from burgee.fetch.live import Live
from burgee.git.repository import open_repository
from burgee.host.reconcile import Reconciler
from burgee.store.file import FileObjects
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from burgee.store.port import Objects
from tests.fakes.clock import VirtualClock
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.objects import Crash, FaultyObjects
from tests.publishing import a_publisher, a_rim, features, files, publish_once, revisions
from tests.servers.git_cli import a_work_tree, commit

FIRST = files(features("a", "b"), features("a", "b"))
SECOND = {"flags/staging/features.yaml": features("a", "b", percentage=60) + "---\nnamespace: extra\n"}


def a_reader(objects: Objects, clock: VirtualClock) -> Live:
    return Live(FaultyFetcher(objects), "staging", ttl_ms=1_000, clock=clock, random=lambda: 0.5)


def writes_of(repository: Path, after: Callable[[], object]) -> int:
    """How many writes the second publish makes when nothing goes wrong."""
    objects = FaultyObjects(MemoryObjects("memory://count"))
    publish_once(repository, objects)
    before = objects.writes
    after()
    publish_once(repository, objects)
    return objects.writes - before


def test_a_crash_between_any_two_writes_leaves_a_usable_store_and_the_next_publish_completes(tmp_path: Path) -> None:
    counted = a_work_tree(tmp_path / "counted", FIRST)
    total = writes_of(counted, lambda: commit(counted, SECOND))
    assert total >= 6
    for number in range(1, total + 1):
        for late in (False, True):
            crashed_once(a_work_tree(tmp_path / f"{number}-{late}", FIRST), number, late=late)


def test_a_crash_anywhere_in_the_first_publish_is_completed_by_the_next(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", FIRST)
    counted = FaultyObjects(MemoryObjects("memory://first"))
    publish_once(repository, counted)
    for number in range(1, counted.writes + 1):
        for late in (False, True):
            objects = FaultyObjects(MemoryObjects(f"memory://first-{number}-{late}"))
            objects.fail_write(number, Crash(), after=late)
            with pytest.raises(Crash):
                publish_once(repository, objects)
            receipts = publish_once(repository, objects)
            assert {receipt.outcome for receipt in receipts.values()} <= {"published", "unchanged"}
            for environment in ("staging", "production"):
                assert revisions(ObjectStore(objects), environment) == [1]
                assert ObjectStore(objects).read_static(environment, "default") is not None


def crashed_once(repository: Path, number: int, *, late: bool) -> None:
    objects, clock = FaultyObjects(MemoryObjects(f"memory://{repository.name}")), VirtualClock(wall=1_900_000_000_000)
    publish_once(repository, objects)
    commit(repository, SECOND)
    objects.fail_write(objects.writes + number, Crash(), after=late)
    with pytest.raises(Crash):
        publish_once(repository, objects)

    served = a_reader(objects, clock).current()
    assert served.release.revision in (1, 2)
    assert served.snapshot.namespace("default").boolean("a", "user-1", {}, 0).reason

    receipt = publish_once(repository, objects)["staging"]
    store = ObjectStore(objects)
    assert receipt.outcome in ("published", "unchanged")
    assert revisions(store, "staging") == [2, 1]
    assert [store.get_release("staging", revision).release.revision for revision in (1, 2)] == [1, 2]
    release = a_reader(objects, clock).current()
    for namespace, (digest, _size) in release.release.namespaces.items():
        assert store.get_blob(digest)
        static = store.read_static("staging", namespace)
        document = release.snapshot.namespaces[namespace].document
        assert static is not None and static[0] == client_snapshot(document, 0)[0]


def test_a_reader_never_sees_half_a_release_while_one_is_being_written(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", FIRST)
    objects, clock = FaultyObjects(MemoryObjects("memory://half")), VirtualClock(wall=1_900_000_000_000)
    publish_once(repository, objects)
    commit(repository, SECOND)
    seen = []

    def look(verb: str, key: str) -> None:
        if verb in ("swap", "put_new"):
            serving = a_reader(objects.inner, clock).current()
            seen.append((serving.release.revision, sorted(serving.snapshot.namespaces)))

    objects.pause = look
    publish_once(repository, objects)
    assert set(map(str, seen)) == {"(1, ['default'])", "(2, ['default', 'extra'])"}


def test_a_namespace_that_is_gone_is_overwritten_with_an_empty_snapshot(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", {**FIRST, **SECOND})
    objects = MemoryObjects("memory://gone")
    publish_once(repository, objects)
    commit(repository, FIRST)
    publish_once(repository, objects)
    assert objects.get(keys.static_snapshot("staging", "extra")).content == b'{"namespace":{"key":"extra"},"flags":[]}'


def test_an_older_publisher_that_stalled_does_not_put_its_tip_on_top(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", FIRST)
    objects = FaultyObjects(MemoryObjects("memory://stalled"))
    publish_once(repository, objects)
    commit(repository, {"flags/staging/features.yaml": features("a", "b", percentage=20)})
    overtaken: list[bool] = []

    def overtake(verb: str, key: str) -> None:
        if verb == "swap" and key == keys.head("staging") and not overtaken:
            overtaken.append(True)
            commit(repository, {"flags/staging/features.yaml": features("a", "b", percentage=90)})
            publish_once(repository, objects.inner)

    objects.pause = overtake
    receipt = publish_once(repository, objects)["staging"]
    store = ObjectStore(objects)
    assert receipt.outcome == "unchanged"
    assert revisions(store, "staging") == [2, 1]


PUBLISHER = """
import sys
from pathlib import Path
from threading import Event
from burgee.store.file import FileObjects
from tests.publishing import features, publish_once
from tests.servers.git_cli import commit
repository, store, number = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
for turn in range(4):
    commit(repository, {"flags/staging/features.yaml": features("a", "b", percentage=number * 10 + turn + 1)})
    receipt = publish_once(repository, FileObjects(store), adopt=True, environments=("staging",))["staging"]
    assert receipt.outcome == "published", receipt
"""


def test_eight_concurrent_publishers_make_a_log_without_gap_or_lost_update(tmp_path: Path) -> None:
    repositories = [a_work_tree(tmp_path / f"repo-{number}", FIRST) for number in range(8)]
    root = Path(__file__).parent.parent.parent
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(repository), str(tmp_path / "store"), str(number)],
            cwd=root,
            stderr=subprocess.PIPE,
        )
        for number, repository in enumerate(repositories)
    ]
    for process in running:
        _out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    store = ObjectStore(FileObjects(tmp_path / "store"))
    assert revisions(store, "staging") == list(range(32, 0, -1))


def test_publishers_in_threads_make_a_log_without_gap(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    repository = a_work_tree(tmp_path / "flags", FIRST)
    objects = MemoryObjects("memory://threads")
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: publish(a_publisher(repository, objects)), range(8)))
    made = sum(receipt.outcome == "published" for receipts in outcomes for receipt in receipts)
    assert made == 2
    assert revisions(ObjectStore(objects), "staging") == [1]


def test_a_fault_after_the_commit_point_is_a_warning_and_the_next_publish_completes(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", FIRST)
    objects = FaultyObjects(MemoryObjects("memory://after"))
    publish_once(repository, objects)
    commit(repository, SECOND)

    def break_the_log(verb: str, key: str) -> None:
        if verb == "put_new" and key == keys.release("staging", 2):
            raise Unavailable("the store had a fault")

    objects.pause = break_the_log
    receipt = publish_once(repository, objects)["staging"]
    assert receipt.outcome == "published"
    assert "the log by number could not be completed" in receipt.warnings[0]
    objects.pause = None
    assert publish_once(repository, objects)["staging"].warnings == ()
    assert ObjectStore(objects).get_release("staging", 2).release.revision == 2


def test_a_publisher_whose_instant_comes_too_near_before_its_swap_plans_again(tmp_path: Path) -> None:
    delayed = FIRST["burgee.yaml"].replace("{default: true,", "{default: true, activation_delay: 2s,")
    repository = a_work_tree(tmp_path / "flags", {**FIRST, "burgee.yaml": delayed})
    objects, clock = FaultyObjects(MemoryObjects("memory://late")), VirtualClock()
    stalls = [5_000]

    def stall(verb: str, key: str) -> None:
        if verb == "put_new" and stalls:
            clock.advance(stalls.pop())

    objects.pause = stall
    with open_repository(repository) as opened:
        publisher = Publisher(opened, ObjectStore(objects), a_rim(clock), Options(environments=("staging",)))
        (receipt,) = publish(publisher)
    assert receipt.outcome == "published" and receipt.release is not None
    assert receipt.release.published_at >= clock.wall() - 200
    assert receipt.release.activates_at > clock.wall()


def test_one_broken_head_keeps_no_other_environment_from_being_settled(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", FIRST)
    objects, published = MemoryObjects("memory://broken"), Event()
    publish_once(repository, objects)
    head = objects.get(keys.head("production"))
    objects.swap(keys.head("production"), b"{}", expected=head.etag, content_type=keys.JSON, cache_control="no-cache")
    static = keys.static_snapshot("staging", "default")
    etag = objects.get(static).etag
    objects.swap(static, b"old", expected=etag, content_type=keys.JSON, cache_control="no-cache")
    reconciler = Reconciler(ObjectStore(objects), now=VirtualClock(wall=1_900_000_000_000).wall, publish=published.set)
    reconciler.settle()
    assert objects.get(static).content != b"old"


def document_of(store: Path) -> Path:
    """The file of the document that staging serves."""
    found = ObjectStore(FileObjects(store)).read_head("staging")
    assert found is not None
    return store / keys.blob(found[0].last.release.namespaces["default"][0])


def test_a_document_that_is_gone_is_written_again_by_the_next_publish(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", FIRST)
    objects = FileObjects(tmp_path / "store")
    publish_once(repository, objects)
    document = document_of(tmp_path / "store")
    content = document.read_bytes()
    document.unlink()
    assert publish_once(repository, objects)["staging"].outcome == "unchanged"
    assert document.read_bytes() == content


def test_a_damaged_document_is_told_and_the_next_change_is_still_released(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", FIRST)
    objects = FileObjects(tmp_path / "store")
    publish_once(repository, objects)
    document_of(tmp_path / "store").write_bytes(b"other")
    assert "never changes" in publish_once(repository, objects)["staging"].warnings[0]
    commit(repository, SECOND)
    receipt = publish_once(repository, objects)["staging"]
    assert receipt.outcome == "published"
    assert "cannot be read" in receipt.warnings[0]


def test_a_log_that_has_lost_its_head_is_not_begun_again(tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path / "flags", FIRST)
    objects = FileObjects(tmp_path / "store")
    publish_once(repository, objects)
    (tmp_path / "store" / keys.head("staging")).unlink()
    receipt = publish_once(repository, objects)["staging"]
    assert receipt.outcome == "failed"
    assert "its head.json is gone; restore it" in receipt.message
    assert not (tmp_path / "store" / keys.head("staging")).exists()
