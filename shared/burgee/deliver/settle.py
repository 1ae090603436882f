"""What those read who know nothing of heads, kept equal to the active release: static snapshots, or a registry's tag.

Law: what is there is read before the head is, so a swap can only succeed against what the same or an older release
wrote; and the head is read again until both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..bundle.document import Document
from ..bundle.flipt import client_snapshot, empty_client_snapshot
from ..bundle.head import Entry, active_at
from ..core.errors import Conflict
from ..store.port import Store

_TRIES = 20


def settle(
    store: Store,
    environment: str,
    *,
    now: Callable[[], int],
    documents: Mapping[str, Document] | None = None,
    pause: Callable[[], None] = lambda: None,
) -> str | None:
    """Bring an environment's static snapshots, or its tag, to the release that is active at `now()`: its digest.

    `now` is in milliseconds. None without an active release; nothing is written then. `documents` maps digests to
    documents at hand, which spares reading them; `pause` waits before a lost race is run again. Raises Conflict when
    others keep writing.
    """
    if not store.keeps_static:
        return _tag(store, environment, now)
    for _ in range(_TRIES):
        present = {namespace: store.read_static(environment, namespace) for namespace in store.list_static(environment)}
        active = _active(store, environment, now)
        if active is None:
            return None
        present = {**dict.fromkeys(active.release.namespaces), **present}
        try:
            _write(store, environment, present, _wanted(store, active, documents or {}, present))
        except Conflict:
            pause()
            continue
        again = _active(store, environment, now)
        if again is not None and again.digest == active.digest:
            digest: str = active.digest
            return digest
    raise Conflict(f"static snapshots of environment {environment!r} kept changing while they were written; try again")


def _tag(store: Store, environment: str, now: Callable[[], int]) -> str | None:
    """As `settle`, where the active bundle has a tag and there are no static snapshots."""
    for _ in range(_TRIES):
        active = _active(store, environment, now)
        if active is None:
            return None
        store.tag_active(environment, active.release.bundle)
        again = _active(store, environment, now)
        if again is not None and again.digest == active.digest:
            digest: str = active.digest
            return digest
    raise Conflict(f"the active release of environment {environment!r} kept changing while it was tagged; try again")


def _active(store: Store, environment: str, now: Callable[[], int]) -> Entry | None:
    found = store.read_head(environment)
    return active_at(found[0], now()) if found else None


def _wanted(store: Store, active: Entry, at_hand: Mapping[str, Document], present: Iterable[str]) -> dict[str, bytes]:
    named = active.release.namespaces
    wanted = {namespace: empty_client_snapshot(namespace) for namespace in present if namespace not in named}
    for namespace, (digest, _size) in named.items():
        document = at_hand.get(digest) or Document(store.get_blob(digest))
        wanted[namespace] = client_snapshot(document)[0]
    return wanted


def _write(
    store: Store,
    environment: str,
    present: Mapping[str, tuple[bytes, str] | None],
    wanted: Mapping[str, bytes],
) -> None:
    for namespace, content in wanted.items():
        found = present[namespace]
        if found is None or found[0] != content:
            store.swap_static(environment, namespace, content, found[1] if found else None)
