"""Objects as they are in a store, many at a time, read to be examined: what cannot be had is a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from ..core.errors import ContentError, NotFound
from .fault import Fault, broken, missing

_READERS = 16
# Read ahead of what is looked at; documents may have megabytes.
_RELEASES, _BLOBS = 512, 32


class Readable(Protocol):
    """Objects by key; see `store.port.Objects`."""

    def get(self, key: str) -> _Content:
        """Raises NotFound, ContentError, Unavailable, Denied."""


class _Content(Protocol):
    @property
    def content(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What verifying is done with.

    `list` gives the keys with a beginning, or is None where objects cannot be listed: none is found to be surplus then.
    `believe` raises ContentError for the bytes of a head that is not signed as it should be. `at` is now
    (milliseconds); `show` is told how many objects were read.
    """

    objects: Readable
    list: Callable[[str], Iterable[str]] | None
    at: int
    believe: Callable[[bytes], object] | None = None
    show: Callable[[int], None] = lambda count: None


class Examined:
    """The objects of a store; `read` counts what was read."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self._readers = ThreadPoolExecutor(_READERS)
        self.read = 0

    def __enter__(self) -> Examined:
        return self

    def __exit__(self, *exception: object) -> None:
        self._readers.shutdown(cancel_futures=True)

    def get(self, key: str, wanted: str) -> bytes | Fault:
        """The bytes of an object, or why there are none. Raises Unavailable, Denied."""
        self.read += 1
        self.means.show(self.read)
        return self._get(key, wanted)

    def list(self, prefix: str) -> set[str] | None:
        """The keys that begin so, or None where objects cannot be listed."""
        return None if self.means.list is None else set(self.means.list(prefix))

    def releases(self, wanted: Iterable[tuple[str, str]]) -> Iterator[tuple[str, bytes | Fault]]:
        """Small objects by key, in their order; each is wanted to be what the other text says."""
        return self._several(wanted, _RELEASES)

    def blobs(self, wanted: Iterable[tuple[str, str]]) -> Iterator[tuple[str, bytes | Fault]]:
        """Objects that may be large, as `releases`."""
        return self._several(wanted, _BLOBS)

    def _several(self, wanted: Iterable[tuple[str, str]], some: int) -> Iterator[tuple[str, bytes | Fault]]:
        left = iter(wanted)
        while part := list(islice(left, some)):
            for (key, _), found in zip(part, self._readers.map(lambda pair: self._get(*pair), part), strict=True):
                self.read += 1
                self.means.show(self.read)
                yield key, found

    def _get(self, key: str, wanted: str) -> bytes | Fault:
        try:
            return self.means.objects.get(key).content
        except NotFound:
            return missing(key, wanted)
        except ContentError as error:
            return broken(key, wanted, error)
