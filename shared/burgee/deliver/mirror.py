"""A mirror: a further store that gets what the primary has, one environment at a time.

Law: a mirror only ever goes forward along the primary's own log, in the order in which the primary itself was written;
whatever an attempt leaves out, the next one finds lacking and completes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..bundle.document import Document
from ..bundle.head import Entry, Head, encode_head
from ..bundle.manifest import MANIFEST_TYPE
from ..core.errors import Conflict, ContentError, InvalidRequest, NotFound, RefusedError
from ..store.port import SeenHead, Store
from .settle import has_steps, settle

_TRIES = 10
_EMPTY = "give the mirror an empty place"


@dataclass(frozen=True, slots=True)
class _Rim:
    """As `bring` is given it."""

    now: Callable[[], int]
    pause: Callable[[], None]
    shown: Callable[[int], object]


def bring(
    primary: Store,
    mirror: Store,
    environment: str,
    *,
    now: Callable[[], int],
    pause: Callable[[], None] = lambda: None,
    adopt: bool = False,
    shown: Callable[[int], object] = lambda since: None,
) -> int:
    """Bring an environment of `mirror` to where it is in `primary`: its revision then, 0 without a release.

    `now` is in milliseconds; `pause` waits before a lost race is run again; `adopt` takes over a mirror of another
    repository, if its logs are beginnings of the primary's; `shown` is told, once readers can see it there, when the
    first release that they could not see yet was published (ms). Raises RefusedError for another's mirror without
    `adopt`, InvalidRequest for the primary itself, ContentError for a mirror whose log is another, Conflict when others
    keep writing, and whatever the stores raise.
    """
    if mirror.url == primary.url:
        raise InvalidRequest(f"{mirror.url} is the store itself, and no mirror of it")
    for _ in range(_TRIES):
        try:
            _list_environments(primary, mirror, adopt=adopt)
            return _advance(primary, mirror, environment, _Rim(now, pause, shown))
        except Conflict:
            pause()
    raise Conflict(f"environment {environment!r} of {mirror.url} kept changing while it was written; try again")


def _list_environments(primary: Store, mirror: Store, *, adopt: bool) -> None:
    wanted, found = primary.read_index(), mirror.read_index()
    if wanted is None or (found and found[0] == wanted[0]):
        return
    if found and found[0].repository != wanted[0].repository:
        if not adopt:
            raise RefusedError(
                f"{mirror.url} belongs to repository {found[0].repository}, and what is to be mirrored there to "
                f"{wanted[0].repository}; give the mirror an empty place, or publish with --adopt to hand it over"
            )
        for name in found[0].environments:
            _check_adoptable(primary, mirror, name)
    mirror.swap_index(wanted[0], found[1] if found else None)


def _check_adoptable(primary: Store, mirror: Store, environment: str) -> None:
    """Raises ContentError unless what the mirror has of an environment is the beginning of the primary's log."""
    there, found = mirror.read_head(environment), primary.read_head(environment)
    if there is not None and found is not None:
        _check_same_log(primary, mirror, there[0], found[0])
    elif there is not None:
        raise ContentError(f"{mirror.url} has an environment {environment!r} that the store has not; {_EMPTY}")


def _advance(primary: Store, mirror: Store, environment: str, rim: _Rim) -> int:
    there = mirror.read_head(environment)
    found = primary.read_head(environment)
    if found is None:
        return 0
    head, copied = found.head, dict[str, Document]()
    if there is None or encode_head(there.head) != encode_head(head):
        copied = _move_head(primary, mirror, there, head, rim.shown)
    elif mirror.keeps_static and _is_complete(mirror, head):
        return int(head.revision)
    settle(mirror, environment, now=rim.now, documents=copied, pause=rim.pause)
    _copy_log(primary, mirror, head)
    return int(head.revision)


