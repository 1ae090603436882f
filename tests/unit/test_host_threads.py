"""Threads for calls that may block."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from functools import partial
from threading import Event, get_ident

from burgee.host.threads import Threads


def done(threads: Threads, call: Callable[[], object]) -> None:
    """Run a call to its end."""
    ended = Event()

    def work() -> None:
        call()
        ended.set()

    threads.start(work)
    assert ended.wait(10)


def alive(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def ends(name: str, number: int) -> bool:
    """Whether as many threads of that name remain, once those that are to end have."""
    for thread in threading.enumerate():
        if thread.name == name and alive(name) > number:
            thread.join(0.5)
    return alive(name) == number


def test_a_call_that_blocks_keeps_no_other_one_waiting() -> None:
    threads, go_on, began = Threads("test-blocking"), Event(), [Event() for _ in range(50)]

    def block(begun: Event) -> None:
        begun.set()
        go_on.wait(10)

    for begun in began:
        threads.start(partial(block, begun))
    assert all(begun.wait(10) for begun in began)
    done(threads, lambda: None)
    go_on.set()
    threads.close()
    assert ends("test-blocking", 0)


def test_a_thread_is_kept_for_the_next_call_and_only_so_many_are() -> None:
    threads, barrier = Threads("test-kept", kept=3), threading.Barrier(10)
    for _ in range(10):
        threads.start(lambda: barrier.wait(10))
    assert ends("test-kept", 3)
    idents: list[int] = []
    for _ in range(20):
        done(threads, lambda: idents.append(get_ident()))
        # The next call may come before this thread is back.
        assert ends("test-kept", 3)
    assert len(set(idents)) <= 4
    threads.close()
    assert ends("test-kept", 0)


def test_after_close_calls_are_run_and_no_thread_is_kept() -> None:
    threads = Threads("test-closed")
    threads.close()
    done(threads, lambda: None)
    assert ends("test-closed", 0)


def test_a_kept_thread_holds_on_to_nothing_of_its_last_call() -> None:
    class Thing:
        pass

    threads, thing = Threads("test-holding"), Thing()
    gone = Event()
    weakref.finalize(thing, gone.set)
    done(threads, partial(id, thing))
    del thing
    assert gone.wait(10)
    threads.close()


def test_run_returns_what_the_call_does_without_holding_the_loop() -> None:
    threads = Threads("test-run")

    async def main() -> list[int]:
        go_on = Event()

        def call() -> int:
            return get_ident() if go_on.wait(10) else 0

        waiting = [asyncio.create_task(threads.run(call)) for _ in range(3)]
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(*waiting)

    idents = asyncio.run(main())
    assert 0 not in idents and get_ident() not in idents
    threads.close()


def test_who_stopped_waiting_is_not_told() -> None:
    threads, go_on, ended = Threads("test-cancelled"), Event(), Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: faults.append(1))

        def call() -> None:
            go_on.wait(10)

        waiting = asyncio.create_task(threads.run(call))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        go_on.set()
        await threads.run(lambda: None)

    faults: list[int] = []
    asyncio.run(main())
    # The loop is closed now, and a call that ends later has nobody to tell.
    threads.start(ended.set)
    assert ended.wait(10) and faults == []
    threads.close()
