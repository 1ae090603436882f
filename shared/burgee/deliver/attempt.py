"""One try to bring an environment from the head that was seen to a tip; it may lose a race, with Conflict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..author.project import Environment
from ..bundle.document import Document
from ..bundle.head import Head
from ..bundle.release import Origin
from ..core.errors import BurgeeError, Conflict, InvalidDocument, RefusedError
from ..core.instant import format_instant, parse_instant
from ..git.tree import Commit
from ..store.port import SeenHead
from .apply import apply, complete_blobs, complete_log, released_documents, was_late
from .candidate import Candidate
from .instants import AS_USUAL, Pace, When
from .moves import put_off
from .plan import Plan, Terms, plan
from .publisher import Publisher
from .receipt import Receipt
from .settle import settle
from .tending import resign

# What a commit says at its end to be active from an instant on.
TRAILER = "Burgee-Activate-At"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was seen: the environment as burgee.yaml has it, the tip it follows, and its head with the etag of that."""

    publisher: Publisher
    name: str
    environment: Environment
    tip: Commit
    head: Head | None
    etag: str | None
    late: int = 0

    def advance(self, candidate: Candidate) -> Receipt:
        """Release the candidate, unless something is in the way. Raises Conflict, RefusedError, StoreError."""
        planned = self._plan(candidate)
        if planned.outcome == "empty":
            message = f"no flags below {self.environment.directory!r} at {self.environment.ref}, nothing to release yet"
            return Receipt(self.name, "empty", message=message)
        if planned.outcome == "put-off":
            return self._put_off(planned)
        if planned.release is None:
            return self._stay(planned)
        assert planned.head is not None
        made = Receipt(
            self.name,
            "planned",
            planned.release,
            planned.head.last.digest,
            changes=planned.changes,
            warnings=(*stray_trailer(self.tip), *planned.warnings),
            safe_from=planned.activation.safe_from if planned.activation else None,
        )
        if self.publisher.options.dry_run:
            return made
        self.publisher.progress(f"{self.name}: releasing")
        rim, sealing = self.publisher.rim, self.publisher.sealing
        head = apply(self.publisher.store, planned, self.head, self.etag, now=rim.now, seal=sealing)
        late = was_late(head, planned.activation, rim.now())
        return made.became("published", warnings=(*made.warnings, *late, *self._complete(candidate, head)))

    def _put_off(self, planned: Plan) -> Receipt:
        """Supersede what is pending, then raise Conflict: the next try releases it with its later instant."""
        assert self.head is not None and self.etag is not None and planned.activation is not None
        instant = planned.activation.instant
        if self.publisher.options.dry_run:
            last = self.head.last.release
            message = f"release {last.revision}, which is pending, would be put off to {format_instant(instant)}"
            return Receipt(self.name, "planned", last, self.head.last.digest, message=message, warnings=(message,))
        put_off(self.publisher.means, SeenHead(self.head, self.etag), instant, self.publisher.options.by or "burgee")
        raise Conflict(f"what is pending in environment {self.name!r} is put off")

    def _stay(self, planned: Plan) -> Receipt:
        """The receipt where nothing is released: the head may say something new of itself."""
        assert self.head is not None
        assert self.etag is not None
        publisher, head, warnings = self.publisher, planned.head, tuple[str, ...]()
        if planned.outcome == "queued":
            # What is kept back by an old head, put there again, would be kept back for ever.
            publisher.sealing.check_fresh(self.head, publisher.rim.now())
        if not publisher.options.dry_run:
            if head:
                sealed = publisher.sealing(head._replace(written_at=None), publisher.rim.now())
                publisher.store.swap_head(sealed, self.etag)
            else:
                resign(publisher.means, self.head, self.etag)
            warnings = self._complete(planned.candidate, self.head, queued=planned.outcome == "queued")
        last = self.head.last
        stays = Receipt(self.name, "unchanged", last.release, last.digest, warnings=warnings)
        if planned.outcome != "queued":
            return stays
        return replace(stays, outcome="queued", changes=planned.changes, message=planned.message)

    def _plan(self, candidate: Candidate) -> Plan:
        unchanged = self.head is not None and self.head.last.release.bundle == candidate.digest
        released = candidate.documents if unchanged else self._released()
        options, environment, tip = self.publisher.options, self.environment, self.tip
        terms = Terms(
            environment=self.name,
            profile=environment.profile,
            pace=Pace(
                delay=environment.activation_delay,
                reader_ttl=environment.max_reader_ttl * 1000,
                clock_skew=environment.clock_skew,
                near=options.near or environment.near_instant,
                late=self.late,
            ),
            allow_removal=options.allow_removal,
            when=options.when if options.when != AS_USUAL else when_of(tip),
            override=options.override,
            by=options.by,
        )
        author = tip.author.partition("<")[0].strip() or None
        origin = Origin(self.publisher.repository.identity, environment.ref, tip.id, tip.committed_at, author)
        return plan(self.head, released, candidate, terms, origin=origin, now=self.publisher.rim.now())

    def _released(self) -> Mapping[str, Document] | None:
        return released_documents(self.publisher.store, self.head, at_hand=self.publisher.built.compiled.document)

    def _complete(self, candidate: Candidate, head: Head, *, queued: bool = False) -> tuple[str, ...]:
        """What follows the commit point: its faults are warnings, for the next publish or the timer completes it."""
        publisher = self.publisher
        documents = {digest: candidate.documents[key] for key, (digest, _size) in candidate.layers.items()}
        steps = (
            # What is kept back is not in the store.
            ("its documents", lambda: None if queued else complete_blobs(publisher.store, candidate, self.head)),
            ("the log by number", lambda: complete_log(publisher.store, head)),
            ("the static snapshots", lambda: self._settle(documents)),
        )
        return tuple(filter(None, (_fault_of(what, step) for what, step in steps)))

    def _settle(self, documents: Mapping[str, Document]) -> None:
        publisher = self.publisher
        settle(
            publisher.store,
            self.name,
            now=publisher.rim.now,
            documents=documents,
            shown=publisher.built.shown,
            pause=publisher.pause,
        )


def when_of(tip: Commit) -> When:
    """The instant that the commit at a tip says in its trailers. Raises RefusedError for what is none."""
    named = [value for name, value in tip.trailers if name.lower() == TRAILER.lower()]
    if not named:
        return AS_USUAL
    if len(set(named)) > 1:
        raise RefusedError(f"commit {tip.id[:12]} has {len(named)} trailers {TRAILER}, wanted one; say which counts")
    try:
        said_by = f"trailer {TRAILER} of commit {tip.id[:12]}"
        return When(parse_instant(named[0]), said_by=said_by, said_at=tip.committed_at)
    except InvalidDocument as error:
        raise RefusedError(f"trailer {TRAILER} of commit {tip.id[:12]}: {error}; or publish with --now") from error


def stray_trailer(tip: Commit) -> tuple[str, ...]:
    """A warning where the commit at a tip says an instant in another place than its trailers."""
    name = TRAILER.lower()
    if name not in tip.names or any(each.lower() == name for each, _ in tip.trailers):
        return ()
    return (f"{TRAILER} of commit {tip.id[:12]} is not in the last paragraph of its message, so it does not count",)


def _fault_of(what: str, step: Callable[[], object]) -> str | None:
    try:
        step()
    except BurgeeError as error:
        return f"released, but {what} could not be completed; the next publish tries again: {error}"
    return None
