"""The log by number: what was active at an instant, read in few steps and believed for a reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from burgee.bundle import keys
from burgee.bundle.head import Head, decode_head, entry_of
from burgee.core.errors import ContentError, DigestMismatch, InvalidRequest, NotFound, Untrusted
from burgee.fetch.history import History
from tests.fakes.clock import VirtualClock
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.logs import ENVIRONMENT, NOON, OFF, Log, a_log


def a_history(log: Log, **options: object) -> tuple[History, FaultyFetcher]:
    fetcher = FaultyFetcher(log.objects)
    return History(fetcher, ENVIRONMENT, **options), fetcher  # type: ignore[arg-type]


class Believing:
    """A verifier for what needs no cryptography: it believes heads of these environments."""

    def __init__(self, of: tuple[str, ...] = (ENVIRONMENT,)) -> None:
        self.of = of

    def decode_kept(self, content: bytes) -> Head:
        head = decode_head(content)
        if head.environment not in self.of:
            raise Untrusted("nobody we know signed it")
        return head

    def follow(self, fetcher: object, before: Head, head: Head) -> None:
        """It follows."""


def released(revision: int) -> str:
    return keys.release(ENVIRONMENT, revision)


def forge(log: Log, revision: int, **fields: object) -> bytes:
    """A release as it could be, were it not for the chain."""
    content = log.objects.get(released(revision)).content
    history, _ = a_history(log)
    return entry_of(history.release(revision).release._replace(**fields)).payload.encode() or content


# What was active


@pytest.mark.parametrize(("after", "revision"), [(0, 1), (999, 1), (1000, 2), (1999, 2), (2000, 3), (99_999, 3)])
def test_a_release_that_is_active_at_once_is_so_until_the_next(after: int, revision: int) -> None:
    history, _ = a_history(a_log([0, 0, 0]))
    assert history.active_at(NOON + after).release.revision == revision


@pytest.mark.parametrize(("after", "revision"), [(1000, 1), (5999, 1), (6000, 2), (6999, 2), (7000, 3)])
def test_a_pending_release_is_active_from_its_own_instant(after: int, revision: int) -> None:
    history, _ = a_history(a_log([0, 5000, 5000]))
    assert history.active_at(NOON + after).release.revision == revision


def test_a_release_that_a_later_one_overtakes_was_never_active() -> None:
    history, _ = a_history(a_log([0, 60_000, 0]))
    assert [history.active_at(NOON + after).release.revision for after in (1000, 1999, 2000, 61_000)] == [1, 1, 3, 3]


def test_of_a_long_row_that_waits_for_one_instant_the_last_is_active_then_and_none_before() -> None:
    row = [0, *(100_000 - 1000 * number for number in range(1, 61))]
    history, _ = a_history(a_log(row))
    assert [history.active_at(NOON + after).release.revision for after in (50_000, 99_999, 100_000)] == [1, 1, 61]


@pytest.mark.parametrize("instant", [NOON - 1, NOON + 4999])
def test_before_the_first_release_is_active_there_is_none(instant: int) -> None:
    history, _ = a_history(a_log([5000, 5000]))
    with pytest.raises(NotFound, match=r"environment 'staging' had no active release at 20"):
        history.active_at(instant)


def test_an_instant_can_be_evaluated_again() -> None:
    history, _ = a_history(a_log([0, 0]))
    answers = [
        history.at(instant).snapshot.namespace("default").boolean("on", "somebody", {}, instant).enabled
        for instant in (NOON, NOON + 1000)
    ]
    assert answers == [True, False]


def test_ten_thousand_releases_cost_some_fourteen_reads() -> None:
    history, fetcher = a_history(a_log([0] * 10_000))
    assert history.active_at(NOON + 5_000_500).release.revision == 5001
    assert len(fetcher.calls) <= 1 + 15


def test_an_instant_before_the_newest_known_release_needs_no_look_at_the_head() -> None:
    history, fetcher = a_history(a_log([0, 0]), ttl_ms=0)
    history.active_at(NOON)
    fetcher.calls.clear()
    history.active_at(NOON)
    assert fetcher.calls == []


def test_the_head_is_looked_at_once_per_ttl() -> None:
    log, clock = a_log([0]), VirtualClock()
    history, _ = a_history(log, ttl_ms=1000, clock=clock)
    assert history.active_at(NOON + 9000).release.revision == 1
    log.add(NOON + 5000)
    log.finish()
    assert history.active_at(NOON + 9000).release.revision == 1
    clock.advance(1000)
    assert history.active_at(NOON + 9000).release.revision == 2


# What is believed


def test_a_release_that_is_not_in_the_log_is_said_with_those_that_are() -> None:
    history, _ = a_history(a_log([0, 0]))
    for revision in (0, 3, -1):
        with pytest.raises(NotFound, match=rf"environment 'staging' has releases 1 to 2, not {revision}$"):
            history.release(revision)


def test_a_release_that_its_neighbour_does_not_name_is_refused() -> None:
    log = a_log([0, 0, 0, 0])
    history, fetcher = a_history(log)
    fetcher.contents[released(2)] = forge(log, 2, profile="S1/server")
    history.release(3)
    with pytest.raises(ContentError, match="release 2 of environment 'staging' has digest sha256:"):
        history.release(2)


def test_a_search_reads_the_releases_on_either_side_and_so_finds_an_exchanged_one() -> None:
    log = a_log([0] * 100)
    history, fetcher = a_history(log)
    fetcher.contents[released(40)] = forge(log, 40, profile="S1/server")
    with pytest.raises(ContentError, match="release 40 of environment"):
        history.active_at(NOON + 39_500)


def test_a_release_of_another_number_is_refused_and_named() -> None:
    log = a_log([0, 0, 0])
    history, fetcher = a_history(log)
    fetcher.contents[released(1)] = log.objects.get(released(2)).content
    with pytest.raises(ContentError, match=r"environments/staging/releases/0000000001\.json: it is release 2 of"):
        history.release(1)


def test_a_document_that_is_not_what_its_digest_says_is_refused() -> None:
    log = a_log([0, 0])
    history, fetcher = a_history(log)
    digest, _ = history.release(2).release.namespaces["default"]
    fetcher.contents[keys.blob(digest)] = OFF[:-1] + b" "
    with pytest.raises(DigestMismatch):
        history.at(NOON + 1000)


def test_the_log_is_read_backwards_along_its_chain() -> None:
    history, _ = a_history(a_log([0] * 150))
    assert [entry.release.revision for entry in history.backwards()] == list(range(150, 0, -1))
    assert [entry.release.revision for entry in history.backwards(3)] == [3, 2, 1]


def test_a_broken_chain_ends_the_walk() -> None:
    log = a_log([0] * 50)
    history, fetcher = a_history(log)
    fetcher.contents[released(20)] = forge(log, 20, kind="rollback")
    with pytest.raises(ContentError, match="release 20 of environment"):
        list(history.backwards())


def test_with_keys_every_release_comes_from_the_chain_of_a_signed_head() -> None:
    log = a_log([0] * 200)
    history, fetcher = a_history(log, verifier=Believing())
    fetcher.contents[released(20)] = forge(log, 20, profile="S1/server")
    assert history.release(30).release.revision == 30
    # Nothing beside it would show it: the chain does.
    with pytest.raises(ContentError, match="release 20 of environment"):
        history.release(10)


def test_what_of_the_chain_was_walked_is_not_walked_again() -> None:
    history, fetcher = a_history(a_log([0] * 200), verifier=Believing())
    history.release(10)
    fetcher.calls.clear()
    assert [history.release(revision).release.revision for revision in (10, 50, 199)] == [10, 50, 199]
    assert fetcher.calls == []


def test_a_head_that_nobody_we_know_signed_is_not_believed() -> None:
    history, _ = a_history(a_log([0, 0]), verifier=Believing(of=()))
    for _attempt in range(2):
        with pytest.raises(Untrusted, match="nobody we know"):
            history.release(1)


def test_an_expired_head_tells_of_the_time_before_it_expired() -> None:
    log = a_log([0, 0])
    log.heads[-1] = log.heads[-1]._replace(expires_at=NOON + 5000)
    history, _ = a_history(log.finish(), verifier=Believing())
    assert history.active_at(NOON + 5000).release.revision == 2
    with pytest.raises(Untrusted, match=r"says nothing of 20.*, for it has expired at 20"):
        history.active_at(NOON + 5001)


# How far it goes


def test_with_a_verifier_only_what_came_after_the_instant_is_walked() -> None:
    history, fetcher = a_history(a_log([0] * 1000), verifier=Believing())
    assert history.active_at(NOON + 989_500).release.revision == 990
    assert len(fetcher.calls) <= 1 + 2 * 16


def test_an_instant_out_of_reach_is_refused_and_one_within_it_is_not() -> None:
    history, fetcher = a_history(a_log([0] * 100), verifier=Believing(), reach=20)
    assert history.active_at(NOON + 79_000).release.revision == 80
    with pytest.raises(InvalidRequest, match=r"is more than 20 releases of 'staging' back, .* `burgee evaluate --at`"):
        history.active_at(NOON + 78_999)
    assert len(fetcher.calls) <= 1 + 20


def test_a_log_that_is_shorter_than_the_reach_is_walked_to_its_beginning() -> None:
    history, _ = a_history(a_log([0] * 5), verifier=Believing(), reach=20)
    assert history.active_at(NOON).release.revision == 1
    with pytest.raises(NotFound, match="had no active release"):
        history.active_at(NOON - 1)


def test_what_was_walked_before_is_answered_while_another_walk_hangs() -> None:
    history, fetcher = a_history(a_log([0] * 50), verifier=Believing())
    history.active_at(NOON + 40_000)
    walking, freed = Event(), Event()

    def hang(key: str) -> None:
        if key == released(20):
            walking.set()
            freed.wait(20)

    fetcher.pause = hang
    with ThreadPoolExecutor(1) as pool:
        far = pool.submit(history.active_at, NOON)
        assert walking.wait(20)
        assert history.active_at(NOON + 41_000).release.revision == 42
        freed.set()
        assert far.result().release.revision == 1


@pytest.mark.parametrize(("lags", "skew", "settled"), [((), None, 11_000), ((200, 300), 700, 2_000)])
def test_an_instant_is_settled_when_no_release_of_then_can_come_to_be_seen_any_more(
    lags: tuple[int, ...], skew: int | None, settled: int
) -> None:
    log = a_log([0, 0])
    log.heads[-1] = log.heads[-1]._replace(lags_ms=lags, clock_skew_ms=skew)
    history, _ = a_history(log.finish(), ttl_ms=1000)
    instant = NOON + 60_000
    with pytest.raises(InvalidRequest, match="may not be seen yet"):
        history.active_at(instant, now=instant + settled - 1)
    assert history.active_at(instant, now=instant + settled).release.revision == 2
    # What came before the newest release is settled by that.
    assert history.active_at(NOON + 999, now=NOON + 1000).release.revision == 1
