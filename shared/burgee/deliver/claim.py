"""Claiming a store: the environment index says what burgee.yaml says, and whose store it is."""

from __future__ import annotations

from ..author.project import Project
from ..bundle.index import Index, Listed
from ..core.errors import Conflict, RefusedError
from .publisher import TRIES, Publisher
from .reading import project_of
from .receipt import Receipt


def claim(publisher: Publisher) -> tuple[Project, tuple[str, ...]]:
    """The project, once the store's index says what it says; and the environments that it no longer names."""
    for _ in range(TRIES):
        found = publisher.store.read_index()
        ref = publisher.options.config_ref or publisher.repository.default_ref()
        project = project_of(publisher.repository.source(publisher.repository.tip(ref)))
        index, dropped = _index(publisher, project, found[0] if found else None)
        if publisher.options.dry_run or (found and found[0] == index):
            return project, dropped
        try:
            publisher.store.swap_index(index, found[1] if found else None)
        except Conflict:
            publisher.pause()
            continue
        return project, dropped
    raise Conflict("the environment index kept changing while it was written; try again")


def _index(publisher: Publisher, project: Project, present: Index | None) -> tuple[Index, tuple[str, ...]]:
    identity = publisher.repository.identity
    if present and present.repository != identity and not publisher.options.adopt:
        raise RefusedError(
            f"store {publisher.store.url} belongs to repository {present.repository}, this is {identity}; "
            "publish with --adopt to hand it over"
        )
    listed = {
        name: Listed(environment.ref, name == project.default) for name, environment in project.environments.items()
    }
    gone = {name: old for name, old in (present.environments if present else {}).items() if name not in listed}
    if publisher.options.allow_removal:
        return Index(identity, listed), ()
    kept = {name: old._replace(default=False) for name, old in gone.items()}
    return Index(identity, {**listed, **kept}), tuple(sorted(gone))


def dropped_receipt(environment: str) -> Receipt:
    """What is said of an environment that burgee.yaml no longer names."""
    message = (
        "it is no longer in burgee.yaml; readers keep its last release "
        "until a publish with --allow-removal takes it out of the index"
    )
    return Receipt(environment, "refused", message=message)
