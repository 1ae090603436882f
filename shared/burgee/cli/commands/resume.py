"""`burgee resume`: pushes are released again."""

from __future__ import annotations

import click

from ...deliver.moves import resume
from ..moving import means_at, moved, unsigned_option
from ..options import environment_names, example, json_option, store_option
from ..output import show_json


@click.command("resume", epilog=example('burgee resume production --store "file://$PWD/../store"'))
@click.argument("environment", shell_complete=environment_names)
@unsigned_option
@store_option
@json_option
def command(environment: str, unsigned: bool, store_url: str | None, as_json: bool) -> None:
    """End the hold and the freeze of an environment.

    The next push, tick of the timer or `burgee publish` releases what the repository says then; a pending instant that
    a freeze took away and that is still to come is kept.

    Exits with 1 when there is neither. With --json: {environment, ended: [...], waiting: {commit, bundle, since, why}}.
    """
    means = means_at(store_url, environment, unsigned=unsigned)
    head, ended = moved(lambda: resume(means, environment))
    if as_json:
        show_json({"environment": environment, "ended": list(ended), "waiting": head.waiting})
        return
    for each in ended:
        click.echo(f"{environment}: was {each}")
    waiting = f"; commit {head.waiting['commit'][:12]} waits for it" if head.waiting else ""
    click.echo(f"{environment}: resumed, the next publish releases again{waiting}")
