"""24 hours of refreshes with changing bundles, on virtual time: neither the client nor a server grows."""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import append, encode_head
from burgee.bundle.index import Listed, encode_index
from burgee.client import Client
from burgee.fetch.environments import Environments
from burgee.serve.app import App
from burgee.serve.message import Request
from burgee.serve.service import Service
from burgee.store.memory import MemoryObjects
from tests.builders import (
    NO,
    YES,
    Normal,
    a_boolean_flag,
    a_constraint,
    a_document,
    a_flag,
    a_rule,
    a_segment,
    a_segment_rollout,
    a_threshold,
    a_variant,
)
from tests.fakes.clock import VirtualClock
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.publisher import a_release
from tests.fakes.scene import HEAD

pytestmark = pytest.mark.integration

TTL_MS = 30_000
HOUR_MS = 3_600_000
LOOKS_PER_HOUR = HOUR_MS // TTL_MS
# How many looks apart two releases are: a hundred and more in a day, each unlike any before.
LOOKS_PER_CHANGE = 20
HOURS_TO_WARM_UP = 4
# What may be held more at the end of the day than after the first hours, as releases are not all alike: a hundred kept
# heads or documents would take ten times as much, and a byte more for each look a third of it.
GROWTH_BYTES = 30_000
GROWTH_OBJECTS = 300


