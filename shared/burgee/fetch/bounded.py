"""A mapping that keeps what was used last, up to a bound; safe among threads."""

from __future__ import annotations

from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, TypeVar

    _Key = TypeVar("_Key")
    _Value = TypeVar("_Value")
else:
    # `typing` costs more than the whole import may.
    class _Anything:
        def __class_getitem__(cls, item: object) -> type:
            return cls

    Generic, _Key, _Value = _Anything, None, None


class Bounded(Generic[_Key, _Value]):
    """Values of a size each; when they are together more than `most`, those go that were not used for longest."""

    __slots__ = ("_kept", "_lock", "_most", "_size")

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: dict[_Key, tuple[_Value, int]] = {}
        self._lock = allocate_lock()

    def get(self, key: _Key) -> _Value | None:
        """What was put there, unless it has gone."""
        with self._lock:
            found = self._kept.pop(key, None)
            if found is None:
                return None
            # The order of a dict is that of insertion: now it is the youngest.
            self._kept[key] = found
            return found[0]

    def put(self, key: _Key, value: _Value, *, size: int = 1) -> None:
        """Keep a value instead of what was there; one larger than the bound stays until the next comes."""
        with self._lock:
            _, before = self._kept.pop(key, (None, 0))
            self._kept[key] = (value, size)
            self._size += size - before
            while self._size > self._most and len(self._kept) > 1:
                oldest = next(iter(self._kept))
                self._size -= self._kept.pop(oldest)[1]
