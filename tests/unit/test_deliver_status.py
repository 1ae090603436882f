"""What a commit is told of a publish: a line in the words of the receipt, within what a host shows."""

from __future__ import annotations

import pytest

from burgee.bundle.release import Origin, Release
from burgee.core.errors import Problem
from burgee.core.model import DEFAULT_PROFILE
from burgee.deliver.changes import Change
from burgee.deliver.receipt import Outcome, Receipt
from burgee.deliver.status import status_of
from burgee.git.host import State, shorten

_NOW = 1_800_000_000_000
_BUNDLE = "sha256:" + "ab" * 32


def a_release(*, active_after: int = 0) -> Release:
    return Release(
        environment="production",
        revision=12,
        kind="publish",
        bundle=_BUNDLE,
        profile=DEFAULT_PROFILE,
        namespaces={},
        source=Origin("https://github.com/acme/flags", "main", "c" * 40, _NOW),
        published_at=_NOW,
        activates_at=_NOW + active_after,
        pending=(),
        previous=None,
    )


def a_receipt(outcome: Outcome, *, release: Release | None = None, changes: int = 0, message: str = "") -> Receipt:
    changed = tuple(Change("default", "flag", str(number), "added") for number in range(changes))
    return Receipt("production", outcome, release, changes=changed, message=message)


def a_problem(line: int, message: str = "unknown type 'X'", *, severity: str = "error") -> Problem:
    return Problem("flags/a.yaml", line, 9, "flags.0", severity, "unknown-type", message)


def invalid(*problems: Problem) -> Receipt:
    return Receipt("production", "invalid", problems=problems, message="errors in the files")


def test_a_release_says_its_number_its_bundle_and_when_it_is_active() -> None:
    status = status_of(a_receipt("published", release=a_release(), changes=3))
    assert (status.context, status.state) == ("burgee/production", "success")
    assert status.description == "release 12 sha256:abababababab active now, 3 changes"
    assert status.target_url is None


def test_a_delayed_release_says_its_instant() -> None:
    status = status_of(a_receipt("published", release=a_release(active_after=120_000), changes=1))
    assert status.description == "release 12 sha256:abababababab active 2027-01-15 08:02:00 UTC, 1 change"


def test_warnings_are_counted() -> None:
    receipt = Receipt("production", "published", a_release(), warnings=("one", "two"))
    assert status_of(receipt).description.endswith("active now, 0 changes, 2 warnings")


@pytest.mark.parametrize(
    ("outcome", "state", "description"),
    [
        ("unchanged", "success", "unchanged, stays at release 12 sha256:abababababab"),
        ("planned", "pending", "would be release 12 sha256:abababababab, 0 changes"),
    ],
)
def test_without_a_new_release_the_present_or_coming_one_is_named(
    outcome: Outcome, state: State, description: str
) -> None:
    status = status_of(a_receipt(outcome, release=a_release()))
    assert (status.state, status.description) == (state, description)


@pytest.mark.parametrize(("outcome", "state"), [("empty", "success"), ("refused", "failure"), ("failed", "error")])
def test_whatever_else_happened_says_why(outcome: Outcome, state: State) -> None:
    status = status_of(a_receipt(outcome, message="that is why\nreally"))
    assert (status.state, status.description) == (state, f"{outcome}: that is why\\x0areally")


def test_one_error_is_said_in_whole() -> None:
    status = status_of(invalid(a_problem(12)))
    assert (status.state, status.description) == ("failure", "1 error: flags/a.yaml:12:9: unknown type 'X'")


def test_as_many_errors_as_there_is_room_for_are_said_and_the_others_counted() -> None:
    receipt = invalid(*(a_problem(line) for line in (30, 12, 20, 40)))
    assert status_of(receipt, most=100).description == (
        "4 errors: flags/a.yaml:12:9: unknown type 'X'; flags/a.yaml:20:9: unknown type 'X' (and 2 more)"
    )
    assert status_of(receipt, most=255).description.count("flags/a.yaml") == 4


def test_warnings_are_no_errors() -> None:
    receipt = invalid(a_problem(1, "rule 2 is never reached", severity="warning"), a_problem(12))
    assert status_of(receipt).description == "1 error: flags/a.yaml:12:9: unknown type 'X'"


def test_an_error_that_is_too_long_is_cut_and_the_others_are_still_counted() -> None:
    receipt = invalid(a_problem(12, "word " * 60), a_problem(20))
    description = status_of(receipt).description
    assert len(description) <= 140
    assert description.startswith("2 errors: flags/a.yaml:12:9: word word")
    assert description.endswith("word… (and 1 more)")


@pytest.mark.parametrize("most", [60, 140, 255])
@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_no_description_is_longer_than_asked_for(most: int, count: int) -> None:
    receipt = invalid(*(a_problem(line, f"é{'x' * line} unknown") for line in range(1, count + 1)))
    assert len(status_of(receipt, most=most).description) <= most


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("short", 5, "short"),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two, three", 12, "one two…"),
        ("a " + "x" * 20, 12, "a xxxxxxxxx…"),
        ("x" * 20, 12, "xxxxxxxxxxx…"),
    ],
)
def test_a_text_is_cut_after_a_word_if_that_leaves_most_of_it(text: str, most: int, short: str) -> None:
    assert shorten(text, most) == short
    assert len(shorten(text, most)) <= most
