"""`burgee history`: the releases of an environment."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from ...bundle.head import Entry, Head, active_at, pending_at
from ...core.instant import format_instant
from ...deliver.log import entries
from ...deliver.receipt import short
from ...fetch.clock import SystemClock
from ...store.port import Store
from ..options import environment_names, example, json_option, store_option
from ..output import note, show_json, show_table
from ..stores import index_of, listed_environment, store_to_read


@click.command("history", epilog=example('burgee history production --store "file://$PWD/../store" --limit 5'))
@click.argument("environment", required=False, shell_complete=environment_names)
@store_option
@click.option("--limit", metavar="N", default=20, show_default=True, type=click.IntRange(1), help="How many to show.")
@json_option
def command(environment: str | None, store_url: str | None, limit: int, as_json: bool) -> None:
    """List the releases of an environment (default: the default one), the newest first.

    Each release is checked to be the one that the release after it names. A store may be behind http(s).

    With --json: a list of {revision, state, kind, release, bundle, profile, source: {repository, ref, commit,
    committed_at}, published_at, activates_at, previous}; state is active, pending or past.
    """
    store = store_to_read(store_url)
    name = listed_environment(store, index_of(store), environment)
    found = store.read_head(name)
    listed = _listed(store, found[0], limit) if found else []
    if as_json:
        show_json([_fields(entry, state) for entry, state in listed])
        return
    if not listed:
        note(f"environment {name!r} has no releases in store {store.url} yet; `burgee publish` makes the first")
        return
    titles = ("REVISION", "STATE", "KIND", "PUBLISHED", "ACTIVE FROM", "BUNDLE", "COMMIT")
    show_table(titles, [_row(entry, state) for entry, state in listed])


def _listed(store: Store, head: Head, limit: int) -> list[tuple[Entry, str]]:
    """Releases with their state now."""
    now = SystemClock.wall()
    return [(entry, _state(head, entry, now)) for entry in islice(entries(store, head), limit)]


def _state(head: Head, entry: Entry, now: int) -> str:
    active = active_at(head, now)
    if active is not None and entry.digest == active.digest:
        return "active"
    return "pending" if entry.release.revision in {one.release.revision for one in pending_at(head, now)} else "past"


def _row(entry: Entry, state: str) -> tuple[str, ...]:
    release = entry.release
    at_once = release.activates_at <= release.published_at
    return (
        str(release.revision),
        state,
        release.kind,
        format_instant(release.published_at),
        "at once" if at_once else format_instant(release.activates_at),
        short(release.bundle),
        release.source.commit[:12],
    )


def _fields(entry: Entry, state: str) -> dict[str, Any]:
    release = entry.release
    committed_at = release.source.committed_at
    return {
        "revision": release.revision,
        "state": state,
        "kind": release.kind,
        "release": entry.digest,
        "bundle": release.bundle,
        "profile": release.profile,
        "source": {
            **release.source._asdict(),
            "committed_at": None if committed_at is None else format_instant(committed_at),
        },
        "published_at": format_instant(release.published_at),
        "activates_at": format_instant(release.activates_at),
        "previous": release.previous,
    }
