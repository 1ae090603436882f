"""`burgee doctor`: whether a store can be reached, and trusted with releases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ...core.errors import BurgeeError
from ...core.visible import visible
from ...store.self_test import (
    CREATE,
    LIST,
    READ,
    SWAP,
    TAG,
    WRITE,
    Finding,
    Verdict,
    finding,
    publisher_test,
    reader_test,
    registry_test,
)
from ..options import example, json_option, store_option
from ..output import complain, note, progress, show_json, show_table
from ..stores import (
    Place,
    chosen_store,
    is_registry,
    is_web,
    objects_to_read,
    objects_to_write,
    place_of,
    registry_to_write,
)

# A release with an instant of its own is that much early or late; S3 refuses requests from 900 on.
_CLOCK_SECONDS = 5
_RIGHTS = {"read": (READ,), "list": (LIST,), "write": (CREATE, SWAP, TAG, WRITE)}


@click.command("doctor", epilog=example('burgee doctor --store "file://$PWD/../store"'))
@click.argument("url", required=False)
@store_option
@click.option("--read-only", is_flag=True, help="Check what a reader needs, and write nothing.")
@json_option
def command(url: str | None, store_url: str | None, read_only: bool, as_json: bool) -> None:
    """Check, step by step, that a store can be published to, or that it can be read. URL is another way to say --store.

    It writes one object, probe.json, a few times, to see that the store honours conditions: one that does not loses
    releases. In a registry, which knows no conditions, it writes the tag _probe. Stores behind http(s) are only read.

    Exits with 1 when the store must not be published to, with 3 when it cannot be reached or a right is missing.

    With --json: {store, read_only, asked_by, clock_seconds, checks: [{check, verdict, detail}], rights: {read, list,
    write}, fit}; verdict is ok, warning, denied, unfit, failed or skipped, null is what is not known or was not tried.
    """
    if url and store_url:
        raise click.UsageError("the store is named twice; give URL or --store")
    choice = chosen_store(url or store_url)
    read_only = read_only or is_web(choice.url)
    patient = _patient(choice.url, read_only=read_only)
    if not as_json:
        note(f"store {patient.url} ({choice.said_by})")
    findings = _findings(patient)
    code = _exit_code(findings)
    if as_json:
        show_json(_fields(patient, findings, read_only=read_only, is_fit=code == 0))
    else:
        show_table(("CHECK", "VERDICT", "DETAIL"), [_row(found) for found in findings])
        _conclude(code, "read" if read_only else patient.use)
    if code:
        raise click.exceptions.Exit(code)


@dataclass(frozen=True, slots=True)
class _Patient:
    """A store and where it is; `tests` begins to examine it, and `use` is what a publisher wants of it."""

    url: str
    place: Place
    tests: Callable[[], Iterator[Finding]]
    use: str = "published to"


def _patient(url: str, *, read_only: bool) -> _Patient:
    if is_registry(url) and not read_only:
        registry = registry_to_write(url)
        place = Place(f"repository {registry.address.repository}, at {registry.address.base}", registry.asker)
        return _Patient(registry.url, place, lambda: registry_test(registry), use="used as a mirror")
    objects = objects_to_read(url) if read_only else objects_to_write(url)
    return _Patient(
        objects.url, place_of(objects), lambda: reader_test(objects) if read_only else publisher_test(objects)
    )


def _findings(patient: _Patient) -> list[Finding]:
    with progress() as show:
        found = []
        for each in _checked(patient):
            found.append(each)
            show(f"checked: {each.check}")
    return found


def _checked(patient: _Patient) -> Iterator[Finding]:
    place = patient.place
    yield Finding("address", Verdict.OK, place.shown)
    if place.asked_by is not None:
        asker = finding("credentials", place.asked_by)
        yield asker
        if asker.verdict != Verdict.OK:
            return
    yield from patient.tests()
    yield from _clock(place.clock_difference)


def _clock(difference: Callable[[], float | None] | None) -> Iterator[Finding]:
    seconds = difference() if difference else None
    if seconds is not None:
        apart = f"the server's clock and this machine's are {abs(seconds):.0f} s apart"
        ahead = f"the server's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
        is_right = abs(seconds) <= _CLOCK_SECONDS
        yield Finding("clock", *((Verdict.OK, apart) if is_right else (Verdict.WARNING, f"{ahead}; set it right")))


def _exit_code(findings: Sequence[Finding]) -> int:
    verdicts = {found.verdict for found in findings}
    if Verdict.UNFIT in verdicts:
        return 1
    return BurgeeError.exit_code if verdicts & {Verdict.DENIED, Verdict.FAILED} else 0


def _fields(patient: _Patient, findings: Sequence[Finding], *, read_only: bool, is_fit: bool) -> dict[str, Any]:
    place = patient.place
    verdicts = {found.check: found.verdict for found in findings}
    asker = next((found.detail for found in findings if (found.check, found.verdict) == _KNOWN_ASKER), None)
    return {
        "store": patient.url,
        "read_only": read_only,
        "asked_by": asker,
        "clock_seconds": place.clock_difference() if place.clock_difference else None,
        "checks": [{"check": found.check, "verdict": found.verdict, "detail": found.detail} for found in findings],
        "rights": {
            right: _has([verdicts[check] for check in checks if check in verdicts]) for right, checks in _RIGHTS.items()
        },
        "fit": is_fit,
    }


_KNOWN_ASKER = ("credentials", Verdict.OK)


def _has(verdicts: Sequence[str | None]) -> bool | None:
    """Whether the right that these checks need is there, None when that was not found out."""
    if Verdict.DENIED in verdicts:
        return False
    return True if set(verdicts) == {Verdict.OK} else None


def _row(found: Finding) -> tuple[str, str, str]:
    return found.check, found.verdict, visible(found.detail)


def _conclude(code: int, use: str) -> None:
    if code == 1:
        complain(f"the store must not be {use}")
    elif code:
        complain(f"the store cannot be {use} as it is")
    else:
        click.echo(f"the store can be {use}")
