"""Planning decides from values alone which release would be made."""

from __future__ import annotations

from typing import Any

import pytest

from burgee.bundle.head import Head, active_at
from burgee.bundle.release import Origin
from burgee.core.errors import RefusedError
from burgee.deliver.candidate import Candidate, compile_bundle
from burgee.deliver.instants import Pace, When
from burgee.deliver.plan import Plan, Terms, plan

ORIGIN = Origin("https://example.org/flags", "main", "c0ffee", 1_000)
NOON = 1_800_000_000_000


def a_candidate(*flags: str, namespace: str = "default") -> Candidate:
    listed = [{"key": key, "name": key} for key in flags]
    return compile_bundle([{"namespace": namespace, "flags": listed}])


def planned(candidate: Candidate, *, after: Plan | None = None, now: int = NOON, **terms: Any) -> Plan:
    """The plan for a candidate in the environment whose log ends with an earlier plan."""
    wanted = {"environment": "production", "profile": "C/server", "pace": a_pace()}
    head = after.head if after else None
    released = after.candidate.documents if after else {}
    return plan(head, released, candidate, Terms(**{**wanted, **terms}), origin=ORIGIN, now=now)


def a_pace(*, delay: int = 0, reader_ttl: int = 60_000) -> Pace:
    return Pace(delay=delay, reader_ttl=reader_ttl, clock_skew=5_000)


def head_of(made: Plan) -> Head:
    assert made.head is not None
    return made.head


def test_the_first_release_has_revision_one_and_no_previous() -> None:
    made = planned(a_candidate("a"))
    assert made.release is not None
    assert (made.release.revision, made.release.previous, made.release.pending) == (1, None, ())


def test_an_equal_bundle_makes_no_release() -> None:
    first = planned(a_candidate("a", "b"))
    assert planned(a_candidate("b", "a"), after=first).outcome == "unchanged"


def test_an_equal_bundle_under_another_profile_is_a_release() -> None:
    first = planned(a_candidate("a"))
    assert planned(a_candidate("a"), after=first, profile="S2/server").outcome == "publish"


def test_a_changed_reader_ttl_moves_the_head_without_a_release() -> None:
    first = planned(a_candidate("a"))
    second = planned(a_candidate("a"), after=first, pace=a_pace(reader_ttl=5_000))
    assert (second.outcome, second.release) == ("unchanged", None)
    assert head_of(second) == head_of(first)._replace(max_reader_ttl_seconds=5, ttl_until=NOON + 60_000)


def test_each_release_names_the_bytes_of_the_one_before() -> None:
    first = planned(a_candidate("a"))
    second = planned(a_candidate("a", "b"), after=first)
    assert second.release is not None
    assert second.release.previous == head_of(first).last.digest


def test_instants_of_publishing_grow_even_when_the_clock_stands_still() -> None:
    first = planned(a_candidate("a"))
    second = planned(a_candidate("a", "b"), after=first, now=NOON - 5_000)
    assert second.release is not None
    assert second.release.published_at == NOON + 1


def test_a_delayed_release_is_pending_and_the_active_one_stays_in_the_head() -> None:
    first = planned(a_candidate("a"))
    second = planned(a_candidate("a", "b"), after=first, now=NOON + 10, pace=a_pace(delay=200_000))
    head = head_of(second)
    before, after = active_at(head, NOON + 200_000), active_at(head, NOON + 200_010)
    assert before is not None and after is not None
    assert (before.release.revision, after.release.revision) == (1, 2)


def test_a_release_names_the_revisions_still_pending_when_it_was_made() -> None:
    first = planned(a_candidate("a"))
    second = planned(a_candidate("a", "b"), after=first, now=NOON + 10, pace=a_pace(delay=60_000))
    third = planned(a_candidate("a", "c"), after=second, now=NOON + 20, pace=a_pace(delay=60_000))
    assert third.release is not None
    assert third.release.pending == (2,)
    assert [entry.release.revision for entry in head_of(third).releases] == [1, 2, 3]


def test_a_head_holds_nothing_that_will_never_be_active_and_the_log_names_it_still() -> None:
    first = planned(a_candidate("a"))
    made = planned(a_candidate("a", "b"), after=first, now=NOON + 10, when=When(NOON + 500_000, said_by="--at"))
    for number in range(20):
        made = planned(a_candidate("a", f"c{number}"), after=made, now=NOON + 20 + number)
    assert [entry.release.revision for entry in head_of(made).releases] == [1, 22]
    assert made.release is not None
    assert made.release.pending == tuple(range(2, 22))


def test_nothing_to_release_is_said_before_the_first_release() -> None:
    assert planned(compile_bundle([])).outcome == "empty"


@pytest.mark.parametrize("left", [(), ("a",)])
def test_removing_more_than_half_of_the_flags_is_refused(left: tuple[str, ...]) -> None:
    first = planned(a_candidate("a", "b", "c"))
    with pytest.raises(RefusedError, match=r"more than half.*--allow-removal"):
        planned(a_candidate(*left), after=first)


def test_removing_half_of_the_flags_is_allowed() -> None:
    first = planned(a_candidate("a", "b"))
    assert planned(a_candidate("a"), after=first).outcome == "publish"


def test_emptying_an_environment_is_done_when_it_is_asked_for() -> None:
    first = planned(a_candidate("a"))
    assert planned(compile_bundle([]), after=first, allow_removal=True).outcome == "publish"


@pytest.mark.parametrize("word", ["hold", "freeze"])
def test_a_hold_and_a_freeze_are_obeyed_and_their_reason_is_said(word: str) -> None:
    first = planned(a_candidate("a"))
    held = Plan("publish", first.candidate, first.release, head_of(first)._replace(**{word: {"reason": "incident 7"}}))
    second = planned(a_candidate("a", "b"), after=held)
    assert (second.outcome, second.release) == ("queued", None)
    assert second.message == {"hold": "held: incident 7", "freeze": "frozen: incident 7"}[word]


def test_a_bundle_without_documents_holds_the_empty_default_namespace() -> None:
    assert list(compile_bundle([]).layers) == ["default"]


def test_after_a_clock_that_was_ahead_releases_are_active_at_once_and_it_is_said() -> None:
    first = planned(a_candidate("a"), now=NOON + 365 * 86_400_000)
    second = planned(a_candidate("a", "b"), after=first, pace=a_pace(delay=120_000))
    assert second.release is not None
    assert second.release.activates_at == second.release.published_at
    assert "by a clock ahead of ours" in second.warnings[0]
    active = active_at(head_of(second), NOON)
    assert active is not None and active.release.revision == 2
