"""What people do to an environment besides pushing, and what pushes come to meanwhile."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from burgee.bundle.head import active_at
from burgee.core.errors import NotFound, RefusedError
from burgee.deliver import apply
from burgee.deliver.instants import NOW, When
from burgee.deliver.moves import Person, Rollback, freeze, hold, resume, roll_back
from burgee.deliver.receipt import Receipt, lines
from burgee.deliver.status import status_of
from burgee.fetch.held import HEAD_BYTES
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.fakes.clock import NOON
from tests.publishing import ONLY_PRODUCTION, Production, features
from tests.servers.git_cli import commit, git

ANN = Person("ann", "checkout errors")


class Place(Production):
    """One flag, the percentage for which it is on, and what people do to its environment."""

    def change(self, percentage: int, message: str = "change") -> str:
        """Commit another percentage: the commit."""
        commit(self.repository, {"flags/features.yaml": features("a", percentage=percentage)}, message=message)
        return git(self.repository, "rev-parse", "HEAD")

    def released(self, *percentages: int) -> None:
        """Publish each percentage, a minute between them."""
        for percentage in percentages:
            self.change(percentage)
            assert self.publish().outcome == "published"
            self.clock.advance(60_000)

    def roll_back(self, person: Person = ANN, **rollback: Any) -> Receipt:
        return roll_back(self.means, "production", person, Rollback(**rollback))

    @property
    def active(self) -> int:
        """The revision that is active by the clock."""
        found = active_at(self.head, self.clock.wall())
        assert found is not None
        return int(found.release.revision)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, features("a"))


def test_a_rollback_is_a_new_release_that_names_an_old_bundle_and_says_who_and_why(place: Place) -> None:
    place.released(20, 30)
    first, second = (place.store.get_release("production", number).release for number in (1, 2))
    receipt = place.roll_back()
    release = receipt.release
    assert release is not None
    assert (release.revision, release.kind, release.bundle) == (3, "rollback", first.bundle)
    assert release.note == {"by": "ann", "reason": "checkout errors", "to": "1"}
    assert (release.source, release.previous) == (first.source, place.store.get_release("production", 2).digest)
    assert second.bundle != first.bundle
    assert place.active == 3


def test_a_rollback_says_what_it_changes(place: Place) -> None:
    place.released(20, 30)
    assert lines(place.roll_back())[1:] == ["  ~ flag default/a: rollout 1: 30% -> true => 20% -> true"]


def test_after_a_rollback_pushes_and_timers_do_not_undo_it(place: Place) -> None:
    place.released(20, 30)
    place.roll_back()
    assert [place.publish().outcome for _ in range(3)] == ["queued"] * 3
    assert place.active == 3


def test_what_a_hold_keeps_back_is_recorded_and_said_to_the_commit(place: Place) -> None:
    place.released(20, 30)
    place.roll_back()
    pushed = place.change(40)
    receipt = place.publish()
    assert place.head.waiting["commit"] == pushed
    assert status_of(receipt).state == "pending"
    assert status_of(receipt).description == "queued: held: checkout errors (by ann)"


def test_what_waits_is_recorded_once(place: Place) -> None:
    place.released(20, 30)
    place.roll_back()
    place.change(40)
    place.publish()
    before = place.store.read_head("production")
    place.clock.advance(60_000)
    place.publish()
    assert place.store.read_head("production") == before


def test_after_resume_the_next_publish_releases_what_waited(place: Place) -> None:
    place.released(20, 30)
    place.roll_back()
    place.change(40)
    place.publish()
    _, ended = resume(place.means, "production")
    assert ended == ("held: checkout errors (by ann)",)
    assert place.publish().outcome == "published"
    assert (place.active, place.head.waiting, place.head.hold) == (4, None, None)


def test_a_second_rollback_goes_further_back_and_not_to_what_was_rolled_back(place: Place) -> None:
    place.released(20, 30, 40)
    place.roll_back()
    receipt = place.roll_back()
    assert receipt.release is not None and receipt.release.note["to"] == "1"


def test_a_rollback_passes_over_what_was_never_active(place: Place) -> None:
    place.released(20)
    place.change(30)
    place.publish(when=When(NOON + 10_000_000, said_by="--at", commanded=True))
    place.change(40)
    place.publish(when=NOW)
    receipt = place.roll_back()
    assert receipt.release is not None and receipt.release.note["to"] == "1"


def test_a_rollback_supersedes_what_is_pending(place: Place) -> None:
    place.released(20, 30)
    place.change(40)
    place.publish(when=When(NOON + 10_000_000, said_by="--at", commanded=True))
    place.roll_back()
    place.clock.advance(10_000_000)
    assert place.active == 4


def test_a_rollback_of_everybody_together_becomes_active_at_a_safe_instant(place: Place) -> None:
    place.released(20, 30)
    receipt = place.roll_back(together=True)
    assert receipt.release is not None
    assert receipt.release.activates_at == receipt.safe_from == receipt.release.published_at + 75_000
    assert place.active == 2
    place.clock.advance(80_000)
    assert place.active == 3


@pytest.mark.parametrize("to", [0, 9])
def test_a_rollback_to_what_is_not_in_the_log_names_what_is(place: Place, to: int) -> None:
    place.released(20, 30)
    with pytest.raises(NotFound, match=r"has releases 1 to 2, not"):
        place.roll_back(to=to)


def test_a_rollback_to_what_is_active_is_refused(place: Place) -> None:
    place.released(20, 30)
    with pytest.raises(RefusedError, match="release 2, which is active, has the bundle of 2 already"):
        place.roll_back(to=2)


def test_there_is_nothing_to_roll_back_from_the_first_release(place: Place) -> None:
    place.released(20)
    with pytest.raises(RefusedError, match="nothing else was active in 'production' before release 1"):
        place.roll_back()


def test_a_release_whose_documents_are_gone_is_not_rolled_back_to(place: Place) -> None:
    place.released(20, 30)
    old = place.store.get_release("production", 1).release
    place.objects._objects.pop("blobs/sha256/" + old.namespaces["default"][0].removeprefix("sha256:"))
    with pytest.raises(RefusedError, match="release 1 is not whole"):
        place.roll_back()
    assert place.head.revision == 2


def test_a_dry_run_of_a_rollback_writes_nothing(place: Place) -> None:
    place.released(20, 30)
    assert place.roll_back(dry_run=True).outcome == "planned"
    assert (place.head.revision, place.head.hold) == (2, None)


def test_static_snapshots_follow_a_rollback(place: Place) -> None:
    place.released(20, 30)
    place.roll_back()
    found = place.store.read_static("production", "default")
    assert found is not None and b'"percentage":20' in found[0]


def test_a_hold_lets_what_is_pending_become_active(place: Place) -> None:
    place.released(20)
    place.change(30)
    place.publish(when=When(NOON + 10_000_000, said_by="--at", commanded=True))
    hold(place.means, "production", ANN)
    place.clock.advance(10_000_000)
    assert place.active == 2


def test_a_second_hold_is_refused_with_the_first_ones_reason(place: Place) -> None:
    place.released(20)
    hold(place.means, "production", ANN)
    with pytest.raises(RefusedError, match=r"held: checkout errors \(by ann\) already"):
        hold(place.means, "production", Person("bob", "me too"))


def test_a_freeze_queues_pushes_until_its_end_and_then_they_are_released(place: Place) -> None:
    place.released(20)
    freeze(place.means, "production", ANN, until=place.clock.wall() + 3_600_000)
    place.change(30)
    assert place.publish().outcome == "queued"
    place.clock.advance(3_600_000)
    assert place.publish().outcome == "published"
    assert (place.head.freeze, place.head.waiting) == (None, None)


def test_nothing_that_is_pending_becomes_active_in_a_freeze(place: Place) -> None:
    place.released(20)
    place.change(30)
    instant = NOON + 10_000_000
    place.publish(when=When(instant, said_by="--at", commanded=True))
    _, warnings = freeze(place.means, "production", ANN, until=NOON + 20_000_000)
    place.clock.advance(10_000_000)
    assert place.active == 3
    first, third = (place.store.get_release("production", number).release for number in (1, 3))
    assert (third.kind, third.bundle, warnings) == ("freeze", first.bundle, ())


def test_an_instant_that_is_still_to_come_after_a_freeze_is_kept(place: Place) -> None:
    place.released(20)
    place.change(30)
    instant = NOON + 10_000_000
    place.publish(when=When(instant, said_by="--at", commanded=True))
    freeze(place.means, "production", ANN, until=None)
    resume(place.means, "production")
    receipt = place.publish()
    assert receipt.release is not None
    assert (receipt.release.activates_at, receipt.release.explicit) == (instant, True)


def test_a_freeze_that_comes_too_late_for_some_readers_says_so(place: Place) -> None:
    place.released(20)
    place.change(30)
    place.publish(when=When(place.clock.wall() + 80_000, said_by="--at", commanded=True))
    place.clock.advance(60_000)
    _, warnings = freeze(place.means, "production", ANN, until=None)
    assert "release 2 was to become active" in warnings[0]


def test_a_freeze_keeps_rollbacks_back_and_glass_can_be_broken(place: Place) -> None:
    place.released(20, 30)
    freeze(place.means, "production", ANN, until=None)
    with pytest.raises(RefusedError, match="frozen: checkout errors"):
        place.roll_back()
    receipt = place.roll_back(override="it burns")
    assert receipt.release is not None
    assert receipt.release.note["overrides"] == "freeze"
    assert receipt.release.note["override_reason"] == "it burns"


def test_a_publish_that_breaks_the_glass_is_in_the_log_with_its_reason_and_the_freeze_goes_on(place: Place) -> None:
    place.released(20)
    freeze(place.means, "production", ANN, until=None)
    place.change(30)
    receipt = place.publish(override="security fix", by="eve")
    assert receipt.release is not None
    assert receipt.release.note == {"by": "eve", "overrides": "freeze", "reason": "security fix"}
    place.change(40)
    assert place.publish().outcome == "queued"


@pytest.mark.parametrize("minutes", [0, -5])
def test_a_freeze_that_would_be_over_is_refused(place: Place, minutes: int) -> None:
    place.released(20)
    with pytest.raises(RefusedError, match="would be over already"):
        freeze(place.means, "production", ANN, until=place.clock.wall() + minutes * 60_000)


def test_resume_without_hold_or_freeze_is_refused(place: Place) -> None:
    place.released(20)
    with pytest.raises(RefusedError, match="neither held nor frozen"):
        resume(place.means, "production")


def test_an_environment_without_a_release_is_moved_by_nobody(place: Place) -> None:
    with pytest.raises(RefusedError, match="has no release yet"):
        hold(place.means, "production", ANN)


def test_a_commits_trailer_says_from_when_its_release_is_active(place: Place) -> None:
    place.released(20)
    place.change(30, "Raise it\n\nBecause.\n\nBurgee-Activate-At: 2027-01-15T10:00:00+01:00\nSigned-off-by: Ann <a@b>")
    receipt = place.publish()
    assert receipt.release is not None
    assert receipt.release.activates_at == NOON + 3_600_000
    assert "active 2027-01-15 09:00:00 UTC, safe from 08:02:16" in status_of(receipt).description


@pytest.mark.parametrize(
    "message",
    [
        "Raise it\n\nBurgee-Activate-At: 2027-01-15T10:00:00+01:00\n\nThat is when the shop opens.",
        "Raise it\n\nBurgee-Activate-At: 2027-01-15T10:00:00+01:00\n" + "x: y\n" * 20_000,
        "burgee-activate-at: 2027-01-15T10:00:00+01:00",
    ],
    ids=["before the last paragraph", "too long", "subject"],
)
def test_a_trailer_in_another_place_is_told_to_count_for_nothing(place: Place, message: str) -> None:
    place.released(20)
    place.change(30)
    written = place.repository.parent / "message"
    written.write_text(message)
    git(place.repository, "commit", "--amend", "-q", "-F", str(written))
    receipt = place.publish()
    assert receipt.release is not None and receipt.release.activates_at < NOON + 3_600_000
    assert any("is not in the last paragraph of its message" in each for each in receipt.warnings)


def test_a_trailer_after_much_else_counts(place: Place) -> None:
    place.released(20)
    message = "Raise it\n\nBurgee-Activate-At: 2027-01-15T10:00:00+01:00\n" + "Seen-by: Ann\n" * 1_000
    place.change(30, message)
    receipt = place.publish()
    assert receipt.release is not None and receipt.release.activates_at == NOON + 3_600_000
    assert not any("last paragraph" in each for each in receipt.warnings)


@pytest.mark.parametrize("seconds", ["9223372036854775807", "99999999999999999999999", "253402300800"])
def test_a_committers_time_that_is_no_instant_ends_nothing(place: Place, seconds: str) -> None:
    place.released(20)
    place.change(30)
    object_of = git(place.repository, "cat-file", "commit", "HEAD")
    changed = re.sub(r"^(committer .*>) \d+ ", rf"\1 {seconds} ", object_of, flags=re.MULTILINE)
    (place.repository.parent / "commit").write_text(changed + "\n")
    options = ("-t", "commit", "-w", "--literally")
    name = git(place.repository, "hash-object", *options, str(place.repository.parent / "commit"))
    git(place.repository, "update-ref", "refs/heads/main", name)
    receipt = place.publish()
    assert receipt.release is not None, receipt.message
    assert (receipt.release.source.commit, receipt.release.source.committed_at) == (name, None)


def test_a_trailer_that_is_no_instant_refuses_the_release_with_an_example(place: Place) -> None:
    place.released(20)
    place.change(30, "Raise it\n\nBurgee-Activate-At: tomorrow")
    receipt = place.publish()
    assert receipt.outcome == "refused"
    assert "RFC 3339" in receipt.message and "'tomorrow'" in receipt.message


def test_a_trailer_whose_instant_is_too_near_refuses_or_shifts_as_the_environment_has_it(place: Place) -> None:
    place.released(20)
    just_before = {"GIT_COMMITTER_DATE": "2027-01-15T08:01:00Z"}
    message = "Raise it\n\nBurgee-Activate-At: 2027-01-15T08:01:30Z"
    place.change(30)
    git(place.repository, "commit", "--amend", "-qm", message, environ=just_before)
    assert "too near" in place.publish().message
    commit(place.repository, {"burgee.yaml": ONLY_PRODUCTION.replace("flags}", "flags, near_instant: shift}")})
    git(place.repository, "commit", "--amend", "-qm", message, environ=just_before)
    receipt = place.publish()
    assert receipt.outcome == "published"
    assert "shifted to" in receipt.warnings[0]


def test_an_instant_that_has_become_near_while_a_freeze_kept_it_waiting_is_shifted(place: Place) -> None:
    place.released(20)
    place.change(30, "Raise it\n\nBurgee-Activate-At: 2027-01-15T08:05:00Z")
    freeze(place.means, "production", ANN, until=None)
    assert place.publish().outcome == "queued"
    place.clock.advance(190_000)
    resume(place.means, "production")
    assert "shifted to" in place.publish().warnings[0]


def test_what_is_pending_can_be_given_another_instant(place: Place) -> None:
    place.released(20)
    place.change(30)
    place.publish(when=When(NOON + 10_000_000, said_by="--at", commanded=True))
    assert place.publish().outcome == "unchanged"
    receipt = place.publish(when=When(NOON + 5_000_000, said_by="--at", commanded=True))
    assert receipt.release is not None
    assert (receipt.release.revision, receipt.release.activates_at) == (3, NOON + 5_000_000)


def test_moves_that_race_with_a_publish_leave_a_log_without_gap(place: Place) -> None:
    place.released(20, 30)

    class Racing(MemoryObjects):
        """Somebody else publishes just before the first swap of the head."""

        raced = False

    racing = Racing("memory://moves")
    racing._objects = place.objects._objects
    swap = racing.swap

    def swap_late(key: str, content: bytes, **options: Any) -> str:
        if key.endswith("head.json") and not racing.raced:
            racing.raced = True
            place.change(40)
            place.publish()
        return swap(key, content, **options)

    racing.swap = swap_late  # type: ignore[method-assign]
    means = replace(place.means, store=ObjectStore(racing))
    receipt = roll_back(means, "production", ANN, Rollback(to=1))
    assert receipt.release is not None and receipt.release.revision == 4
    assert place.head.last.release.previous == place.store.get_release("production", 3).digest


def at(instant: int) -> When:
    """As `--at` says."""
    return When(instant, said_by="--at", commanded=True)


LATER, STILL_LATER = NOON + 10_000_000, NOON + 20_000_000


def test_what_is_pending_can_be_put_off(place: Place) -> None:
    place.released(20)
    place.change(30)
    place.publish(when=at(LATER))
    receipt = place.publish(when=at(STILL_LATER))
    assert receipt.release is not None
    assert (receipt.release.revision, receipt.release.activates_at) == (4, STILL_LATER)
    place.clock.advance(LATER - place.clock.wall())
    superseding = place.store.get_release("production", place.active).release
    assert (superseding.kind, superseding.bundle) == ("freeze", place.store.get_release("production", 1).release.bundle)
    place.clock.advance(STILL_LATER - place.clock.wall())
    assert place.active == 4


def test_another_commit_whose_trailer_names_another_instant_moves_what_is_pending(place: Place) -> None:
    place.released(20)
    place.change(30, "Raise it\n\nBurgee-Activate-At: 2027-01-15T11:00:00Z")
    place.publish()
    for hour in (10, 13):
        git(place.repository, "commit", "--allow-empty", "-qm", f"Move\n\nBurgee-Activate-At: 2027-01-15T{hour}:00:00Z")
        receipt = place.publish()
        assert receipt.release is not None
        assert receipt.release.activates_at == NOON + (hour - 8) * 3_600_000
    assert place.publish().outcome == "unchanged"


def test_a_dry_run_of_putting_off_writes_nothing(place: Place) -> None:
    place.released(20)
    place.change(30)
    place.publish(when=at(LATER))
    receipt = place.publish(when=at(STILL_LATER), dry_run=True)
    assert "would be put off to" in receipt.message
    assert place.head.revision == 2


def test_an_instant_survives_two_freezes(place: Place) -> None:
    place.released(20)
    place.change(30)
    place.publish(when=at(LATER))
    for _ in range(2):
        freeze(place.means, "production", ANN, until=place.clock.wall() + 60_000)
        place.clock.advance(120_000)
    receipt = place.publish()
    assert receipt.release is not None
    assert (receipt.release.activates_at, receipt.release.explicit) == (LATER, True)


def test_an_instant_survives_a_rollback(place: Place) -> None:
    place.released(20, 30)
    place.change(40)
    place.publish(when=at(LATER))
    place.roll_back()
    resume(place.means, "production")
    receipt = place.publish()
    assert receipt.release is not None
    assert (receipt.release.activates_at, receipt.release.explicit) == (LATER, True)


def test_after_a_hold_that_outlived_its_instant_a_commit_is_released_at_once(place: Place) -> None:
    place.released(20)
    git_date = {"GIT_COMMITTER_DATE": "2027-01-15T07:00:00Z"}
    commit(place.repository, {"flags/features.yaml": features("a", percentage=30)})
    message = "Raise it\n\nBurgee-Activate-At: 2027-01-15T09:00:00Z"
    git(place.repository, "commit", "--amend", "-qm", message, environ=git_date)
    hold(place.means, "production", ANN)
    place.publish()
    place.clock.advance(2 * 3_600_000)
    resume(place.means, "production")
    receipt = place.publish()
    assert receipt.release is not None
    assert receipt.release.activates_at == receipt.release.published_at
    assert "which has passed meanwhile" in receipt.warnings[0]


def test_a_rollback_together_that_would_come_after_what_is_pending_is_refused(place: Place) -> None:
    place.released(20, 30)
    place.change(40)
    place.publish(when=at(place.clock.wall() + 80_000))
    place.clock.advance(30_000)
    with pytest.raises(RefusedError, match=r"release 3 becomes active at .*; leave out --together"):
        place.roll_back(together=True)


class SlowObjects(MemoryObjects):
    """Each write takes a while, and the swap of a head a while more."""

    def __init__(self, place: Place, *, write: int, swap: int = 0) -> None:
        super().__init__("memory://slow")
        self._objects = place.objects._objects
        self.place, self.write, self.swap_takes, self.swaps = place, write, swap, 0

    def swap(self, key: str, content: bytes, **options: Any) -> str:
        self.place.clock.advance(self.write)
        written = super().swap(key, content, **options)
        if key.endswith("head.json"):
            self.swaps += 1
            self.place.clock.advance(self.swap_takes)
        return written


def delayed(place: Place, *, lags: tuple[int, ...]) -> None:
    """An environment whose delay leaves no slack, and which has been fast until now."""
    commit(place.repository, {"burgee.yaml": ONLY_PRODUCTION.replace("flags}", "flags, activation_delay: 1s}")})
    seen = place.store.read_head("production")
    assert seen is not None
    place.store.swap_head(seen.head._replace(lags_ms=lags, written_at=None), seen.etag)


def test_a_store_that_has_become_slow_is_planned_for_and_not_tried_for_ever(place: Place) -> None:
    place.released(20)
    delayed(place, lags=(40,))
    slow = SlowObjects(place, write=100)
    place.store = ObjectStore(slow)
    place.change(30)
    receipt = place.publish()
    assert receipt.outcome == "published"
    assert slow.swaps == 1


def test_a_swap_that_ended_too_late_for_readers_is_said(place: Place) -> None:
    place.released(20)
    delayed(place, lags=(40,))
    place.store = ObjectStore(SlowObjects(place, write=0, swap=120_000))
    place.change(30)
    receipt = place.publish()
    assert receipt.outcome == "published"
    assert "too late: some readers may not know of the release" in receipt.warnings[-1]


def test_after_the_glass_was_broken_at_once_nothing_waits_for_the_instant_that_a_freeze_took(place: Place) -> None:
    place.released(20)
    place.change(30)
    place.publish(when=at(LATER))
    freeze(place.means, "production", ANN, until=None)
    place.publish(when=NOW, override="fix")
    resume(place.means, "production")
    place.change(40)
    receipt = place.publish()
    assert receipt.release is not None
    assert receipt.release.activates_at == receipt.release.published_at


def test_a_change_of_profile_is_rolled_back(place: Place) -> None:
    place.released(20)
    commit(place.repository, {"burgee.yaml": ONLY_PRODUCTION.replace("flags}", "flags, profile: S1/server}")})
    place.publish()
    receipt = place.roll_back()
    assert receipt.release is not None
    assert (receipt.release.profile, receipt.release.note) == ("C/server", {**(receipt.release.note or {}), "to": "1"})


def test_a_second_rollback_looks_through_a_freeze_that_came_between(place: Place) -> None:
    place.released(20, 30, 40)
    place.roll_back()
    resume(place.means, "production")
    place.change(50)
    place.publish(when=at(LATER))
    freeze(place.means, "production", ANN, until=None)
    receipt = place.roll_back(override="still broken")
    assert receipt.release is not None and receipt.release.note["to"] == "1"


def test_a_freeze_is_in_force_by_the_clock_and_not_by_a_log_that_is_ahead_of_it(place: Place) -> None:
    place.clock.advance(3_600_000)
    place.released(20)
    place.clock.step_wall(-3_660_000)
    freeze(place.means, "production", ANN, until=place.clock.wall() + 1_800_000)
    place.change(30)
    place.publish(override="fix")
    place.change(40)
    assert place.publish().outcome == "queued"


def test_a_rollback_says_what_will_not_become_active(place: Place) -> None:
    place.released(20, 30)
    place.change(40)
    place.publish(when=at(LATER))
    (warning,) = place.roll_back().warnings
    assert "release 3 will not become active at" in warning


def test_nothing_is_built_on_an_older_head_that_was_put_back(place: Place) -> None:
    place.released(20, 30)
    old = place.objects._objects["environments/production/head.json"]
    place.released(40)
    place.objects._objects["environments/production/head.json"] = old
    place.change(50)
    receipt = place.publish()
    assert receipt.outcome == "failed"
    assert "is at release 2: an older one was put in its place" in receipt.message


def test_a_head_that_no_reader_would_take_is_not_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert apply.LARGEST_HEAD == HEAD_BYTES
    place.released(20)
    monkeypatch.setattr(apply, "LARGEST_HEAD", 2_000)
    for number in range(3):
        place.change(30 + number)
        receipt = place.publish(when=at(LATER + number))
    assert receipt.outcome == "refused"
    assert "readers take 2000" in receipt.message
