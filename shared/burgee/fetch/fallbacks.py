"""Several places with the same objects: the first one that answers counts, in their order."""

from __future__ import annotations

from ..core.errors import StoreError
from .port import MAX_BYTES, NOT_MODIFIED, Fetched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .port import Fetcher


class Fallbacks:
    """Reads from the first of several fetchers, from the next one when that fails, and so on."""

    __slots__ = ("_fetchers",)

    def __init__(self, fetchers: Sequence[Fetcher]) -> None:
        self._fetchers = tuple(fetchers)

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        """As Fetcher says. An ETag counts for the fetcher alone that gave it.

        Raises the first one's fault, with the others' as notes, when all fail.
        """
        place_of_etag, _, own_etag = (etag or "").partition(" ")
        first: StoreError | None = None
        for place, fetcher in enumerate(self._fetchers):
            try:
                fetched = fetcher.get(key, own_etag if place_of_etag == str(place) else None, max_bytes=max_bytes)
            except StoreError as fault:
                if first is None:
                    first = fault
                else:
                    first.add_note(str(fault))
                continue
            if fetched is NOT_MODIFIED or fetched.etag is None:
                return fetched
            return fetched._replace(etag=f"{place} {fetched.etag}")
        assert first is not None, "there is at least one fetcher"
        raise first
