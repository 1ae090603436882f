"""`burgee status`: what each environment of a store serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ...bundle.head import active_at, encode_head, pending_at
from ...bundle.index import Listed
from ...core.errors import BurgeeError
from ...core.instant import format_instant
from ...core.visible import visible
from ...deliver.permission import PARTICIPLES, WORDS, describe, in_force
from ...deliver.receipt import short
from ...fetch.clock import SystemClock
from ...serve.opening import open_verifier
from ...store.port import Store
from ..instants import to_the_second
from ..mirrors import mirror_row, mirror_statuses
from ..options import example, json_option, store_option
from ..output import complain, show_json, show_table
from ..stores import index_of, settings, store_to_read

if TYPE_CHECKING:
    from ...fetch.verify import Verifier


@click.command("status", epilog=example('burgee status --store "file://$PWD/../store"'))
@store_option
@click.option("--mirror", "more", multiple=True, metavar="URL", help="A mirror to compare with the store, too.")
@json_option
def command(store_url: str | None, more: tuple[str, ...], as_json: bool) -> None:
    """Say what each environment of a store serves now, and what is about to become active.

    A store may be behind http(s). Mirrors are compared with it: those of BURGEE_MIRRORS, those that the burgee.yaml of
    this folder names and BURGEE_ALLOWED_MIRRORS allows, and those given. Exits with 3 when an environment or a mirror
    cannot be read, or is not signed by one of BURGEE_VERIFY_KEYS where these are set; the others are shown.

    With --json: {store, repository, environments: [{environment, default, ref, revision, release, bundle, profile,
    commit, active_since, pending: [{revision, activates_at}], hold, freeze, waiting, expires_at, error}], mirrors:
    [{mirror, environment, revision, behind, error}]}, null where there is nothing. A freeze that is over is none.
    """
    store = store_to_read(store_url)
    index = index_of(store)
    said = settings()
    verifier = open_verifier(said)
    listed = [_fields(store, name, environment, verifier) for name, environment in index.environments.items()]
    mirrored = list(mirror_statuses(store, index, (*said.mirrors, *more), said.allowed_mirrors))
    if as_json:
        fields = {"store": store.url, "repository": index.repository, "environments": listed}
        show_json({**fields, "mirrors": [asdict(mirror) for mirror in mirrored]})
    else:
        click.echo(f"{store.url} of repository {index.repository}")
        titles = ("ENVIRONMENT", "REVISION", "ACTIVE SINCE", "BUNDLE", "COMMIT", "PENDING")
        show_table(titles, [_row(fields) for fields in listed])
        for line in _kept_back(listed):
            click.echo(line)
        if mirrored:
            show_table(("MIRROR", "ENVIRONMENT", "REVISION", "STATE"), [mirror_row(mirror) for mirror in mirrored])
    broken = [f"environment {fields['environment']!r}: {fields['error']}" for fields in listed if fields["error"]]
    broken += [
        f"mirror {each.mirror}, environment {each.environment!r}: {each.error}" for each in mirrored if each.error
    ]
    for line in broken:
        complain(line)
    if broken:
        raise click.exceptions.Exit(BurgeeError.exit_code)


def _fields(store: Store, name: str, listed: Listed, verifier: Verifier | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"environment": name, "default": listed.default, "ref": listed.ref, **_NOTHING}
    try:
        found = store.read_head(name)
        if found is not None and verifier is not None:
            verifier.decode(encode_head(found.head))
    except BurgeeError as error:
        return {**fields, "error": str(error)}
    if found is None:
        return fields
    head, now = found[0], SystemClock.wall()
    waiting = [
        {"revision": entry.release.revision, "activates_at": format_instant(entry.release.activates_at)}
        for entry in pending_at(head, now)
    ]
    said: dict[str, Any] = {word: getattr(head, word) if in_force(head, word, now=now) else None for word in WORDS}
    expires_at = None if head.expires_at is None else format_instant(head.expires_at)
    fields = {**fields, "pending": waiting, **said, "waiting": head.waiting, "expires_at": expires_at}
    active = active_at(head, now)
    return fields if active is None else {**fields, **_active(active)}


_NOTHING = {
    "revision": None,
    "release": None,
    "bundle": None,
    "profile": None,
    "commit": None,
    "active_since": None,
    "pending": (),
    "hold": None,
    "freeze": None,
    "waiting": None,
    "expires_at": None,
    "error": None,
}


def _active(entry: Any) -> dict[str, Any]:
    release = entry.release
    return {
        "revision": release.revision,
        "release": entry.digest,
        "bundle": release.bundle,
        "profile": release.profile,
        "commit": release.source.commit,
        "active_since": format_instant(release.activates_at),
    }


def _kept_back(listed: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each hold and freeze in force, and for what waits."""
    for fields in listed:
        name, waiting = fields["environment"], fields["waiting"]
        for word in WORDS:
            if fields[word] is not None:
                yield visible(f"{name} is {describe(word, fields[word])}")
        if waiting:
            yield visible(f"{name}: commit {waiting['commit'][:12]} waits since {waiting['since']}")


def _row(fields: dict[str, Any]) -> tuple[str, ...]:
    name = fields["environment"] + (" (default)" if fields["default"] else "")
    waiting = [f"{one['revision']} at {to_the_second(one['activates_at'])}" for one in fields["pending"]]
    pending = ", ".join(waiting) or "-"
    held = "".join(f", {PARTICIPLES[word]}" for word in WORDS if fields[word] is not None)
    if fields["revision"] is None:
        nothing = "unreadable" if fields["error"] else "no release"
        return name, "-", nothing + held, "-", "-", pending
    since, bundle, commit = to_the_second(fields["active_since"]), short(fields["bundle"]), fields["commit"][:12]
    return name, str(fields["revision"]), since + held, bundle, commit, pending
