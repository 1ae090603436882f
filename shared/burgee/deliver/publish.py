"""Publishing: the state of a repository becomes the last release of each environment's log.

Law: level-triggered. An event only says that something may have moved; what is published is what the refs say when the
head has been read. So duplicated, lost and reordered events all end in the same state.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from ..author.authored import Authored
from ..author.project import Environment
from ..bundle.head import Head
from ..bundle.release import Origin
from ..core.errors import BurgeeError, Conflict, InvalidFiles, RefusedError, StoreError
from ..git.tree import Commit
from .apply import apply, complete_log, released_documents
from .candidate import Candidate, compile_bundle
from .claim import claim, dropped_receipt
from .plan import Plan, Terms, plan
from .publisher import TRIES, Publisher
from .reading import author_environment
from .receipt import Receipt
from .settle import settle


def publish(publisher: Publisher) -> tuple[Receipt, ...]:
    """A receipt per environment; one environment's fault never holds another's release back.

    Raises InvalidFiles when burgee.yaml is missing or wrong, RefusedError when the store belongs to another
    repository, and StoreError when repository or store cannot be reached at all.
    """
    project, dropped = claim(publisher)
    wanted = publisher.options.environments or tuple(project.environments)
    unknown = [name for name in wanted if name not in project.environments]
    if unknown:
        known = ", ".join(project.environments)
        raise RefusedError(f"burgee.yaml has no environment {unknown[0]!r}, it has {known}")
    receipts = [_publish_safely(publisher, name, project.environments[name]) for name in wanted]
    return (*receipts, *map(dropped_receipt, dropped))


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
    mirrors = _guard_mirrors(environment, publisher.options.allowed_mirrors)
    files = _Files(publisher, environment)
    for _ in range(TRIES):
        publisher.progress(f"{name}: reading")
        found = publisher.store.read_head(name)
        tip = publisher.repository.tip(environment.ref)
        authored = files.at(tip)
        if not authored.ok:
            return Receipt(name, "invalid", commit=tip.id, problems=authored.problems)
        try:
            receipt = _advance(publisher, name, environment, tip, authored, found)
        except Conflict:
            publisher.pause()
            continue
        warnings = (*mirrors, *receipt.warnings)
        return replace(receipt, commit=tip.id, problems=authored.problems, warnings=warnings)
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


def _advance(
    publisher: Publisher,
    name: str,
    environment: Environment,
    tip: Commit,
    authored: Authored,
    found: tuple[Head, str] | None,
) -> Receipt:
    head, etag = found or (None, None)
    candidate = compile_bundle(authored.documents.values())
    planned = _plan(publisher, name, environment, tip, candidate, head)
    if planned.outcome == "empty":
        message = f"no flags below {environment.directory!r} at {environment.ref}, nothing to release yet"
        return Receipt(name, "empty", message=message)
    if planned.release is None:
        assert head is not None
        if planned.head and not publisher.options.dry_run:
            publisher.store.swap_head(planned.head, etag)
        warnings = () if publisher.options.dry_run else _complete(publisher, name, candidate, head)
        return Receipt(name, "unchanged", head.last.release, head.last.digest, warnings=warnings)
    assert planned.head is not None
    digest = planned.head.last.digest
    if publisher.options.dry_run:
        return Receipt(name, "planned", planned.release, digest, changes=planned.changes)
    publisher.progress(f"{name}: releasing")
    apply(publisher.store, planned, head, etag)
    warnings = _complete(publisher, name, candidate, None)
    return Receipt(name, "published", planned.release, digest, changes=planned.changes, warnings=warnings)


def _plan(
    publisher: Publisher, name: str, environment: Environment, tip: Commit, candidate: Candidate, head: Head | None
) -> Plan:
    unchanged = head is not None and head.last.release.bundle == candidate.digest
    released = candidate.documents if unchanged else released_documents(publisher.store, head)
    terms = Terms(
        environment=name,
        profile=environment.profile,
        activation_delay=environment.activation_delay,
        max_reader_ttl_seconds=environment.max_reader_ttl,
        allow_removal=publisher.options.allow_removal,
    )
    origin = Origin(publisher.repository.identity, environment.ref, tip.id, tip.committed_at)
    return plan(head, released, candidate, terms, origin=origin, now=publisher.rim.now())


def _complete(publisher: Publisher, name: str, candidate: Candidate, head: Head | None) -> tuple[str, ...]:
    """What follows the commit point: its faults are warnings, for the next publish or the timer completes it."""
    documents = {digest: candidate.documents[key] for key, (digest, _size) in candidate.layers.items()}
    try:
        if head is not None:
            complete_log(publisher.store, head)
        settle(publisher.store, name, now=publisher.rim.now, documents=documents)
    except StoreError as error:
        return (f"static snapshots are not complete yet, the next publish completes them: {error}",)
    return ()


def _guard_mirrors(environment: Environment, allowed: tuple[str, ...]) -> tuple[str, ...]:
    for mirror in environment.mirrors:
        if not any(fnmatchcase(mirror, pattern) for pattern in allowed):
            raise RefusedError(
                f"mirror {mirror} is not among those this deployment allows "
                f"({', '.join(allowed) or 'none'}); set BURGEE_ALLOWED_MIRRORS"
            )
    return tuple(f"mirror {mirror} was not written: this version has no mirrors yet" for mirror in environment.mirrors)
