"""Working the queue: jobs are published, their result goes to the commits, and what fails is tried again.

Law: a job leaves the queue only when what it told of is published, when its result is said to its commit (files that
are wrong do not become right by trying again), or when it lies with the dead letters together with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from traceback import format_exc

from ..core.errors import BurgeeError, InvalidFiles, InvalidRequest, RefusedError, Unavailable
from ..deliver.receipt import Receipt
from ..deliver.status import status_of
from ..git.host import SHORTEST_LIMIT, GitHost, Status
from ..queue.port import Message, Queue, Received
from .job import REDRIVEN, Job, decode_job

FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 900
# What statuses that are of no one environment are called.
CONTEXT = "burgee"
_REMEMBERED = 1024
Say = Callable[[str, Mapping[str, object]], object]

_METRICS = {
    "published": "Published",
    "invalid": "PublishInvalid",
    "refused": "PublishInvalid",
    "failed": "PublishFailed",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the jobs of one deployment are worked with.

    `publish` publishes what the repository says now and tells the readers; `statuses` takes results; `tries` is how
    often a message is received before it is a dead letter. `say` writes a line with fields to the log, `count` adds
    one to a metric.
    """

    publish: Callable[[], Sequence[Receipt]]
    statuses: Statuses
    queue: Queue
    dead_letters: Queue
    tries: int
    say: Say
    count: Callable[[str], object]


class Batch:
    """Messages that were received together. One publish serves all of them: it begins after each of them was sent."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._outcome: _Outcome | None = None
        desk.statuses.begin()

    def take(self, received: Received) -> None:
        """Do what one message asks for. Raises BurgeeError when it is to be received again."""
        try:
            job = decode_job(received.message.body)
        except InvalidRequest as error:
            self._bury(received, str(error))
            return
        if self._outcome is None:
            self._outcome = _published(self._desk)
        outcome = self._outcome
        self._desk.say("job failed" if outcome.fault else "job done", outcome.fields(job))
        if outcome.fault is None:
            self._tell_results(job, outcome)
            self._tell_pushed(job, outcome, redriven=received.message.deduplication.startswith(REDRIVEN))
        elif job.cause == "timer":
            # After it comes the next one, and a queue full of ticks would only be in the way of pushes.
            self._tell_results(job, outcome)
        else:
            self._fail(job, received, outcome)

    def _tell_results(self, job: Job, outcome: _Outcome) -> None:
        """Say what became of each environment, but for those that are tried again, to the commit it was about."""
        quiet = ("failed",) if job.cause == "push" else ("failed", "unchanged", "empty")
        for receipt in outcome.receipts:
            if receipt.commit and receipt.outcome not in quiet:
                self._desk.statuses.write(receipt.commit, status_of(receipt, most=self._desk.statuses.longest))

    def _tell_pushed(self, job: Job, outcome: _Outcome, *, redriven: bool) -> None:
        """Say to the pushed commit what no environment has said to it."""
        told = sorted({receipt.commit for receipt in outcome.receipts if receipt.commit})
        if not job.commit or (job.commit in told and not redriven):
            return
        if job.commit in told:
            self._desk.statuses.write(job.commit, _in_the_end(outcome.receipts))
        elif outcome.mistake:
            self._desk.statuses.write(job.commit, Status(CONTEXT, "failure", f"nothing published: {outcome.mistake}"))
        elif told:
            newer = ", ".join(name[:12] for name in told)
            self._desk.statuses.write(job.commit, Status(CONTEXT, "success", f"superseded, published was {newer}"))

    def _fail(self, job: Job, received: Received, outcome: _Outcome) -> None:
        """The message first: a Git host that is slow to take statuses may cost this process its time."""
        reason = str(outcome.fault)
        if received.tries < self._desk.tries:
            self._postpone(received)
            self._tell_results(job, outcome)
            raise Unavailable(f"{job} is tried again: {reason}")
        self._bury(received, f"tried {received.tries} times: {reason}")
        self._tell_results(job, outcome)
        if job.commit:
            self._desk.statuses.write(job.commit, Status(CONTEXT, "error", f"not published: {reason}"))

    def _postpone(self, received: Received) -> None:
        pause = min(FIRST_PAUSE_SECONDS << min(received.tries - 1, 10), LONGEST_PAUSE_SECONDS)
        try:
            self._desk.queue.postpone(received.receipt, pause)
        except BurgeeError as error:
            # It comes back by itself, only later.
            self._desk.say("message not postponed", {"message": received.id, "reason": str(error)})

    def _bury(self, received: Received, reason: str) -> None:
        """Put a message to the dead letters. Raises BurgeeError when that cannot be done; then it stays where it is."""
        message = received.message
        self._desk.dead_letters.send(Message(message.body, message.group, message.deduplication, reason))
        self._desk.count("DeadLetters")
        self._desk.say("message given up", {"message": received.id, "reason": reason})


class Statuses:
    """Commit statuses: a courtesy, so that one could not be written is said and nothing else; none is written twice."""

    def __init__(self, host: GitHost | None, say: Say) -> None:
        """Without a host nothing is written."""
        self._host = host
        self._say = say
        self._written: dict[tuple[str, str], Status] = {}
        self._is_down = False
        self.longest = host.longest_description if host else SHORTEST_LIMIT

    def begin(self) -> None:
        """Try again with a host that did not answer."""
        self._is_down = False

    def write(self, commit: str, status: Status) -> None:
        """Set a status of a commit. A host that does not answer is left alone until `begin`."""
        if self._host is None or self._is_down or self._written.get((commit, status.context)) == status:
            return
        try:
            self._host.write_status(commit, status)
        except Exception as error:
            # What nobody foresaw is the host's as well: a library that stumbles over its answer.
            foreseen = isinstance(error, BurgeeError)
            self._is_down = not foreseen or isinstance(error, Unavailable)
            reason = str(error) if foreseen else f"{type(error).__name__}: {error}"
            self._say("status not written", {"commit": commit, "context": status.context, "reason": reason})
            return
        if len(self._written) >= _REMEMBERED:
            self._written.clear()
        self._written[commit, status.context] = status


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a publish came to: receipts, or a `mistake` in the repository, or a `fault` that may pass."""

    receipts: Sequence[Receipt] = ()
    mistake: str | None = None
    fault: BurgeeError | None = None

    def fields(self, job: Job) -> dict[str, object]:
        """For the log."""
        return {
            "job": str(job),
            "outcomes": {receipt.environment: receipt.outcome for receipt in self.receipts},
            "reason": self.mistake or (str(self.fault) if self.fault else None),
        }


