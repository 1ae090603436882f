"""Several places with the same objects: the first one that answers counts, in their order.

Law: what cannot be what was asked for is no answer, be it a page that a network puts in a store's place, or the head of
a mirror that is behind what was seen already.
"""

from __future__ import annotations

from ..bundle import keys
from ..bundle.digest import digest_of
from ..bundle.head import decode_head
from ..bundle.index import decode_index
from ..core.errors import BurgeeError, ContentError, DigestMismatch, InvalidDocument, StoreError
from .clock import SystemClock
from .port import MAX_BYTES, NOT_MODIFIED, Fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..bundle.head import Head
    from .port import Fetcher

# A place that took so long to fail is asked after the others for a while, so that not every look waits for it.
SLOW_MS = 500
REST_MS = 30_000


class Fallbacks:
    """Reads from the first of several fetchers; from the next one when that fails or has something else, and so on.

    Blobs are read first from where the last head came from, so that a place that hangs is waited for once in a look.
    """

    __slots__ = ("_answered", "_decode", "_fetchers", "_monotonic", "_rests_until", "_revisions")

    def __init__(
        self,
        fetchers: Sequence[Fetcher],
        *,
        monotonic: Callable[[], int] = SystemClock.monotonic,
        decode: Callable[[bytes], Head] = decode_head,
    ) -> None:
        """`monotonic` is in milliseconds; `decode` raises ContentError for a head that is not believed."""
        self._fetchers = tuple(fetchers)
        self._decode = decode
        self._monotonic = monotonic
        self._answered = 0
        self._rests_until: dict[int, int] = {}
        # The highest that was seen, by the key of the head.
        self._revisions: dict[str, int] = {}

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        """As Fetcher says. An ETag counts for the fetcher alone that gave it.

        Raises the fault of the one asked first, with the others' as notes, when all fail.
        """
        place_of_etag, _, own_etag = (etag or "").partition(" ")
        first: BurgeeError | None = None
        for place in self._order(key):
            own = own_etag if place_of_etag == str(place) else None
            try:
                fetched = self._asked(place, key, own, max_bytes)
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

    def _asked(self, place: int, key: str, etag: str | None, max_bytes: int) -> Fetched:
        began = self._monotonic()
        try:
            fetched = self._fetchers[place].get(key, etag, max_bytes=max_bytes)
        except StoreError:
            if self._monotonic() - began >= SLOW_MS:
                self._rests_until[place] = self._monotonic() + REST_MS
            raise
        if fetched is not NOT_MODIFIED:
            self._check(key, fetched.content)
        return fetched

    def _order(self, key: str) -> Sequence[int]:
        now = self._monotonic()
        resting = {place for place, until in self._rests_until.items() if now < until}
        answered = self._answered if key.startswith(keys.BLOBS) else None
        return sorted(range(len(self._fetchers)), key=lambda place: (place != answered, place in resting))

    def _check(self, key: str, content: bytes) -> None:
        """Raises ContentError when the content says of itself that it is not the object of that key as it is now."""
        if key.startswith(keys.BLOBS):
            digest = digest_of(content)
            if key != keys.blob(digest):
                raise DigestMismatch(f"wanted {key}, got {len(content)} bytes with digest {digest}")
        if key == keys.INDEX:
            decode_index(content)
        if key.endswith(f"/{keys.HEAD_NAME}"):
            revision, seen = self._decode(content).revision, self._revisions.get(key, 0)
            if revision < seen:
                raise InvalidDocument(f"{key} is at revision {revision} here, and {seen} was seen already")
            # Another thread may have seen a newer one meanwhile.
            self._revisions[key] = max(revision, self._revisions.get(key, 0))
