"""Static snapshots: files that Flipt's client SDKs read, kept equal to the active release.

Law: what is there is read before the head is, so a swap can only succeed against what the same or an older release
wrote; and the head is read again until both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..bundle.document import Document
from ..bundle.flipt import client_snapshot, empty_client_snapshot
from ..bundle.head import Entry, active_at
from ..core.errors import Conflict
from ..store.port import Store

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Settled:
    """What the static snapshots of an environment show: a release's digest (None without an active one)."""

    release: str | None
    written: int


def settle(
    store: Store,
    environment: str,
    *,
    now: Callable[[], int],
    documents: Mapping[str, Document] | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Settled:
    """Bring the static snapshots of an environment to the release that is active at `now()` (milliseconds).

    `documents` maps digests to documents at hand, which spares reading them; `pause` waits before a lost race is run
    again. Raises Conflict when others keep writing.
    """
    written = 0
    for _ in range(_TRIES):
        present = {namespace: store.read_static(environment, namespace) for namespace in store.list_static(environment)}
        active = _active(store, environment, now)
        if active is None:
            return Settled(None, written)
        present = {**dict.fromkeys(active.release.namespaces), **present}
        try:
            written += _write(store, environment, present, _wanted(store, active, documents or {}, present))
        except Conflict:
            pause()
            continue
        again = _active(store, environment, now)
        if again is not None and again.digest == active.digest:
            return Settled(active.digest, written)
    raise Conflict(f"static snapshots of environment {environment!r} kept changing while they were written; try again")


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
) -> int:
    written = 0
    for namespace, content in wanted.items():
        found = present[namespace]
        if found is None or found[0] != content:
            store.swap_static(environment, namespace, content, found[1] if found else None)
            written += 1
    return written
