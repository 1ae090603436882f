"""The webhook: a Git host tells of a push, and what may have to be published is put into the queue.

Law: an event is answered as taken only when the queue has it. What is taken wrongly does no harm, for a publish reads
what the refs say; what is left out is found by the timer.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from ..bundle.index import Index
from ..core.errors import BurgeeError, ConfigurationError, Replayed, StoreError, TooLarge, Unavailable
from ..git.address import identity_of
from ..git.refs import candidates
from ..queue.port import Message, Queue
from ..serve.message import Request, Response
from ..store.port import Store
from .job import Job, encode_job
from .push import Moved, Push, read_push
from .sender import Sender, sender_of

LARGEST_EVENT = 4 * 1024 * 1024
OLDEST_MS = 24 * 3600 * 1000
MOST_JOBS = 5
_REMEMBERED = 4096
Say = Callable[[str, Mapping[str, object]], object]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is published: `repository` is its URL as the deployment names it, `config_ref` the branch of burgee.yaml
    (None: the repository's default branch)."""

    repository: str
    config_ref: str | None = None

    @property
    def group(self) -> str:
        """The queue's group: what concerns one repository is done in order. Terraform computes the same."""
        return sha256(self.repository.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Webhook:
    """Answers events: 202 for what was put into the queue or left out with a reason.

    400, 401, 409 (sent again) and 413 for what was refused, 503 when the queue cannot be reached.
    """

    secret: str
    deployment: Deployment
    queue: Queue
    store: Store
    now: Callable[[], int]
    say: Say
    recent: Recent = field(default_factory=lambda: Recent())

    def __call__(self, request: Request) -> Response:
        if request.method != "POST":
            return _answer(405, {"error": "events of a Git host come with POST"})
        try:
            return self._taken(request)
        except BurgeeError as error:
            self.say("event refused", {"status": error.status, "reason": str(error)})
            return _answer(error.status, {"error": str(error)})

    def _taken(self, request: Request) -> Response:
        if len(request.body) > LARGEST_EVENT:
            raise TooLarge(f"the event has {len(request.body)} bytes, wanted at most {LARGEST_EVENT}")
        sender = sender_of(self.secret, request.headers, request.body, self.now())
        if not sender.is_push:
            return self._ignored(sender, f"event {sender.event!r} is no push")
        push = read_push(sender.host.kind, request.headers, request.body)
        digest = sha256(request.body).hexdigest() if sender.host.signs_bodies else sender.delivery
        if self.recent.has(digest, sender.delivery):
            return self._ignored(sender, "this delivery was taken already")
        self._check_new(push)
        reason = self._reason_to_ignore(push)
        if reason:
            return self._ignored(sender, reason)
        moved = self._followed(push)
        if not moved:
            return self._ignored(sender, f"no environment follows {', '.join(each.ref for each in push.moved) or 'it'}")
        # One publish reads all refs; more jobs would only tell more commits of it.
        for number, each in enumerate(moved[:MOST_JOBS]):
            self._send(each, sender, number)
        self.recent.add(digest, sender.delivery)
        refs = [each.ref for each in moved[:MOST_JOBS]]
        self.say("push queued", {"delivery": sender.delivery, "refs": refs})
        return _answer(202, {"outcome": "queued", "delivery": sender.delivery, "refs": refs})

    def _check_new(self, push: Push) -> None:
        """Raises Replayed for an event that comes long after its push."""
        if push.pushed_at is not None and self.now() - push.pushed_at > OLDEST_MS:
            raise Replayed("the event tells of a push more than a day ago; the timer has seen it")

    def _reason_to_ignore(self, push: Push) -> str | None:
        wanted = identity_of(self.deployment.repository).casefold()
        named = list(_identities(push.addresses))
        if wanted in (name.casefold() for name in named):
            return None
        return f"it is of {' or '.join(named) or 'a repository without a URL'}, not of {wanted}"

    def _followed(self, push: Push) -> tuple[Moved, ...]:
        """What of a push may change what is published."""
        index = self._index()
        config_ref = self.deployment.config_ref or push.default_branch
        if index is None or config_ref is None:
            return push.moved
        refs = {listed.ref for listed in index.environments.values()} | {config_ref}
        names = {name for ref in refs for name in _names(ref, push)}
        return tuple(each for each in push.moved if each.ref in names)

    def _index(self) -> Index | None:
        """None before the first publish, and when it cannot be read: then everything may matter."""
        try:
            found = self.store.read_index()
        except BurgeeError as error:
            self.say("the environment index cannot be read, so every push is taken", {"reason": str(error)})
            return None
        return found[0] if found else None

    def _send(self, moved: Moved, sender: Sender, number: int) -> None:
        job = Job("push", ref=moved.ref, commit=moved.commit, delivery=sender.delivery)
        deduplication = f"{sender.delivery}:{number}" if number else sender.delivery
        try:
            self.queue.send(Message(encode_job(job), self.deployment.group, deduplication))
        except StoreError as error:
            raise Unavailable(f"the event could not be queued, the timer will find what it tells: {error}") from error

    def _ignored(self, sender: Sender, reason: str) -> Response:
        self.say("event ignored", {"delivery": sender.delivery, "reason": reason})
        return _answer(202, {"outcome": "ignored", "delivery": sender.delivery, "reason": reason})


class Recent:
    """Events that were taken lately, by what is signed of them; at most some thousands."""

    def __init__(self) -> None:
        self._taken: OrderedDict[str, str] = OrderedDict()

    def has(self, digest: str, delivery: str) -> bool:
        """Whether that very delivery was taken. Raises Replayed when its content was, under another id."""
        taken = self._taken.get(digest)
        if taken is not None and taken != delivery:
            raise Replayed(f"the same event was taken as delivery {taken} already")
        return taken is not None

    def add(self, digest: str, delivery: str) -> None:
        """Remember an event."""
        self._taken[digest] = delivery
        if len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)


def _identities(addresses: Iterable[str]) -> Iterator[str]:
    for address in addresses:
        # One that is no address names no repository.
        with suppress(ConfigurationError, ValueError):
            yield identity_of(address)


def _names(ref: str, push: Push) -> tuple[str, ...]:
    """The full names that a ref of burgee.yaml may have."""
    return candidates(push.default_branch if ref == "HEAD" and push.default_branch else ref)


def _answer(status: int, fields: Mapping[str, object]) -> Response:
    headers = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Response(status, headers, json.dumps(fields).encode() + b"\n")
