"""Several places with the same objects: the first one that answers counts, in their order.

Law: what cannot be what was asked for is no answer, be it a page that a network puts in a store's place.
"""

from __future__ import annotations

from ..bundle import keys
from ..bundle.digest import digest_of
from ..bundle.head import decode_head
from ..core.errors import BurgeeError, ContentError, DigestMismatch, StoreError
from .port import MAX_BYTES, NOT_MODIFIED, Fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .port import Fetcher


class Fallbacks:
    """Reads from the first of several fetchers; from the next one when that fails or has something else, and so on.

    Blobs are read first from where the last head came from, so that a place that hangs is waited for once in a look.
    """

    __slots__ = ("_answered", "_fetchers")

    def __init__(self, fetchers: Sequence[Fetcher]) -> None:
        self._fetchers = tuple(fetchers)
        self._answered = 0

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        """As Fetcher says. An ETag counts for the fetcher alone that gave it.

        Raises the fault of the one asked first, with the others' as notes, when all fail.
        """
        place_of_etag, _, own_etag = (etag or "").partition(" ")
        first: BurgeeError | None = None
        for place in self._order(key):
            try:
                own = own_etag if place_of_etag == str(place) else None
                fetched = self._fetchers[place].get(key, own, max_bytes=max_bytes)
                if fetched is not NOT_MODIFIED:
                    _check(key, fetched.content)
            except (StoreError, ContentError) as fault:
                if first is None:
                    first = fault
                else:
                    first.add_note(str(fault))
                continue
            if not key.startswith(keys.BLOBS):
                self._answered = place
            if fetched is NOT_MODIFIED or fetched.etag is None:
                return fetched
            return fetched._replace(etag=f"{place} {fetched.etag}")
        assert first is not None, "there is at least one fetcher"
        raise first

    def close(self) -> None:
        """Close every one of them."""
        for fetcher in self._fetchers:
            fetcher.close()

    def _order(self, key: str) -> Sequence[int]:
        places = range(len(self._fetchers))
        if not key.startswith(keys.BLOBS):
            return places
        return sorted(places, key=lambda place: place != self._answered)


def _check(key: str, content: bytes) -> None:
    """Raises ContentError when the content says of itself that it is not the object of that key."""
    if key.startswith(keys.BLOBS):
        digest = digest_of(content)
        if key != keys.blob(digest):
            raise DigestMismatch(f"wanted {key}, got {len(content)} bytes with digest {digest}")
    if key.endswith(f"/{keys.HEAD_NAME}"):
        decode_head(content)
