"""`burgee resume`: pushes are released again."""

from __future__ import annotations

import click

from ...core.visible import visible
from ...deliver.moves import resume
from ..moving import head_passed_on, means_at, moved, rest_json, show_rest, unsigned_option
from ..options import environment_argument, example, json_option, store_option
from ..output import show_json


@click.command("resume", epilog=example('burgee resume production --store "file://$PWD/../store"'))
@environment_argument()
@unsigned_option
@store_option
@json_option
def command(environment: str, unsigned: bool, store_url: str | None, as_json: bool) -> None:
    """End the hold and the freeze of an environment.

    The next push, tick of the timer or `burgee publish` releases what the repository says then; a pending instant that
    a freeze took away and that is still to come is kept.

    Exits with 1 when there is neither. With --json: {environment, ended: [...], waiting: {commit, bundle, since, why},
    warnings, mirrors}.
    """
    means = means_at(store_url, environment, unsigned=unsigned)
    head, ended = moved(lambda: resume(means, environment))
    receipt = head_passed_on(means, head)
    if as_json:
        fields = {"environment": environment, "ended": list(ended), "waiting": head.waiting}
        show_json({**fields, **rest_json(receipt)})
        return
    for each in ended:
        click.echo(visible(f"{environment}: was {each}"))
    waiting = f"; commit {head.waiting['commit'][:12]} waits for it" if head.waiting else ""
    click.echo(visible(f"{environment}: resumed, the next publish releases again{waiting}"))
    show_rest(receipt)
