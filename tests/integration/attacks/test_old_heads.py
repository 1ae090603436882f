"""Heads that were good once: older ones, and one that is shown for ever."""

from __future__ import annotations

from burgee.core.errors import Unavailable
from burgee.core.instant import format_instant
from tests.fakes.attacked import TTL_MS, VALIDITY_MS, Attacked, Kept, starts_refusing

# Rollback


def test_an_older_head_that_still_holds_is_refused_by_who_has_seen_a_newer_one(kept: Kept) -> None:
    before = kept.store.recorded()
    kept.store.publish()
    kept.store.later()
    assert kept.reader.current().release.revision == 2
    kept.revision = 2
    kept.store.show(before)
    kept.refuses("went back from revision 2 to 1")


def test_an_older_head_deceives_a_new_reader_for_no_longer_than_it_holds(store: Attacked) -> None:
    before = store.recorded()
    store.publish()
    store.show(before)
    assert store.reader().current().release.revision == 1
    store.later(VALIDITY_MS)
    starts_refusing(store, "has expired")


def test_an_expired_head_is_refused_even_if_it_is_newer_than_what_is_served(kept: Kept) -> None:
    kept.store.show_head(kept.store.head())
    second = kept.store.publish()
    kept.store.later(VALIDITY_MS)
    kept.reader.current()
    kept.store.show_head(second)
    kept.refuses("(revision 2) has expired")


def test_a_release_of_an_equal_revision_does_not_replace_the_one_that_is_served(kept: Kept) -> None:
    other = Attacked()
    other.publish(enabled=False)
    kept.store.show(other.recorded())
    kept.refuses("another release 1 than before")


# Freeze


def test_a_store_that_shows_the_same_head_for_ever_is_noticed_when_that_expires(kept: Kept) -> None:
    expires_at = kept.store.head().expires_at
    kept.store.show(kept.store.recorded())
    kept.store.publish(enabled=False)
    while kept.store.clock.wall() + TTL_MS < expires_at:
        kept.store.later()
        kept.reader.current()
        assert kept.reader.status().stale is False
    kept.store.later()
    assert kept.reader.status().stale is True
    status = kept.refuses(f"has expired at {format_instant(expires_at)}")
    assert status.stale is True
    kept.store.later(24 * VALIDITY_MS)
    age_ms = kept.refuses("nobody has signed it anew").age_ms
    assert age_ms is not None
    assert age_ms > 24 * VALIDITY_MS
    kept.store.relent()
    kept.store.sign()
    kept.store.later()
    assert kept.reader.current().release.revision == 2
    assert kept.reader.status().stale is False


def test_a_head_that_is_signed_anew_in_time_goes_on(kept: Kept) -> None:
    for _ in range(5):
        kept.store.later(VALIDITY_MS // 2)
        kept.store.sign()
        kept.reader.refresh()
        assert kept.reader.status().stale is False


def test_an_end_that_is_put_off_by_somebody_else_is_refused(kept: Kept) -> None:
    head = kept.store.head()
    kept.store.show_head(head._replace(expires_at=head.expires_at + VALIDITY_MS))
    kept.refuses("not signed by the key")


def test_a_store_that_answers_nothing_any_more_is_told(kept: Kept) -> None:
    kept.store.fetcher.faults[""] = Unavailable("silence")
    kept.refuses("silence")
    kept.store.later(VALIDITY_MS)
    assert kept.refuses("silence").stale is True


def test_a_reader_whose_clock_is_ahead_is_told_both_times(store: Attacked) -> None:
    store.clock.step_wall(2 * VALIDITY_MS)
    starts_refusing(store, f"has expired at .*, and it is {format_instant(store.clock.wall())}")
