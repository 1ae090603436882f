"""Publishing: the state of a repository becomes the last release of each environment's log.

Law: level-triggered. An event only says that something may have moved; what is published is what the refs say when the
head has been read. So duplicated, lost and reordered events all end in the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..author.authored import Authored
from ..author.project import Environment, Project
from ..bundle.addresses import shown_url
from ..bundle.document import Document
from ..bundle.head import Head
from ..bundle.release import Origin
from ..core.errors import BurgeeError, Conflict, InvalidFiles, RefusedError
from ..git.tree import Commit
from .allowed import is_allowed
from .apply import apply, complete_blobs, complete_log, released_documents
from .candidate import Candidate, compile_bundle
from .claim import claim, dropped_receipt, list_environments
from .plan import Plan, Terms, plan
from .publisher import TRIES, Options, Publisher
from .reading import author_environment
from .receipt import Receipt
from .settle import settle


def publish(publisher: Publisher) -> tuple[Receipt, ...]:
    """A receipt per environment; one environment's fault never holds another's release back.

    Raises InvalidFiles when burgee.yaml is missing or wrong, InvalidRequest for an environment it does not name,
    RefusedError when the store belongs to another repository, and StoreError when repository or store cannot be
    reached at all.
    """
    project = claim(publisher)
    wanted = publisher.options.environments or tuple(project.environments)
    receipts = [_publish_safely(publisher, name, project.environments[name]) for name in wanted]
    dropped = list_environments(publisher, receipts)
    publisher.tell(receipts)
    return (*_mirrored(publisher, project, receipts), *map(dropped_receipt, dropped))


def _mirrored(publisher: Publisher, project: Project, receipts: Sequence[Receipt]) -> list[Receipt]:
    """The receipts, with what became of each environment at its mirrors.

    A mirror gets what the log says, whatever this publish came to: wrong files, a hold or a Git host that is away keep
    nothing from it.
    """
    named = {receipt.environment: project.environments[receipt.environment] for receipt in receipts}
    wanted = {name: mirrors for name, one in named.items() if (mirrors := _mirrors(one, publisher.options))}
    if not wanted or publisher.mirrors is None or publisher.options.dry_run:
        return list(receipts)
    publisher.progress("writing mirrors")
    became = publisher.mirrors.write(publisher, wanted)
    return [replace(receipt, mirrors=became.get(receipt.environment, ())) for receipt in receipts]


def _mirrors(environment: Environment, options: Options) -> tuple[str, ...]:
    allowed = (mirror for mirror in environment.mirrors if is_allowed(mirror, options.allowed_mirrors))
    return tuple(dict.fromkeys((*options.mirrors, *allowed)))


def _publish_safely(publisher: Publisher, name: str, environment: Environment) -> Receipt:
    started = publisher.rim.monotonic()
    try:
        receipt = _publish_environment(publisher, name, environment)
    except InvalidFiles as error:
        receipt = Receipt(name, "invalid", problems=error.problems, message=str(error))
    except RefusedError as error:
        receipt = Receipt(name, "refused", message=str(error))
    except BurgeeError as error:
        receipt = Receipt(name, "failed", message=str(error))
    return replace(receipt, took=publisher.rim.monotonic() - started)


def _publish_environment(publisher: Publisher, name: str, environment: Environment) -> Receipt:
    _guard_mirrors(environment, publisher.options.allowed_mirrors)
    files = _Files(publisher, environment)
    for _ in range(TRIES):
        publisher.progress(f"{name}: reading")
        found = publisher.store.read_head(name)
        tip = publisher.repository.tip(environment.ref)
        authored = files.at(tip)
        if not authored.ok:
            return Receipt(name, "invalid", commit=tip.id, problems=authored.problems)
        head, etag = found or (None, None)
        attempt = _Attempt(publisher, name, environment, tip, head, etag)
        try:
            receipt = attempt.advance(compile_bundle(authored.documents.values()))
        except Conflict:
            publisher.pause()
            continue
        except RefusedError as error:
            return Receipt(name, "refused", commit=tip.id, problems=authored.problems, message=str(error))
        return replace(receipt, commit=tip.id, problems=authored.problems)
    raise Conflict(f"the head of environment {name!r} kept moving; try again")


class _Files:
    """An environment's files at a tip, read again only when the tip has moved between two tries."""

    def __init__(self, publisher: Publisher, environment: Environment) -> None:
        self._publisher = publisher
        self._environment = environment
        self._read: tuple[str, Authored] | None = None

    def at(self, tip: Commit) -> Authored:
        if self._read is None or self._read[0] != tip.id:
            source = self._publisher.repository.source(tip)
            self._read = tip.id, author_environment(source, self._environment, parsed=self._publisher.parsed)
        return self._read[1]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try to bring an environment from the head that was seen to a tip; it may lose a race, with Conflict."""

    publisher: Publisher
    name: str
    environment: Environment
    tip: Commit
    head: Head | None
    etag: str | None

    def advance(self, candidate: Candidate) -> Receipt:
        planned = self._plan(candidate)
        if planned.outcome == "empty":
            message = f"no flags below {self.environment.directory!r} at {self.environment.ref}, nothing to release yet"
            return Receipt(self.name, "empty", message=message)
        if planned.release is None:
            return self._unchanged(planned)
        assert planned.head is not None
        digest = planned.head.last.digest
        if self.publisher.options.dry_run:
            return Receipt(self.name, "planned", planned.release, digest, changes=planned.changes)
        self.publisher.progress(f"{self.name}: releasing")
        apply(self.publisher.store, planned, self.head, self.etag, now=self.publisher.rim.now)
        warnings = (*planned.warnings, *self._complete(candidate, planned.head))
        return Receipt(self.name, "published", planned.release, digest, changes=planned.changes, warnings=warnings)

    def _unchanged(self, planned: Plan) -> Receipt:
        assert self.head is not None
        warnings: tuple[str, ...] = ()
        if not self.publisher.options.dry_run:
            if planned.head:
                self.publisher.store.swap_head(planned.head, self.etag)
            warnings = self._complete(planned.candidate, self.head)
        last = self.head.last
        return Receipt(self.name, "unchanged", last.release, last.digest, warnings=warnings)

    def _plan(self, candidate: Candidate) -> Plan:
        unchanged = self.head is not None and self.head.last.release.bundle == candidate.digest
        released = candidate.documents if unchanged else released_documents(self.publisher.store, self.head)
        terms = Terms(
            environment=self.name,
            profile=self.environment.profile,
            activation_delay=self.environment.activation_delay,
            max_reader_ttl_seconds=self.environment.max_reader_ttl,
            allow_removal=self.publisher.options.allow_removal,
        )
        tip = self.tip
        origin = Origin(self.publisher.repository.identity, self.environment.ref, tip.id, tip.committed_at)
        return plan(self.head, released, candidate, terms, origin=origin, now=self.publisher.rim.now())

    def _complete(self, candidate: Candidate, head: Head) -> tuple[str, ...]:
        """What follows the commit point: its faults are warnings, for the next publish or the timer completes it."""
        publisher = self.publisher
        documents = {digest: candidate.documents[key] for key, (digest, _size) in candidate.layers.items()}
        steps = (
            ("its documents", lambda: complete_blobs(publisher.store, candidate, self.head)),
            ("the log by number", lambda: complete_log(publisher.store, head)),
            ("the static snapshots", lambda: self._settle(documents)),
        )
        return tuple(filter(None, (_fault_of(what, step) for what, step in steps)))

    def _settle(self, documents: Mapping[str, Document]) -> None:
        publisher = self.publisher
        settle(publisher.store, self.name, now=publisher.rim.now, documents=documents, pause=publisher.pause)


def _fault_of(what: str, step: Callable[[], object]) -> str | None:
    try:
        step()
    except BurgeeError as error:
        return f"released, but {what} could not be completed; the next publish tries again: {error}"
    return None


def _guard_mirrors(environment: Environment, allowed: tuple[str, ...]) -> None:
    for mirror in environment.mirrors:
        if not is_allowed(mirror, allowed):
            # Patterns without a query allow none.
            shown = shown_url(mirror) + (" with its query" if "?" in mirror else "")
            raise RefusedError(
                f"mirror {shown} is not among those this deployment allows "
                f"({', '.join(allowed) or 'none'}); set BURGEE_ALLOWED_MIRRORS"
            )
