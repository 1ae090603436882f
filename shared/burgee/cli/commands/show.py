"""`burgee show`: one release in full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from ...bundle.head import Entry, Head
from ...core.errors import InvalidRequest
from ...core.instant import format_instant
from ...core.visible import visible
from ...deliver.changes import Change, compare
from ...fetch.clock import SystemClock
from ..found import ACTIVE, FORMS, find, names_release
from ..logs import Log, open_log
from ..options import active_releases, environment_option, example, json_option, store_option
from ..output import show_changes, show_json
from ..releases import Listed, author_of, authors_here, listed, note_of, release_fields

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PLACE = re.compile(rf"({_NAME.pattern})@(.+)")


@click.command(
    "show",
    epilog=example(
        'burgee show production@1 --store "file://$PWD/../store"',
        'burgee show active -e production --store "file://$PWD/../store" --json',
    ),
)
@click.argument("release", metavar="[RELEASE]", default=ACTIVE, shell_complete=active_releases)
@environment_option("default: the one that RELEASE names, or the default one")
@store_option
@json_option
def command(release: str, environment: str | None, store_url: str | None, as_json: bool) -> None:
    """Show a release in full: who made it, what it changed, from when until when it holds, who signed it.

    RELEASE is production@42, or 42 with -e. Instead of the number may stand: active (the default), an instant such as
    2026-11-01T09:00Z or how long ago as in -2h, for what was active then; a commit, for the newest release made from
    it; a digest of a release or a bundle. What begins with - is written production@-2h.

    With --json: as an entry of `burgee history --json`, and {documents: [{namespace, digest, size}], signatures:
    [{algorithm, key, signature}], changes, before}; before is the revision that changes are against.
    """
    named = _PLACE.fullmatch(release)
    if named and environment not in (None, named[1]):
        raise InvalidRequest(f"{release} names its environment; leave out -e {environment}")
    if not named and not names_release(release) and _NAME.fullmatch(release):
        hint = f"; for the environment of that name: {release}@{ACTIVE}"
        raise InvalidRequest(f"a release is named by {FORMS}, got {release!r}{hint}")
    log = open_log(store_url, named[1] if named else environment)
    entry = find(log, named[2] if named else release).entry
    one, before = _standing(log, entry), _before(log, entry)
    changes = compare(log.history.documents(before) if before else {}, log.history.documents(entry))
    authors = authors_here([entry])
    if as_json:
        show_json({**release_fields(one, authors), **_contents(one, before, changes)})
        return
    click.secho(f"{log.environment} release {entry.release.revision}, {one.state}", bold=True)
    for title, text in _lines(one, authors):
        click.echo(f"  {title:<10} {visible(text)}")
    against = f"release {before.release.revision}" if before else "nothing"
    click.secho(f"{len(changes) or 'no'} {'change' if len(changes) == 1 else 'changes'} against {against}", bold=True)
    show_changes(changes)


def _standing(log: Log, entry: Entry) -> Listed:
    """The release with its state and end: those after it are read until none of them can have ended it earlier."""
    head = log.history.head()
    later: list[Entry] = []
    for revision in range(entry.release.revision + 1, head.revision + 1):
        following = log.history.release(revision)
        later.insert(0, following)
        if _ended(later, following):
            break
    *_, one = listed(iter([_signed(head, each) for each in (*later, entry)]), head, SystemClock.wall())
    return one


def _ended(later: Sequence[Entry], newest: Entry) -> bool:
    """Whether one of those is active by the time that the newest was published: what follows it is no earlier."""
    return any(each.release.activates_at <= newest.release.published_at for each in later)


def _signed(head: Head, entry: Entry) -> Entry:
    """With the signatures that the head holds: the log by number has none."""
    return next((held for held in head.releases if held.digest == entry.digest), entry)


def _before(log: Log, entry: Entry) -> Entry | None:
    revision = entry.release.revision
    return log.history.release(revision - 1) if revision > 1 else None


def _contents(one: Listed, before: Entry | None, changes: Sequence[Change]) -> Mapping[str, Any]:
    namespaces = one.entry.release.namespaces
    return {
        "documents": [
            {"namespace": key, "digest": digest, "size": size} for key, (digest, size) in sorted(namespaces.items())
        ],
        "signatures": list(one.entry.signatures),
        "before": before and before.release.revision,
        "changes": [asdict(change) for change in changes],
    }


def _lines(one: Listed, authors: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    release, source = one.entry.release, one.entry.release.source
    yield "kind", release.kind
    yield "release", one.entry.digest
    yield "bundle", release.bundle
    yield "commit", f"{source.commit} of {source.repository}, {source.ref}"
    if source.committed_at is not None:
        yield "committed", format_instant(source.committed_at)
    if author := author_of(one, authors):
        yield "author", author
    yield "published", format_instant(release.published_at)
    yield "active", _span(one)
    if said := note_of(one.entry):
        yield "note", said
    yield "profile", release.profile
    for signature in one.entry.signatures:
        yield "signed by", f"{signature.get('algorithm')} {signature.get('key')}"
    for key, (digest, size) in sorted(release.namespaces.items()):
        yield "document", f"{key} {digest} ({size} bytes)"


def _span(one: Listed) -> str:
    asked = ", as somebody asked for" if one.entry.release.explicit else ""
    if one.since is None:
        return f"never, for a later release came first{asked}"
    until = "" if one.until is None else f" until {format_instant(one.until)}"
    return f"from {format_instant(one.since)}{until}{asked}"
