"""Everyone flips together: the promise of docs/together.md, on virtual time with the real reader and the real plan."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burgee.simulate.run import simulate
from burgee.simulate.scenario import Scenario

SCENARIOS = st.builds(
    Scenario,
    readers=st.just(40),
    stores=st.integers(1, 6),
    ttl=st.sampled_from([1_000, 10_000, 60_000, 600_000]),
    # 1: the earliest safe instant, to which it is shifted.
    delay=st.sampled_from([1, 120_000]),
    lag=st.sampled_from([0, 10, 5_000, 30_000]),
    skew=st.sampled_from([0, 1, 200, 5_000, 30_000]),
    seed=st.integers(0, 10_000),
)


@settings(max_examples=30, deadline=None)
@given(SCENARIOS)
def test_readers_that_have_looked_lately_answer_the_active_release_but_around_its_instant(scenario: Scenario) -> None:
    """No two readers whose last successful look is younger than TTL and lag differ outside the skew window."""
    outcome = simulate(scenario)
    assert outcome.fresh > 1_000
    assert outcome.strayed == ()
    assert outcome.window <= 2 * scenario.skew


@pytest.mark.slow
def test_ten_thousand_readers_of_four_stores_flip_together() -> None:
    scenario = Scenario()
    outcome = simulate(scenario)
    assert (scenario.readers, scenario.stores) == (10_000, 4)
    assert outcome.fresh > 1_000_000
    assert outcome.strayed == ()
    assert outcome.window <= 2 * scenario.skew


@pytest.mark.slow
def test_two_thousand_readers_flip_together_at_the_earliest_safe_instant() -> None:
    outcome = simulate(Scenario(readers=2_000, delay=1, skew=500, seed=2))
    assert outcome.strayed == ()
    assert outcome.window <= 1_000


@pytest.mark.parametrize("delay", [1, 120_000])
def test_an_instant_that_does_not_wait_for_readers_is_found_out(delay: int) -> None:
    outcome = simulate(Scenario(readers=200, delay=delay, believed_ttl=0))
    assert outcome.strayed_count > 100
    assert outcome.window > 20_000


def test_an_instant_that_is_too_near_by_a_third_of_the_ttl_is_found_out() -> None:
    assert simulate(Scenario(readers=400, delay=1, skew=1_000, believed_ttl=40_000)).strayed_count > 0


def test_without_a_delay_readers_differ_for_about_the_ttl() -> None:
    outcome = simulate(Scenario(readers=400, delay=0))
    assert outcome.strayed_count > 1_000
    assert all(40_000 < change.window <= 60_000 + 3 * 5_000 for change in outcome.changes)
