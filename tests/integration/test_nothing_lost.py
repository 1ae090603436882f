"""Nothing that was accepted is lost: whatever breaks between the webhook and the release, pushes are published in order
and once, or lie with the dead letters and their reason.

The queue is one in memory on virtual time, which keeps what tests/conformance asks of every queue; the repository, the
webhook, the jobs and the publishes are real. tests/e2e/aws runs the same with real processes and an Amazon of our own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from burgee.bundle import keys
from burgee.control.job import Job, encode_job
from burgee.control.publishing import Batch, Desk, Statuses
from burgee.control.redrive import redrive
from burgee.control.webhook import Deployment, Webhook
from burgee.core.errors import BurgeeError, Unavailable
from burgee.deliver.built import Built
from burgee.deliver.log import entries
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Publisher
from burgee.deliver.receipt import Receipt
from burgee.fetch.live import Live
from burgee.git.repository import open_repository
from burgee.queue.port import Message
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.events import REPOSITORY, SECRET, a_request, github_headers, github_push
from tests.fakes.clock import VirtualClock
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.objects import Crash, FaultyObjects
from tests.fakes.queue import HELD_MS, MemoryQueue
from tests.publishing import a_rim, features, files
from tests.servers.git_cli import a_work_tree, commit

TRIES = 5
FLAGS = "flags/staging/features.yaml"


class World:
    """A repository that is pushed to, and what brings its state to a store; every part of it can break."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(wall=1_900_000_000_000)
        self.repository = a_work_tree(folder, files(features("a", "b"), features("a", "b")))
        self.objects = FaultyObjects(MemoryObjects(f"memory://{folder.name}"))
        self.queue, self.dead = MemoryQueue(self.clock), MemoryQueue(self.clock)
        self.git_is_down = False
        self.pushed = 10
        self.deliveries = 0

    def webhook(self) -> Webhook:
        """A webhook in a process that has just started, which remembers nothing."""
        store = ObjectStore(self.objects.inner)
        return Webhook(SECRET, Deployment(REPOSITORY), self.queue, store, self.clock.wall, lambda line, fields: None)

    def desk(self) -> Desk:
        """A publisher in a process that has just started."""
        say: Callable[[str, object], None] = lambda line, fields: None  # noqa: E731
        return Desk(self._publish, Statuses(None, say), self.queue, self.dead, TRIES, say, lambda name: None)

    def _publish(self) -> tuple[Receipt, ...]:
        if self.git_is_down:
            raise Unavailable("the Git host is down")
        with open_repository(self.repository) as opened:
            return publish(Publisher(opened, ObjectStore(self.objects), a_rim(self.clock), built=Built()))

    def push(self) -> None:
        """A commit whose flags no other has, and the event that tells of it."""
        self.pushed += 1
        self.deliveries += 1
        made = commit(self.repository, {FLAGS: features("a", "b", percentage=self.pushed)})
        body = github_push(commit=made, number=self.deliveries)
        request = a_request(github_headers(body, delivery=f"d-{self.deliveries}"), body)
        assert self.webhook()(request).status == 202

    def work(self) -> None:
        """A batch as Lambda hands it over. A process that dies deletes nothing; the messages come back in time."""
        batch = Batch(self.desk())
        for received in self.queue.take():
            try:
                batch.take(received)
            except Crash:
                return
            except BurgeeError:
                continue
            self.queue.delete(received.receipt)

    def work_until_quiet(self) -> None:
        """Let time pass until the queue is empty."""
        for _ in range(TRIES * 20):
            if not self.queue.messages:
                return
            self.work()
            self.clock.advance(HELD_MS)
        raise AssertionError(f"still in the queue: {self.queue.messages}")

    def tick(self) -> None:
        """The timer, which completes what a fault after the commit point has left."""
        self.clock.advance(60_000)
        tick = Job("timer", tick=str(self.clock.wall()))
        self.queue.send(Message(encode_job(tick), Deployment(REPOSITORY).group, str(self.clock.wall())))
        self.work()

    def published(self) -> list[int]:
        """What the releases of staging say, oldest first: the number of the push that each came from."""
        store = ObjectStore(self.objects.inner)
        found = store.read_head("staging")
        released = [entry.release for entry in entries(store, found[0])] if found else []
        numbers = []
        for release in reversed(released):
            document = json.loads(store.get_blob(release.namespaces["default"][0]))
            numbers.append(document["flags"][0]["rollouts"][0]["threshold"]["percentage"])
        return numbers

    def check(self) -> None:
        """The law of this module, and that a reader sees the last push."""
        self.tick()
        published = self.published()
        assert published == sorted(set(published)), f"not in order, or twice: {published}"
        assert published[-1] == self.pushed and self.queue.messages == self.dead.messages == []
        store = ObjectStore(self.objects.inner)
        for revision in range(1, len(published) + 1):
            assert store.get_release("staging", revision).release.revision == revision
        live = Live(FaultyFetcher(self.objects.inner), "staging", ttl_ms=1000, clock=self.clock, random=lambda: 0.5)
        assert live.current().release.revision == len(published)


def a_world(folder: Path) -> World:
    """One with a first release."""
    world = World(folder)
    world.push()
    world.work_until_quiet()
    assert world.published() == [world.pushed]
    return world


def test_pushes_are_published_in_order(tmp_path: Path) -> None:
    world = a_world(tmp_path / "flags")
    for _ in range(3):
        world.push()
        world.work()
    assert world.published() == [11, 12, 13, 14]
    world.check()


