"""Bodies of answers that come drop by drop, under a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import ReadTimeoutError

from burgee.store.timely import TimelyBody


@dataclass(slots=True)
class Dripping:
    """An answer of urllib3's whose bytes come one a second."""

    left: bytes
    now: float = 0.0
    status: int = 200
    _pool: HTTPConnectionPool = field(default_factory=lambda: HTTPConnectionPool("flags.example.org"))

    def read1(self, amt: int, decode_content: bool | None = None) -> bytes:
        self.now += 1
        piece, self.left = self.left[:1], self.left[1:]
        return piece

    def close(self) -> None:
        self.left = b""

    def body(self, seconds: float) -> TimelyBody:
        return TimelyBody(self, seconds=seconds, clock=lambda: self.now)


def test_a_body_that_comes_in_time_is_whole() -> None:
    assert Dripping(b"flags").body(60).read() == b"flags"
    assert list(Dripping(b"abc").body(60).stream(2)) == [b"a", b"b", b"c"]


def test_what_has_come_is_taken_without_a_wait_for_the_rest() -> None:
    answer = Dripping(b"flags")
    assert answer.body(60).read(65_536) == b"f"
    assert answer.now == 1


def test_a_body_that_drips_is_left_when_its_time_is_over() -> None:
    answer = Dripping(b"x" * 20_000)
    with pytest.raises(ReadTimeoutError, match="the answer was not whole after 60 s"):
        answer.body(60).read()
    assert answer.now == 61


def test_what_is_whole_at_the_last_moment_is_not_late() -> None:
    assert Dripping(b"x" * 60).body(60).read() == b"x" * 60


def test_everything_else_is_the_answers_own() -> None:
    assert Dripping(b"").body(60).status == 200
