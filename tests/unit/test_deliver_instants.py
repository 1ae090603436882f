"""The instant of a release: never before it is wanted, never before readers can be ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from burgee.bundle.head import Head, append
from burgee.core.errors import RefusedError
from burgee.deliver.instants import (
    AS_USUAL,
    ASSUMED_LAG_MS,
    NOW,
    Pace,
    When,
    activation,
    known_lag,
    safe_from,
    with_lag,
    with_pace,
)
from tests.fakes.publisher import a_document, a_release

NOON = 1_800_000_000_000
PACE = Pace(delay=0, reader_ttl=60_000, clock_skew=5_000)
DELAYED = Pace(delay=120_000, reader_ttl=60_000, clock_skew=5_000)


def a_head(*, published_at: int = NOON - 1_000_000, active_after: int = 0, explicit: bool = False) -> Head:
    """A head of one release that is active, and, if it is given an instant, a second one that is pending."""
    first = a_release(None, {"default": a_document()}, at=published_at - 1, environment="production")
    head = append(None, first, max_reader_ttl_seconds=60)
    if active_after:
        second = a_release(
            head,
            {"default": a_document(enabled=False)},
            at=published_at,
            environment="production",
            active_after=active_after,
        )
        head = append(head, second._replace(explicit=explicit), max_reader_ttl_seconds=60)
    return head._replace(lags_ms=(400, 700), written_at=head.last.release.published_at)


def test_an_instant_is_safe_after_a_readers_pause_twice_the_worst_lag_and_the_difference_of_clocks() -> None:
    assert safe_from(a_head(), NOON, PACE) == NOON + 60_000 + 1_400 + 5_000


def test_without_a_measured_lag_one_is_assumed() -> None:
    assert known_lag(None) == ASSUMED_LAG_MS


def test_without_a_delay_a_release_is_active_at_once() -> None:
    planned = activation(a_head(), NOON, AS_USUAL, PACE)
    assert (planned.instant, planned.safe_from, planned.explicit) == (NOON, None, False)


def test_a_delay_is_kept_and_the_safe_instant_is_said() -> None:
    planned = activation(a_head(), NOON, AS_USUAL, DELAYED)
    assert (planned.instant, planned.safe_from, planned.warnings) == (NOON + 120_000, NOON + 66_400, ())


def test_a_delay_that_is_too_short_for_readers_is_made_longer_and_it_is_said() -> None:
    planned = activation(a_head(), NOON, AS_USUAL, Pace(delay=1_000, reader_ttl=60_000, clock_skew=5_000))
    assert planned.instant == planned.safe_from == NOON + 66_400
    assert "activation_delay of 1 s is too near" in planned.warnings[0]


def test_while_readers_go_by_a_longer_pause_of_before_it_counts() -> None:
    head = with_pace(a_head(), a_head()._replace(max_reader_ttl_seconds=3600), PACE, NOON - 60_000)
    assert head.ttl_until == NOON + 3_540_000
    assert safe_from(head, NOON, PACE) == NOON + 3_540_000 + 1_400 + 5_000
    assert safe_from(head, NOON + 3_600_000, PACE) == NOON + 3_600_000 + 66_400


def test_what_a_try_took_that_came_too_late_counts_as_lag() -> None:
    assert safe_from(a_head(), NOON, replace(PACE, late=9_000)) == NOON + 60_000 + 18_000 + 5_000


def test_an_instant_that_is_safe_is_taken_as_it_is() -> None:
    planned = activation(a_head(), NOON, When(NOON + 66_400, said_by="--at"), PACE)
    assert (planned.instant, planned.explicit, planned.warnings) == (NOON + 66_400, True, ())


@pytest.mark.parametrize(("later", "word"), [(66_399, "too near"), (0, "past"), (-5, "past")])
def test_an_instant_that_is_not_safe_is_refused_with_the_earliest_that_is(later: int, word: str) -> None:
    with pytest.raises(RefusedError, match=rf"--at names .*, which is {word}: .* from 2027-01-15T08:01:06.400Z"):
        activation(a_head(), NOON, When(NOON + later, said_by="--at"), PACE)


def test_an_instant_that_is_not_safe_is_shifted_where_that_is_wanted() -> None:
    pace = Pace(delay=0, reader_ttl=60_000, clock_skew=5_000, near="shift")
    planned = activation(a_head(), NOON, When(NOON + 10, said_by="--at"), pace)
    assert planned.instant == NOON + 66_400
    assert "shifted to 2027-01-15T08:01:06.400Z" in planned.warnings[0]


def test_what_is_published_while_an_instant_is_pending_inherits_it() -> None:
    head = a_head(active_after=9_000_000, explicit=True)
    planned = activation(head, NOON, AS_USUAL, PACE)
    assert (planned.instant, planned.explicit) == (head.last.release.activates_at, True)
    assert "what is pending becomes active" in planned.warnings[0]


def test_what_is_pending_by_delay_alone_hands_no_instant_on() -> None:
    assert activation(a_head(active_after=9_000_000), NOON, AS_USUAL, PACE).instant == NOON


def test_now_goes_before_a_pending_instant_and_says_what_it_contains() -> None:
    planned = activation(a_head(active_after=9_000_000, explicit=True), NOON, NOW, PACE)
    assert (planned.instant, planned.explicit) == (NOON, False)
    assert "is contained, and becomes active at once" in planned.warnings[0]


def test_an_earlier_instant_goes_before_a_pending_one() -> None:
    head = a_head(active_after=9_000_000, explicit=True)
    planned = activation(head, NOON, When(NOON + 100_000, said_by="--at"), PACE)
    assert planned.instant == NOON + 100_000
    assert "is contained" in planned.warnings[0]


def test_an_instant_of_a_commit_that_has_passed_meanwhile_counts_as_none() -> None:
    when = When(NOON - 1_000, said_by="trailer", said_at=NOON - 9_000_000)
    planned = activation(a_head(), NOON, when, PACE)
    assert (planned.instant, planned.explicit) == (NOON, False)
    assert "trailer names 2027-01-15T07:59:59.000Z, which has passed meanwhile" in planned.warnings[0]


def test_an_instant_of_a_commit_that_was_near_from_the_beginning_stays_refused() -> None:
    with pytest.raises(RefusedError, match="past"):
        activation(a_head(), NOON, When(NOON - 1_000, said_by="trailer", said_at=NOON - 30_000), PACE)


def test_what_becomes_active_before_an_instant_that_was_named_is_said() -> None:
    head = a_head(active_after=1_200_000)
    planned = activation(head, NOON, When(NOON + 900_000, said_by="--at"), PACE)
    assert planned.warnings == ("release 2 becomes active before it, at 2027-01-15T08:03:20.000Z",)


def test_a_pending_instant_that_is_near_moves_what_inherits_it_to_a_safe_one() -> None:
    head = a_head(published_at=NOON - 100_000, active_after=101_000, explicit=True)
    planned = activation(head, NOON, AS_USUAL, PACE)
    assert planned.instant == NOON + 66_400


def test_an_instant_that_a_freeze_took_away_is_inherited_as_well() -> None:
    listed = [
        {"revision": 2, "activates_at": "2027-01-15T09:00:00.000Z", "explicit": True},
        {"revision": 3, "activates_at": "2027-01-15T10:00:00.000Z"},
    ]
    head = a_head()._replace(freeze={"until": "2027-01-15T07:59:59.000Z", "superseded": listed})
    assert activation(head, NOON, AS_USUAL, PACE).instant == NOON + 3_600_000


def test_a_head_has_to_be_written_one_lag_after_it_was_planned() -> None:
    planned = activation(a_head(), NOON, When(NOON + 66_400, said_by="--at"), PACE)
    assert planned.write_by == NOON + 700


@pytest.mark.parametrize(
    ("after", "lag"),
    [(250, 250), (-40, 0), (3_000, 3_999)],
    ids=["as measured", "never below nothing", "whole seconds count as their end"],
)
def test_the_lag_of_a_release_is_measured_by_the_stores_own_time(after: int, lag: int) -> None:
    head = a_head(published_at=NOON + 1)
    written = head.last.release.published_at
    assert with_lag(head, written + after).lags_ms == (400, 700, lag)


def test_a_head_that_was_written_for_something_else_tells_of_no_lag() -> None:
    head = a_head()._replace(written_at=None)
    assert with_lag(head, NOON) == head


@pytest.mark.parametrize("days", [-1, 1])
def test_a_difference_of_days_is_one_of_clocks_and_no_lag(days: int) -> None:
    head = a_head()
    assert with_lag(head, head.last.release.published_at + days * 86_400_000) == head


def test_the_last_twenty_lags_are_kept() -> None:
    head = a_head()._replace(lags_ms=tuple(range(20)))
    assert with_lag(head, head.last.release.published_at + 77).lags_ms == (*range(1, 20), 77)
