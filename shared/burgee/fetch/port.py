"""What a fetcher is: one conditional read of an object by key."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Fetcher(Protocol):
        """Reads objects; safe among threads and after a fork."""

        def get(self, key: str, etag: str | None = None, *, max_bytes: int = ...) -> Fetched:
            """The object, or NOT_MODIFIED when it is still the version that had `etag`.

            Raises NotFound, Denied, Unavailable, and InvalidDocument when it is longer than `max_bytes`.
            """

        def close(self) -> None:
            """Let go of what is kept open between reads; the next one opens it anew."""


MAX_BYTES = 32 * 1024 * 1024


class Fetched(namedtuple("Fetched", "content etag")):
    """An object's bytes, and the opaque text that asks for news of it, or None when the place offers none."""

    __slots__ = ()


NOT_MODIFIED = Fetched(None, None)
