"""What needs no push: heads stay signed and fresh, and static snapshots follow the clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from burgee.core.errors import RefusedError, Unavailable, Untrusted
from burgee.deliver.moves import Person, Rollback, hold, resume, roll_back
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Publisher
from burgee.deliver.sealing import Sealing
from burgee.deliver.tending import tend_all
from burgee.git.repository import open_repository
from burgee.sign.signing import is_ours
from tests.fakes.clock import NOON
from tests.fakes.signers import Ed25519InMemory
from tests.publishing import ONLY_PRODUCTION, Production
from tests.servers.git_cli import commit, git

SCHEDULED = """\
version: "1.4"
flags:
  - key: sale
    name: Sale
    type: BOOLEAN_FLAG_TYPE
    enabled: false
    metadata:
      burgee.schedule:
        - {at: 2027-01-15T09:00:00Z, enabled: true}
"""
HOUR = 3_600_000


class Place(Production):
    """One flag with a schedule."""

    @property
    def shows_sale(self) -> bool:
        """Whether Flipt's client SDKs read that the flag is on."""
        found = self.store.read_static("production", "default")
        assert found is not None
        return b'"enabled":true' in found[0]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, SCHEDULED)


def test_static_snapshots_step_with_a_schedule_at_the_next_tick(place: Place) -> None:
    place.publish()
    assert not place.shows_sale
    place.clock.advance(HOUR)
    assert place.publish().outcome == "unchanged"
    assert place.shows_sale


def test_static_snapshots_step_although_the_files_are_wrong_now(place: Place) -> None:
    place.publish()
    commit(place.repository, {"flags/features.yaml": "flags: [{key: a}]\n"})
    place.clock.advance(HOUR)
    assert place.publish().outcome == "invalid"
    assert place.shows_sale


def test_static_snapshots_step_in_an_environment_that_is_held(place: Place) -> None:
    place.publish()
    hold(place.means, "production", Person("ann", "load test"))
    commit(place.repository, {"flags/features.yaml": SCHEDULED.replace("Sale", "Sales")})
    place.clock.advance(HOUR)
    assert place.publish().outcome == "queued"
    assert place.shows_sale


def test_static_snapshots_step_while_the_git_host_is_away(place: Place) -> None:
    place.publish()
    place.clock.advance(HOUR)
    with open_repository(place.repository) as opened:

        class Away:
            identity = opened.identity

            def default_ref(self) -> str:
                raise Unavailable("the Git host is away")

        publisher = Publisher(Away(), place.store, place.means.rim)  # type: ignore[arg-type]
        with pytest.raises(Unavailable, match="away"):
            publish(publisher)
    assert place.shows_sale


def test_a_signed_head_is_signed_again_when_half_of_its_time_is_over(place: Place) -> None:
    place.sealing = Sealing([Ed25519InMemory(1)], validity=HOUR)
    place.publish()
    first = place.head
    assert first.expires_at == pytest.approx(NOON + HOUR, abs=1_000)
    place.clock.advance(HOUR // 3)
    place.publish()
    assert place.head == first
    place.clock.advance(HOUR // 3)
    place.publish()
    assert place.head.expires_at is not None and place.head.expires_at > first.expires_at
    assert (place.head.revision, place.head.last) == (first.revision, first.last)


def test_the_heads_of_environments_that_left_the_project_stay_fresh(place: Place) -> None:
    place.sealing = Sealing([Ed25519InMemory(1)], validity=HOUR)
    place.publish()
    commit(place.repository, {"burgee.yaml": ONLY_PRODUCTION.replace("production", "live")})
    place.clock.advance(HOUR * 2 // 3)
    place.publish()
    assert place.head.expires_at is not None and place.head.expires_at > place.clock.wall() + HOUR // 2


def test_every_move_of_a_signed_head_is_signed(place: Place) -> None:
    signer = Ed25519InMemory(1)
    place.sealing = Sealing([signer], validity=HOUR)
    place.publish()
    commit(place.repository, {"flags/features.yaml": SCHEDULED.replace("Sale", "Sales")})
    place.publish()
    roll_back(place.means, "production", Person("ann", "oh"), Rollback())
    assert place.publish().outcome == "queued"
    assert place.head.waiting and is_ours(place.head, [signer])


def test_nothing_is_signed_on_top_of_a_head_that_somebody_else_wrote(place: Place) -> None:
    place.publish()
    before = dict(place.objects._objects)
    place.sealing = Sealing([Ed25519InMemory(1)], validity=HOUR)
    receipt = place.publish()
    assert receipt.outcome == "failed"
    assert "is not signed" in receipt.message and "burgee key sign production" in receipt.message
    assert place.objects._objects == before


def test_without_keys_nobody_goes_on_from_a_signed_head_unless_it_is_said(place: Place) -> None:
    place.sealing = Sealing([Ed25519InMemory(1)], validity=HOUR)
    place.publish()
    commit(place.repository, {"flags/features.yaml": SCHEDULED.replace("Sale", "Sales")})
    place.sealing = Sealing()
    receipt = place.publish()
    assert (receipt.outcome, place.head.revision) == ("refused", 1)
    assert "BURGEE_SIGNING_KEYS" in receipt.message
    place.sealing = Sealing(unsigned=True)
    assert place.publish().outcome == "published"
    assert (place.head.signatures, place.head.expires_at) == ((), None)


def test_keys_are_exchanged_without_a_moment_in_which_a_head_has_neither(place: Place) -> None:
    old, new = Ed25519InMemory(1), Ed25519InMemory(2)
    for signers in ([old], [old, new], [new]):
        place.sealing = Sealing(signers, validity=HOUR)
        assert place.publish().outcome in ("published", "unchanged")
        assert is_ours(place.head, signers)


def test_an_old_head_of_ours_that_somebody_put_back_is_not_made_fresh_by_the_timer(place: Place) -> None:
    place.sealing = Sealing([Ed25519InMemory(1)], validity=HOUR)
    place.publish()
    hold(place.means, "production", Person("ann", "load test"))
    held = dict(place.objects._objects)
    resume(place.means, "production")
    commit(place.repository, {"flags/features.yaml": SCHEDULED.replace("Sale", "Sales")})
    place.publish()
    place.clock.advance(2 * HOUR)
    place.objects._objects.update(held)
    receipt = place.publish()
    assert receipt.outcome == "failed" and "burgee key sign" in receipt.message
    assert place.objects._objects["environments/production/head.json"] == held["environments/production/head.json"]
    with pytest.raises(Untrusted):
        hold(place.means, "production", Person("ann", "again"))
    noted: list[str] = []
    publisher = Publisher(None, place.store, place.means.rim, sealing=place.sealing, note=noted.append)  # type: ignore[arg-type]
    tend_all(publisher, ["production"])
    assert "environment 'production' could not be looked after" in noted[0]


def test_an_expired_head_that_is_what_the_repository_says_is_signed_again(place: Place) -> None:
    place.sealing = Sealing([Ed25519InMemory(1)], validity=HOUR)
    place.publish()
    place.clock.advance(2 * HOUR)
    assert place.publish().outcome == "unchanged"
    assert place.head.expires_at is not None and place.head.expires_at > place.clock.wall()


def test_the_store_of_another_repository_is_not_looked_after(place: Place) -> None:
    place.publish()
    place.clock.advance(HOUR)
    before = dict(place.objects._objects)
    git(place.repository, "remote", "add", "origin", "https://example.org/another.git")
    with pytest.raises(RefusedError, match="belongs to repository"):
        place.publish()
    assert place.objects._objects == before
