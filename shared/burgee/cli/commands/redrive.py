"""`burgee redrive`: what could not be published goes back into the queue."""

from __future__ import annotations

import os

import click

from ...control.redrive import dead_letters, redrive, told
from ...core.errors import ConfigurationError
from ...core.instant import format_instant
from ...queue.opening import open_queue
from ...queue.port import Queue, Received
from ..options import example, json_option
from ..output import note, show_json, show_table
from ..stores import settings


@click.command("redrive", epilog=example("burgee redrive --dry-run", "burgee redrive"))
@click.option("--queue", "queue_url", metavar="URL", help="The queue (default: BURGEE_QUEUE).")
@click.option("--dead-letters", "dead_url", metavar="URL", help="Its dead letters (default: BURGEE_DEAD_LETTERS).")
@click.option("--dry-run", is_flag=True, help="Say what lies there, and leave it.")
@json_option
def command(queue_url: str | None, dead_url: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Move dead letters back into the queue.

    They are pushes that could not be published however often it was tried; each is shown with its reason. Correct what
    was wrong first: what fails again comes back here.
    """
    said = settings()
    dead = _open(dead_url or said.dead_letters, "--dead-letters", "BURGEE_DEAD_LETTERS")
    count = None
    if dry_run:
        found, count = dead_letters(dead)
    else:
        queue = _open(queue_url or said.queue, "--queue", "BURGEE_QUEUE")
        if queue.url == dead.url:
            raise ConfigurationError(f"the queue and its dead letters are the same, {dead.url}; name two")
        found = _moved(dead, queue, quiet=as_json)
    if as_json:
        show_json([_fields(received) for received in found])
    elif dry_run and found:
        rows = [(format_instant(received.sent_at), *told(received)) for received in found]
        show_table(("SINCE", "WHAT", "REASON"), rows)
        if count and count > len(found):
            note(f"these are the first {len(found)} of about {count}: later ones are seen once these are gone")
    elif dry_run:
        click.echo("there are no dead letters" if count == 0 else "there are no dead letters to be seen")
    else:
        click.echo(f"{len(found)} {'message' if len(found) == 1 else 'messages'} moved back")
    if not found and (left := dead.count()):
        note(f"{left} of them are in somebody's hands: try again in half a minute")


def _moved(dead: Queue, queue: Queue, *, quiet: bool) -> list[Received]:
    moved = []
    for received in redrive(dead, queue):
        moved.append(received)
        if not quiet:
            about, reason = told(received)
            note(f"{about}: {reason}")
    return moved


def _open(url: str | None, option: str, variable: str) -> Queue:
    if not url:
        raise ConfigurationError(f"no queue: give {option} or set {variable} to its URL")
    return open_queue(url, environ=os.environ)


def _fields(received: Received) -> dict[str, object]:
    about, reason = told(received)
    return {
        "id": received.id,
        "since": format_instant(received.sent_at),
        "about": about,
        "reason": reason,
        "body": received.message.body,
    }
