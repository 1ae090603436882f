"""Publishing: the state of a repository becomes the last release of each environment's log.

Law: level-triggered. An event only says that something may have moved; what is published is what the refs say when the
head has been read. So duplicated, lost and reordered events all end in the same state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from traceback import extract_tb

from ..author.project import Environment, Project
from ..bundle.addresses import shown_url
from ..bundle.head import Head
from ..core.errors import BurgeeError, Conflict, InvalidFiles, Problem, RefusedError
from ..git.tree import Commit, Source
from .allowed import is_allowed
from .apply import TooLate
from .attempt import Attempt
from .candidate import Candidate, compile_bundle
from .claim import claim, dropped_receipt, list_environments
from .mirrors import Became
from .publisher import TRIES, Options, Publisher
from .reading import author_environment
from .receipt import Receipt
from .tending import listed, see, tend_all
from .testing import check_tests

# Whose publish has seen to the signature and the static snapshots itself.
_TENDED = ("published", "unchanged", "queued")


def publish(publisher: Publisher) -> tuple[Receipt, ...]:
    """A receipt per environment; one environment's fault never holds another's release back.

    Raises InvalidFiles when burgee.yaml is missing or wrong, InvalidRequest for an environment it does not name,
    RefusedError when the store belongs to another repository, and StoreError when repository or store cannot be
    reached at all.
    """
    try:
        project = claim(publisher)
    except BurgeeError:
        names = listed(publisher)
        tend_all(publisher, names)
        _mirror_as_known(publisher, names)
        raise
    for name, environment in project.environments.items():
        publisher.built.mirrors[name] = _mirrors(environment, publisher.options)
    wanted = publisher.options.environments or tuple(project.environments)
    receipts = [_publish_safely(publisher, project, name) for name in wanted]
    dropped = list_environments(publisher, receipts)
    left = [each for each in receipts if each.outcome not in _TENDED]
    tend_all(publisher, (*(each.environment for each in left), *dropped), told=[each.message for each in left])
    publisher.tell(receipts)
    return (*_mirrored(publisher, project, receipts), *map(dropped_receipt, dropped))


def _mirrored(publisher: Publisher, project: Project, receipts: Sequence[Receipt]) -> list[Receipt]:
    """The receipts, with what became of each environment at its mirrors.

    A mirror gets what the log says, whatever this publish came to: wrong files, a hold or a Git host that is away keep
    nothing from it.
    """
    named = {receipt.environment: project.environments[receipt.environment] for receipt in receipts}
    wanted = {name: _mirrors(one, publisher.options) for name, one in named.items()}
    became = _write_mirrors(publisher, wanted)
    return [became.get(receipt.environment, Became()).on(receipt) for receipt in receipts]


def _mirror_as_known(publisher: Publisher, names: Sequence[str]) -> None:
    """Write mirrors although burgee.yaml cannot be read: what grows old there is signed and settled as in the store.

    They are the deployment's, and those that burgee.yaml named when this process read it last. What became of them is
    noted, for there are no receipts.
    """
    named = publisher.built.mirrors
    wanted = {name: tuple(dict.fromkeys((*publisher.options.mirrors, *named.get(name, ())))) for name in names}
    for name, became in _write_mirrors(publisher, wanted).items():
        faults = (str(mirror) for mirror in became.mirrors if mirror.fault)
        for line in (*faults, *became.warnings):
            publisher.note(f"environment {name!r}: {line}")


def _write_mirrors(publisher: Publisher, wanted: Mapping[str, Sequence[str]]) -> Mapping[str, Became]:
    wanted = {name: mirrors for name, mirrors in wanted.items() if mirrors}
    if not wanted or publisher.mirrors is None or publisher.options.dry_run:
        return {}
    publisher.progress("writing mirrors")
    return publisher.mirrors.write(publisher.means, wanted, adopt=publisher.options.adopt)


def _mirrors(environment: Environment, options: Options) -> tuple[str, ...]:
    allowed = (mirror for mirror in environment.mirrors if is_allowed(mirror, options.allowed_mirrors))
    return tuple(dict.fromkeys((*options.mirrors, *allowed)))


def _publish_safely(publisher: Publisher, project: Project, name: str) -> Receipt:
    started = publisher.rim.monotonic()
    try:
        receipt = _publish_environment(publisher, project, name)
    except InvalidFiles as error:
        receipt = Receipt(name, "invalid", problems=error.problems, message=str(error))
    except RefusedError as error:
        receipt = Receipt(name, "refused", message=str(error))
    except BurgeeError as error:
        receipt = Receipt(name, "failed", message=str(error))
    except Exception as error:
        # What nobody foresaw is this environment's fault, and no other's; where it comes from is for those who mend it.
        where = extract_tb(error.__traceback__)[-1]
        publisher.note(f"environment {name!r}: {error!r} in {where.name}, line {where.lineno} of {where.filename}")
        receipt = Receipt(name, "failed", message=f"nobody foresaw this: {type(error).__name__}: {error}")
    return replace(receipt, took=publisher.rim.monotonic() - started)


def _publish_environment(publisher: Publisher, project: Project, name: str) -> Receipt:
    environment = project.environments[name]
    _guard_mirrors(environment, publisher.options.allowed_mirrors)
    files = _Files(publisher, project, name)
    late = 0
    for _ in range(TRIES):
        publisher.progress(f"{name}: reading")
        found = see(publisher.means, name)
        tip = publisher.repository.tip(environment.ref)
        read = files.at(tip)
        head, etag = (found.head, found.etag) if found else (None, None)
        problems = (*read.problems, *files.failing_tests(read, head))
        if any(problem.severity == "error" for problem in problems):
            return Receipt(name, "invalid", commit=tip.id, problems=problems)
        try:
            receipt = Attempt(publisher, name, environment, tip, head, etag, late).advance(read.candidate)
        except TooLate as error:
            # Twice, for the next try may take longer.
            late = error.took * 2
            continue
        except Conflict:
            publisher.pause()
            continue
        except RefusedError as error:
            return Receipt(name, "refused", commit=tip.id, problems=problems, message=str(error))
        return replace(receipt, commit=tip.id, problems=problems)
    raise Conflict(f"the head of environment {name!r} kept moving; try again")


@dataclass(frozen=True, slots=True)
class _Read:
    """An environment's files at a tip, and what they compile to as far as they are right."""

    tip: Commit
    source: Source
    problems: tuple[Problem, ...]
    candidate: Candidate


