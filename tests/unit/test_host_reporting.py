"""Reports of readers: what they say, how long they count, and that they are never in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from burgee.bundle import keys
from burgee.core.errors import InvalidDocument, InvalidRequest, Unavailable
from burgee.deliver.instances import (
    LIFETIME_MS,
    Instance,
    decode_instance,
    encode_instance,
    read_instances,
)
from burgee.host.reporting import EVERY_MS, Reporting, name_of
from tests.builders import a_boolean_flag
from tests.serving import TTL_MS, Served

HOUR = 3_600_000
REPORT = Instance("web-1", "staging", 3, "sha256:" + "b" * 64, "sha256:" + "c" * 64, 5, 6, False, 7, "0.6.0")


class Scene:
    """A reader of `staging`, and what it reports to its own store."""

    def __init__(self, instance: str = "web-1-ab12", served: Served | None = None) -> None:
        self.served = served or Served()
        self.clock, self.store = self.served.clock, self.served.store
        self.said: list[str] = []
        self.live = self.served.service.environments.live("staging")
        environments: Any = self.served.service.environments
        self.reporting = Reporting(
            self.store, environments, instance=instance, now=self.clock.wall, say=self.said.append
        )

    def look(self) -> None:
        self.live.current()

    def reports(self) -> tuple[Instance, ...]:
        return read_instances(self.store, "staging", now=self.clock.wall())

    def only(self) -> Instance:
        (found,) = self.reports()
        return found


def test_a_reader_reports_what_it_serves() -> None:
    scene = Scene()
    scene.look()
    scene.reporting.report()
    found, served = scene.only(), scene.live.current()
    assert (found.instance, found.environment, found.revision) == ("web-1-ab12", "staging", 1)
    assert (found.bundle, found.release) == (served.release.bundle, served.digest)
    now = scene.clock.wall()
    assert (found.since, found.seen_at, found.stale, found.expires_at) == (now, now, False, now + LIFETIME_MS)


def test_a_reader_without_a_release_says_so() -> None:
    scene = Scene()
    scene.served.service.environments.live("production")
    scene.reporting.report()
    (found,) = read_instances(scene.store, "production", now=scene.clock.wall())
    assert (found.revision, found.release, found.since, found.stale) == (None, None, None, True)


def test_another_release_is_reported_at_once_and_since_when_it_is_served() -> None:
    scene = Scene()
    scene.look()
    scene.reporting.report()
    scene.clock.advance(TTL_MS + 1)
    scene.served.publish(a_boolean_flag("other"))
    scene.look()
    scene.reporting.report()
    found = scene.only()
    assert (found.revision, found.since) == (2, scene.clock.wall())
    scene.clock.advance(EVERY_MS)
    scene.reporting.report()
    assert scene.only().since == found.since


def test_what_is_the_same_is_written_again_after_a_minute_and_not_before() -> None:
    scene = Scene()
    scene.look()
    scene.reporting.report()
    first = scene.only()
    scene.clock.advance(EVERY_MS - TTL_MS)
    scene.look()
    scene.reporting.report()
    assert scene.only() == first
    scene.clock.advance(TTL_MS)
    scene.reporting.report()
    assert scene.only().expires_at == first.expires_at + EVERY_MS


def test_a_report_expires_without_news_and_at_the_end() -> None:
    scene = Scene()
    scene.look()
    scene.reporting.report()
    scene.clock.advance(LIFETIME_MS - 1)
    assert scene.reports()
    scene.clock.advance(1)
    assert not scene.reports()
    scene.reporting.report()
    assert scene.reports()
    scene.reporting.end()
    assert not scene.reports()


def test_a_fault_is_said_once_and_so_is_its_end() -> None:
    scene = Scene()
    scene.look()
    swap = scene.store.swap_instance
    answers = iter([Unavailable("the store is down")] * 2)

    def failing(*given: Any) -> str:
        for fault in answers:
            raise fault
        return swap(*given)

    scene.store.swap_instance = failing  # type: ignore[method-assign,assignment]
    for _ in range(3):
        scene.reporting.report()
    assert scene.said == [
        "staging: what is served could not be reported: the store is down",
        "staging: what is served is reported again",
    ]
    assert scene.only().revision == 1


def test_readers_that_come_and_go_leave_no_more_places_than_there_were_at_once() -> None:
    served = Served()
    served.service.environments.live("staging").current()
    for number in range(10):
        scene = Scene(f"web-{number}", served)
        scene.reporting.report()
        assert scene.only().instance == f"web-{number}"
        scene.reporting.end()
        served.clock.advance(HOUR)
    assert len(served.store.list_instances("staging")) == 1


def test_a_place_is_not_taken_while_its_reader_may_come_back() -> None:
    served = Served()
    served.service.environments.live("staging").current()
    Scene("web-1", served).reporting.report()
    served.clock.advance(LIFETIME_MS + HOUR - 1)
    Scene("web-2", served).reporting.report()
    assert served.store.list_instances("staging") == ("web-1", "web-2")


def test_a_reader_whose_place_was_taken_finds_another() -> None:
    served = Served()
    served.service.environments.live("staging").current()
    frozen, new = Scene("web-1", served), Scene("web-2", served)
    frozen.reporting.report()
    served.clock.advance(LIFETIME_MS + HOUR)
    new.reporting.report()
    assert served.store.list_instances("staging") == ("web-1",)
    frozen.reporting.report()
    assert [each.instance for each in frozen.reports()] == ["web-1", "web-2"]
    assert frozen.said == []


def test_in_a_thread_of_its_own_it_reports_when_it_is_woken_and_ends() -> None:
    scene = Scene()
    scene.look()
    with scene.reporting:
        scene.reporting.wake()
    (place,) = scene.store.list_instances("staging")
    found = scene.store.read_instance("staging", place)
    assert found and decode_instance(found[0], "staging").expires_at <= scene.clock.wall()


def test_a_report_reads_back_as_it_was_written() -> None:
    assert decode_instance(encode_instance(REPORT), "staging") == REPORT
    empty = replace(REPORT, revision=None, bundle=None, release=None, since=None, seen_at=None, stale=True)
    assert decode_instance(encode_instance(empty), "staging") == empty


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"environment": "production"},
        {"instance": "\x1b[31mweb"},
        {"version": "0.6\n"},
        {"revision": "3"},
        {"revision": True},
        {"bundle": "latest"},
        {"stale": 1},
        {"since": 5},
        {"since": "yesterday"},
        {"expires_at": None},
    ],
)
def test_what_no_reader_would_write_is_refused_and_left_out(change: dict[str, Any]) -> None:
    content = json.dumps(json.loads(encode_instance(REPORT)) | change).encode()
    with pytest.raises(InvalidDocument):
        decode_instance(content, "staging")
    scene = Scene()
    scene.store.swap_instance("staging", "wrong", content, None)
    scene.store.swap_instance("staging", "good", encode_instance(replace(REPORT, expires_at=2**42)), None)
    assert [each.instance for each in scene.reports()] == ["web-1"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000, b" " * 20_000, b"\xff"])
def test_bytes_that_are_no_report_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidDocument):
        decode_instance(content, "staging")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("web-1", "web-1-ab"),
        ("Anna's Mac.local", "Anna-s-Mac.local-ab"),
        ("..", "host-ab"),
        ("x" * 99, "x" * 60 + "-ab"),
    ],
)
def test_a_name_is_of_the_host_and_something_random(host: str, name: str) -> None:
    assert name_of(host, "ab") == name
    assert decode_instance(encode_instance(replace(REPORT, instance=name)), "staging").instance == name


@pytest.mark.parametrize("place", ["", "-a", "a/b", "A", "..", "a" * 129])
def test_places_that_would_leave_theirs_are_refused(place: str) -> None:
    with pytest.raises(InvalidRequest):
        keys.instance("staging", place)
