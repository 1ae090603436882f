"""The client among threads, forks and event loops, while releases swap and the store hangs."""

from __future__ import annotations

import _thread
import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from threading import Event
from time import perf_counter
from typing import Any
from weakref import ref

import pytest

from burgee.client import Change, Client, reader
from burgee.client.flags import Flags
from burgee.core.errors import Unavailable
from tests.builders import a_boolean_flag, a_document, a_flag, a_rule, a_variant
from tests.fakes.children import in_a_child
from tests.fakes.clients import SECONDS, ClientScene, hanging, looked
from tests.fakes.scene import HEAD, TTL_MS

pytestmark = pytest.mark.integration

SWAPS = 60
HANG_SECONDS = 1.0
# What an evaluation may take on a machine that is busy with something else; a store that hangs takes much longer.
SLOW_SECONDS = 0.25


def odd_or_even(revision: int, namespace: str = "default") -> bytes:
    """A document whose flags all flip together: on, and "odd", in odd revisions."""
    odd = bool(revision % 2)
    variants = [a_variant("odd"), a_variant("even")]
    won = [("odd" if odd else "even", 100.0)]
    flags = [a_boolean_flag(f"b{number}", enabled=odd) for number in range(12)]
    flags += [a_flag(f"v{number}", variants=variants, rules=[a_rule("everybody", won)]) for number in range(12)]
    return a_document(flags, namespace=namespace).content


def publish(scene: ClientScene, revision: int, **how: Any) -> None:
    assert scene.publish(odd_or_even(revision), odd_or_even(revision, "beta"), **how).revision == revision


@pytest.fixture
def scene() -> ClientScene:
    made = ClientScene()
    publish(made, 1)
    return made


def is_odd(result: Any) -> bool:
    """What a result says of the release, whichever kind of flag it is of."""
    return bool(result.enabled if result.flag_key.startswith("b") else result.variant_key == "odd")


def watch(flags: Callable[[], Flags], done: Event) -> list[int]:
    """Ask in every way until done; the revisions seen. Each answer is of one release, and none of an older one."""
    seen = [1]
    while not done.is_set():
        answers: list[Any] = [flags().boolean("b3", "x"), flags().variant("v3", "x"), flags().evaluate("b4", "x")]
        together: list[Any] = list(flags().evaluate_all("x").values())
        assert len({answer.revision for answer in together}) == 1
        for answer in (*answers, together[0], together[-1]):
            assert is_odd(answer) == bool(answer.revision % 2)
            assert answer.revision >= seen[-1]
            if answer.revision > seen[-1]:
                seen.append(answer.revision)
        assert {is_odd(answer) for answer in together} == {bool(together[0].revision % 2)}
    return seen


def hammered(client: Client, swap: Callable[[int], None]) -> list[list[int]]:
    """What eight threads see, each in its own namespace or going from one to the other, while releases swap."""
    done = Event()
    namespaces: list[Flags] = [client, client.namespace("beta")]
    interval = sys.getswitchinterval()
    # Threads take turns so often that they meet in every place, and the one that swaps gets its turn.
    sys.setswitchinterval(0.000_02)
    with ThreadPoolExecutor(8) as pool:
        watchers: list[Future[list[int]]] = []
        for number in range(8):
            asked = namespaces if number > 3 else namespaces[number % 2 :][:1]
            watchers.append(pool.submit(watch, cycle(asked).__next__, done))
        try:
            for revision in range(2, SWAPS):
                swap(revision)
        finally:
            done.set()
            sys.setswitchinterval(interval)
        return [watcher.result(SECONDS) for watcher in watchers]


def test_threads_see_each_release_whole_and_never_an_older_one_while_releases_swap(scene: ClientScene) -> None:
    client = scene.client()

    def swap(revision: int) -> None:
        publish(scene, revision)
        scene.clock.advance(TTL_MS)
        client.refresh()

    for seen in hammered(client, swap):
        assert len(seen) > 3


def test_threads_see_each_release_whole_while_pending_releases_become_active(scene: ClientScene) -> None:
    client = scene.client()

    def swap(revision: int) -> None:
        publish(scene, revision, active_after=50)
        client.refresh()
        scene.clock.advance(49)
        scene.clock.advance(1)

    for seen in hammered(client, swap):
        assert len(seen) > 3


def test_tasks_of_an_event_loop_see_each_release_whole(scene: ClientScene) -> None:
    client = scene.client()

    async def ask() -> list[int]:
        seen = []
        for _ in range(200):
            together = client.evaluate_all("x").values()
            assert len({(is_odd(answer), answer.revision) for answer in together}) == 1
            seen.append(next(iter(together)).revision)
            seen.append(client.boolean("b1", "x").revision)
            await asyncio.sleep(0)
        return seen

    async def swap() -> None:
        for revision in range(2, 40):
            publish(scene, revision)
            await asyncio.to_thread(client.refresh)

    async def all_of_it() -> list[list[int]]:
        *seen, _ = await asyncio.gather(ask(), ask(), ask(), swap())
        return seen

    for seen in asyncio.run(all_of_it()):
        assert seen == sorted(seen)


