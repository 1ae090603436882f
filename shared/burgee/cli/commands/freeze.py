"""`burgee freeze`: an environment stays as it is."""

from __future__ import annotations

import click

from ...core.instant import format_instant, parse_instant
from ...core.visible import visible
from ...deliver.moves import freeze
from ..instants import read_instant
from ..moving import (
    by_option,
    check_hooks,
    head_passed_on,
    means_at,
    moved,
    person,
    rest_json,
    show_rest,
    unsigned_option,
)
from ..options import environment_argument, example, json_option, store_option
from ..output import show_json
from ..stores import settings


@click.command(
    "freeze",
    epilog=example('burgee freeze production --until 12h --reason "black friday" --store "file://$PWD/../store"'),
)
@environment_argument()
@click.option(
    "--until",
    metavar="INSTANT",
    help="When it ends by itself: an instant with its zone, or how long from now, as 12h or 3d (default: `resume`).",
)
@click.option("--reason", metavar="TEXT", required=True, help="Why, for those whose pushes wait.")
@by_option
@unsigned_option
@store_option
@json_option
def command(
    environment: str,
    until: str | None,
    reason: str,
    by: str | None,
    unsigned: bool,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Keep an environment as it is: nothing is released, and what is pending does not become active.

    Pushes are queued and named by `burgee status`; when the freeze is over, the next push or tick of the timer releases
    what the repository says then. What is pending is replaced by a release of the active bundle. To release in spite of
    a freeze takes --break-glass and a reason, which the log keeps. Steps of schedules inside flags go on: they are part
    of what was released.

    Exits with 1 when there is a freeze already. With --json: {environment, revision, freeze: {by, reason, since, until,
    superseded: [{revision, activates_at}]}, warnings, mirrors}.
    """
    check_hooks(settings())
    means = means_at(store_url, environment, unsigned=unsigned)
    instant = None if until is None else read_instant(until, name="--until", now=means.rim.now())
    head, warnings = moved(lambda: freeze(means, environment, person(by, reason), until=instant))
    made = head.last.release.published_at >= parse_instant(head.freeze["since"])
    receipt = head_passed_on(means, head, released=made, warnings=warnings)
    if as_json:
        fields = {"environment": environment, "revision": head.revision, "freeze": head.freeze}
        show_json({**fields, **rest_json(receipt)})
        return
    ends = f"until {format_instant(parse_instant(head.freeze['until']))}" if head.freeze["until"] else "until resumed"
    superseded = [str(each["revision"]) for each in head.freeze.get("superseded", ())]
    pending = f", and pending {', '.join(superseded)} will not become active" if superseded else ""
    click.echo(visible(f"{environment}: frozen at release {head.revision} {ends}{pending}"))
    show_rest(receipt)