def test_pushes_that_come_together_are_one_release_of_the_last(tmp_path: Path) -> None:
    world = a_world(tmp_path / "flags")
    for _ in range(12):
        world.push()
    world.work_until_quiet()
    assert world.published() == [11, 23]
    world.check()


def test_a_crash_before_or_after_any_write_is_made_good_when_the_message_comes_back(tmp_path: Path) -> None:
    counted = a_world(tmp_path / "counted")
    before = counted.objects.writes
    counted.push()
    counted.work()
    writes = counted.objects.writes - before
    assert writes >= 4
    for number in range(1, writes + 1):
        for late in (False, True):
            world = a_world(tmp_path / f"{number}-{late}")
            world.push()
            world.objects.fail_write(world.objects.writes + number, Crash(), after=late)
            world.work()
            assert world.queue.messages, "the process died and the message is gone"
            world.work_until_quiet()
            world.check()


def test_a_push_that_comes_while_a_publish_dies_is_published_too(tmp_path: Path) -> None:
    for number in range(1, 6):
        world = a_world(tmp_path / str(number))
        world.push()
        world.objects.fail_write(world.objects.writes + number, Crash(), after=True)
        world.work()
        world.push()
        world.work_until_quiet()
        world.check()


def test_a_store_that_throttles_for_a_while_delays_and_loses_nothing(tmp_path: Path) -> None:
    for number in range(1, 6):
        world = a_world(tmp_path / str(number))
        for again in range(3):
            world.objects.fail_write(world.objects.writes + number + again, Unavailable("SlowDown"))
        world.push()
        world.push()
        world.work_until_quiet()
        world.check()


def test_a_git_host_that_is_down_for_a_while_delays_and_loses_nothing(tmp_path: Path) -> None:
    world = a_world(tmp_path / "flags")
    world.push()
    world.git_is_down = True
    for _ in range(TRIES - 1):
        world.work()
        world.clock.advance(900_000)
    assert world.dead.messages == []
    world.git_is_down = False
    world.work_until_quiet()
    world.check()


def test_a_git_host_that_stays_down_leaves_dead_letters_with_the_reason_and_redrive_brings_them_back(
    tmp_path: Path,
) -> None:
    world = a_world(tmp_path / "flags")
    world.git_is_down = True
    world.push()
    world.push()
    world.work_until_quiet()
    assert [message.reason for message in world.dead.messages] == [f"tried {TRIES} times: the Git host is down"] * 2
    world.git_is_down = False
    assert len(list(redrive(world.dead, world.queue))) == 2
    world.work_until_quiet()
    world.check()


def test_a_message_that_is_delivered_twice_is_published_once(tmp_path: Path) -> None:
    world = a_world(tmp_path / "flags")
    world.push()
    (received,) = world.queue.take()
    for _ in range(3):
        Batch(world.desk()).take(received)
    world.queue.delete(received.receipt)
    assert world.published() == [11, 12]
    world.check()


def test_a_message_that_comes_back_while_a_slow_publish_still_runs_is_published_once(tmp_path: Path) -> None:
    world = a_world(tmp_path / "flags")
    world.push()
    overtaken: list[str] = []

    def overtake(verb: str, key: str) -> None:
        if verb == "swap" and key == keys.head("staging") and not overtaken:
            overtaken.append(key)
            world.clock.advance(HELD_MS + 1)
            world.work()

    world.objects.pause = overtake
    world.work()
    world.objects.pause = None
    assert overtaken and world.published() == [11, 12]
    world.check()


def test_publishers_of_two_regions_make_one_log(tmp_path: Path) -> None:
    """Each has a queue of its own and was told of the same pushes; the store is one."""
    for moment in ("get", "put_new", "swap"):
        world = a_world(tmp_path / moment)
        other_desk = world.desk()
        world.push()
        (received,) = world.queue.take()
        met: list[str] = []

        def meanwhile(verb: str, key: str, *, moment: str = moment, met: list[str] = met) -> None:
            if verb == moment and not met:
                met.append(key)
                Batch(other_desk).take(received)  # noqa: B023 - called before the loop goes on

        world.objects.pause = meanwhile
        Batch(world.desk()).take(received)
        world.objects.pause = None
        world.queue.delete(received.receipt)
        assert met and world.published() == [11, 12]
        world.check()


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_in_whatever_order_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    world, chance = a_world(tmp_path / "flags"), Random(seed)

    def crash() -> None:
        world.objects.fail_write(world.objects.writes + chance.randint(1, 8), Crash(), after=chance.random() < 0.5)

    def throttle() -> None:
        world.objects.fail_write(world.objects.writes + chance.randint(1, 8), Unavailable("SlowDown"))

    def toggle_git() -> None:
        world.git_is_down = not world.git_is_down

    def pass_time() -> None:
        world.clock.advance(chance.choice((1_000, 10_000, HELD_MS, 900_000)))

    def bring_back() -> None:
        list(redrive(world.dead, world.queue))

    steps = (world.push, world.push, world.work, world.work, world.work, crash, throttle, toggle_git, pass_time)
    for _ in range(25):
        chance.choice((*steps, bring_back))()
    world.git_is_down = False
    world.objects.forget_faults()
    world.work_until_quiet()
    bring_back()
    world.work_until_quiet()
    world.check()
