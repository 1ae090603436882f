"""Releases that are each as they should be, and do not belong together or here."""

from __future__ import annotations

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.fetch.verify import LONGEST_WALK
from tests.fakes.attacked import HEAD, TTL_MS, Attacked, Kept, starts_refusing
from tests.fakes.forgeries import EVIL
from tests.fakes.publisher import a_document


def test_releases_that_follow_one_another_are_taken(kept: Kept) -> None:
    for revision in (2, 3, 4):
        kept.store.publish(enabled=True)
        kept.store.later()
        assert kept.reader.current().release.revision == revision
    assert kept.reader.status().last_error is None


# Mix-and-match


def test_documents_of_another_release_are_refused(kept: Kept) -> None:
    first, second = a_document(), EVIL
    kept.store.publish(enabled=False)
    kept.store.show({keys.blob(digest_of(second)): first + b" " * (len(second) - len(first))})
    kept.refuses("wanted content with digest")


def test_releases_of_two_heads_do_not_make_a_third(kept: Kept) -> None:
    first = kept.store.head()
    kept.store.publish()
    second = kept.store.publish()
    mixed = second._replace(releases=(first.releases[0], second.releases[0]))
    kept.store.show_head(mixed)
    kept.refuses("not signed by the key")


def test_a_pending_release_that_is_left_out_is_missed(kept: Kept) -> None:
    head = kept.store.publish(active_after=10 * TTL_MS)
    assert len(head.releases) == 2
    kept.store.show_head(head._replace(releases=head.releases[1:]))
    kept.refuses("not signed by the key")


# Of elsewhere


def test_a_head_of_another_environment_is_refused(kept: Kept) -> None:
    kept.store.publish(environment="production", enabled=False)
    kept.store.show({HEAD: kept.store.objects.get(keys.head("production")).content})
    kept.refuses("wanted the head of 'staging', got that of 'production'")
    starts_refusing(kept.store, "got that of 'production'")


def test_releases_of_another_repository_with_the_same_key_are_refused_by_who_names_the_repository(
    store: Attacked,
) -> None:
    assert store.reader(repository="https://example.org/flags").current().release.revision == 1
    starts_refusing(
        store, "of repository 'https://example.org/flags'", reader=store.reader(repository="https://a.test/b")
    )


# Another log


def test_a_newer_head_that_does_not_continue_what_is_served_is_refused(kept: Kept) -> None:
    other = Attacked()
    for _ in range(2):
        other.publish(enabled=False)
    kept.store.show(other.recorded())
    kept.refuses("release 2 does not follow 1")


def test_a_newer_head_of_another_log_is_found_by_the_releases_between(kept: Kept) -> None:
    other = Attacked()
    for _ in range(5):
        other.publish(enabled=False)
    kept.store.show(other.recorded())
    kept.refuses("continues another log than the one whose revision 1 is served")


def test_releases_between_that_are_not_the_ones_that_are_named_are_refused(kept: Kept) -> None:
    for _ in range(3):
        kept.store.publish()
    kept.store.show({keys.release("staging", 2): b"{}"})
    kept.refuses("release 2 in the log of 'staging' is not the one that follows")


def test_releases_between_are_walked_as_far_as_there_are_any(kept: Kept) -> None:
    for _ in range(LONGEST_WALK):
        kept.store.publish()
    kept.store.later()
    assert kept.reader.current().release.revision == LONGEST_WALK + 1
    walked = [key for key in kept.store.fetcher.calls if "/releases/" in key]
    assert len(walked) == LONGEST_WALK - 1


def test_past_a_long_walk_the_signatures_alone_have_to_do(kept: Kept) -> None:
    for _ in range(LONGEST_WALK + 1):
        kept.store.publish()
    kept.store.later()
    assert kept.reader.current().release.revision == LONGEST_WALK + 2
    assert not [key for key in kept.store.fetcher.calls if "/releases/" in key]
