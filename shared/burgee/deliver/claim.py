"""Whose store it is, and which environments it lists.

Law: a store that belongs to nobody yet is claimed before anything is released to it. What is there already (the owner,
the default environment, environments that were listed) changes only after releases say that it may.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..author.project import Project
from ..bundle.index import Index, Listed
from ..core.errors import Conflict, InvalidRequest, RefusedError
from .publisher import TRIES, Publisher
from .reading import project_of
from .receipt import Receipt

# How the repositories that `burgee dev` hosts begin to be named.
HOSTED = "burgee-dev:"


def claim(publisher: Publisher) -> Project:
    """The project, once the store is known to be this repository's to write to, or nobody's until now."""
    for _ in range(TRIES):
        found = publisher.store.read_index()
        project = _project(publisher)
        _check_wanted(project, publisher.options.environments)
        if found is not None:
            _check_owner(publisher, found[0])
            return project
        if publisher.options.dry_run:
            return project
        try:
            publisher.store.swap_index(Index(publisher.repository.identity, _listed(project)), None)
        except Conflict:
            publisher.pause()
            continue
        return project
    raise _kept_changing()


def list_environments(publisher: Publisher, receipts: Sequence[Receipt]) -> tuple[str, ...]:
    """Bring the index to what burgee.yaml says, as far as releases allow; the environments it no longer names.

    Those stay listed unless removal was allowed; the default moves to an environment that has a release; and a store
    is handed over (`adopt`) only by a publish that was not at fault everywhere.
    """
    for _ in range(TRIES):
        found = publisher.store.read_index()
        project = _project(publisher)
        if found is None:
            return ()
        _check_owner(publisher, found[0])
        index, dropped = _index(publisher, project, found[0])
        at_fault = all(receipt.is_fault for receipt in receipts)
        if publisher.options.dry_run or found[0] == index or (at_fault and index.repository != found[0].repository):
            return dropped
        try:
            publisher.store.swap_index(index, found[1])
        except Conflict:
            publisher.pause()
            continue
        return dropped
    raise _kept_changing()


def dropped_receipt(environment: str) -> Receipt:
    """What is said of an environment that burgee.yaml no longer names."""
    message = (
        "it is no longer in burgee.yaml; readers keep its last release "
        "until a publish with --allow-removal takes it out of the index"
    )
    return Receipt(environment, "refused", message=message)


def _project(publisher: Publisher) -> Project:
    ref = publisher.options.config_ref or publisher.repository.default_ref()
    return project_of(publisher.repository.source(publisher.repository.tip(ref)))


def _check_wanted(project: Project, wanted: Sequence[str]) -> None:
    unknown = [name for name in wanted if name not in project.environments]
    if unknown:
        raise InvalidRequest(f"burgee.yaml has no environment {unknown[0]!r}, it has {', '.join(project.environments)}")


def _check_owner(publisher: Publisher, index: Index) -> None:
    identity = publisher.repository.identity
    if index.repository == identity or publisher.options.adopt:
        return
    theirs = f"store {publisher.store.url} belongs to repository {index.repository}, this is {identity}"
    if index.repository.startswith(HOSTED):
        raise RefusedError(f"{theirs}; it is the store of `burgee dev`: push there, or name a store of its own")
    raise RefusedError(f"{theirs}; publish with --adopt to hand it over")


def _listed(project: Project) -> dict[str, Listed]:
    environments = project.environments.items()
    return {name: Listed(environment.ref, name == project.default) for name, environment in environments}


def _index(publisher: Publisher, project: Project, present: Index) -> tuple[Index, tuple[str, ...]]:
    listed = _listed(project)
    gone = {name: old for name, old in present.environments.items() if name not in listed}
    dropped: tuple[str, ...] = ()
    if not publisher.options.allow_removal:
        dropped = tuple(sorted(gone))
        listed = {**listed, **{name: old._replace(default=False) for name, old in gone.items()}}
    return Index(publisher.repository.identity, _with_usable_default(publisher, project, present, listed)), dropped


def _with_usable_default(
    publisher: Publisher, project: Project, present: Index, listed: dict[str, Listed]
) -> dict[str, Listed]:
    before = present.default
    if before in (None, project.default) or before not in listed or publisher.store.read_head(project.default):
        return listed
    return {name: one._replace(default=name == before) for name, one in listed.items()}


def _kept_changing() -> Conflict:
    return Conflict("the environment index kept changing while it was written; try again")
