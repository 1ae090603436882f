"""What commands share that move heads: with what, by whom, and whom it is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from getpass import getuser
from typing import Any, TypeVar

import click

from ..bundle.head import Head
from ..control.rim import system_rim
from ..control.sealing import open_sealing
from ..core.errors import ConfigurationError, InvalidRequest, NotFound
from ..deliver.mirrors import Mirrors
from ..deliver.moves import Person
from ..deliver.publisher import Means
from ..deliver.receipt import Outcome, Receipt
from ..deliver.receipt import as_json as receipt_json
from ..settings import Settings
from .mirrors import mirrors_here
from .output import note, progress
from .stores import UnknownName, chosen_store, index_of, listed_environment, mirror_at, settings, store_to_write

_Value = TypeVar("_Value")
_LONGEST_REASON = 500


def by_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--by NAME`"""
    return click.option("--by", metavar="NAME", help="Who does this, for the log (default: the name of your account).")(
        function
    )


def unsigned_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--unsigned`"""
    return click.option(
        "--unsigned", is_flag=True, help="Give up signing: without keys, go on from a head that was signed."
    )(function)


def person(by: str | None, reason: str) -> Person:
    """Who does something, and why. Raises InvalidRequest for a blank reason."""
    return Person(by or account(), said_reason(reason, "--reason"))


def said_reason(reason: str, option: str) -> str:
    """The reason as it is kept. Raises InvalidRequest for a blank one, or one that no log would hold."""
    words = " ".join(reason.split())
    if not words or not words.isprintable() or len(words) > _LONGEST_REASON:
        raise InvalidRequest(f"{option} says why, in up to {_LONGEST_REASON} printable characters, got {reason!r:.60}")
    return words


def account() -> str:
    """The name of the account that this runs under."""
    try:
        return getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def means_at(store_url: str | None, environment: str, *, unsigned: bool = False) -> Means:
    """What the head of an environment of the chosen store is moved with. Says which store that is.

    Raises EnvironmentNotFound, ConfigurationError.
    """
    choice = chosen_store(store_url)
    store = store_to_write(choice.url)
    note(f"store {store.url} ({choice.said_by})")
    listed_environment(store, index_of(store), environment)
    return Means(store, system_rim(), open_sealing(settings(), os.environ, unsigned=unsigned))


def moved(move: Callable[[], _Value]) -> _Value:
    """What a move comes to; a release that was named and is not there is a mistake on the command line."""
    try:
        return move()
    except NotFound as error:
        raise UnknownName(str(error)) from error


def passed_on(means: Means, receipt: Receipt) -> Receipt:
    """The receipt, after readers were told and mirrors were written; either's faults are said and are no failure."""
    said, environment = settings(), receipt.environment
    for line in announced([receipt], said, now=means.rim.now):
        note(line)
    urls = dict.fromkeys((*said.mirrors, *mirrors_here(environment, said.allowed_mirrors)))
    if not urls:
        return receipt
    with progress() as show:
        show("writing mirrors")
        became = Mirrors(mirror_at).write(means, {environment: tuple(urls)})
    return became[environment].on(receipt)


def head_passed_on(means: Means, head: Head, *, released: bool = False, warnings: Sequence[str] = ()) -> Receipt:
    """As `passed_on`, of a head that says something new; with `released` its last release was made for that."""
    outcome: Outcome = "published" if released else "unchanged"
    last = head.last
    receipt = Receipt(head.environment, outcome, last.release, last.digest, warnings=tuple(warnings))
    return passed_on(means, receipt)


def rest_json(receipt: Receipt) -> dict[str, Any]:
    """For machines, what is to be said beside what was done: {warnings, mirrors}."""
    fields = receipt_json(receipt)
    return {name: fields[name] for name in ("warnings", "mirrors")}


def show_rest(receipt: Receipt) -> None:
    """Print what is to be said beside what was done: warnings, and what became of mirrors."""
    for warning in receipt.warnings:
        note(f"warning: {warning}")
    for mirror in receipt.mirrors:
        note(f"{'warning: ' if mirror.fault else ''}{mirror}")


def check_hooks(said: Settings) -> None:
    """Raises ConfigurationError when there are hooks to tell and no secret to sign with."""
    if said.refresh_urls and not said.refresh_secret:
        raise ConfigurationError(
            "BURGEE_REFRESH_URLS names hooks and BURGEE_REFRESH_SECRET is not set; set the readers' secret here too"
        )


def announced(receipts: Sequence[Receipt], said: Settings, *, now: Callable[[], int]) -> list[str]:
    """Lines for the hooks that were told."""
    if not said.refresh_urls:
        return []
    # What it needs takes long to import, and few have hooks to tell.
    from ..deliver.announce import announce

    return announce(receipts, said.refresh_urls, said.refresh_secret or "", now=now)
