"""`burgee hold`: pushes and timers release nothing for now."""

from __future__ import annotations

import click

from ...core.visible import visible
from ...deliver.moves import hold
from ..moving import by_option, head_passed_on, means_at, moved, person, rest_json, show_rest, unsigned_option
from ..options import environment_argument, example, json_option, store_option
from ..output import show_json


@click.command("hold", epilog=example('burgee hold staging --reason "load test" --store "file://$PWD/../store"'))
@environment_argument()
@click.option("--reason", metavar="TEXT", required=True, help="Why, for those whose pushes wait.")
@by_option
@unsigned_option
@store_option
@json_option
def command(
    environment: str, reason: str, by: str | None, unsigned: bool, store_url: str | None, as_json: bool
) -> None:
    """Let pushes and the timer release nothing to an environment until `burgee resume`.

    What they would release is queued and named by `burgee status`. Releases that are pending become active all the
    same (`burgee freeze` keeps those back too), and `burgee rollback` goes on working.

    Exits with 1 when there is a hold already. With --json: {environment, hold: {by, reason, since}, warnings,
    mirrors}.
    """
    means = means_at(store_url, environment, unsigned=unsigned)
    head = moved(lambda: hold(means, environment, person(by, reason)))
    receipt = head_passed_on(means, head)
    if as_json:
        show_json({"environment": environment, "hold": head.hold, **rest_json(receipt)})
        return
    click.echo(visible(f"{environment}: held at release {head.revision}; `burgee resume {environment}` ends it"))
    show_rest(receipt)
