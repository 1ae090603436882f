"""`burgee verify`: whether every byte of a store is the one that was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import click

from ...bundle.addresses import shown_url
from ...core.errors import ConfigurationError, Denied, InvalidRequest, NotFound
from ...deliver.examined import Means
from ...deliver.verify import Verified, verify_environment, verify_store
from ...fetch.clock import SystemClock
from ...serve.opening import open_verifier
from ...store.port import Objects
from ..listing import objects_to_list
from ..options import environment_argument, example, json_option, store_option
from ..output import counting, note, show_json
from ..stores import UnknownName, chosen_store, objects_to_read, settings

_PLACE = re.compile(r"([a-z0-9][a-z0-9-]{0,62})(?:@(\d{1,10}))?")


@click.command(
    "verify",
    epilog=example(
        'burgee verify --store "file://$PWD/../store"', 'burgee verify production@1 --store "file://$PWD/../store"'
    ),
)
@environment_argument(required=False, metavar="ENVIRONMENT[@REVISION]")
@store_option
@json_option
def command(environment: str | None, store_url: str | None, as_json: bool) -> None:
    """Walk the hash chain of releases and every digest, and name each object that is not what it should be.

    Without ENVIRONMENT all of the store is verified, and what is there that burgee does not write is told too. With a
    REVISION, that release and the chain that leads to it from the head. With BURGEE_VERIFY_KEYS heads have to be signed
    by one of these keys; without, what no digest covers, as the expiry of a head, is not proven.

    Exits with 1 when something is wrong, with 3 when the store cannot be read.

    With --json: {store, environments: [{environment, revision, walked, sound}], objects, faults: [{key, kind, wanted,
    found, used_by}], notes}; walked is how many releases were looked at, sound how many are as they were written with
    all that they name, objects how many were read; kind is changed, missing, surplus, broken or unproven; used_by lists
    the releases that need a document or a manifest, as production@42.
    """
    url = chosen_store(store_url).url
    with counting("objects read") as progress:
        found = _verified(_means(url, progress), environment)
    if as_json:
        show_json({"store": shown_url(url), **_fields(found)})
    else:
        _show(found)
    if found.faults:
        raise click.exceptions.Exit(1)


def _means(url: str, progress: Callable[[int], None]) -> Means:
    known = open_verifier(settings())
    objects, listing = _objects(url)
    return Means(objects, listing, SystemClock.wall(), believe=None if known is None else known.decode, show=progress)


def _objects(url: str) -> tuple[Objects, Callable[[str], Iterable[str]] | None]:
    """The objects, and what lists them: else they are read one by one."""
    try:
        objects = objects_to_list(url)
    except (ConfigurationError, Denied) as error:
        note(f"objects are read one by one, and none is found to be surplus: {error}")
        return objects_to_read(url), None
    return objects, objects.list


def _verified(means: Means, place: str | None) -> Verified:
    if place is None:
        return verify_store(means)
    named = _PLACE.fullmatch(place)
    if named is None:
        raise InvalidRequest(f"wanted an environment, or one of its releases as production@42, got {place!r}")
    try:
        found = verify_environment(means, named[1], int(named[2]) if named[2] else None)
    except NotFound as error:
        raise UnknownName(str(error)) from error
    if not found.logs[0].revision and not found.faults:
        raise UnknownName(f"environment {named[1]!r} has no releases in this store; `burgee status` lists those it has")
    return found


def _show(found: Verified) -> None:
    for log in found.logs:
        said = "no releases" if not log.revision else f"{log.sound} of {_count(log.walked, 'release')} sound"
        click.echo(f"{log.environment}: {said}")
    for fault in found.faults:
        click.secho(str(fault), fg="red")
    for each in found.notes:
        note(each)
    click.secho(f"{_count(found.objects, 'object')} read, {_count(len(found.faults), 'fault')}", bold=True)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _fields(found: Verified) -> dict[str, Any]:
    return {
        "environments": [asdict(log) for log in found.logs],
        "objects": found.objects,
        "faults": [asdict(fault) for fault in found.faults],
        "notes": list(found.notes),
    }
