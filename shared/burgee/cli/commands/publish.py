"""`burgee publish`: release what the repository says."""

from __future__ import annotations

import sys

import click

from ...author.authored import ParsedFiles
from ...deliver.publish import publish
from ...deliver.publisher import Options, Publisher
from ...deliver.receipt import as_json as receipt_json
from ...deliver.receipt import lines
from ...git.repository import open_repository
from ...store.opening import open_store
from ..options import environment_option, example, json_option, store_option
from ..output import note, show_json
from ..places import settings, store_address
from ..rim import system_rim


@click.command("publish", epilog=example("burgee publish . --store file:///tmp/flags --dry-run"))
@click.argument("repository", required=False)
@store_option
@environment_option
@click.option("--config-ref", metavar="REF", help="The branch whose burgee.yaml counts (default: the default branch).")
@click.option("--dry-run", is_flag=True, help="Say what would be released; write nothing.")
@click.option("--allow-removal", is_flag=True, help="Let more than half of the flags, or an environment, go.")
@click.option("--adopt", is_flag=True, help="Take over a store that belongs to another repository.")
@json_option
def command(
    repository: str | None,
    store_url: str | None,
    environment: str | None,
    config_ref: str | None,
    dry_run: bool,
    allow_removal: bool,
    adopt: bool,
    as_json: bool,
) -> None:
    """Release what the repository says, as it is committed, to a store.

    REPOSITORY is a folder, a bare repository or an http(s) URL (default: BURGEE_REPOSITORY, else this folder).
    Environments are published one by one; a fault of one leaves the others alone, and the exit code is 1.
    """
    said = settings()
    address = repository or said.repository or "."
    options = Options(
        config_ref=config_ref or said.config_ref,
        environments=(environment,) if environment else (),
        allowed_mirrors=said.allowed_mirrors,
        dry_run=dry_run,
        allow_removal=allow_removal,
        adopt=adopt,
    )
    store = open_store(store_address(store_url))
    if not as_json:
        note(f"store {store.url}")
    receipts = publish(
        Publisher(
            repository=open_repository(address, token=said.token),
            store=store,
            rim=system_rim(),
            options=options,
            parsed=ParsedFiles(),
            progress=note if sys.stderr.isatty() else lambda stage: None,
        )
    )
    if as_json:
        show_json([receipt_json(receipt) for receipt in receipts])
    else:
        for receipt in receipts:
            for number, line in enumerate(lines(receipt)):
                click.secho(line, bold=number == 0, fg="red" if receipt.is_fault and number == 0 else None)
    if any(receipt.outcome == "failed" for receipt in receipts):
        raise click.exceptions.Exit(3)
    if any(receipt.is_fault for receipt in receipts):
        raise click.exceptions.Exit(1)