# A store that hangs


def timed(evaluate: Callable[[], object], until: float) -> Iterator[float]:
    while (begun := perf_counter()) < until:
        evaluate()
        yield perf_counter() - begun


def test_no_evaluation_waits_while_the_store_hangs(scene: ClientScene) -> None:
    client = scene.client(ttl=0.05)

    def evaluate() -> None:
        # Time goes by, so that every few evaluations look whether the store has answered.
        scene.clock.advance(7)
        client.boolean("b1", "x")

    with hanging(scene.fetcher) as store:
        scene.clock.advance(TTL_MS)
        client.boolean("b1", "x")
        store.wait_until_asked()
        taken = sorted(timed(evaluate, perf_counter() + HANG_SECONDS))
    assert len(taken) > 1_000
    assert taken[len(taken) * 99 // 100] < 0.005
    assert taken[-1] < SLOW_SECONDS
    assert scene.asked() == 2


def test_no_evaluation_waits_for_the_first_release_either(scene: ClientScene) -> None:
    with hanging(scene.fetcher):
        client = scene.client(start_timeout=0)
        until = perf_counter() + HANG_SECONDS / 4
        taken = sorted(timed(lambda: client.boolean("b1", "x", default=True), until))
    assert taken[-1] < SLOW_SECONDS
    client.wait_until_ready()


def test_an_event_loop_goes_on_while_the_store_hangs(scene: ClientScene) -> None:
    client = scene.client()
    scene.clock.advance(TTL_MS)

    async def beat(gaps: list[float]) -> None:
        for _ in range(100):
            begun = perf_counter()
            client.boolean("b1", "x")
            client.evaluate_all("x")
            await asyncio.sleep(0)
            gaps.append(perf_counter() - begun)

    async def beats() -> list[float]:
        gaps: list[float] = []
        await asyncio.gather(beat(gaps), beat(gaps))
        return gaps

    with hanging(scene.fetcher) as store:
        client.boolean("b1", "x")
        store.wait_until_asked()
        assert max(asyncio.run(beats())) < SLOW_SECONDS
    looked(client)


# Threads of ours


def test_when_no_more_threads_can_be_had_evaluations_go_on_and_the_look_is_made_later(
    scene: ClientScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = scene.client()
    publish(scene, 2)

    def refuse(*arguments: object) -> int:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(reader, "start_new_thread", refuse)
        scene.clock.advance(TTL_MS)
        assert client.boolean("b1", "x").revision == 1
        assert client.catch_up() is True
        with pytest.raises(Exception, match="can't start new thread"):
            client.refresh()
    scene.clock.advance(TTL_MS)
    client.boolean("b1", "x")
    looked(client)
    assert client.boolean("b1", "x").revision == 2


def test_a_follower_that_could_not_be_started_is_started_later(
    scene: ClientScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> int:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(reader, "start_new_thread", refuse)
        client = scene.client(refresh="background", start_timeout=0)
    client.wait_until_ready(SECONDS)
    client.boolean("b1", "x")
    assert client._reader._following is not None and client._reader._following[0] == os.getpid()
    client.close()


def ends(thing: Any) -> Event:
    """Set when nobody has the thing any more."""
    gone = Event()
    watcher = ref(thing, lambda _: gone.set())
    gone.watcher = watcher  # type: ignore[attr-defined]
    return gone


def collected(gone: Event) -> bool:
    """Whether it goes, in the end, from whichever thread has it still."""
    for _ in range(int(SECONDS * 100)):
        gc.collect()
        if gone.wait(0.01):
            return True
    return False


def threads_come_down_to(count: int) -> bool:
    """Whether threads end until only so many are left: there is nothing to join of those that _thread starts."""
    tick = Event()
    return any(_thread._count() <= count or tick.wait(0.01) for _ in range(int(SECONDS * 100)))


@pytest.mark.parametrize("refresh", ["lazy", "background"])
def test_a_dropped_client_leaves_nothing_behind(scene: ClientScene, refresh: Any) -> None:
    before = _thread._count()
    told = Event()
    client = scene.client(refresh=refresh, on_change=lambda change: told.set())
    client.namespace("beta").boolean("b1", "x")
    assert told.wait(SECONDS)
    gone = ends(client._reader)
    del client
    assert collected(gone)
    assert threads_come_down_to(before)


def test_closing_ends_the_thread_in_the_background_at_once(scene: ClientScene) -> None:
    before = _thread._count()
    clients = [scene.client(refresh="background") for _ in range(20)]
    assert _thread._count() > before
    for client in clients:
        client.close()
        client.close()
    assert threads_come_down_to(before)
    assert clients[0].boolean("b1", "x").enabled is True


def test_a_look_that_hangs_does_not_keep_a_client_from_being_closed_or_dropped(scene: ClientScene) -> None:
    before = _thread._count()
    client = scene.client(refresh="background")
    with hanging(scene.fetcher) as store:
        scene.clock.advance(TTL_MS)
        client.boolean("b1", "x")
        store.wait_until_asked()
        client.close()
        gone = ends(client._reader)
        del client
    assert collected(gone)
    assert threads_come_down_to(before)


# Forks


def goes_on(scene: ClientScene, client: Client) -> Callable[[], bool]:
    """In the child: a release that is published there is answered from, lazily and when asked for."""

    beta = client.namespace("beta")

    def both(revision: int) -> bool:
        return {flags.boolean("b1", "x").revision for flags in (client, beta)} == {revision}

    def look() -> bool:
        first: int = client.boolean("b1", "x").revision
        publish(scene, first + 1)
        scene.clock.advance(TTL_MS)
        client.boolean("b1", "x")
        looked(client)
        lazily = both(first + 1)
        publish(scene, first + 2)
        client.refresh(SECONDS)
        return lazily and both(first + 2)

    return look


def test_a_forked_child_goes_on_looking_as_its_parent_does(scene: ClientScene) -> None:
    client = scene.client()
    assert in_a_child(goes_on(scene, client))
    assert goes_on(scene, client)()


def test_a_child_forked_in_the_midst_of_a_look_looks_itself(scene: ClientScene) -> None:
    client = scene.client()
    parent = os.getpid()
    scene.clock.advance(TTL_MS)
    with hanging(scene.fetcher) as store:
        pause = scene.fetcher.pause
        assert pause is not None
        scene.fetcher.pause = lambda key: pause(key) if os.getpid() == parent else None
        client.boolean("b1", "x")
        store.wait_until_asked()
        assert in_a_child(goes_on(scene, client))
    looked(client)


@pytest.mark.parametrize("lock", ["looking", "telling", "keeping"])
def test_a_child_forked_while_a_lock_is_held_is_not_held_up(scene: ClientScene, lock: str) -> None:
    told = Event()
    client = scene.client(on_change=lambda change: told.set())
    assert told.wait(SECONDS)
    held, free = Event(), Event()

    def hold() -> None:
        with getattr(client._reader._guard(), lock):
            held.set()
            assert free.wait(6 * SECONDS)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        assert held.wait(SECONDS)
        try:
            told.clear()
            assert in_a_child(lambda: goes_on(scene, client)() and told.wait(SECONDS))
        finally:
            free.set()
        holder.result(SECONDS)


def test_a_child_forked_while_a_release_is_switched_is_not_held_up(scene: ClientScene) -> None:
    """'Locks held at fork time.'"""
    client = scene.client()
    inside, go = Event(), Event()
    wall, parent = scene.clock.wall, os.getpid()

    def pausing() -> int:
        # The wall clock is read under the lock under which what is served is replaced.
        if os.getpid() == parent and client._reader._live._own_locks().switching.locked() and not go.is_set():
            inside.set()
            assert go.wait(6 * SECONDS)
        return wall()

    client._reader._live._wall = pausing
    with ThreadPoolExecutor(1) as pool:
        refreshed = pool.submit(client.refresh, SECONDS)
        assert inside.wait(SECONDS)
        try:
            assert in_a_child(goes_on(scene, client))
        finally:
            go.set()
        refreshed.result(SECONDS)


def test_a_child_of_a_client_with_a_background_thread_gets_a_thread_of_its_own(scene: ClientScene) -> None:
    # On the machine's clocks, because the thread sleeps by them.
    client = scene.client(refresh="background", clock=None, ttl=0.05)
    client.boolean("b1", "x")

    def follows() -> bool:
        # The first evaluation that finds something due starts it.
        while client._reader._following is None or client._reader._following[0] != os.getpid():
            client.boolean("b1", "x")
        changed = Event()
        client.watch(on_change=lambda change: changed.set())
        publish(scene, 2)
        # Nobody evaluates any more.
        return changed.wait(SECONDS) and client.status().revision == 2

    assert in_a_child(follows)
    client.close()


# The background


def test_the_background_looks_although_nobody_asks(scene: ClientScene) -> None:
    changes: list[int] = []
    third = Event()

    def tell(change: Change) -> None:
        changes.append(change.after)
        if change.after == 3:
            third.set()

    client = scene.client(refresh="background", clock=None, ttl=0.05, on_change=tell)
    publish(scene, 2)
    publish(scene, 3)
    assert third.wait(SECONDS)
    assert changes == sorted(changes)
    client.close()


def test_the_background_goes_on_through_an_outage(scene: ClientScene) -> None:
    failed, changed = Event(), Event()
    client = scene.client(refresh="background", clock=None, ttl=0.05)
    client.watch(
        on_status=lambda status: failed.set() if status.last_error else None,
        on_change=lambda change: changed.set(),
    )
    scene.fetcher.faults[HEAD] = Unavailable("the store sleeps")
    assert failed.wait(SECONDS)
    scene.fetcher.faults.clear()
    publish(scene, 2)
    assert changed.wait(SECONDS)
    client.close()


def test_the_background_waits_for_a_store_that_has_nothing_yet() -> None:
    scene, changed = ClientScene(), Event()
    client = scene.client(refresh="background", clock=None, ttl=0.05, on_change=lambda change: changed.set())
    assert client.ready is False
    publish(scene, 1)
    assert changed.wait(SECONDS)
    assert client.ready is True
    client.close()
