"""Carrying out a plan, in the one order in which a crash at any point leaves a store that readers can use.

Blobs, then what the present head's making left out, then the head's swap, then the log by number. Before the swap
nothing has happened; after it the next publish or the timer completes the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..bundle.document import Document
from ..bundle.head import Head
from ..store.port import Store
from .plan import Plan


def apply(store: Store, plan: Plan, present: Head | None, etag: str | None) -> None:
    """Release what `plan` says, if the head still is the one it was made from (`present`, `etag`).

    Raises Conflict when somebody else moved the head; then nothing has been released.
    """
    assert plan.head is not None, "only a plan that publishes can be applied"
    known = set(present.last.release.namespaces.values()) if present else set()
    for namespace, content in plan.candidate.blobs.items():
        if plan.candidate.layers[namespace] not in known:
            store.put_blob(content)
    store.put_blob(plan.candidate.manifest)
    if present:
        complete_log(store, present)
    store.swap_head(plan.head, etag)
    store.put_release(plan.head.last)


def complete_log(store: Store, head: Head) -> None:
    """Write the releases of a head that a crash may have left out of the log by number; the rest is left alone."""
    for entry in head.releases:
        store.put_release(entry)


def released_documents(store: Store, head: Head | None) -> Mapping[str, Document]:
    """The documents of the log's last release, by namespace; nothing when there is none."""
    return documents_of(store, head.last.release.namespaces) if head else {}


def documents_of(store: Store, namespaces: Mapping[str, tuple[str, int]]) -> dict[str, Document]:
    """The documents that a release names, verified, by namespace."""
    return {key: Document(store.get_blob(digest)) for key, (digest, _size) in namespaces.items()}
