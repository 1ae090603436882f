"""Kept: values by what they were made of, the least recently used forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Kept(Generic[_Key, _Value]):
    """Values whose sizes add up to at most `limit`, in whatever unit they are told. Safe among threads."""

    __slots__ = ("_limit", "_lock", "_size", "_values")

    def __init__(self, limit: int) -> None:
        self._values: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()
        self._limit = limit
        self._size = 0
        self._lock = Lock()

    def get(self, key: _Key) -> _Value | None:
        """What was kept under the key, if it still is."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def keep(self, key: _Key, value: _Value, *, size: int) -> _Value:
        """The value itself; it is kept unless it is larger than all there is room for."""
        if size > self._limit:
            return value
        with self._lock:
            self._size += size - self._values.pop(key, (value, 0))[1]
            self._values[key] = (value, size)
            while self._size > self._limit:
                self._size -= self._values.popitem(last=False)[1][1]
        return value
