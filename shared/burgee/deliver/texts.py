"""What was written of flags and segments, so that those that are as they were are not written again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from ..author.kept import Kept

Write = Callable[..., str]
# What the writers of documents and snapshots are given.
Keeping = Callable[[Write], Write]


class Texts:
    """Texts by the very object that they were written of, the least recently used forgotten first.

    `limit` is in characters. Safe among threads.
    """

    __slots__ = ("_kept",)

    def __init__(self, *, limit: int = 48 * 1024 * 1024) -> None:
        # What is kept holds its object, so that no other one can have the same id.
        self._kept: Kept[tuple[int, Hashable], tuple[object, str]] = Kept(limit)

    def keeping(self, about: Hashable) -> Keeping:
        """What makes a writer remember its texts; `about` is all that they depend on besides the object."""

        def remembering(write: Write) -> Write:
            def written(thing: Any, *rest: Any) -> str:
                found = self._kept.get((id(thing), about))
                if found is None:
                    text = write(thing, *rest)
                    found = self._kept.keep((id(thing), about), (thing, text), size=len(text))
                return found[1]

            return written

        return remembering


def as_is(write: Write) -> Write:
    """What remembers nothing."""
    return write
