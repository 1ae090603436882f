"""Objects with faults: errors and crashes before or after the n-th write, slowness, and a record of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from burgee.store.port import Object, Objects


class Crash(BaseException):
    """The process died here; nothing that catches Exception may survive it."""


class FaultyObjects:
    """Passes each verb on to `inner`.

    `calls` lists (verb, key). `fail_write` plans a fault; `read_fault` is raised by every read while it is set;
    `pause` is called before each verb and may sleep, block or move a virtual clock.
    """

    def __init__(self, inner: Objects) -> None:
        self.inner = inner
        self.calls: list[tuple[str, str]] = []
        self.writes = 0
        self.read_fault: BaseException | None = None
        self.pause: Callable[[str, str], object] | None = None
        self._before: dict[int, BaseException] = {}
        self._after: dict[int, BaseException] = {}

    @property
    def url(self) -> str:
        return self.inner.url

    def fail_write(self, number: int, fault: BaseException, *, after: bool = False) -> None:
        """Raise `fault` at the write of that number, counted from 1 since the beginning, before or after it is done."""
        (self._after if after else self._before)[number] = fault

    def forget_faults(self) -> None:
        """Let every write succeed from now on."""
        self._before.clear()
        self._after.clear()

    def count(self, verb: str) -> int:
        return sum(called == verb for called, _ in self.calls)

    def get(self, key: str) -> Object:
        self._read("get", key)
        return self.inner.get(key)

    def list(self, prefix: str) -> Iterator[str]:
        self._read("list", prefix)
        return self.inner.list(prefix)

    def put_new(self, key: str, content: bytes, *, content_type: str, cache_control: str) -> str:
        return self._write(
            "put_new",
            key,
            lambda: self.inner.put_new(key, content, content_type=content_type, cache_control=cache_control),
        )

    def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
        return self._write(
            "swap",
            key,
            lambda: self.inner.swap(
                key, content, expected=expected, content_type=content_type, cache_control=cache_control
            ),
        )

    def _read(self, verb: str, key: str) -> None:
        self._note(verb, key)
        if self.read_fault is not None:
            raise self.read_fault

    def _write(self, verb: str, key: str, write: Callable[[], str]) -> str:
        self._note(verb, key)
        self.writes += 1
        number = self.writes
        if number in self._before:
            raise self._before[number]
        try:
            return write()
        finally:
            if number in self._after:
                raise self._after[number]

    def _note(self, verb: str, key: str) -> None:
        self.calls.append((verb, key))
        if self.pause is not None:
            self.pause(verb, key)
