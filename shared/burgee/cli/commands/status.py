"""`burgee status`: what each environment of a store serves."""

from __future__ import annotations

from typing import Any

import click

from ...bundle.head import active_at, pending_at
from ...core.errors import NotFound
from ...core.instant import format_instant
from ...deliver.receipt import short
from ...fetch.clock import SystemClock
from ...store.opening import open_store
from ...store.port import Store
from ..options import example, json_option, store_option
from ..output import show_json, show_table
from ..places import store_address


@click.command("status", epilog=example("burgee status --store file:///tmp/flags"))
@store_option
@json_option
def command(store_url: str | None, as_json: bool) -> None:
    """Say what each environment of a store serves now, and what is about to become active."""
    store = open_store(store_address(store_url))
    found = store.read_index()
    if found is None:
        raise NotFound(f"nothing has been published to store {store.url} yet")
    listed = [_fields(store, name, default) for name, (_ref, default) in found[0].environments.items()]
    if as_json:
        show_json({"store": store.url, "repository": found[0].repository, "environments": listed})
        return
    click.echo(f"{store.url} of repository {found[0].repository}")
    titles = ("ENVIRONMENT", "REVISION", "ACTIVE SINCE", "BUNDLE", "COMMIT", "PENDING")
    show_table(titles, [_row(fields) for fields in listed])


def _fields(store: Store, name: str, default: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {"environment": name, "default": default, "revision": None, "pending": []}
    found = store.read_head(name)
    if found is None:
        return fields
    head, now = found[0], SystemClock.wall()
    active = active_at(head, now)
    fields["pending"] = [
        {"revision": entry.release.revision, "activates_at": format_instant(entry.release.activates_at)}
        for entry in pending_at(head, now)
    ]
    if active is None:
        return fields
    release = active.release
    return {
        **fields,
        "revision": release.revision,
        "bundle": release.bundle,
        "release": active.digest,
        "commit": release.source.commit,
        "active_since": format_instant(release.activates_at),
        "hold": head.hold,
        "freeze": head.freeze,
    }


def _row(fields: dict[str, Any]) -> tuple[str, ...]:
    name = fields["environment"] + (" (default)" if fields["default"] else "")
    pending = ", ".join(f"{one['revision']} at {one['activates_at']}" for one in fields["pending"]) or "-"
    if fields["revision"] is None:
        return name, "-", "-", "-", "-", pending
    since, bundle, commit = fields["active_since"], short(fields["bundle"]), fields["commit"][:12]
    return name, str(fields["revision"]), since, bundle, commit, pending
