"""Streams over real sockets: what a change, a slow client and one that vanishes come to."""

from __future__ import annotations

import asyncio
import http.client
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from burgee.bundle.index import Index, Listed
from burgee.fetch.clock import SystemClock
from burgee.fetch.environments import Environments
from burgee.host.following import Following
from burgee.host.listener import Listener, Options
from burgee.host.streaming import Streaming
from burgee.serve.app import App
from burgee.serve.opening import service_over
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.builders import a_boolean_flag
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.publisher import a_document, publish
from tests.servers.asking import status_of
from tests.servers.dev import wait_for
from tests.servers.streams import EVENTS, LINES, WANTS_EVENTS, streaming, unread
from tests.serving import TTL_MS, Served

pytestmark = pytest.mark.integration
SLOW = {"heartbeat": 30.0}
LARGE = 3_000_000


class Host:
    """A listener over a store that the test writes, whose changes are told when the test says so."""

    def __init__(self, *, most_at_once: int = 1_200, **times: Any) -> None:
        self.served = Served(a_boolean_flag("a"), streams=True)
        self.streaming = Streaming(**{**SLOW, **times})
        self.listener = Listener(self.served.app, options=Options(port=0), streaming=self.streaming)
        self.listener._application._most_at_once = most_at_once

    @property
    def port(self) -> int:
        return self.listener.port

    def publish(self, *keys: str, padding: int = 0) -> None:
        """Release flags, let the reader see them, and tell the streams."""
        more = {"description": "x" * padding} if padding else {}
        self.served.publish(*({**a_boolean_flag(key), **more} for key in keys))
        self.served.clock.advance(TTL_MS)
        self.served.get("/status")
        self.streaming.tell()

    def is_clean(self) -> bool:
        """Whether no stream is open, and no connection, task or thread is left of any."""
        loop = self.listener._loop
        assert loop is not None
        return len(self.streaming) == 0 and len(asyncio.all_tasks(loop)) <= 2 and not _connections(self.listener)


@contextmanager
def hosting(**options: Any) -> Iterator[Host]:
    host = Host(**options)
    with host.listener:
        yield host


def _connections(listener: Listener) -> int:
    assert listener._server is not None
    return len(listener._server.server_state.connections)


def test_a_change_reaches_connected_clients_at_once() -> None:
    with hosting() as host, streaming(host.port, LINES) as lines, streaming(host.port, EVENTS, WANTS_EVENTS) as events:
        assert set(lines.flags()) == {"a"}
        before = events.event()
        began = time.monotonic()
        host.publish("b")
        assert set(lines.flags()) == {"b"}
        after = events.event()
        assert time.monotonic() - began < 1
        assert after["type"] == "refetchEvaluation" and after["etag"] != before["etag"]


def test_a_client_is_sent_nothing_when_nothing_has_changed_for_it() -> None:
    with hosting(heartbeat=0.05) as host, streaming(host.port, EVENTS, WANTS_EVENTS) as events:
        events.event()
        events.line()
        for _ in range(3):
            host.streaming.tell()
        assert [events.line() for _ in range(4)] == [b":\n", b"\n"] * 2


def test_heartbeats_of_lines_are_blanks_before_the_next_one() -> None:
    with hosting(heartbeat=0.02) as host, streaming(host.port, LINES) as lines:
        lines.line()
        assert lines.response.read(3) == b"   "
        host.publish("b")
        assert set(lines.flags()) == {"b"}


def test_streams_do_not_count_against_the_requests_that_are_answered_at_once() -> None:
    with hosting(most_at_once=1) as host, streaming(host.port, LINES) as first, streaming(host.port, LINES) as second:
        assert set(first.flags()) == set(second.flags()) == {"a"}
        assert status_of(host.port, "/healthz") == 200


def test_past_the_most_streams_the_next_client_is_told_to_come_back() -> None:
    with hosting(most=1) as host, streaming(host.port, LINES) as first:
        assert set(first.flags()) == {"a"}
        assert status_of(host.port, LINES) == 503
        assert status_of(host.port, "/healthz") == 200


