"""What the static snapshots of stores are known to show, so that they need not be made again to find out.

Law: a version that a store names by an etag never changes; what was once seen of it holds.
"""

from __future__ import annotations

from ..author.kept import Kept
from ..bundle.digest import digest_of
from ..bundle.document import Document
from ..bundle.flipt import client_snapshot
from .texts import Texts

# A store's URL, an environment and a namespace.
Place = tuple[str, str, str]


class Shown:
    """The last known etag of each static snapshot, and the digest of the document it was made of.

    Snapshots of documents with a schedule are other ones at other instants, and are not noted. Safe among threads.
    """

    __slots__ = ("_kept", "_texts")

    def __init__(self, *, limit: int = 10_000) -> None:
        self._kept: Kept[Place, tuple[str, str]] = Kept(limit)
        self._texts = Texts()

    def note(self, place: Place, etag: str, digest: str) -> None:
        """That version is the snapshot of the document of that digest."""
        self._kept.keep(place, (etag, digest), size=1)

    def shows(self, place: Place, etag: str, digest: str) -> bool:
        """Whether that version is known to be the snapshot of the document of that digest."""
        return self._kept.get(place) == (etag, digest)

    def snapshot(self, document: Document, at: int) -> bytes:
        """The snapshot of a document at an instant (milliseconds); flags that were in one before are not written again.

        A flag is written together with the segments that it names.
        """
        segments = digest_of(b"\n".join(document.segment_lines().values()))
        return client_snapshot(document, at, self._texts.keeping(segments))[0]
