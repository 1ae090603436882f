"""`burgee history`: the releases of an environment."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from ...bundle.head import Entry, Head, active_at, pending_at
from ...core.errors import NotFound
from ...core.instant import format_instant
from ...deliver.log import entries
from ...deliver.receipt import short
from ...fetch.clock import SystemClock
from ...store.opening import open_store
from ...store.port import Store
from ..options import example, json_option, store_option
from ..output import show_json, show_table
from ..places import store_address


@click.command("history", epilog=example("burgee history production --store file:///tmp/flags --limit 5"))
@click.argument("environment", required=False)
@store_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many releases to show.")
@json_option
def command(environment: str | None, store_url: str | None, limit: int, as_json: bool) -> None:
    """List the releases of an environment (default: the default one), the newest first.

    Each release is checked to be the one that the release after it names.
    """
    store = open_store(store_address(store_url))
    name = environment or default_environment(store)
    found = store.read_head(name)
    if found is None:
        raise NotFound(f"store {store.url} has no releases of environment {name!r}")
    listed = list(islice(entries(store, found[0]), limit))
    if as_json:
        show_json([_fields(found[0], entry) for entry in listed])
        return
    titles = ("REVISION", "STATE", "KIND", "PUBLISHED", "BUNDLE", "COMMIT")
    show_table(titles, [_row(found[0], entry) for entry in listed])


def default_environment(store: Store) -> str:
    """The default environment of a store. Raises NotFound while nothing was published."""
    found = store.read_index()
    if found is None or found[0].default is None:
        raise NotFound(f"nothing has been published to store {store.url} yet")
    name: str = found[0].default
    return name


def _row(head: Head, entry: Entry) -> tuple[str, ...]:
    release = entry.release
    return (
        str(release.revision),
        state_of(head, entry),
        release.kind,
        format_instant(release.published_at),
        short(release.bundle),
        release.source.commit[:12],
    )


def state_of(head: Head, entry: Entry) -> str:
    """`active`, `pending` or `past`, now."""
    now = SystemClock.wall()
    active = active_at(head, now)
    if active is not None and entry.digest == active.digest:
        return "active"
    return "pending" if entry.release.revision in {one.release.revision for one in pending_at(head, now)} else "past"


def _fields(head: Head, entry: Entry) -> dict[str, Any]:
    release = entry.release
    return {
        "revision": release.revision,
        "state": state_of(head, entry),
        "kind": release.kind,
        "release": entry.digest,
        "bundle": release.bundle,
        "profile": release.profile,
        "source": release.source._asdict(),
        "published_at": format_instant(release.published_at),
        "activates_at": format_instant(release.activates_at),
        "previous": release.previous,
    }
