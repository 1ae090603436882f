"""Following a store: when it looks, and what it says and tells."""

from __future__ import annotations

from threading import Event

import pytest

from burgee.bundle.index import Index, Listed
from burgee.core.errors import Unavailable
from burgee.core.instant import format_instant
from burgee.core.schedule import SCHEDULE
from burgee.fetch.environments import Environments
from burgee.host.following import Following
from tests.builders import Normal, a_boolean_flag, a_threshold, scheduled
from tests.fakes.clock import VirtualClock
from tests.serving import TTL_MS, Served


class Followed:
    """A store, and what its follower says and tells; `see` lets it look about."""

    def __init__(self, ttl_ms: int = TTL_MS) -> None:
        self.served = Served(a_boolean_flag("a"))
        self.clock = self.served.clock
        self.said: list[str] = []
        self.told = 0
        self.heard = Event()
        environments = Environments(self.served.fetcher, ttl_ms=ttl_ms, clock=self.clock, random=lambda: 0.0)
        self.following = Following(environments, ttl_ms=ttl_ms, clock=self.clock, tell=self._tell, say=self.said.append)

    def _tell(self) -> None:
        self.told += 1
        self.heard.set()

    def see(self) -> float:
        """Look about; how many milliseconds until the next time."""
        self.said.clear()
        return self.following.see()

    def later(self, milliseconds: float) -> float:
        self.clock.advance(int(milliseconds))
        return self.see()


def test_it_says_and_tells_a_change_once() -> None:
    followed = Followed()
    followed.see()
    assert followed.told == 1 and any(line.startswith("staging: release 1 sha256:") for line in followed.said)
    followed.later(TTL_MS)
    assert (followed.told, followed.said) == (1, [])
    followed.served.publish(a_boolean_flag("b"))
    followed.later(TTL_MS)
    assert followed.told == 2
    assert [line[:18] for line in followed.said] == ["staging: release 2"]


def test_it_looks_again_when_a_look_is_due() -> None:
    followed = Followed()
    assert followed.see() == TTL_MS
    assert followed.later(4_000) == TTL_MS - 4_000


def test_it_looks_as_often_as_the_head_asks_for() -> None:
    followed = Followed(ttl_ms=600_000)
    followed.served.publish(a_boolean_flag("b"), max_reader_ttl_seconds=5)
    assert followed.see() == 5_000


def test_it_wakes_at_the_instant_a_pending_release_becomes_active_and_tells_it() -> None:
    followed = Followed()
    followed.served.publish(a_boolean_flag("b"), active_after=3_000)
    assert followed.see() == 3_000
    told = followed.told
    followed.served.fetcher.faults[""] = Unavailable("the store is down")
    followed.later(2_999)
    assert followed.told == told
    followed.later(1)
    assert followed.told == told + 1
    assert any(line.startswith("staging: release 2 ") for line in followed.said)


def test_it_wakes_at_the_instant_the_very_first_release_becomes_active() -> None:
    followed = Followed()
    followed.served.publish(a_boolean_flag("b"), environment="production", active_after=3_000)
    assert followed.see() == 3_000


def test_in_an_outage_it_looks_as_the_reader_does_and_says_so_once() -> None:
    followed = Followed()
    followed.see()
    followed.served.fetcher.faults[""] = Unavailable("the store is down")
    pause = followed.later(TTL_MS)
    assert pause == 1_000
    assert any("goes on answering, the last look failed: the store is down" in line for line in followed.said)
    followed.later(pause)
    assert (followed.told, followed.said) == (1, [])


def test_an_outage_at_the_start_is_said_and_so_is_its_end() -> None:
    followed = Followed()
    followed.served.fetcher.faults[""] = Unavailable("the store is down")
    followed.see()
    assert followed.said == ["store: the store lists no environments yet: the store is down"]
    followed.served.fetcher.faults.clear()
    followed.later(TTL_MS)
    assert followed.told == 1


def test_a_fault_of_our_own_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    followed = Followed()
    followed.served.fetcher.faults["environments/index"] = ZeroDivisionError()
    assert followed.following._step() == TTL_MS
    assert "ZeroDivisionError" in caplog.text
    followed.served.fetcher.faults.clear()
    assert followed.following._step() == TTL_MS and followed.told == 1


def test_another_default_environment_is_told() -> None:
    followed = Followed()
    followed.see()
    _, etag = followed.served.store.read_index() or (None, None)
    listed = {"staging": Listed("main", False), "production": Listed("main", True)}
    followed.served.store.swap_index(Index("https://example.org/flags", listed), etag)
    followed.later(TTL_MS)
    assert followed.told == 2


def switched(flag: Normal, at: int, *, on: bool = True) -> Normal:
    return scheduled(flag, {"at": format_instant(at), "enabled": on})


def test_it_wakes_at_the_step_of_a_schedule_and_tells_it_once() -> None:
    followed = Followed()
    followed.served.publish(switched(a_boolean_flag("b"), followed.clock.wall() + 3_000))
    assert followed.later(TTL_MS) == TTL_MS
    followed.served.publish(switched(a_boolean_flag("b"), followed.clock.wall() + TTL_MS + 3_000))
    assert followed.later(TTL_MS) == 3_000
    told = followed.told
    followed.served.fetcher.faults[""] = Unavailable("the store is down")
    followed.later(2_999)
    assert followed.told == told
    followed.later(1)
    assert followed.told == told + 1
    followed.later(1)
    assert (followed.told, followed.said) == (told + 1, [])


def test_the_steps_of_a_short_ramp_are_told_once_a_second_and_its_end_as_well() -> None:
    followed, start = Followed(), VirtualClock().wall() + TTL_MS
    ends = {"from": format_instant(start), "until": format_instant(start + 2_500)}
    flag = scheduled(a_boolean_flag("b", a_threshold(0)), {**ends, "rollout": 1, "percentage": [0, 100]})
    followed.served.publish(flag)
    assert followed.later(TTL_MS) == 25
    told = followed.told
    pauses: list[float] = []
    while followed.clock.wall() < start + 5_000:
        pauses.append(followed.later(pauses[-1] if pauses else 25))
    assert pauses[:3] == [1_000, 1_000, 1_000]
    assert followed.told == told + 4


def test_a_schedule_that_makes_no_sense_keeps_nothing_from_being_told() -> None:
    followed = Followed()
    followed.served.publish(a_boolean_flag("odd") | {"metadata": {SCHEDULE: "never"}})
    assert followed.later(TTL_MS) == TTL_MS
    assert any(line.startswith("staging: release 2 ") for line in followed.said)


def test_waking_it_lets_it_see_at_once_and_it_ends_with_its_context() -> None:
    followed = Followed(ttl_ms=600_000)
    with followed.following as following:
        assert followed.heard.wait(10)
        followed.heard.clear()
        followed.served.publish(a_boolean_flag("b"))
        followed.clock.advance(600_000)
        following.wake()
        assert followed.heard.wait(10)
    assert not following._thread.is_alive()
