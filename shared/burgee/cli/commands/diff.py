"""`burgee diff`: what changed, in flags, rules and percentages rather than lines, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ...core.errors import InvalidRequest
from ...fetch.clock import SystemClock
from ...impact.effects import Impact
from ...impact.fields import impact_fields
from ...impact.lines import impact_lines
from ...impact.markdown import markdown
from ..comparing import Asked, Comparison, compared, comparisons, samples_of
from ..options import contexts_option, environment_option, example, json_option, store_option
from ..output import show_changes, show_json
from ..places import place_at

_COLORS = {"none": None, "low": "green", "medium": "yellow", "high": "red"}


@click.command(
    "diff", epilog=example("burgee diff HEAD . --environment production --impact", "burgee diff HEAD --json")
)
@click.argument("old", metavar="FROM")
@click.argument("new", metavar="[TO]", default=".")
@environment_option("default: every one, the one that a release is of, or the default one beside a bundle")
@store_option
@click.option(
    "--impact", "with_impact", is_flag=True, help="Say who gets another answer, exactly, and how risky it is."
)
@contexts_option
@click.option("--exit-code", "as_exit_code", is_flag=True, help="Exit with 1 when there are changes, as git diff does.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, as for a comment on a pull request.")
@json_option
def command(
    old: str,
    new: str,
    environment: str | None,
    store_url: str | None,
    with_impact: bool,
    contexts: str | None,
    as_exit_code: bool,
    as_markdown: bool,
    as_json: bool,
) -> None:
    """Say what changed between two states of the flags, in flags, rules and percentages.

    FROM and TO are each a folder, a commit of the repository here, a release of the store, a bundle such as
    oci://ghcr.io/acme/flags:production, or a bucket with Flipt's flag files such as s3://old-flags. A release is
    production@12, production@active, or what was active two hours ago, production@-2h, or at an instant,
    production@2026-11-01T09:00Z; a commit's id or a digest may stand there too. TO is the present folder if left
    out. A folder wins over a branch of the same name, which is then written refs/heads/NAME. A release is compared
    with its own environment on the other side, a bundle or a bucket with the default one. The flags of an
    environment that one side does not have count as added or removed.

    With --impact, also the exact share of entities that get another answer, for each rule and each step of a schedule.

    Exits with 0 whether or not there are changes, unless --exit-code is given.

    With --json: a list, an entry for each environment, of {old, new, changes}; old and new are {place, environment,
    exists}, and changes a list of {namespace, kind, key, action, details}. With --impact, impact is {at, risk,
    profiles, flags, contexts}.
    """
    if as_json and as_markdown:
        raise InvalidRequest("--json and --markdown are two forms of the same; give one of them")
    asked = Asked(SystemClock.wall(), samples_of(contexts)) if with_impact or contexts else None
    found = comparisons(place_at(old, store_url), place_at(new, store_url), environment, asked)
    if as_json:
        show_json([_fields(comparison) for comparison in found])
    elif as_markdown:
        click.echo(markdown([compared(comparison) for comparison in found]), nl=False)
    else:
        _show(found)
    if as_exit_code and any(comparison.changes for comparison in found):
        raise click.exceptions.Exit(1)


def _show(found: Sequence[Comparison]) -> None:
    for comparison in found:
        old, new, count = comparison.old, comparison.new, len(comparison.changes)
        missing = "".join(f" ({side.place} does not have it)" for side in (old, new) if not side.exists)
        said = f"{count or 'no'} {'change' if count == 1 else 'changes'}"
        click.secho(f"{comparison.headline}{missing}: {said}", bold=True)
        show_changes(comparison.changes)
        if comparison.impact and (comparison.impact.flags or count):
            _show_impact(comparison.impact)


def _show_impact(impact: Impact) -> None:
    for line, level in impact_lines(impact):
        click.secho(line, fg=_COLORS[level] if level else None)


def _fields(comparison: Comparison) -> dict[str, Any]:
    fields = {
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
    return {**fields, "impact": impact_fields(comparison.impact)} if comparison.impact else fields
