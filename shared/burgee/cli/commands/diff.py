"""`burgee diff`: what changed, in flags, rules and percentages rather than lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ...bundle.document import Document
from ...core.errors import EnvironmentNotFound, InvalidRequest
from ...deliver.changes import Change, compare
from ..options import environment_option, example, json_option, store_option
from ..output import show_changes, show_json
from ..places import Tree, place_at
from ..stores import Released

Place = Tree | Released


@dataclass(frozen=True, slots=True)
class Side:
    """An environment of a place; `exists` is false when the place does not have it, and then it has no flags."""

    place: str
    environment: str
    exists: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two sides."""

    old: Side
    new: Side
    changes: Sequence[Change]


@click.command("diff", epilog=example("burgee diff HEAD . --environment production", "burgee diff HEAD --json"))
@click.argument("old", metavar="FROM")
@click.argument("new", metavar="[TO]", default=".")
@environment_option("default: every one, the one that a release is of, or the default one beside a bundle")
@store_option
@click.option("--exit-code", "as_exit_code", is_flag=True, help="Exit with 1 when there are changes, as git diff does.")
@json_option
def command(
    old: str, new: str, environment: str | None, store_url: str | None, as_exit_code: bool, as_json: bool
) -> None:
    """Say what changed between two states of the flags, in flags, rules and percentages.

    FROM and TO are each a folder, a commit of the repository here, a release of the store such as production@12, a
    bundle such as oci://ghcr.io/acme/flags:production, or a bucket with Flipt's flag files such as s3://old-flags. TO
    is the present folder if left out. A folder wins over a branch of the same name, which is then written
    refs/heads/NAME. A release is compared with its own environment on the other side, a bundle or a bucket with the
    default one. The flags of an environment that one side does not have count as added or removed.

    Exits with 0 whether or not there are changes, unless --exit-code is given.

    With --json: a list, an entry for each environment, of {old, new, changes}; old and new are {place, environment,
    exists}, and changes a list of {namespace, kind, key, action, details}.
    """
    before, after = place_at(old, store_url), place_at(new, store_url)
    comparisons = [_comparison(before, after, *names) for names in _pairs(before, after, environment)]
    if as_json:
        show_json([_fields(comparison) for comparison in comparisons])
    else:
        for comparison in comparisons:
            _show(comparison)
    if as_exit_code and any(comparison.changes for comparison in comparisons):
        raise click.exceptions.Exit(1)


def _pairs(before: Place, after: Place, environment: str | None) -> Sequence[tuple[str, str]]:
    """The environments to compare, as named on either side."""
    match before, after:
        case (Tree(stands_alone=True), _) | (_, Tree(stands_alone=True)):
            return [(_beside_bundle(before, environment), _beside_bundle(after, environment))]
        case Released(), Released():
            if environment:
                raise InvalidRequest(f"two releases were named with their environments; leave out -e {environment}")
            return [(before.environment, after.environment)]
        case Released(), Tree():
            return [(before.environment, after.environment(environment) if environment else before.environment)]
        case Tree(), Released():
            return [(before.environment(environment) if environment else after.environment, after.environment)]
    known = tuple(dict.fromkeys((*before.environments, *after.environments)))
    if environment and environment not in known:
        raise EnvironmentNotFound(
            f"neither {before.label} nor {after.label} has an environment {environment!r}; they have {', '.join(known)}"
        )
    return [(name, name) for name in ([environment] if environment else known)]


def _beside_bundle(place: Place, environment: str | None) -> str:
    """The environment of a side to compare with a bundle or a bucket, which has but one, whatever the option says."""
    if isinstance(place, Released):
        return place.environment
    return place.environment(None if place.stands_alone else environment)


def _comparison(before: Place, after: Place, old_name: str, new_name: str) -> Comparison:
    old, new = _side(before, old_name), _side(after, new_name)
    return Comparison(old, new, compare(_documents(before, old), _documents(after, new)))


def _side(place: Place, name: str) -> Side:
    return Side(place.label, name, name in place.environments)


def _documents(place: Place, side: Side) -> Mapping[str, Document]:
    return place.documents(side.environment) if side.exists else {}


def _show(comparison: Comparison) -> None:
    old, new, count = comparison.old, comparison.new, len(comparison.changes)
    missing = "".join(f" ({side.place} does not have it)" for side in (old, new) if not side.exists)
    said = f"{count or 'no'} {'change' if count == 1 else 'changes'}"
    click.secho(f"{_headline(old, new)}{missing}: {said}", bold=True)
    show_changes(comparison.changes)


def _headline(old: Side, new: Side) -> str:
    if old.environment == new.environment:
        return old.environment
    return f"{old.environment} ({old.place}) -> {new.environment} ({new.place})"


def _fields(comparison: Comparison) -> dict[str, Any]:
    return {
        **{
            word: {"place": side.place, "environment": side.environment, "exists": side.exists}
            for word, side in (("old", comparison.old), ("new", comparison.new))
        },
        "changes": [
            {
                "namespace": change.namespace,
                "kind": change.kind,
                "key": change.key,
                "action": change.action,
                "details": list(change.details),
            }
            for change in comparison.changes
        ],
    }
