"""What `store/remote.py` promises of every cloud's wire, through faults and races. A new one is a row of WIRES."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from burgee.core.errors import Conflict, InvalidDocument, Unavailable
from burgee.store import remote
from burgee.store.pace import Pace
from burgee.store.remote import RemoteObjects
from tests.fakes.clock import VirtualClock
from tests.servers.clouds import BUCKET
from tests.servers.dev import wait_for
from tests.servers.wires import NAMES_AT_ONCE, Relayed
from tests.writing import HASTY, IMPATIENT, KEY, get_it, list_all, put, said_of, swap

pytestmark = pytest.mark.integration

THREADS = 16
NOBODY = "http://127.0.0.1:1"
PASSING = ("busy", "broken", "502", "cut", "silent")
# What may befall an answer after a write was done.
LOST = ("cut", "silent", "broken", "504")


@pytest.fixture
def impatient(relayed: Relayed) -> RemoteObjects:
    """Objects behind the relay, for who does not wait long for an answer."""
    return relayed.objects(IMPATIENT, origin=relayed.relay.url)


# What is read and listed


def test_what_others_put_there_is_not_listed(relayed: Relayed, objects: RemoteObjects) -> None:
    for key in ("a", "a/", ".hidden", "b//c", "z/é"):
        relayed.server.put(BUCKET, f"{relayed.prefix}/{key}", b"")
    relayed.server.put(BUCKET, f"{relayed.prefix}ping/a", b"")
    assert list_all(objects) == ["a", "z/é"]


def test_a_listing_of_more_than_one_page_is_whole_and_sorted(
    relayed: Relayed, objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2 * NAMES_AT_ONCE + 5):
        relayed.server.put(BUCKET, f"{relayed.prefix}/n/{number}", b"")
    relayed.cloud.in_pages(relayed.servers, objects, monkeypatch)
    assert list(objects.list("n/")) == sorted(f"n/{number}" for number in range(2 * NAMES_AT_ONCE + 5))
    assert len(relayed.relay.asked) == 3


def test_an_object_that_is_longer_than_readers_take_is_not_read(
    objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LARGEST_BYTES", 10)
    put(objects, b"x" * 10, "fits")
    put(objects, b"x" * 11, "long")
    assert objects.get("fits").content == b"x" * 10
    with pytest.raises(InvalidDocument, match="11 bytes or more, wanted at most 10"):
        objects.get("long")


# Faults that pass, and faults that stay


@pytest.mark.parametrize("fault", PASSING)
def test_a_read_is_tried_again_through_faults_that_pass(relayed: Relayed, impatient: RemoteObjects, fault: str) -> None:
    put(impatient)
    harm = relayed.cloud.harm(fault)
    relayed.relay.next("GET", harm, harm, harm)
    assert impatient.get(KEY).content == b"content"
    relayed.relay.next("GET", harm)
    assert list_all(impatient) == [KEY]


@pytest.mark.parametrize("fault", [*PASSING, "beside"])
def test_a_write_that_did_not_arrive_is_done_by_a_later_attempt(
    relayed: Relayed, impatient: RemoteObjects, fault: str
) -> None:
    harm = relayed.cloud.harm(fault)
    relayed.next(harm, harm)
    etag = put(impatient, b"first")
    relayed.next(harm, harm, harm)
    swap(impatient, b"second", etag)
    assert impatient.get(KEY).content == b"second"


@pytest.mark.parametrize("fault", PASSING)
def test_faults_that_stay_are_unavailable_after_four_attempts(
    relayed: Relayed, impatient: RemoteObjects, fault: str
) -> None:
    relayed.always(relayed.cloud.harm(fault), "read", "write")
    for method, verb in (("GET", get_it), ("PUT", put)):
        message = said_of(impatient, verb)
        assert message.startswith(f"Unavailable: {method} {relayed.url}/{KEY} at {relayed.asked_at}: ")
        assert relayed.cloud.words[fault] in message
    assert (relayed.count("read"), relayed.count("write")) == (4, 4)


def test_no_attempt_begins_after_the_time_for_all_of_them(relayed: Relayed) -> None:
    clock = VirtualClock()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(40_000)

    pace = Pace(sleep=wait, clock=lambda: clock.monotonic() / 1000, random=lambda: 1.0)
    relayed.always(relayed.cloud.harm("busy"), "read")
    with pytest.raises(Unavailable):
        relayed.objects(pace, origin=relayed.relay.url).get(KEY)
    assert relayed.relay.methods() == ["GET", "GET"]
    assert waits == [0.4, 0.8]


def test_an_endpoint_that_nobody_listens_at_is_unavailable(relayed: Relayed) -> None:
    nowhere = relayed.objects(HASTY, origin=NOBODY)
    for verb in (get_it, put, list_all):
        message = said_of(nowhere, verb)
        assert message.startswith("Unavailable")
        assert f" at {relayed.cloud.asked_at.format(origin=NOBODY)}: " in message
        assert relayed.cloud.words["nobody"] in message


def test_a_bucket_that_is_not_there_is_no_missing_object(relayed: Relayed) -> None:
    nowhere = relayed.objects(HASTY, bucket="no-such-bucket")
    for verb in (get_it, put, lambda objects: swap(objects, b"", "5"), list_all):
        message = said_of(nowhere, verb)
        assert message.startswith("Unavailable")
        assert relayed.cloud.words["no bucket"] in message


# Was it us?


@pytest.mark.parametrize("fault", LOST)
def test_a_write_that_was_done_before_its_answer_was_lost_is_known_as_ones_own(
    relayed: Relayed, impatient: RemoteObjects, fault: str
) -> None:
    harm = relayed.cloud.harm(fault, arrives=True)
    relayed.next(harm)
    etag = put(impatient, b"first")
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"first", etag)
    relayed.next(harm)
    etag = swap(impatient, b"second", etag)
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"second", etag)
    assert relayed.count("look") >= 2


@pytest.mark.parametrize("fault", LOST)
def test_a_write_whose_answers_are_all_lost_is_known_by_a_look(
    relayed: Relayed, impatient: RemoteObjects, fault: str
) -> None:
    relayed.next(*[relayed.cloud.harm(fault, arrives=True)] * 4)
    etag = put(impatient, b"first")
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"first", etag)
    # A log may be a moment behind the answers.
    assert wait_for(lambda: relayed.servers.writes(relayed.url, KEY) == 1, 2)


def test_the_same_bytes_of_somebody_else_are_not_taken_for_ones_own(
    relayed: Relayed, objects: RemoteObjects, another: RemoteObjects
) -> None:
    relayed.next(relayed.cloud.harm("cut", then=lambda: put(another, b"same")))
    with pytest.raises(Conflict, match="for the first time, it exists"):
        put(objects, b"same")
    etag = another.get(KEY).etag
    relayed.next(relayed.cloud.harm("cut", then=lambda: swap(another, b"both", etag)))
    said = f"wanted {KEY} in {relayed.url} at etag {etag}, it is at another"
    with pytest.raises(Conflict, match=re.escape(said)):
        swap(objects, b"both", etag)


def test_a_write_that_was_done_and_replaced_meanwhile_is_a_conflict(
    relayed: Relayed, objects: RemoteObjects, another: RemoteObjects
) -> None:
    relayed.next(relayed.cloud.harm("cut", arrives=True, then=lambda: swap(another, b"theirs", another.get(KEY).etag)))
    with pytest.raises(Conflict):
        put(objects, b"mine")
    assert objects.get(KEY).content == b"theirs"


def test_a_write_of_unknown_end_that_cannot_be_looked_for_is_unavailable_and_says_so(
    relayed: Relayed, objects: RemoteObjects
) -> None:
    relayed.next(relayed.cloud.harm("cut", arrives=True))
    relayed.always(relayed.cloud.harm("busy"), "look")
    said = f"whether {KEY} in {relayed.url} was written is not known: HEAD"
    with pytest.raises(Unavailable, match=re.escape(said)):
        put(objects)


def test_of_many_threads_whose_answers_get_lost_exactly_one_wins(relayed: Relayed, objects: RemoteObjects) -> None:
    lost, told = relayed.cloud.harm("broken", arrives=True), relayed.cloud.harm("beside")
    for number in range(5):
        relayed.next(*[lost] * (THREADS // 2), *[told] * (THREADS // 2))
        won = _winners(objects, f"race/{number}")
        assert [objects.get(f"race/{number}").content] == [b"%d" % thread for thread in won]


def _winners(objects: RemoteObjects, key: str) -> list[int]:
    """The threads, of THREADS that start together, that were told that their number is what is written."""
    barrier = Barrier(THREADS)

    def wins(thread: int) -> bool:
        barrier.wait()
        try:
            put(objects, b"%d" % thread, key)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        return [thread for thread, has_won in enumerate(pool.map(wins, range(THREADS))) if has_won]
