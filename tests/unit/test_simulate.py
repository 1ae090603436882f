"""The simulation: virtual places and clocks, what is pushed, and how answers are judged."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from burgee.bundle import keys
from burgee.bundle.head import decode_head
from burgee.bundle.release import Origin, Release
from burgee.core.errors import NotFound, Unavailable
from burgee.fetch.port import NOT_MODIFIED
from burgee.simulate.answers import Answers
from burgee.simulate.clock import ReaderClock, reader_clock
from burgee.simulate.place import Place
from burgee.simulate.publishing import publish
from burgee.simulate.run import simulate
from burgee.simulate.scenario import BEGIN, Scenario, pushes, watched
from burgee.simulate.way import TIMEOUT_MS, Way

SKEW = 5_000
FRESH = 60_000
HEAD = keys.head("production")


def a_place() -> Place:
    """A place whose object `key` was written at 1,000 and again at 2,000."""
    place = Place("memory://place")
    etag = None
    for instant, content in ((1_000, b"one"), (2_000, b"two")):
        place.now = instant
        etag = place.swap("key", content, expected=etag, content_type="text/plain", cache_control="no-cache")
    return place


def a_release(revision: int, *, published_at: int, activates_at: int) -> Release:
    return Release(
        environment="production",
        revision=revision,
        kind="publish",
        bundle="sha256:" + 64 * "0",
        profile="C/server",
        namespaces={},
        source=Origin("https://example.org/flags", "main", "c0ffee", None),
        published_at=published_at,
        activates_at=activates_at,
        pending=(),
        previous=None,
    )


def answers_to_a_change(at: int = 100_000) -> Answers:
    """What is heard around an instant at which release 2 becomes active after release 1."""
    releases = [
        a_release(1, published_at=0, activates_at=0),
        a_release(2, published_at=20_000, activates_at=at),
    ]
    return Answers(Scenario(skew=SKEW, lag=0), releases)


def test_a_place_tells_what_was_there_at_an_instant() -> None:
    place = a_place()
    assert [place.as_of("key", instant).content for instant in (1_000, 1_999, 2_000)] == [b"one", b"one", b"two"]
    with pytest.raises(NotFound, match="no object key in memory://place yet"):
        place.as_of("key", 999)


def test_the_wall_clock_of_a_reader_is_never_further_from_the_real_time_than_the_skew() -> None:
    for seed in range(200):
        clock = reader_clock(BEGIN, BEGIN + 3_600_000, skew=SKEW, chance=Random(seed))
        for real in range(BEGIN, BEGIN + 3_600_001, 100_000):
            clock.real = real
            assert abs(clock.wall() - real) <= SKEW


def test_without_skew_the_wall_clock_of_a_reader_is_right() -> None:
    clock = reader_clock(BEGIN, BEGIN + 3_600_000, skew=0, chance=Random(1))
    clock.real += 1_234_567
    assert clock.wall() == clock.real


def test_the_monotonic_clock_stands_still_while_a_reader_is_frozen() -> None:
    clock = ReaderClock(BEGIN)
    wall, monotonic = clock.wall(), clock.monotonic()
    clock.freeze(180_000)
    assert (clock.wall() - wall, clock.monotonic() - monotonic) == (180_000, 0)


def test_a_place_that_is_away_answers_nobody_and_takes_its_time_to() -> None:
    clock = ReaderClock(5_000)
    way = Way(a_place(), clock, Random(1), lag=0, frozen=0, outages=((0, 10_000_000),))
    for _ in range(50):
        with pytest.raises(Unavailable, match="wanted key in memory://place"):
            way.get("key")
    assert clock.real > 5_000 + 10 * TIMEOUT_MS


def test_what_is_written_is_seen_when_the_lag_is_over_at_the_latest() -> None:
    assert contents_seen(at=2_500, lag=1_000) == {b"one", b"two"}
    assert contents_seen(at=3_000, lag=1_000) == {b"two"}


def contents_seen(*, at: int, lag: int) -> set[bytes]:
    """What several readers get whose looks do not fail."""
    seen = set()
    for seed in range(50):
        with suppress(Unavailable):
            seen.add(Way(a_place(), ReaderClock(at), Random(seed), lag=lag, frozen=0, outages=()).get("key").content)
    return seen


def test_an_object_that_has_not_changed_is_not_sent_again() -> None:
    way = Way(a_place(), ReaderClock(60_000), Random(3), lag=0, frozen=0, outages=())
    assert way.get("key", way.get("key").etag) is NOT_MODIFIED


def test_publishing_makes_every_kind_of_release() -> None:
    scenario = Scenario(stores=2)
    published = publish(scenario)
    asked, inheriting, near, far, earlier = published.releases[4:]
    assert len(published.releases) == len(pushes(scenario))
    assert published.releases[3].pending == (3,)
    assert inheriting.activates_at == asked.activates_at
    assert near.pending == (5, 6) and near.activates_at > asked.activates_at
    assert earlier.pending == (8,) and earlier.activates_at < far.activates_at


def test_a_release_that_comes_too_near_an_instant_is_shifted_to_the_earliest_safe_one() -> None:
    scenario = Scenario(stores=1)
    near = publish(scenario).releases[6]
    assert near.activates_at - near.published_at >= scenario.ttl + 2 * scenario.lag + scenario.skew


def test_every_place_has_a_release_before_the_lag_is_over() -> None:
    scenario = Scenario(stores=3, lag=8_000)
    second = pushes(scenario)[1].at
    for shown in publish(scenario).shown:
        before, after = (shown.place.as_of(HEAD, instant).content for instant in (second, second + scenario.lag))
        assert (decode_head(before).revision, decode_head(after).revision) == (1, 2)


def test_readers_live_before_the_second_release_and_after_the_last_change() -> None:
    scenario = Scenario()
    begin, end = watched(scenario)
    releases = publish(scenario).releases
    assert releases[0].activates_at <= begin < releases[1].published_at - scenario.skew
    assert end > max(release.activates_at for release in releases if release.revision != 8) + scenario.fresh


@pytest.mark.parametrize(("instant", "revision"), [(94_999, 2), (105_000, 1), (160_000, 1)])
def test_an_answer_of_a_fresh_reader_outside_of_the_skew_has_strayed(instant: int, revision: int) -> None:
    answers = answers_to_a_change()
    answers.hear(instant, revision, FRESH, stale=False)
    assert answers.strayed_count == 1
    assert answers.strayed[0].off == instant - 100_000


@pytest.mark.parametrize(("instant", "revision"), [(95_000, 2), (104_999, 1), (94_999, 1), (105_001, 2)])
def test_an_answer_that_is_right_or_within_the_skew_has_not_strayed(instant: int, revision: int) -> None:
    answers = answers_to_a_change()
    answers.hear(instant, revision, 0, stale=False)
    assert (answers.fresh, answers.strayed_count) == (1, 0)


def test_beside_a_change_an_answer_of_a_release_that_is_active_neither_before_nor_after_it_has_strayed() -> None:
    releases = [a_release(number, published_at=number, activates_at=number * 100_000) for number in (1, 2, 3)]
    answers = Answers(Scenario(skew=SKEW), releases)
    answers.hear(301_000, 1, 0, stale=False)
    assert answers.strayed_count == 1


def test_a_reader_that_says_stale_may_answer_what_was_before() -> None:
    answers = answers_to_a_change()
    answers.hear(200_000, 1, FRESH + 1, stale=True)
    answers.hear(200_000, 1, None, stale=True)
    assert (answers.fresh, answers.stale, answers.strayed_count) == (0, 2, 0)


def test_a_reader_of_great_age_that_does_not_say_stale_has_strayed() -> None:
    answers = answers_to_a_change()
    answers.hear(200_000, 1, FRESH + 1, stale=False)
    assert answers.strayed_count == 1


def test_the_window_of_a_change_is_from_the_first_that_has_it_to_the_last_that_has_not() -> None:
    answers = answers_to_a_change()
    for instant, revision in ((90_000, 1), (98_000, 2), (99_000, 1), (104_000, 1), (101_000, 2), (110_000, 2)):
        answers.hear(instant, revision, 0, stale=False)
    (change,) = answers.changes()
    assert (change.first, change.last, change.window) == (98_000, 104_000, 6_000)


def test_a_release_that_never_becomes_active_is_no_change() -> None:
    releases = [
        a_release(1, published_at=0, activates_at=0),
        a_release(2, published_at=10_000, activates_at=90_000),
        a_release(3, published_at=20_000, activates_at=50_000),
        a_release(4, published_at=30_000, activates_at=95_000),
        a_release(5, published_at=40_000, activates_at=95_000),
    ]
    assert [change.revision for change in Answers(Scenario(), releases).changes()] == [3, 5]


def test_the_same_scenario_always_comes_to_the_same() -> None:
    scenario = Scenario(readers=20)
    assert simulate(scenario) == simulate(scenario)
    assert simulate(scenario) != simulate(Scenario(readers=20, seed=2))


def test_progress_tells_how_many_readers_have_lived() -> None:
    said: list[int] = []
    simulate(Scenario(readers=101, stores=1, delay=0), progress=said.append)
    assert said == [0, 100]