class ChangingStore:
    """A store that always shows the newest release, and forgets the ones before as no real store does."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.fetcher = FaultyFetcher(MemoryObjects())
        self._head: Any = None
        self._numbers = count(1)
        self.number = 0

    def change(self, namespaces: tuple[str, ...] = ("default", "beta")) -> None:
        """Publish bundles that differ from every one before, in flags, segments, variants and texts."""
        self.number = next(self._numbers)
        contents = {name: a_document(_flags(self.number), _segments(self.number), name).content for name in namespaces}
        release = a_release(self._head, contents, at=self.clock.wall(), environment="staging")
        self._head = append(self._head, release, max_reader_ttl_seconds=60)
        own = f"pull-request-{self.number}"
        alone = append(
            None, a_release(None, contents, at=self.clock.wall(), environment=own), max_reader_ttl_seconds=60
        )
        index = {"staging": Listed("main", True), own: Listed(own, False)}
        self.fetcher.contents = {
            HEAD: encode_head(self._head),
            keys.head(own): encode_head(alone),
            keys.INDEX: encode_index("https://example.org/flags", index),
        }
        self.fetcher.contents |= {keys.blob(digest_of(content)): content for content in contents.values()}

    def look_over(self) -> None:
        """Forget what was asked for."""
        self.fetcher.calls.clear()


def _flags(number: int) -> list[Normal]:
    flags: list[Normal] = [
        a_boolean_flag(f"bool-{place}-{number}", a_segment_rollout("yes", f"of-{number}"), a_threshold(place * 7))
        for place in range(6)
    ]
    # Few enough ways to split: those are kept, up to a bound.
    weights = [("a", float(number % 20)), ("b", 7.5), (f"v{number}", 1.5)]
    variants = [a_variant("a", {"n": number}), a_variant("b"), a_variant(f"v{number}")]
    flags += [
        a_flag(f"split-{place}-{number}", variants=variants, rules=[a_rule("no", weights), a_rule("yes", weights)])
        for place in range(4)
    ]
    return [*flags, a_boolean_flag("stays", a_threshold(number % 100))]


def _segments(number: int) -> list[Normal]:
    age = a_constraint("age", "gte", str(number), type="NUMBER_COMPARISON_TYPE")
    return [YES, NO, a_segment(f"of-{number}", [age, a_constraint("p", "neq", f"x{number}")])]


def grown(look: Callable[[int], None], store: ChangingStore) -> tuple[int, int]:
    """How many bytes and objects are held more after 24 hours than after the first few."""
    looks = iter(range(24 * LOOKS_PER_HOUR))
    bytes_held, objects_held = [], []

    def hours(many: int) -> None:
        for _ in range(many * LOOKS_PER_HOUR):
            number = next(looks)
            if number % LOOKS_PER_CHANGE == 0:
                store.change()
            store.clock.advance(TTL_MS)
            look(number)
            store.look_over()

    hours(HOURS_TO_WARM_UP)
    tracemalloc.start(1)
    try:
        renew_interned_texts()
        # What came before the start is not counted; one more hour replaces it by what is.
        for many in (1, 24 - HOURS_TO_WARM_UP - 1):
            hours(many)
            gc.collect()
            bytes_held.append(tracemalloc.get_traced_memory()[0])
            objects_held.append(len(gc.get_objects()))
    finally:
        tracemalloc.stop()
    assert next(looks, None) is None
    return bytes_held[1] - bytes_held[0], objects_held[1] - objects_held[0]


def renew_interned_texts() -> None:
    """Have Python make its table of interned texts anew, from now on counted.

    It does so by itself once in some 50,000 of them, and pathlib interns every part of a path: a table that was not
    counted would be followed by one that is.
    """
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1_000_000):
        sys.intern(f"of no use {number}")
        if tracemalloc.get_traced_memory()[0] - before > GROWTH_BYTES:
            return
    raise AssertionError("a million interned texts have left the table as it was")


CONTEXT: dict[str, str | int] = {"p": "y", "age": 42, "beta": True}


def ask(client: Client, store: ChangingStore, number: int) -> None:
    """Evaluate in every way, for somebody new each time."""
    entity, context = f"user-{number}", CONTEXT | {"age": number % 1_000, "id": f"id-{number}"}
    assert client.boolean("stays", entity, context).revision == store.number
    assert len(client.namespace("beta").evaluate_all(entity, context)) == 11
    client.variant(f"split-1-{store.number}", entity, context)
    client.boolean(f"gone-{number % 20}", entity, context, default=True)


def test_a_client_does_not_grow_through_a_day_of_changing_bundles() -> None:
    store = ChangingStore(VirtualClock())
    store.change()
    told: list[int] = []
    client = Client(
        environment="staging",
        fetcher=store.fetcher,
        clock=store.clock,
        ttl=TTL_MS / 1000,
        on_change=lambda change: told.append(change.after),
    )

    def look(number: int) -> None:
        if number % 7 == 3:
            # A function that was frozen; its first answer is as old as that.
            store.clock.step_wall(HOUR_MS)
        assert client.catch_up(10)
        ask(client, store, number)
        told.clear()

    grew = grown(look, store)
    assert grew[0] < GROWTH_BYTES
    assert grew[1] < GROWTH_OBJECTS


def test_a_client_with_a_disk_does_not_grow_through_a_day_of_outages(tmp_path: Path) -> None:
    store = ChangingStore(VirtualClock())
    store.change()
    client = Client(
        environment="staging", fetcher=store.fetcher, clock=store.clock, ttl=TTL_MS / 1000, disk=str(tmp_path)
    )

    def look(number: int) -> None:
        looks_down = number % LOOKS_PER_CHANGE - 9
        store.fetcher.faults = {"": OSError(f"the store sleeps, {number}")} if looks_down >= 0 else {}
        assert client.catch_up(10) is (looks_down <= 0)
        assert client.boolean("stays", f"user-{number}", CONTEXT).stale is (looks_down > 1)
        client.evaluate_all(f"user-{number}", CONTEXT)

    grew = grown(look, store)
    assert grew[0] < GROWTH_BYTES
    assert grew[1] < GROWTH_OBJECTS


class Server:
    """The evaluate API over a store that changes."""

    def __init__(self) -> None:
        self.store = ChangingStore(VirtualClock())
        self.store.change()
        clock = self.store.clock
        self.environments = Environments(self.store.fetcher, ttl_ms=TTL_MS, clock=clock, random=lambda: 0.5)
        ids = count()
        service = Service(
            self.environments,
            now=clock.wall,
            timer=lambda: float(clock.monotonic()),
            new_id=lambda: f"id-{next(ids)}",
            gate=None,
        )
        self.app = App(service)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a request, which must be a good one."""
        content = b"" if body is None else json.dumps(body).encode()
        response = self.app(Request(method, path, "", {}, content))
        assert response.status == 200, response
        return response.body

    def look(self, number: int) -> None:
        """Ask every kind of question, for somebody new each time."""
        entity, flag = f"user-{number}", f"split-1-{self.store.number}"
        context = {"p": "y", "id": f"id-{number}"}
        asked = [{"flagKey": key, "entityId": entity, "context": context} for key in ("stays", flag)]
        self.call("POST", "/evaluate/v1/boolean", asked[0])
        if number % 5:
            return
        self.call("POST", "/evaluate/v1/batch", {"requests": asked})
        self.call("POST", "/evaluate/v1/variant", asked[1])
        self.call("POST", "/ofrep/v1/evaluate/flags", {"context": context | {"targetingKey": entity}})
        self.call("GET", "/internal/v1/evaluation/snapshot/namespace/beta")
        self.call("GET", "/api/v1/namespaces/default/flags")
        self.call("GET", "/status")


def test_environments_and_the_evaluate_api_do_not_grow_through_a_day_of_changing_bundles() -> None:
    server = Server()
    grew = grown(server.look, server.store)
    assert server.environments.live("staging").status().revision == server.store.number
    assert grew[0] < GROWTH_BYTES
    assert grew[1] < GROWTH_OBJECTS


def test_environments_that_come_and_go_are_not_kept() -> None:
    server = Server()

    def look(number: int) -> None:
        name = f"pull-request-{server.store.number}"
        assert name in server.environments.names()
        namespace = server.environments.live(name).current().snapshot.namespace("beta")
        assert len(namespace.evaluate_all(f"user-{number}", {"p": "y"}, 0)) == 11

    grew = grown(look, server.store)
    assert grew[0] < GROWTH_BYTES
    assert grew[1] < GROWTH_OBJECTS


def test_what_is_measured_would_notice_a_head_that_is_kept_of_each_release() -> None:
    store = ChangingStore(VirtualClock())
    store.change()
    kept: list[bytes] = []

    def look(number: int) -> None:
        if number % LOOKS_PER_CHANGE == 0:
            kept.append(store.fetcher.contents[HEAD] + b"\n")

    assert grown(look, store)[0] > 2 * GROWTH_BYTES
