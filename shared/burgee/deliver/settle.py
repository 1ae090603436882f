"""What those read who know nothing of heads, kept equal to the active release: static snapshots, or a registry's tag.

Law: what is there is read before the head and the clock are, so a swap can only succeed against what the same or an
older release, at the same or an earlier instant, wrote; and the head is read again until both agree.

A registry's tag names the bundle, in which flags with a schedule stand as they were written; whoever reads it sees no
step of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..bundle.document import Document
from ..bundle.flipt import empty_client_snapshot
from ..bundle.head import Entry, active_at
from ..bundle.release import Release
from ..core.errors import Conflict
from ..store.port import Store
from .shown import Shown

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Settled:
    """What is there now: the digest of the active release, and when its next step comes (milliseconds) or None.

    Unless another release becomes active, there is nothing to settle before that instant.
    """

    digest: str
    until: int | None


def settle(
    store: Store,
    environment: str,
    *,
    now: Callable[[], int],
    documents: Mapping[str, Document] | None = None,
    shown: Shown | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Settled | None:
    """Bring an environment's static snapshots, or its tag, to the release that is active at `now()`, as it is then.

    `now` is in milliseconds. None without an active release; nothing is written then. `documents` maps digests to
    documents at hand, which spares reading them, `shown` tells of snapshots that need not be made to be compared;
    `pause` waits before a lost race is run again. Raises Conflict when others keep writing.
    """
    shown = shown or Shown()
    if not store.keeps_static:
        return _tag(store, environment, now)
    for _ in range(_TRIES):
        look = _look(store, environment, now)
        if look is None:
            return None
        try:
            settled = _show(store, look, documents or {}, shown)
        except Conflict:
            pause()
            continue
        again = _active(store, environment, now)
        if again is not None and again.digest == settled.digest:
            # A step that has come meanwhile is for the next time: those of a ramp may come faster than stores write.
            return settled
    raise Conflict(f"static snapshots of environment {environment!r} kept changing while they were written; try again")


def has_steps(store: Store, release: Release) -> bool:
    """Whether a release has flags with a schedule, so that what it shows changes with time.

    Its documents are read, once for each in this process.
    """
    return any(_is_stepping(store, digest) for digest, _size in release.namespaces.values())


def _is_stepping(store: Store, digest: str) -> bool:
    known = _STEPPING.get(digest)
    return _remember(digest, Document(store.get_blob(digest))) if known is None else known


def _remember(digest: str, document: Document) -> bool:
    """Whether a document has schedules, which is known by its digest from now on."""
    found = _STEPPING[digest] = bool(document.scheduled())
    if len(_STEPPING) > _MOST_KNOWN:
        _STEPPING.popitem(last=False)
    return found


# What a digest names does not change.
_STEPPING: OrderedDict[str, bool] = OrderedDict()
_MOST_KNOWN = 10_000


def _tag(store: Store, environment: str, now: Callable[[], int]) -> Settled | None:
    """As `settle`, where the active bundle has a tag and there are no static snapshots."""
    for _ in range(_TRIES):
        active = _active(store, environment, now)
        if active is None:
            return None
        store.tag_active(environment, active.release.bundle)
        again = _active(store, environment, now)
        if again is not None and again.digest == active.digest:
            return Settled(active.digest, None)
    raise Conflict(f"the active release of environment {environment!r} kept changing while it was tagged; try again")


def _active(store: Store, environment: str, now: Callable[[], int]) -> Entry | None:
    found = store.read_head(environment)
    return active_at(found[0], now()) if found else None


@dataclass(frozen=True, slots=True)
class _Look:
    """The snapshots that were there, by namespace, and then the release that was active at an instant (milliseconds).

    Each of its namespaces is in `present`, with None where there was nothing.
    """

    present: Mapping[str, tuple[bytes, str] | None]
    active: Entry
    at: int


def _look(store: Store, environment: str, now: Callable[[], int]) -> _Look | None:
    """What is there, read before the head and the clock are; None without an active release."""
    present = {namespace: store.read_static(environment, namespace) for namespace in store.list_static(environment)}
    active = _active(store, environment, now)
    if active is None:
        return None
    return _Look({**dict.fromkeys(active.release.namespaces), **present}, active, now())


def _show(store: Store, look: _Look, documents: Mapping[str, Document], shown: Shown) -> Settled:
    """Write the snapshots that differ from the release of a look. Raises Conflict where others have written."""
    release = look.active.release
    stale = _stale(store, look, shown)
    served = {key: documents.get(digest) or Document(store.get_blob(digest)) for key, digest in stale.items()}
    gone = [key for key in look.present if key not in release.namespaces]
    etags = _write(store, release.environment, look.present, _wanted(served, gone, look.at, shown))
    for key, document in served.items():
        if not _remember(stale[key], document):
            shown.note((store.url, release.environment, key), etags[key], stale[key])
    return Settled(look.active.digest, _first(document.next_step(look.at) for document in served.values()))


def _stale(store: Store, look: _Look, shown: Shown) -> dict[str, str]:
    """The digests of the documents whose snapshots are not known to be there, by namespace."""
    release = look.active.release
    return {
        key: digest
        for key, (digest, _size) in release.namespaces.items()
        if (found := look.present[key]) is None
        or not shown.shows((store.url, release.environment, key), found[1], digest)
    }


def _wanted(served: Mapping[str, Document], gone: Iterable[str], at: int, shown: Shown) -> dict[str, bytes]:
    wanted = {namespace: empty_client_snapshot(namespace) for namespace in gone}
    return {**wanted, **{namespace: shown.snapshot(document, at) for namespace, document in served.items()}}


def _first(instants: Iterable[int | None]) -> int | None:
    return min((instant for instant in instants if instant is not None), default=None)


def _write(
    store: Store,
    environment: str,
    present: Mapping[str, tuple[bytes, str] | None],
    wanted: Mapping[str, bytes],
) -> dict[str, str]:
    """Write what is not there yet; the etags that it has now, by namespace."""
    etags = {}
    for namespace, content in wanted.items():
        found = present[namespace]
        if found is None or found[0] != content:
            etags[namespace] = store.swap_static(environment, namespace, content, found[1] if found else None)
        else:
            etags[namespace] = found[1]
    return etags