class _Files:
    """An environment's files, read again only when the tip has moved between two tries."""

    def __init__(self, publisher: Publisher, project: Project, name: str) -> None:
        self._publisher = publisher
        self._project = project
        self._name = name
        self._read: _Read | None = None

    def at(self, tip: Commit) -> _Read:
        if self._read is None or self._read.tip.id != tip.id:
            source, built = self._publisher.repository.source(tip), self._publisher.built
            environment = self._project.environments[self._name]
            authored = author_environment(source, environment, parsed=built.parsed)
            candidate = compile_bundle(authored.documents.values() if authored.ok else (), compiled=built.compiled)
            self._read = _Read(tip, source, authored.problems, candidate)
        return self._read

    def failing_tests(self, read: _Read, head: Head | None) -> tuple[Problem, ...]:
        """What flag tests say of what is about to be released; nothing of files that are wrong or released already."""
        wrong = any(problem.severity == "error" for problem in read.problems)
        if wrong or (head and head.last.release.bundle == read.candidate.digest):
            return ()
        now = self._publisher.rim.now()
        return check_tests(read.source, self._project, self._name, read.candidate, now=now)


def _guard_mirrors(environment: Environment, allowed: tuple[str, ...]) -> None:
    for mirror in environment.mirrors:
        if not is_allowed(mirror, allowed):
            # Patterns without a query allow none.
            shown = shown_url(mirror) + (" with its query" if "?" in mirror else "")
            raise RefusedError(
                f"mirror {shown} is not among those this deployment allows "
                f"({', '.join(allowed) or 'none'}); set BURGEE_ALLOWED_MIRRORS"
            )
