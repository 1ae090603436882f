"""Working the queue: what is published once, what is tried again, what is given up, and what commits are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import pytest

from burgee.control.job import Job, decode_job, encode_job
from burgee.control.publishing import Batch, Desk, Statuses
from burgee.control.redrive import dead_letters, redrive, told
from burgee.core.errors import BurgeeError, Denied, InvalidFiles, InvalidRequest, Problem, RefusedError, Unavailable
from burgee.deliver.receipt import Mirrored, Receipt
from burgee.git.host import Comment, Connection, Hook, Status
from burgee.queue.port import Message
from tests.fakes.clock import VirtualClock
from tests.fakes.queue import MemoryQueue

FIRST, SECOND = "1a" * 20, "2b" * 20
PUSH = Job("push", ref="refs/heads/main", commit=FIRST, delivery="github:1")
TICK = Job("timer", tick="2026-11-22T12:00:00Z")


class HostThatRemembers:
    """A Git host that keeps the statuses it is given, or refuses them."""

    longest_description = 255

    def __init__(self) -> None:
        self.statuses: list[tuple[str, Status]] = []
        self.fault: Exception | None = None
        self.asked = 0

    def write_status(self, commit: str, status: Status) -> None:
        self.asked += 1
        if self.fault:
            raise self.fault
        self.statuses.append((commit, status))

    def connect(self, hook: Hook, *, dry_run: bool = False) -> Connection:
        raise AssertionError("nobody connects here")

    def write_comment(self, request: int, mark: str, text: str) -> Comment:
        raise AssertionError("nobody comments here")

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


class Scene:
    """A desk whose publishes come to what they are told to come to."""

    def __init__(self, *outcomes: Sequence[Receipt] | Exception, tries: int = 3) -> None:
        self.clock = VirtualClock()
        self.queue, self.dead = MemoryQueue(self.clock), MemoryQueue(self.clock)
        self.host = HostThatRemembers()
        self.counted: list[str] = []
        self.lines: list[str] = []
        self.outcomes = list(outcomes)
        self.publishes = 0
        say = self._say
        self.desk = Desk(
            self._publish, Statuses(self.host, say), self.queue, self.dead, tries, say, self.counted.append
        )

    def _say(self, line: str, fields: object) -> None:
        self.lines.append(f"{line} {fields}")

    def _publish(self) -> Sequence[Receipt]:
        self.publishes += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def send(self, *jobs: Job | str) -> None:
        for number, job in enumerate(jobs):
            body = job if isinstance(job, str) else encode_job(job)
            self.queue.send(Message(body, "group", f"{number}-{self.clock.wall()}"))

    def work(self) -> int:
        """As Lambda does: a batch, of which is deleted what was taken; how many were not."""
        batch, left = Batch(self.desk), 0
        for received in self.queue.take():
            try:
                batch.take(received)
            except BurgeeError:
                left += 1
                continue
            self.queue.delete(received.receipt)
        return left

    def pauses(self) -> list[int]:
        """Seconds until each message can be received."""
        return [(instant - self.clock.wall()) // 1000 for instant in self.queue.visible_at()]


def published(environment: str = "staging", commit: str = FIRST) -> Receipt:
    return Receipt(environment, "published", commit=commit)


def failed(environment: str = "production") -> Receipt:
    return Receipt(environment, "failed", message="the store is down")


def test_one_publish_serves_all_messages_of_a_batch() -> None:
    scene = Scene([published()])
    scene.send(PUSH, PUSH, TICK)
    assert scene.work() == 0
    assert (scene.publishes, scene.queue.messages) == (1, [])
    assert scene.counted == ["Published"]


def test_the_result_is_told_to_the_commit_that_was_published() -> None:
    scene = Scene([published("staging"), Receipt("production", "unchanged", commit=FIRST)])
    scene.send(PUSH)
    scene.work()
    assert [(commit, status.context, status.state) for commit, status in scene.host.statuses] == [
        (FIRST, "burgee/staging", "success"),
        (FIRST, "burgee/production", "success"),
    ]


def test_a_commit_that_a_later_one_overtook_is_told_so() -> None:
    scene = Scene([published(commit=SECOND)])
    scene.send(PUSH)
    scene.work()
    ((commit, status),) = (told for told in scene.host.statuses if told[0] == FIRST)
    assert (commit, status.state) == (
        FIRST,
        "success",
    ) and f"superseded, published was {SECOND[:12]}" in status.description


def test_a_mirror_that_failed_is_logged_and_counted_and_tries_nothing_again() -> None:
    away = Mirrored("gs://acme-mirror/shop?endpoint=http://127.0.0.1:1", None, "nobody answers")
    scene = Scene([Receipt("staging", "published", commit=FIRST, mirrors=(away,))])
    scene.send(PUSH)
    assert scene.work() == 0 and scene.queue.messages == scene.dead.messages == []
    assert scene.counted == ["Published", "MirrorFailed"]
    wanted = "mirror gs://acme-mirror/shop does not have it, the next publish tries again: nobody answers"
    assert any(wanted in line for line in scene.lines)


def test_files_that_are_wrong_are_told_and_not_tried_again() -> None:
    problem = Problem("flags/features.yaml", 12, 9, "flags.0", "error", "unknown-segment", "names unknown segment 'x'")
    scene = Scene([Receipt("staging", "invalid", commit=FIRST, problems=(problem,))])
    scene.send(PUSH)
    assert scene.work() == 0 and scene.queue.messages == scene.dead.messages == []
    ((_, status),) = scene.host.statuses
    assert status.state == "failure" and "flags/features.yaml:12:9" in status.description
    assert scene.counted == ["PublishInvalid"]


@pytest.mark.parametrize(
    "mistake",
    [
        InvalidFiles((Problem("burgee.yaml", 3, 1, "", "error", "unknown-field", "unknown field 'enviroments'"),)),
        RefusedError("store s3://b belongs to repository other"),
    ],
)
def test_a_mistake_before_any_environment_is_told_to_the_pushed_commit(mistake: BurgeeError) -> None:
    scene = Scene(mistake)
    scene.send(PUSH)
    assert scene.work() == 0 and scene.queue.messages == scene.dead.messages == []
    ((commit, status),) = scene.host.statuses
    assert (commit, status.context, status.state) == (FIRST, "burgee", "failure")
    assert "unknown field" in status.description or "belongs to" in status.description


@pytest.mark.parametrize("outcome", [[published(), failed()], Unavailable("the Git host is down")])
def test_what_may_pass_is_tried_again_after_longer_and_longer_pauses(outcome: Sequence[Receipt] | BurgeeError) -> None:
    scene = Scene(outcome, tries=9)
    scene.send(PUSH)
    pauses = []
    for _ in range(5):
        assert scene.work() == 1
        pauses += scene.pauses()
        scene.clock.advance(pauses[-1] * 1000)
    assert pauses == [10, 20, 40, 80, 160]
    assert scene.dead.messages == [] and len(scene.queue.messages) == 1


def test_a_fault_that_nobody_foresaw_is_tried_again_and_ends_with_a_reason_and_a_trace_in_the_log() -> None:
    scene = Scene(IndexError("list index out of range"), tries=2)
    scene.send(PUSH)
    assert scene.work() == 1
    scene.clock.advance(10_000)
    assert scene.work() == 0
    (dead,) = scene.dead.messages
    assert "a fault of burgee's own, see the log: IndexError" in str(dead.reason)
    assert any("Traceback" in line for line in scene.lines) and "PublishFailed" in scene.counted


def test_a_tick_that_meets_a_fault_nobody_foresaw_is_let_go() -> None:
    scene = Scene(RecursionError("too deep"))
    scene.send(TICK)
    assert scene.work() == 0 and scene.dead.messages == []


def test_a_host_whose_answer_nobody_foresaw_keeps_no_push_back() -> None:
    scene = Scene([published()])
    scene.host.fault = RecursionError("too deep")
    scene.send(PUSH)
    assert scene.work() == 0 and any("RecursionError" in line for line in scene.lines)


def test_an_environment_that_is_done_is_told_while_another_is_tried_again() -> None:
    scene = Scene([published("staging"), failed("production")])
    scene.send(PUSH)
    assert scene.work() == 1
    assert [(status.context, status.state) for _, status in scene.host.statuses] == [("burgee/staging", "success")]


def test_the_whole_batch_is_tried_again_at_the_same_time_so_that_none_blocks_the_group() -> None:
    scene = Scene(Unavailable("down"), [published()])
    scene.send(PUSH, PUSH)
    assert scene.work() == 2
    assert scene.pauses() == [10, 10]
    scene.clock.advance(10_000)
    assert scene.work() == 0 and scene.queue.messages == []


def test_the_last_try_leaves_a_dead_letter_with_its_reason_and_the_commit_is_told() -> None:
    scene = Scene(Unavailable("the Git host is down"), tries=2)
    scene.send(PUSH)
    assert scene.work() == 1
    scene.clock.advance(10_000)
    assert scene.work() == 0
    assert scene.queue.messages == []
    (dead,) = scene.dead.messages
    assert decode_job(dead.body) == PUSH and dead.reason == "tried 2 times: the Git host is down"
    assert [(status.context, status.state) for _, status in scene.host.statuses] == [("burgee", "error")]
    assert scene.counted == ["PublishFailed", "PublishFailed", "DeadLetters"]


def test_a_dead_letter_that_cannot_be_put_away_stays_in_the_queue() -> None:
    scene = Scene(Unavailable("down"), tries=1)
    scene.send(PUSH)
    scene.dead.fault = Unavailable("the other queue is down too")
    assert scene.work() == 1
    assert len(scene.queue.messages) == 1 and scene.dead.messages == []


def test_a_message_that_cannot_be_postponed_comes_back_by_itself() -> None:
    scene = Scene(Unavailable("down"))
    scene.send(PUSH)
    postpone = scene.queue.postpone

    def broken(receipt: str, seconds: int) -> None:
        raise Unavailable("no")

    scene.queue.postpone = broken  # type: ignore[method-assign]
    assert scene.work() == 1
    scene.queue.postpone = postpone  # type: ignore[method-assign]
    assert any("message not postponed" in line for line in scene.lines)


def test_a_tick_that_fails_is_not_kept_for_the_next_one_comes() -> None:
    scene = Scene(Unavailable("down"))
    scene.send(TICK)
    assert scene.work() == 0
    assert scene.queue.messages == scene.dead.messages == [] and scene.counted == ["PublishFailed"]


def test_a_message_that_is_no_job_is_a_dead_letter_at_once() -> None:
    scene = Scene([published()])
    scene.send("hello", '{"format": 9, "cause": "push"}', '{"format": 1, "cause": "push", "ref": 7}', PUSH)
    assert scene.work() == 0
    assert scene.dead.messages[0].body == "hello"
    assert len(scene.dead.messages) == 3 and all(message.reason for message in scene.dead.messages)
    assert scene.publishes == 1


def test_statuses_of_ticks_are_written_only_when_something_happened() -> None:
    scene = Scene([Receipt("staging", "unchanged", commit=FIRST), published("production")])
    scene.send(TICK)
    scene.work()
    assert [status.context for _, status in scene.host.statuses] == ["burgee/production"]


def test_the_same_status_is_not_written_twice() -> None:
    scene = Scene([Receipt("staging", "invalid", commit=FIRST, problems=())])
    for _ in range(3):
        scene.send(TICK)
        scene.work()
        scene.clock.advance(60_000)
    assert scene.publishes == 3 and len(scene.host.statuses) == 1


def test_a_status_that_cannot_be_written_is_said_and_keeps_nothing_back() -> None:
    scene = Scene([published()])
    scene.host.fault = Denied("the token lacks the right")
    scene.send(PUSH)
    assert scene.work() == 0 and scene.queue.messages == []
    assert any("status not written" in line and "lacks the right" in line for line in scene.lines)


def test_dead_letters_are_listed_and_stay() -> None:
    scene = Scene(Unavailable("down"), tries=1)
    scene.send(PUSH, "hello")
    scene.work()
    for _ in range(2):
        found = [told(received) for received in dead_letters(scene.dead)[0]]
        assert found == [
            ("push of refs/heads/main (github:1)", "tried 1 times: down"),
            ("no job: 'hello'", "wanted a job as JSON, got 'hello'"),
        ]


def test_a_dead_letter_without_a_reason_says_where_to_look() -> None:
    scene = Scene([published()])
    scene.dead.send(Message(encode_job(TICK), "group", "1"))
    ((received,), _) = dead_letters(scene.dead)
    assert told(received) == ("tick of 2026-11-22T12:00:00Z", told(received)[1])
    assert "its log may know" in told(received)[1]


def test_redriven_messages_are_worked_again_in_order_and_once() -> None:
    scene = Scene(Unavailable("down"), tries=1)
    jobs = [Job("push", ref="refs/heads/main", commit=FIRST, delivery=f"github:{number}") for number in range(3)]
    scene.send(*jobs)
    scene.work()
    moved = list(redrive(scene.dead, scene.queue))
    assert [decode_job(received.message.body) for received in moved] == jobs
    assert [decode_job(message.body) for message in scene.queue.messages] == jobs and scene.dead.messages == []


def test_a_commit_that_was_given_up_is_told_when_it_is_published_after_all() -> None:
    scene = Scene(Unavailable("down"), [published()], tries=1)
    scene.send(PUSH)
    scene.work()
    list(redrive(scene.dead, scene.queue))
    scene.work()
    said = [(status.context, status.state) for commit, status in scene.host.statuses if commit == FIRST]
    assert said == [("burgee", "error"), ("burgee/staging", "success"), ("burgee", "success")]


def test_a_redrive_that_dies_between_send_and_delete_loses_nothing_and_moves_once() -> None:
    scene = Scene(Unavailable("down"), tries=1)
    scene.send(PUSH)
    scene.work()
    delete = scene.dead.delete

    def dies(receipt: str) -> None:
        raise Unavailable("killed")

    scene.dead.delete = dies  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        list(redrive(scene.dead, scene.queue))
    scene.dead.delete = delete  # type: ignore[method-assign]
    scene.clock.advance(60_000)
    assert len(list(redrive(scene.dead, scene.queue))) == 1
    assert len(scene.queue.messages) == 1 and scene.dead.messages == []


def test_what_dies_again_while_a_redrive_runs_is_left_for_the_next() -> None:
    scene = Scene(Unavailable("down"), tries=1)
    scene.send(PUSH, PUSH)
    scene.work()
    moved = 0
    for _ in redrive(scene.dead, scene.queue):
        moved += 1
        scene.work()
    assert moved == 2 and len(scene.dead.messages) == 2


def test_more_dead_letters_than_can_be_seen_at_once_are_counted_and_all_of_them_moved() -> None:
    scene = Scene(Unavailable("down"), tries=1)
    for _ in range(25):
        scene.send(PUSH)
        scene.work()
        scene.clock.advance(1)
    found, count = dead_letters(scene.dead)
    assert (len(found), count) == (10, 25)
    assert len(list(redrive(scene.dead, scene.queue))) == 25


def test_no_more_dead_letters_are_received_than_are_shown() -> None:
    scene = Scene(Unavailable("down"), tries=1)
    for number in range(25):
        scene.dead.send(Message("{}", f"group {number}", f"{number}"))
    found, count = dead_letters(scene.dead)
    assert (len(found), count) == (10, 25)
    assert {received.tries for received in scene.dead.take(25)} == {1, 2}


def test_a_redriven_push_whose_files_are_wrong_is_not_called_published() -> None:
    wrong = Receipt("production", "invalid", commit=FIRST)
    scene = Scene(Unavailable("down"), [published(), wrong], tries=1)
    scene.send(PUSH)
    scene.work()
    list(redrive(scene.dead, scene.queue))
    scene.work()
    last = [status for _, status in scene.host.statuses if status.context == "burgee"][-1]
    assert last.state == "failure" and "burgee/production" in last.description


def test_a_host_that_does_not_answer_is_asked_once_in_a_batch() -> None:
    receipts = [published(f"environment-{number}") for number in range(6)]
    scene = Scene(receipts)
    scene.host.fault = Unavailable("it did not answer in time")
    scene.send(*[PUSH] * 10)
    assert scene.work() == 0 and scene.host.asked == 1
    scene.host.fault = None
    scene.clock.advance(1)
    scene.send(PUSH)
    scene.work()
    assert len(scene.host.statuses) == 6


def test_a_message_is_postponed_before_a_status_is_written() -> None:
    scene = Scene([published(), failed()])
    scene.send(PUSH)
    pauses: list[int] = []
    write = scene.host.write_status

    def slow(commit: str, status: Status) -> None:
        pauses.extend(scene.pauses())
        write(commit, status)

    scene.host.write_status = slow  # type: ignore[method-assign]
    assert scene.work() == 1 and pauses == [10]


@pytest.mark.parametrize("job", [PUSH, TICK, Job("push", ref="refs/heads/é", commit=None, delivery="gitlab:1")])
def test_a_job_reads_back_as_it_was_written(job: Job) -> None:
    assert decode_job(encode_job(job)) == job


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format":1,"cause":"push","commit":"../../user/repos"}',
        '{"format":1}',
        '{"format":1,"cause":"manual"}',
    ],
)
def test_what_is_no_job_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequest, match="wanted a job"):
        decode_job(body)
