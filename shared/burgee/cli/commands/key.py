"""`burgee key`: keys that sign releases, and the public ones by which readers verify them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from ...bundle.head import Head
from ...bundle.signed import PublicKey
from ...core.errors import ConfigurationError, NotFound
from ...core.instant import format_instant
from ...deliver.instants import with_lag
from ...deliver.receipt import short
from ...fetch.clock import SystemClock
from ...sign.opening import open_signer, open_signers
from ...sign.port import Signer
from ...sign.signing import signed_head
from ...store.port import Store
from ..options import (
    environment_names,
    environments_option,
    example,
    json_option,
    several_environments,
    store_option,
)
from ..output import note, show_json, show_table
from ..stores import chosen_store, settings, store_to_write

_EXTRA = "to make keys takes the package cryptography: install burgee with the extra `verify`"


@click.group("key", invoke_without_command=True, epilog=example("burgee key make ../key.pem"))
@click.pass_context
def command(context: click.Context) -> None:
    """Make keys to sign releases with, and show them.

    Publishers sign with the keys that BURGEE_SIGNING_KEYS lists, readers verify by the public keys that
    BURGEE_VERIFY_KEYS lists; docs/trust.md has the whole way.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


@command.command("make", epilog=example("burgee key make ../key.pem"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def make(file: Path, as_json: bool) -> None:
    """Make an Ed25519 key in a new FILE that only you may read, and print the public one.

    With --json: {key, public_key, url}.
    """
    try:
        from ...sign.key_file import make_key
    except ModuleNotFoundError as error:
        raise ConfigurationError(_EXTRA) from error
    made = make_key(file)
    url = file.absolute().as_uri()
    _show(made, url, as_json=as_json)
    if not as_json:
        note(f"The private key is in {file}: publishers are told of it by BURGEE_SIGNING_KEYS={url}")


@command.command("show", epilog=example('burgee key show "file://$PWD/../key.pem"'))
@click.argument("url")
@json_option
def show(url: str, as_json: bool) -> None:
    """Print the public key that goes with the key at URL: file, awskms, azurekms or gcpkms. It is what readers get.

    With --json: {key, public_key, url}.
    """
    _show(open_signer(url, os.environ).public_key(), url, as_json=as_json)


@command.command("sign", epilog=example('burgee key sign production --store "file://$PWD/../store"'))
@click.argument("environments", metavar="ENVIRONMENT...", nargs=-1, shell_complete=environment_names)
@environments_option
@store_option
@json_option
def sign(environments: Sequence[str], also: Sequence[str], store_url: str | None, as_json: bool) -> None:
    """Sign what a store has as it is, with the keys of BURGEE_SIGNING_KEYS.

    For the first time, and after somebody else has written to the store: publishers build on nothing that they have
    not signed themselves. Look at it before (`burgee verify`, `burgee history`); whatever it says is believed from
    then on.

    With --json: a list of {environment, revision, bundle, commit, keys, expires_at}.
    """
    names = several_environments(environments, also)
    said = settings()
    signers = open_signers(said.signing_keys, os.environ)
    if not signers:
        raise ConfigurationError(
            "no keys to sign with: set BURGEE_SIGNING_KEYS, such as to what `burgee key make` says"
        )
    store = store_to_write(chosen_store(store_url).url)
    signed = [_signed(store, name, signers, said.signature_validity_ms) for name in names]
    if as_json:
        show_json([_fields(head) for head in signed])
        return
    titles = ("ENVIRONMENT", "REVISION", "BUNDLE", "COMMIT", "KEYS", "UNTIL")
    show_table(titles, [_row(head) for head in signed])


def _signed(store: Store, environment: str, signers: Sequence[Signer], validity_ms: int) -> Head:
    """Raises NotFound for an environment without releases, Conflict when somebody else has written meanwhile."""
    found = store.read_head(environment)
    if found is None:
        raise NotFound(f"environment {environment!r} has no releases in store {store.url}")
    # What is written now is no new release, by whose age its lag could be told.
    head = with_lag(found.head, found.modified)._replace(written_at=None)
    signed = signed_head(head, signers, expires_at=SystemClock.wall() + validity_ms)
    store.swap_head(signed, found.etag)
    return signed


def _show(key: PublicKey, url: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"key": key.id, "public_key": key.text, "url": url})
        return
    click.echo(key.text)
    note(f"heads and /status call this key {key.id}")


def _fields(head: Head) -> dict[str, object]:
    return {
        "environment": head.environment,
        "revision": head.revision,
        "bundle": head.last.release.bundle,
        "commit": head.last.release.source.commit,
        "keys": [listed["key"] for listed in head.signatures],
        "expires_at": format_instant(head.expires_at),
    }


def _row(head: Head) -> tuple[str, ...]:
    release = head.last.release
    keys = ", ".join(listed["key"] for listed in head.signatures)
    commit = release.source.commit[:12]
    return head.environment, str(head.revision), short(release.bundle), commit, keys, format_instant(head.expires_at)