def _in_the_end(receipts: Sequence[Receipt]) -> Status:
    """What a commit is told that was given up before."""
    faulty = [f"burgee/{receipt.environment}" for receipt in receipts if receipt.is_fault]
    if faulty:
        return Status(CONTEXT, "failure", f"not all of it is published, see {', '.join(faulty)}")
    return Status(CONTEXT, "success", "published after all")


def _published(desk: Desk) -> _Outcome:
    try:
        receipts = desk.publish()
    except InvalidFiles as error:
        desk.count("PublishInvalid")
        return _Outcome(mistake="; ".join(map(str, error.problems)))
    except RefusedError as error:
        desk.count("PublishInvalid")
        return _Outcome(mistake=str(error))
    except BurgeeError as error:
        desk.count("PublishFailed")
        return _Outcome(fault=error)
    except Exception as error:
        # Not foreseen, as an answer that a library stumbles over. Whoever hands the message over would say nothing.
        desk.count("PublishFailed")
        desk.say("a fault of burgee's own", {"trace": format_exc()})
        return _Outcome(fault=Unavailable(f"a fault of burgee's own, see the log: {type(error).__name__}: {error}"))
    for receipt in receipts:
        if receipt.outcome in _METRICS:
            desk.count(_METRICS[receipt.outcome])
        for mirror in receipt.mirrors:
            if mirror.fault:
                desk.count("MirrorFailed")
                desk.say("mirror failed", {"environment": receipt.environment, "reason": str(mirror)})
    failed = [f"{receipt.environment}: {receipt.message}" for receipt in receipts if receipt.outcome == "failed"]
    return _Outcome(receipts, fault=Unavailable("; ".join(failed)) if failed else None)
