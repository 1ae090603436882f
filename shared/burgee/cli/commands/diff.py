"""`burgee diff`: what changed, in flags, rules and percentages rather than lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ...bundle.document import Document
from ...deliver.changes import compare
from ..options import environment_option, example, json_option, store_option
from ..output import show_changes, show_json
from ..places import Tree, tree_or_release


@click.command("diff", epilog=example("burgee diff HEAD . --environment production"))
@click.argument("old", metavar="FROM")
@click.argument("new", metavar="TO", default=".")
@environment_option
@store_option
@json_option
def command(old: str, new: str, environment: str | None, store_url: str | None, as_json: bool) -> None:
    """Say what changed between two states of the flags.

    FROM and TO are each a folder, a commit of the repository here, or a release such as production@12. Without
    --environment every environment is compared.
    """
    before, after = _side(old, environment, store_url), _side(new, environment, store_url)
    changes = {name: compare(before[name], after[name]) for name in _names(before, after)}
    if as_json:
        show_json(
            [
                {
                    "environment": name,
                    "namespace": change.namespace,
                    "kind": change.kind,
                    "key": change.key,
                    "action": change.action,
                    "details": list(change.details),
                }
                for name, listed in changes.items()
                for change in listed
            ]
        )
        return
    for name, listed in changes.items():
        click.secho(f"{name}: {len(listed) or 'no'} {'change' if len(listed) == 1 else 'changes'}", bold=True)
        show_changes(listed)


def _side(place: str, environment: str | None, store_url: str | None) -> Any:
    found, of = tree_or_release(place, environment, store_url)
    if not isinstance(found, Tree):
        return _Release(found, of)
    names = [found.environment(environment)] if environment else list(found.project.environments)
    return {name: found.documents(name) for name in names}


class _Release:
    """A release beside trees or other releases: it stands for whichever environment it is compared in."""

    def __init__(self, documents: Mapping[str, Document], environment: str | None) -> None:
        self.documents = documents
        self.environment = environment

    def __getitem__(self, name: str) -> Mapping[str, Document]:
        return self.documents


def _names(before: Any, after: Any) -> list[str]:
    if isinstance(before, _Release):
        return [str(before.environment)]
    if isinstance(after, _Release):
        return [str(after.environment)]
    return [name for name in before if name in after]
