"""What is kept on disk of a store: it spares reads, answers without network, and never answers wrongly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.core.errors import DigestMismatch, NotFound, Unavailable
from burgee.fetch.bounded import Bounded
from burgee.fetch.cache_folder import CacheFolder
from burgee.fetch.cached import Cached
from burgee.fetch.history import History
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.logs import ENVIRONMENT, NOON, ON, Log, a_log

PLACE = "https://flags.example.org"
BLOB = keys.blob(digest_of(ON))
HEAD = keys.head(ENVIRONMENT)


def a_cached(log: Log, folder: Path, *, place: str = PLACE, most: int = 10_000_000) -> tuple[Cached, FaultyFetcher]:
    fetcher = FaultyFetcher(log.objects)
    return Cached(fetcher, CacheFolder(str(folder), most=most), place), fetcher


def kept(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def one_kept(folder: Path, name: str) -> Path:
    (path,) = (path for path in kept(folder) if path.name == name)
    return path


# What is spared


def test_what_never_changes_is_fetched_once(tmp_path: Path) -> None:
    log = a_log([0] * 100)
    for expected in (12, 1):
        cached, fetcher = a_cached(log, tmp_path)
        assert History(cached, ENVIRONMENT).at(NOON + 40_500).release.revision == 41
        assert fetcher.calls.count(HEAD) == 1
        assert len(fetcher.calls) <= expected


def test_stores_share_blobs_and_nothing_else(tmp_path: Path) -> None:
    log = a_log([0, 0])
    for place in (PLACE, "s3://flags"):
        cached, fetcher = a_cached(log, tmp_path, place=place)
        History(cached, ENVIRONMENT).at(NOON)
    assert BLOB not in fetcher.calls
    assert keys.release(ENVIRONMENT, 1) in fetcher.calls


def test_only_the_owner_can_read_what_is_kept(tmp_path: Path) -> None:
    cached, _ = a_cached(a_log(), tmp_path / "cache")
    History(cached, ENVIRONMENT).at(NOON)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "cache", *kept(tmp_path))} == {0}


# Without network


def test_what_was_asked_before_is_answered_without_network(tmp_path: Path) -> None:
    log = a_log([0] * 20)
    cached, _ = a_cached(log, tmp_path)
    answers = [History(cached, ENVIRONMENT).at(NOON + 9000).digest]
    cached, fetcher = a_cached(log, tmp_path)
    fetcher.faults[""] = Unavailable("the network is down")
    answers.append(History(cached, ENVIRONMENT).at(NOON + 9000).digest)
    assert answers[0] == answers[1]
    assert cached.out_of_reach is not None
    assert cached.out_of_reach.fault is fetcher.faults[""]
    assert cached.out_of_reach.seen_at == one_kept(tmp_path, "head.json").stat().st_mtime_ns // 1_000_000


def test_what_was_not_asked_before_needs_the_network(tmp_path: Path) -> None:
    log = a_log([0] * 20)
    cached, fetcher = a_cached(log, tmp_path)
    History(cached, ENVIRONMENT).head()
    fetcher.faults[""] = Unavailable("the network is down")
    with pytest.raises(Unavailable):
        History(cached, ENVIRONMENT).at(NOON + 9000)


def test_a_head_that_is_gone_is_not_given_as_it_was(tmp_path: Path) -> None:
    cached, fetcher = a_cached(a_log(), tmp_path)
    History(cached, ENVIRONMENT).head()
    fetcher.faults[HEAD] = NotFound("nothing there")
    with pytest.raises(NotFound):
        History(cached, ENVIRONMENT).head()


# What is not believed


@pytest.mark.parametrize("name", [digest_of(ON).removeprefix("sha256:"), "0000000001.json"])
@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_what_is_damaged_on_disk_is_fetched_again(tmp_path: Path, name: str, damage: bytes | None) -> None:
    log = a_log([0, 0])
    cached, _ = a_cached(log, tmp_path)
    first = History(cached, ENVIRONMENT).at(NOON).digest
    path = one_kept(tmp_path, name)
    path.write_bytes(path.read_bytes()[:-2] + b"!!" if damage is None else damage)
    cached, fetcher = a_cached(log, tmp_path)
    assert History(cached, ENVIRONMENT).at(NOON).digest == first
    assert len(fetcher.calls) == 2
    cached, fetcher = a_cached(log, tmp_path)
    History(cached, ENVIRONMENT).at(NOON)
    assert fetcher.calls == [HEAD]


def test_a_head_that_is_damaged_on_disk_is_not_given_without_network(tmp_path: Path) -> None:
    cached, fetcher = a_cached(a_log(), tmp_path)
    History(cached, ENVIRONMENT).head()
    path = one_kept(tmp_path, "head.json")
    path.write_bytes(path.read_bytes().replace(b'"revision":1', b'"revision":7'))
    fetcher.faults[""] = Unavailable("the network is down")
    with pytest.raises(Unavailable):
        History(cached, ENVIRONMENT).head()


def test_what_the_store_gives_damaged_is_not_kept(tmp_path: Path) -> None:
    log = a_log()
    cached, fetcher = a_cached(log, tmp_path)
    fetcher.contents[BLOB] = b"!"
    with pytest.raises(DigestMismatch):
        History(cached, ENVIRONMENT).at(NOON)
    fetcher.contents.clear()
    assert History(cached, ENVIRONMENT).at(NOON).release.revision == 1


# A log that began anew


@pytest.mark.parametrize("again", [3, 5, 60])
def test_a_store_that_began_anew_is_not_answered_for_with_what_was_kept(tmp_path: Path, again: int) -> None:
    """`file` stores aside, somebody empties a bucket and publishes to it as if nothing had been."""
    cached, _ = a_cached(a_log([0] * 5), tmp_path)
    before = [entry.digest for entry in History(cached, ENVIRONMENT).backwards()]
    anew = Log()
    for number in range(again):
        anew.add(NOON + 500 + number * 1000)
    cached, _ = a_cached(anew.finish(), tmp_path)
    found = [entry.digest for entry in History(cached, ENVIRONMENT).backwards()]
    assert found == [head.last.digest for head in reversed(anew.heads)]
    assert not set(found) & set(before)


def test_a_log_that_went_on_is_continued(tmp_path: Path) -> None:
    log = a_log([0] * 5)
    cached, _ = a_cached(log, tmp_path)
    list(History(cached, ENVIRONMENT).backwards())
    for number in range(5, 9):
        log.add(NOON + number * 1000)
    cached, fetcher = a_cached(log.finish(), tmp_path)
    assert len(list(History(cached, ENVIRONMENT).backwards())) == 9
    # The head, the release that was the newest (both for the question and for the answer: it was in the head), 6 to 8.
    assert sorted(fetcher.calls) == [HEAD, *(keys.release(ENVIRONMENT, number) for number in (5, 5, 6, 7, 8))]


# The folder


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    folder = CacheFolder(str(tmp_path / "cache"))
    cached = Cached(FaultyFetcher(a_log().objects), folder, PLACE)
    assert History(cached, ENVIRONMENT).at(NOON).release.revision == 1
    assert isinstance(folder.fault, OSError)


def test_what_was_not_used_for_longest_goes_when_there_is_too_much(tmp_path: Path) -> None:
    folder = CacheFolder(str(tmp_path), most=8 * 4096)
    for number in range(8):
        folder.write_own(f"stores/{number}", b"x")
        os.utime(tmp_path / f"stores/{number}", (number, number))
    # Read means used.
    assert folder.read_own("stores/0", max_bytes=10) == b"x"
    folder.write_own("stores/8", b"x")
    folder.close()
    assert sorted(path.name for path in kept(tmp_path)) == ["0", "4", "5", "6", "7", "8"]


def test_a_file_that_is_longer_than_wanted_counts_as_none(tmp_path: Path) -> None:
    folder = CacheFolder(str(tmp_path))
    folder.write("a", b"12345")
    assert folder.read("a", digest_of(b"12345"), max_bytes=4) is None
    assert folder.read("a", digest_of(b"12345"), max_bytes=5) == b"12345"


def test_a_bounded_mapping_lets_go_of_what_was_not_used_for_longest() -> None:
    bounded: Bounded[str, str] = Bounded(3)
    for key in "abc":
        bounded.put(key, key.upper())
    assert bounded.get("a") == "A"
    bounded.put("d", "D", size=2)
    assert [bounded.get(key) for key in "abcd"] == ["A", None, None, "D"]
    bounded.put("e", "E", size=9)
    assert [bounded.get(key) for key in "ade"] == [None, None, "E"]
