"""The log of an environment: what a release by its number must be, beside its neighbours and in time.

Law: numbers have no gap, each release names the digest of the one before it, and the instants of publishing grow.
"""

from __future__ import annotations

from ..core.errors import ContentError, InvalidDocument
from ..core.instant import format_instant
from .digest import digest_of
from .head import Entry
from .release import decode_release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .release import Release


def release_entry(content: bytes, *, environment: str, revision: int) -> Entry:
    """The release of that number, without signatures. Raises ContentError for what is none."""
    release = decode_release(content)
    if (release.environment, release.revision) != (environment, revision):
        raise InvalidDocument(f"it is release {release.revision} of {release.environment!r}")
    try:
        return Entry(digest_of(content), content.decode(), release, ())
    except UnicodeDecodeError as error:
        raise InvalidDocument("it is not UTF-8") from error


def check_link(earlier: Entry, later: Entry) -> None:
    """Raises ContentError unless `later` can be the release right after `earlier`."""
    before, after = earlier.release, later.release
    if after.previous != earlier.digest:
        raise ContentError(
            f"release {before.revision} of environment {before.environment!r} has digest {earlier.digest}, "
            f"the release after it names {after.previous}"
        )
    if after.published_at <= before.published_at:
        raise ContentError(
            f"release {after.revision} of environment {after.environment!r} says that it was published at "
            f"{format_instant(after.published_at)}, the one before it at {format_instant(before.published_at)}"
        )


def waiting_before(release: Release) -> range:
    """The revisions that were pending when a release was made. Raises InvalidDocument unless they end right below it.

    The one below them all was active then; there is none below revision 1.
    """
    pending = tuple(release.pending)
    expected = range(release.revision - len(pending), release.revision)
    if pending != tuple(expected) or expected.start < 1:
        raise InvalidDocument(
            f"release {release.revision} of environment {release.environment!r} says that {list(pending)} were "
            f"pending, wanted revisions without a gap up to {release.revision - 1}"
        )
    return expected


def starts_at(release: Release) -> int:
    """The instant from which it is active, unless a later one is by then (milliseconds)."""
    instant: int = max(release.activates_at, release.published_at)
    return instant


def with_ends(entries: Iterable[Entry]) -> Iterator[tuple[Entry, int | None]]:
    """Entries of a log from its end backwards, each with the instant at which a later one is active, None without one.

    A release whose end is not after its start was never active.
    """
    end: int | None = None
    for entry in entries:
        yield entry, end
        start = starts_at(entry.release)
        end = start if end is None else min(start, end)
