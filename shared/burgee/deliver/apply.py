"""Carrying out a plan, in the one order in which a crash at any point leaves a store that readers can use.

Blobs, then what the present head's making left out, then the head's swap: the commit point. Before it nothing has
happened; what follows it (the log by number, static snapshots) is completed by the next publish or the timer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..bundle import keys
from ..bundle.document import Document
from ..bundle.head import Head, encode_head
from ..bundle.manifest import MANIFEST_TYPE
from ..bundle.release import Release
from ..core.errors import Conflict, ContentError, DigestMismatch, NotFound, RefusedError
from ..core.instant import format_instant
from ..store.port import Store
from .candidate import Candidate
from .instants import Activation
from .plan import Plan
from .sealing import UNSIGNED, Seal

# As much as readers take.
LARGEST_HEAD = 8 * 1024 * 1024


def apply(
    store: Store, plan: Plan, present: Head | None, etag: str | None, *, now: Callable[[], int], seal: Seal = UNSIGNED
) -> Head:
    """Release what `plan` says, if the head still is the one it was made from (`present`, `etag`): the new head.

    Raises Conflict when somebody else moved the head, or when writing took so long that the release's own instant has
    come too near, ContentError when a log has lost its head; then nothing has been released.
    """
    assert plan.head is not None and plan.release is not None, "only a plan that publishes can be applied"
    known = set(present.last.release.namespaces.values()) if present else set()
    for namespace, content in plan.candidate.blobs.items():
        if plan.candidate.layers[namespace] not in known:
            store.put_blob(content)
    store.put_blob(plan.candidate.manifest, content_type=MANIFEST_TYPE)
    return append_release(store, plan.head, present, etag, plan.activation, now=now, seal=seal)


def append_release(
    store: Store,
    head: Head,
    present: Head | None,
    etag: str | None,
    activation: Activation | None,
    *,
    now: Callable[[], int],
    seal: Seal,
) -> Head:
    """Swap in a head with a further release, whose documents are in the store: the head as it was signed.

    Raises as `apply` does. What `was_late` says of it afterwards is for the receipt.
    """
    if present:
        complete_log(store, present)
    _check_end_of_log(store, head, etag)
    sealed = seal(head, now())
    _check_size(sealed)
    if activation:
        _check_in_time(head.last.release, activation, now())
    store.swap_head(sealed, etag)
    return sealed


def _check_end_of_log(store: Store, head: Head, etag: str | None) -> None:
    """Releases are only ever written after a head: where the next one is there, the head is gone or an older one.

    Raises Conflict when somebody else moved it meanwhile.
    """
    try:
        store.get_release(head.environment, head.revision)
    except NotFound:
        return
    found = store.read_head(head.environment)
    if (found.etag if found else None) != etag:
        raise Conflict(f"somebody else made release {head.revision} of environment {head.environment!r} meanwhile")
    lost = "is gone" if found is None else f"is at release {found.head.revision}: an older one was put in its place"
    raise ContentError(
        f"environment {head.environment!r} has release {head.revision} in {store.url}, but its head.json {lost}; "
        "restore it from a copy of the store: readers refuse a log that begins again"
    )


def _check_size(head: Head) -> None:
    size = len(encode_head(head))
    if size > LARGEST_HEAD:
        raise RefusedError(
            f"the head of {head.environment!r} would have {size} bytes with {len(head.releases)} releases that are "
            f"active or pending, readers take {LARGEST_HEAD}; publish less often, or make activation_delay shorter"
        )


def _check_in_time(release: Release, activation: Activation, now: int) -> None:
    if activation.write_by is not None and now > activation.write_by:
        raise TooLate(now - release.published_at)


class TooLate(Conflict):
    """Writing took so long (ms) that not every reader can hold the release at its instant; to be planned again."""

    def __init__(self, took: int) -> None:
        self.took = took
        super().__init__(f"writing takes {took} ms and more, too long for every reader to hold it at its instant")


def was_late(head: Head, activation: Activation | None, now: int) -> tuple[str, ...]:
    """A warning when the head was there (at `now`, ms) too late for every reader to be ready at the instant."""
    if activation is None or activation.write_by is None or now <= activation.write_by:
        return ()
    instant = format_instant(head.last.release.activates_at)
    return (
        f"the head was there {now - activation.write_by} ms too late: some readers may not know of the release when it "
        f"becomes active at {instant}",
    )


def complete_log(store: Store, head: Head) -> None:
    """Write the releases of a head that a crash may have left out of the log by number; the rest is left alone."""
    for entry in head.releases:
        store.put_release(entry)


def complete_blobs(store: Store, candidate: Candidate, present: Head | None) -> None:
    """Write of the candidate what is gone from the store although the head that was seen names it.

    `apply` takes those for written. Raises DigestMismatch for one that is there with other bytes: what is immutable is
    not written over silently.
    """
    named = set(present.last.release.namespaces.values()) if present else set()
    if present and present.last.release.bundle == candidate.digest:
        _complete_blob(store, candidate.digest, candidate.manifest, MANIFEST_TYPE)
    for namespace, layer in candidate.layers.items():
        if layer not in named:
            continue
        _complete_blob(store, layer[0], candidate.blobs[namespace], keys.JSON)


def _complete_blob(store: Store, digest: str, content: bytes, content_type: str) -> None:
    try:
        store.get_blob(digest)
    except (NotFound, DigestMismatch):
        store.put_blob(content, content_type=content_type)


def released_documents(
    store: Store, head: Head | None, *, at_hand: Callable[[str], Document | None] = lambda digest: None
) -> Mapping[str, Document] | None:
    """The documents of the log's last release, by namespace; nothing without one, None when they cannot be read.

    `at_hand` gives the document of a digest that need not be read.
    """
    named = head.last.release.namespaces if head else {}
    try:
        return {key: at_hand(digest) or Document(store.get_blob(digest)) for key, (digest, _size) in named.items()}
    except (ContentError, NotFound):
        return None


def documents_of(store: Store, namespaces: Mapping[str, tuple[str, int]]) -> dict[str, Document]:
    """The documents that a release names, verified, by namespace."""
    return {key: Document(store.get_blob(digest)) for key, (digest, _size) in namespaces.items()}
