"""`burgee publish`: release what the repository says."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from ...control.rim import system_rim
from ...control.sealing import open_sealing
from ...core.errors import EnvironmentNotFound, InvalidRequest, NotFound
from ...deliver.built import Built
from ...deliver.instants import AS_USUAL, NOW, When
from ...deliver.mirrors import Mirrors
from ...deliver.publish import publish
from ...deliver.publisher import Options, Publisher
from ...deliver.reading import project_of
from ...deliver.receipt import Receipt
from ...deliver.receipt import as_json as receipt_json
from ...git.repository import Repository
from ..instants import read_instant
from ..moving import account, announced, by_option, check_hooks, said_reason, unsigned_option
from ..nearest import did_you_mean
from ..options import environment_option, example, json_option, store_option
from ..output import note, progress, show_json, show_receipt
from ..places import named, repository_at
from ..stores import UnknownName, chosen_store, mirror_at, settings, store_to_write


@click.command(
    "publish",
    epilog=example(
        'burgee publish --store "file://$PWD/../store" --dry-run', 'burgee publish . --store "file://$PWD/../store"'
    ),
)
@click.argument("repository", required=False)
@store_option
@environment_option("default: every one")
@click.option("--config-ref", metavar="REF", help="The branch whose burgee.yaml counts (default: the default branch).")
@click.option("--dry-run", is_flag=True, help="Say what would be released; write nothing.")
@click.option("--allow-removal", is_flag=True, help="Let more than half of the flags, or an environment, go.")
@click.option(
    "--adopt", is_flag=True, help="Take over a store that belongs to another repository, and mirrors that have its log."
)
@click.option("--at", metavar="INSTANT", help="Active from then: 2026-12-01T09:00:00+01:00, or 2h from now.")
@click.option("--now", "at_once", is_flag=True, help="Active at once, whatever delay or pending instant there is.")
@click.option("--shift", is_flag=True, help="Move an instant for which not every reader can be ready.")
@click.option("--break-glass", "override", metavar="REASON", help="Release in spite of a hold or freeze, and say why.")
@by_option
@unsigned_option
@json_option
def command(
    repository: str | None,
    store_url: str | None,
    environment: str | None,
    config_ref: str | None,
    dry_run: bool,
    allow_removal: bool,
    adopt: bool,
    at: str | None,
    at_once: bool,
    shift: bool,
    override: str | None,
    by: str | None,
    unsigned: bool,
    as_json: bool,
) -> None:
    """Release what the repository says, as it is committed, to a store.

    REPOSITORY is a folder, a bare repository or an http(s) URL (default: BURGEE_REPOSITORY, else this folder). Which
    store is used is said first. Environments are published one by one, and a fault of one leaves the others alone.

    A release becomes active after the environment's activation_delay, at the instant that its commit names in a trailer
    (Burgee-Activate-At: 2026-12-01T09:00:00+01:00), or when --at or --now say. What is published while a release with
    an instant of its own is pending becomes active with it.

    Mirrors (BURGEE_MIRRORS, and those that burgee.yaml names) are written after the store; one that cannot be is said,
    and is brought up to date by the next publish. So it is no failure.

    Readers whose refresh hooks BURGEE_REFRESH_URLS lists are told of new releases; a hook that cannot be told is said,
    and is no failure.

    Exits with 1 when an environment's files are wrong, a guard refused, or a hold or freeze keeps the release back
    (queued), with 3 when store or repository failed.

    With --json: a list of {environment, outcome, revision, bundle, release, commit, published_at, activates_at,
    safe_from, changes, problems, message, warnings, mirrors: [{url, revision, fault}], took_ms}; outcome is published,
    planned, unchanged, empty, queued, invalid, refused or failed, changes are as in `burgee diff` and problems as in
    `burgee validate`.
    """
    said = settings()
    check_hooks(said)
    rim = system_rim()
    when = _when(at, at_once, now=rim.now())
    sealing = open_sealing(said, os.environ, unsigned=unsigned)
    choice = chosen_store(store_url)
    store = store_to_write(choice.url)
    note(f"store {store.url} ({choice.said_by})")
    for url in said.mirrors:
        # A URL that names no store is said before anything is released.
        mirror_at(url)
    source = repository_at(repository or said.repository or ".", token=said.token)
    ref = config_ref or said.config_ref or _default_ref(source)
    if environment:
        _check_environment(source, ref, environment)
    options = Options(
        config_ref=ref,
        environments=(environment,) if environment else (),
        mirrors=said.mirrors,
        allowed_mirrors=said.allowed_mirrors,
        dry_run=dry_run,
        allow_removal=allow_removal,
        adopt=adopt,
        when=when,
        near="shift" if shift else None,
        override=None if override is None else said_reason(override, "--break-glass"),
        by=by or account(),
    )
    told: list[str] = []
    with progress() as show, named():
        publisher = Publisher(
            *(source, store, rim, options, Built()),
            progress=show,
            mirrors=Mirrors(mirror_at),
            tell=lambda receipts: told.extend(announced(receipts, said, now=rim.now)),
            sealing=sealing,
            note=told.append,
        )
        receipts = publish(publisher)
    _show(receipts, as_json=as_json)
    for line in told:
        note(line)
    if sealing.signers and any(receipt.outcome == "published" for receipt in receipts):
        note(f"signed by {', '.join(signer.public_key().id for signer in sealing.signers)}")
    _exit(receipts)


def _default_ref(repository: Repository) -> str:
    try:
        return repository.default_ref()
    except NotFound as error:
        raise UnknownName(f"{error}; --config-ref or BURGEE_CONFIG_REF says whose burgee.yaml counts") from error


def _check_environment(repository: Repository, ref: str, environment: str) -> None:
    """Say that an environment does not exist before the store is touched. Raises EnvironmentNotFound, UnknownName."""
    with named():
        known = project_of(repository.source(repository.tip(ref))).environments
    if environment not in known:
        near = did_you_mean(environment, known)
        raise EnvironmentNotFound(
            f"burgee.yaml of {ref} has no environment {environment!r}, it has {', '.join(known)}{near}"
        )


def _when(at: str | None, at_once: bool, *, now: int) -> When:
    if at is None:
        return NOW if at_once else AS_USUAL
    if at_once:
        raise InvalidRequest("--at names an instant and --now none; give one of them")
    return When(read_instant(at, name="--at", now=now), said_by="--at", commanded=True)


def _show(receipts: Sequence[Receipt], *, as_json: bool) -> None:
    if as_json:
        show_json([receipt_json(receipt) for receipt in receipts])
    else:
        for receipt in receipts:
            show_receipt(receipt)


def _exit(receipts: Sequence[Receipt]) -> None:
    if any(receipt.outcome == "failed" for receipt in receipts):
        raise click.exceptions.Exit(3)
    if any(receipt.is_fault for receipt in receipts):
        raise click.exceptions.Exit(1)