def _move_head(
    primary: Store, mirror: Store, there: SeenHead | None, head: Head, shown: Callable[[int], object]
) -> dict[str, Document]:
    """Let the mirror show the head, once it has what that names: the documents that were written, by their digests."""
    copied = dict[str, Document]()
    if there is not None:
        _check_same_log(primary, mirror, there.head, head)
    if there is None or _named(there.head) != _named(head):
        for entry in head.releases:
            # All of it, also what an earlier release named: the mirror may have lost some since.
            copied |= _copy_bundle(primary, mirror, entry, None)
    since = _unseen_since(primary, there.head.revision if there else 0, head)
    mirror.swap_head(head, there.etag if there else None)
    if since is not None:
        shown(since)
    return copied


def _named(head: Head) -> list[str]:
    """What readers of a head go by; one with the same is only signed anew, or says something else of itself."""
    return [entry.digest for entry in head.releases]


def _unseen_since(primary: Store, revision: int, head: Head) -> int | None:
    """When the first release after a revision was published (ms).

    None where there is none, and of a mirror that is new to an old log: nobody reads there yet.
    """
    if revision == head.revision or (revision == 0 and head.revision > 1):
        return None
    held = {entry.release.revision: entry for entry in head.releases}
    first = held.get(revision + 1) or primary.get_release(head.environment, revision + 1)
    return int(first.release.published_at)


def _is_complete(mirror: Store, head: Head) -> bool:
    """Whether nothing is left to do for a head that is there: it was active at once and stays as it is, and what is
    written last is there."""
    release = head.last.release
    at_once = release.activates_at <= release.published_at
    return at_once and _has_release(mirror, head.environment, head.revision) and not has_steps(mirror, release)


def _check_same_log(primary: Store, mirror: Store, there: Head, head: Head) -> None:
    """Raises ContentError unless the mirror's log is the beginning of the primary's."""
    where = f"environment {there.environment!r} of {mirror.url}"
    if there.revision > head.revision:
        raise ContentError(
            f"{where} is at revision {there.revision}, the primary at {head.revision}; "
            f"a mirror never goes back: restore the primary, or {_EMPTY}"
        )
    held = {entry.release.revision: entry for entry in head.releases}
    same = held.get(there.revision) or primary.get_release(there.environment, there.revision)
    if same.digest != there.last.digest:
        raise ContentError(f"{where} has another release {there.revision} than the primary; {_EMPTY}")


def _copy_log(primary: Store, mirror: Store, head: Head) -> None:
    """Write the releases that the mirror's log by number lacks, each after its bundle, oldest first."""
    first = _end_of_log(mirror, head) + 1
    before = mirror.get_release(head.environment, first - 1) if first > 1 else None
    held = {entry.release.revision: entry for entry in head.releases}
    for revision in range(first, head.revision + 1):
        entry = held.get(revision)
        if entry is None:
            entry = primary.get_release(head.environment, revision)
            _copy_bundle(primary, mirror, entry, before)
        # What the head holds has its bundle there since before the head was.
        mirror.put_release(entry)
        before = entry


def _end_of_log(mirror: Store, head: Head) -> int:
    """The last release that is there by number. They are written in order: where one is, those before it are."""
    if _has_release(mirror, head.environment, head.revision):
        return int(head.revision)
    there, lacking = 0, head.revision
    while lacking - there > 1:
        middle = (there + lacking) // 2
        if _has_release(mirror, head.environment, middle):
            there = middle
        else:
            lacking = middle
    return there


def _has_release(mirror: Store, environment: str, revision: int) -> bool:
    try:
        mirror.get_release(environment, revision)
    except NotFound:
        return False
    return True


def _copy_bundle(primary: Store, mirror: Store, entry: Entry, before: Entry | None) -> dict[str, Document]:
    """Write a release's documents, but those of the release before it, which are there; then its manifest.

    The documents that were written, by their digests.
    """
    if before and before.release.bundle == entry.release.bundle:
        return {}
    known = _digests(before) if before else frozenset()
    copied = {digest: primary.get_blob(digest) for digest in sorted(_digests(entry) - known)}
    for content in copied.values():
        mirror.put_blob(content)
    mirror.put_blob(primary.get_blob(entry.release.bundle), content_type=MANIFEST_TYPE)
    return {digest: Document(content) for digest, content in copied.items()}


def _digests(entry: Entry) -> frozenset[str]:
    named: Iterable[tuple[str, int]] = entry.release.namespaces.values()
    return frozenset(digest for digest, _size in named)
