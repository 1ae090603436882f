"""The static snapshots of an environment, beside what they should say: the active release, as it is at an instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from ..bundle import keys
from ..bundle.digest import digest_of
from ..bundle.document import Document
from ..bundle.flipt import client_snapshot, empty_client_snapshot
from ..bundle.head import Entry
from ..core.errors import ContentError
from .examined import Examined
from .fault import Fault

# A timer writes them at the instants at which they change, and may be as late as this.
_GRAIN_MS = 3_600_000
# Of how many releases they are told to be when they are not of the active one.
_RELEASES = 50
_STEPS = 500


def check(
    examined: Examined,
    environment: str,
    active: Entry,
    before: Mapping[int, Entry],
    listed: set[str] | None,
    *,
    at: int,
) -> Iterator[Fault | str]:
    """What is wrong with them, and in words what is late: the next publish or the timer writes those again.

    `before` are releases by revision; `listed` is which namespaces there are, or None where that cannot be told.
    """
    named = active.release.namespaces
    for namespace in sorted({*named, *(listed or ())}):
        key = keys.static_snapshot(environment, namespace)
        found = examined.get(key, "a static snapshot")
        if isinstance(found, Fault):
            # What cannot be listed need not be kept there either.
            if listed is not None:
                yield found
            continue
        wanted = _wanted(examined, active, namespace, at)
        if wanted is None or found in (wanted, *_late(examined, active, namespace, at)):
            continue
        revision = _of(examined, namespace, found, before, at)
        if revision is not None:
            yield f"{key} is of release {revision}, and {active.release.revision} is active"
        else:
            yield Fault(key, "changed", digest_of(wanted), digest_of(found))


def _wanted(examined: Examined, entry: Entry, namespace: str, at: int) -> bytes | None:
    """The snapshot at an instant; None when the document is not what it should be, which is said elsewhere."""
    if namespace not in entry.release.namespaces:
        return empty_client_snapshot(namespace)
    document = _document(examined, entry, namespace)
    return None if document is None else client_snapshot(document, at)[0]


def _late(examined: Examined, entry: Entry, namespace: str, at: int) -> Iterator[bytes]:
    """What it was at the steps before, as long as a timer may not have come."""
    document = _document(examined, entry, namespace)
    if document is None or not document.scheduled():
        return
    step: int | None = at - _GRAIN_MS
    for _ in range(_STEPS):
        if step is None or step > at:
            return
        yield client_snapshot(document, step)[0]
        step = document.next_step(step)


def _of(examined: Examined, namespace: str, found: bytes, before: Mapping[int, Entry], at: int) -> int | None:
    """The newest release whose snapshot it is."""
    tried: set[str] = set()
    for revision in islice(sorted(before, reverse=True), _RELEASES):
        digest, _ = before[revision].release.namespaces.get(namespace, ("", 0))
        if digest not in tried and _wanted(examined, before[revision], namespace, at) == found:
            return revision
        tried.add(digest)
    return None


def _document(examined: Examined, entry: Entry, namespace: str) -> Document | None:
    digest, _ = entry.release.namespaces.get(namespace, ("", 0))
    found = examined.get(keys.blob(digest), digest) if digest else None
    if not isinstance(found, bytes) or digest_of(found) != digest:
        return None
    try:
        return Document(found)
    except ContentError:
        return None
