"""`burgee history`: the releases of an environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, takewhile
from typing import Any

import click

from ...bundle.head import Entry
from ...core.instant import format_instant
from ...core.visible import visible
from ...deliver.changes import Change
from ...deliver.flag_changes import flag_changes
from ...deliver.instances import Instance
from ...deliver.receipt import short
from ...fetch.clock import SystemClock
from ..found import instant_of
from ..instants import to_the_second
from ..listing import reports
from ..logs import Log, open_log
from ..nearest import did_you_mean
from ..options import environment_argument, example, json_option, namespace_option, store_option
from ..output import counting, fitting, note, show_changes, show_json, table_lines, terminal_width
from ..releases import Listed, author_of, authors_here, listed, note_of, release_fields
from ..stores import UnknownName

_MOST = 20
_NAMED = 3
_TITLES = (
    *("REVISION", "STATE", "KIND", "PUBLISHED", "ACTIVE FROM", "ACTIVE UNTIL", "BUNDLE", "COMMIT"),
    *("AUTHOR", "SERVED BY", "NOTE"),
)
_ALWAYS = 8
# What a narrow terminal goes without, the first one first; `burgee show` has all of it.
_SPARE = ("BUNDLE", "ACTIVE UNTIL", "COMMIT", "SERVED BY", "AUTHOR")


@click.command(
    "history",
    epilog=example(
        'burgee history production --store "file://$PWD/../store" --limit 5',
        'burgee history production --store "file://$PWD/../store" --flag new-checkout --since 7d',
    ),
)
@environment_argument(required=False)
@store_option
@click.option("--flag", "flag", metavar="KEY", help="Only releases that changed this flag, or its segments, and how.")
@namespace_option
@click.option("--since", metavar="INSTANT", help="Only releases published since then, or in the last so long, as 7d.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), help=f"How many to show (default: {_MOST}, or all with --since)."
)
@json_option
def command(
    environment: str | None,
    store_url: str | None,
    flag: str | None,
    namespace: str,
    since: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the releases of an environment (default: the default one), the newest first.

    Each release is checked to be the one that the release after it names. A store may be behind http(s).

    The author is that of the commit, as the release says, or as the repository here does.

    With --json: a list of {revision, state, kind, release, bundle, profile, source: {repository, ref, commit,
    committed_at, author}, published_at, activates_at, active_from, active_until, explicit, note, previous, instances:
    [{instance, since, seen_at, stale, version}]}, and changes with --flag; state is active, pending, past, or overtaken
    for one that is never active; instances are those readers that report to serve it now (BURGEE_REPORT), where they
    can be listed. Changes are as in `burgee diff`.
    """
    log = open_log(store_url, environment)
    found = _releases(log, since)
    changed = _changing(log, found, namespace, flag) if flag else ((one, ()) for one in found)
    chosen = list(islice(changed, limit or (None if since else _MOST)))
    told = _Told(authors_here([one.entry for one, _ in chosen]), reports(log.place, log.environment))
    log.check_reach()
    if as_json:
        show_json([_fields(one, changes, told, flag) for one, changes in chosen])
    elif chosen:
        _show(chosen, told)
    else:
        _say_none(log, since, namespace, flag)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known beside the log: who wrote commits, and which readers report that they serve a release."""

    authors: Mapping[str, str]
    instances: Mapping[int, Sequence[Instance]]


def _releases(log: Log, since: str | None) -> Iterator[Listed]:
    """The newest first, back to the first one published since then; none before the first release."""
    first = instant_of(since, name="--since", past=True) if since else 0
    head = log.head()
    if head is None:
        return
    found = listed(log.history.backwards(), head, SystemClock.wall())
    yield from takewhile(lambda one: one.entry.release.published_at >= first, found)


def _changing(
    log: Log, found: Iterable[Listed], namespace: str, flag: str
) -> Iterator[tuple[Listed, Sequence[Change]]]:
    """Those that changed a flag, and how. A namespace that has not changed is not fetched."""
    with counting("releases compared") as progress:
        for count, one in enumerate(found, 1):
            progress(count)
            if changes := _changes(log, one.entry, namespace, flag):
                yield one, changes


def _changes(log: Log, entry: Entry, namespace: str, flag: str) -> Sequence[Change]:
    before = log.history.release(entry.release.revision - 1) if entry.release.revision > 1 else None
    layer = before.release.namespaces.get(namespace) if before else None
    if layer == entry.release.namespaces.get(namespace):
        return ()
    old = log.history.documents(before, namespace) if before else {}
    return flag_changes(old.get(namespace), log.history.documents(entry, namespace).get(namespace), flag)


def _show(chosen: Sequence[tuple[Listed, Sequence[Change]]], told: _Told) -> None:
    """A table, whose last columns are there only if there is something in them; on a terminal, of those that fit."""
    rows = [_row(one, told) for one, _ in chosen]
    filled = [number for number in range(len(_TITLES)) if number < _ALWAYS or any(row[number] for row in rows)]
    titles, rows = [_TITLES[number] for number in filled], [[row[number] for number in filled] for row in rows]
    headline, *lines = table_lines(*fitting(titles, rows, width=terminal_width(), spare=_SPARE, wraps="NOTE"))
    click.echo(headline)
    for line, (_, changes) in zip(lines, chosen, strict=True):
        click.echo(line)
        show_changes(changes)


def _row(one: Listed, told: _Told) -> Sequence[str]:
    release = one.entry.release
    at_once = one.since == release.published_at
    since = "never" if one.since is None else "at once" if at_once else _shown(one.since)
    return (
        str(release.revision),
        one.state,
        release.kind,
        _shown(release.published_at),
        since,
        "-" if one.since is None or one.until is None else _shown(one.until),
        short(release.bundle),
        visible(release.source.commit[:12]),
        visible(author_of(one, told.authors) or ""),
        _served_by(told.instances.get(release.revision, ())),
        visible(note_of(one.entry)),
    )


def _shown(instant: int) -> str:
    return to_the_second(format_instant(instant))


def _served_by(instances: Sequence[Instance]) -> str:
    names = [each.instance for each in instances]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return visible(", ".join(names[:_NAMED]) + more)


def _fields(one: Listed, changes: Sequence[Change], told: _Told, flag: str | None) -> Mapping[str, Any]:
    instances = [
        {
            "instance": each.instance,
            "since": None if each.since is None else format_instant(each.since),
            "seen_at": None if each.seen_at is None else format_instant(each.seen_at),
            "stale": each.stale,
            "version": each.version,
        }
        for each in told.instances.get(one.entry.release.revision, ())
    ]
    fields = {**release_fields(one, told.authors), "instances": instances}
    return fields if flag is None else {**fields, "changes": [asdict(change) for change in changes]}


def _say_none(log: Log, since: str | None, namespace: str, flag: str | None) -> None:
    if flag is not None:
        if log.head() is not None:
            _check_flag(log, namespace, flag)
        note(f"no release of environment {log.environment!r} that was looked at changed flag {flag!r}")
    elif since is not None:
        note(f"environment {log.environment!r} has no releases since then in store {log.url}")
    else:
        note(
            f"environment {log.environment!r} has no releases in store {log.url} yet; `burgee publish` makes the first"
        )


def _check_flag(log: Log, namespace: str, flag: str) -> None:
    """Raises UnknownName when no release ever had such a flag: then it is a mistake."""
    newest = log.history.head().last
    document = log.history.documents(newest, namespace).get(namespace)
    keys = document.flag_keys() if document else ()
    if flag in keys or any(_changing(log, _releases(log, None), namespace, flag)):
        return
    known = sorted(newest.release.namespaces)
    near = did_you_mean(flag, keys) if document else f", it has {', '.join(known)}{did_you_mean(namespace, known)}"
    raise UnknownName(f"no release of {log.environment!r} has a flag {flag!r} in namespace {namespace!r}{near}")
