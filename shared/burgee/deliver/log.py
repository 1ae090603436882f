"""The log of an environment, read backwards along its hash chain."""

from __future__ import annotations

from collections.abc import Iterator

from ..bundle.head import Entry, Head
from ..core.errors import ContentError
from ..store.port import Store


def entries(store: Store, head: Head) -> Iterator[Entry]:
    """Every release from the newest to the first, each checked to be what the one after it names.

    Raises ContentError when the chain is broken, NotFound when a release is missing.
    """
    held = {entry.release.revision: entry for entry in head.releases}
    expected: str | None = head.last.digest
    for revision in range(head.revision, 0, -1):
        entry = held.get(revision) or store.get_release(head.environment, revision)
        if entry.digest != expected:
            raise ContentError(
                f"release {revision} of environment {head.environment!r} has digest {entry.digest}, "
                f"the release after it names {expected}"
            )
        yield entry
        expected = entry.release.previous
