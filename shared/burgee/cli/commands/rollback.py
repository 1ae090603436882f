"""`burgee rollback`: go back to an earlier release."""

from __future__ import annotations

import click

from ...deliver.moves import Rollback, roll_back
from ...deliver.receipt import as_json as receipt_json
from ..moving import by_option, check_hooks, means_at, moved, passed_on, person, said_reason, unsigned_option
from ..options import environment_argument, example, json_option, store_option
from ..output import show_json, show_receipt
from ..stores import settings


@click.command(
    "rollback",
    epilog=example(
        'burgee rollback production --reason "checkout errors" --store "file://$PWD/../store" --dry-run',
        'burgee rollback production --to 1 --reason "checkout errors" --store "file://$PWD/../store"',
    ),
)
@environment_argument()
@click.option("--to", metavar="REVISION", type=click.IntRange(1), help="The release to go back to.")
@click.option("--reason", metavar="TEXT", required=True, help="Why, for the log and for those whose pushes wait.")
@by_option
@click.option("--together", is_flag=True, help="Let all readers flip at one instant, as soon as that is safe.")
@click.option("--break-glass", "override", metavar="REASON", help="Roll back in spite of a freeze; the log says why.")
@unsigned_option
@click.option("--dry-run", is_flag=True, help="Say what would be released; write nothing.")
@store_option
@json_option
def command(
    environment: str,
    to: int | None,
    reason: str,
    by: str | None,
    together: bool,
    override: str | None,
    unsigned: bool,
    dry_run: bool,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Make a new release that names an earlier bundle, and hold the environment there.

    Without --to it is the last release before the active one that answers differently; after a rollback, before the one
    that was gone back to. It is active at once: readers answer from it with their next look. Until `burgee resume`,
    pushes and the timer release nothing; they are queued, and the status of their commits says so.

    Exits with 1 when it may not or cannot be done. With --json: as an entry of `burgee publish --json`.
    """
    check_hooks(settings())
    means = means_at(store_url, environment, unsigned=unsigned)
    why = None if override is None else said_reason(override, "--break-glass")
    wanted = Rollback(to=to, together=together, override=why, dry_run=dry_run)
    receipt = moved(lambda: roll_back(means, environment, person(by, reason), wanted))
    if not dry_run:
        receipt = passed_on(means, receipt)
    if as_json:
        show_json(receipt_json(receipt))
        return
    show_receipt(receipt)