def test_a_head_request_gets_the_head_alone_and_opens_no_stream() -> None:
    with hosting() as host:
        connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
        for _ in range(2):
            connection.request("HEAD", LINES)
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"")
        connection.close()
        assert wait_for(host.is_clean)


def test_stopping_ends_streams_whole_and_at_once() -> None:
    with hosting() as host, streaming(host.port, LINES) as lines, streaming(host.port, EVENTS, WANTS_EVENTS) as events:
        lines.line()
        events.event()
        began = time.monotonic()
        host.listener.stop()
        assert time.monotonic() - began < 2
        # A body that broke off would be an IncompleteRead.
        assert lines.line() == b""
        assert events.response.read() == b"\n"


def test_clients_that_vanish_leave_nothing_behind() -> None:
    with hosting() as host:
        host.publish("b")
        assert wait_for(host.is_clean)
        threads = threading.active_count()
        clients = [unread(host.port, path) for path in (LINES, EVENTS) * 25]
        assert wait_for(lambda: len(host.streaming) == 50)
        for number, client in enumerate(clients):
            if number % 2:
                # Gone without a goodbye: the connection is reset.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        assert wait_for(host.is_clean)
        # Threads that answered are kept for the next requests, up to a number.
        assert threading.active_count() <= threads + 16


def test_a_client_that_takes_nothing_is_cut_off_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("burgee.host.streaming.SLOWEST_BYTES_A_SECOND", LARGE * 20)
    with hosting(patience=0.3) as host:
        host.publish("b", padding=LARGE)
        with unread(host.port, LINES, buffer=4096):
            assert wait_for(lambda: len(host.streaming) == 1)
            assert wait_for(host.is_clean, 5)


def test_a_client_that_takes_nothing_holds_nobody_else_up() -> None:
    with hosting(patience=20) as host:
        host.publish("b", padding=LARGE)
        with unread(host.port, LINES, buffer=4096), streaming(host.port, LINES) as other:
            assert set(other.flags()) == {"b"}
            host.publish("c")
            assert set(other.flags()) == {"c"}


def test_a_client_that_was_slow_gets_the_newest_state_and_none_between() -> None:
    with hosting() as host:
        host.publish("first", padding=LARGE)
        with streaming(host.port, LINES) as slow:
            # What fits on the way is sent; the rest waits for the client to read.
            for number in range(5):
                host.publish(f"change-{number}", padding=LARGE)
            sent = [slow.flags()]
            while "change-4" not in sent[-1]:
                sent.append(slow.flags())
        assert len(sent) <= 3


def test_a_large_snapshot_costs_a_slow_client_no_copy_of_it() -> None:
    with hosting() as host:
        host.publish("b", padding=LARGE)
        with unread(host.port, LINES, buffer=4096):
            assert wait_for(lambda: len(host.streaming) == 1)
            assert host.listener._server is not None
            (connection,) = host.listener._server.server_state.connections
            assert wait_for(lambda: connection.transport.get_write_buffer_size() > 0)
            assert connection.transport.get_write_buffer_size() < 300_000


def test_a_pending_release_is_sent_at_the_instant_it_becomes_active() -> None:
    objects = MemoryObjects()
    store, clock = ObjectStore(objects), SystemClock()
    store.swap_index(Index("https://example.org/flags", {"staging": Listed("main", True)}), None)
    publish(store, {"default": a_document(enabled=False)}, at=clock.wall())
    environments = Environments(FaultyFetcher(objects), ttl_ms=60_000, clock=clock, random=lambda: 0.0)
    hub = Streaming(heartbeat=30)
    app = App(service_over(environments, None, streams=True))
    following = Following(environments, ttl_ms=60_000, clock=clock, tell=hub.tell, say=lambda state: None)
    listener = Listener(app, options=Options(port=0), streaming=hub)
    with listener, following, streaming(listener.port, LINES) as lines:
        assert lines.flags() == {"on": False}
        release = publish(store, {"default": a_document(enabled=True)}, at=clock.wall(), active_after=700)
        environments.refresh()
        following.wake()
        assert lines.flags() == {"on": True}
        assert 0 <= clock.wall() - release.activates_at < 300
