"""What people do to an environment besides pushing: roll back, hold, freeze and resume.

Law: nothing is taken out of the log. A rollback, and a freeze of what was about to become active, are new releases that
name an old bundle; a hold and a freeze are said by the head, and whoever publishes asks `permission`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from ..bundle.document import Document
from ..bundle.head import Entry, Head, active_at, pending_at
from ..bundle.release import Release
from ..core.errors import BurgeeError, Conflict, ContentError, NotFound, RefusedError
from ..core.instant import format_instant, parse_instant
from ..store.port import SeenHead
from .apply import TooLate, append_release, complete_log, documents_of, was_late
from .changes import compare
from .instants import Activation, Pace, known_lag, pace_of, safe_from, superseded_in
from .log import entries
from .permission import WORDS, Word, decide, describe, in_force
from .plan import following, pending_revisions
from .publisher import TRIES, Means
from .receipt import Receipt
from .settle import settle
from .tending import see

_Moved = TypeVar("_Moved")


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something, and why."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rollback:
    """What to roll back to: the release of that number, or (None) the last one before that answers differently.

    `together` lets everybody flip at the earliest safe instant, instead of each with its next look; `override` is why a
    freeze is broken through.
    """

    to: int | None = None
    together: bool = False
    override: str | None = None
    dry_run: bool = False


def roll_back(means: Means, environment: str, person: Person, rollback: Rollback) -> Receipt:
    """Make a release that names an old bundle, and a hold so that no push or timer undoes it.

    Raises RefusedError where that cannot be or may not be, NotFound for a release that is not there.
    """

    def move(seen: SeenHead, late: int) -> Receipt:
        head, now = seen.head, means.rim.now()
        verdict = decide(head, "rollback", now=now, override=rollback.override)
        if not verdict.may_be_made:
            raise RefusedError(
                f"environment {environment!r} is {verdict.message}; --break-glass REASON rolls back still"
            )
        published_at = max(now, head.last.release.published_at + 1)
        target = _target(means, head, rollback.to, now)
        documents = _documents(means, target)
        planned = _when(head, published_at, pace_of(head, late=late), together=rollback.together)
        note = {"by": person.by, "reason": person.reason, "to": str(_origin(target))}
        if verdict.overrides:
            note |= {"overrides": " and ".join(verdict.overrides), "override_reason": rollback.override or ""}
        release = _again(head, target.release, "rollback", published_at, planned, note)
        hold = {**_said(person, now), "revision": release.revision, **_kept_back(head, now)}
        moved = following(head, release, pace_of(head), now=now)._replace(hold=hold)
        changes = compare(_active_documents(means, head, now), documents)
        receipt = Receipt(
            environment,
            "planned",
            release,
            moved.last.digest,
            commit=release.source.commit,
            changes=changes,
            warnings=planned.warnings,
            safe_from=planned.safe_from,
        )
        if rollback.dry_run:
            return receipt
        written = append_release(means.store, moved, head, seen.etag, planned, now=means.rim.now, seal=means.sealing)
        late_by = was_late(written, planned, means.rim.now())
        warnings = (*receipt.warnings, *late_by, *_completed(means, written, documents))
        return receipt.became("published", warnings=warnings)

    return _moved(means, environment, move)


def hold(means: Means, environment: str, person: Person) -> Head:
    """Keep pushes and timers from releasing anything until it is resumed: the head then.

    Raises RefusedError while there is a hold.
    """

    def move(seen: SeenHead, _late: int) -> Head:
        if in_force(seen.head, "hold", now=means.rim.now()):
            raise RefusedError(f"environment {environment!r} is {describe('hold', seen.head.hold)} already")
        return _said_by_head(means, seen, hold=_said(person, means.rim.now()))

    return _moved(means, environment, move)


def freeze(means: Means, environment: str, person: Person, *, until: int | None) -> tuple[Head, tuple[str, ...]]:
    """Keep an environment as it is until an instant (ms; None: until it is resumed): its head then, and warnings.

    What is pending becomes active no more: a release that names the active bundle comes after it. Raises RefusedError
    while there is a freeze, for an instant that is past, and where nothing is active yet.
    """

    def move(seen: SeenHead, _late: int) -> tuple[Head, tuple[str, ...]]:
        head, now = seen.head, means.rim.now()
        if in_force(head, "freeze", now=now):
            raise RefusedError(f"environment {environment!r} is {describe('freeze', head.freeze)} already")
        if until is not None and until <= now:
            raise RefusedError(f"a freeze until {format_instant(until)} would be over already")
        pending = pending_at(head, now)
        said = {
            **_said(person, now),
            "until": None if until is None else format_instant(until),
            **_kept_back(head, now),
        }
        if not pending:
            return _said_by_head(means, seen, freeze=said), ()
        written = _superseding(means, seen, {"by": person.by, "reason": person.reason}, said)
        published_at = written.last.release.published_at
        return written, (*_too_late(head, pending, published_at), *_completed(means, written, {}))

    return _moved(means, environment, move)


def put_off(means: Means, seen: SeenHead, instant: int, by: str) -> None:
    """Supersede what is pending, so that it can be released again with a later instant (ms), which is remembered.

    Raises Conflict, and RefusedError where nothing is active yet.
    """
    head, now = seen.head, means.rim.now()
    note = {"by": by, "reason": f"put off to {format_instant(instant)}"}
    over = {**note, "since": format_instant(now), "until": format_instant(now)}
    freeze = head.freeze if in_force(head, "freeze", now=now) and isinstance(head.freeze, dict) else over
    listed = {"revision": head.revision, "activates_at": format_instant(instant), "explicit": True}
    _completed(means, _superseding(means, seen, note, {**freeze, "superseded": [listed]}), {})


def resume(means: Means, environment: str) -> tuple[Head, tuple[str, ...]]:
    """End a hold and a freeze: the head then, and in words what was ended. Raises RefusedError without either."""

    def move(seen: SeenHead, _late: int) -> tuple[Head, tuple[str, ...]]:
        head, now = seen.head, means.rim.now()
        said: dict[Word, Any] = {"hold": head.hold, "freeze": head.freeze}
        ended = tuple(describe(word, said[word]) for word in WORDS if in_force(head, word, now=now))
        if not ended:
            raise RefusedError(f"environment {environment!r} is neither held nor frozen")
        kept = _kept_back(head, now)
        why = head.freeze or head.hold
        # What lost its instant keeps it, for the publish that comes now.
        over = {**(why if isinstance(why, dict) else {}), "until": format_instant(now), **kept} if kept else None
        return _said_by_head(means, seen, hold=None, freeze=over), ended

    return _moved(means, environment, move)


def _moved(means: Means, environment: str, move: Callable[[SeenHead, int], _Moved]) -> _Moved:
    """What `move` comes to with the head as it is, again from the start when somebody else moves it."""
    late = 0
    for _ in range(TRIES):
        seen = see(means, environment)
        if seen is None:
            raise RefusedError(f"environment {environment!r} has no release yet; `burgee publish` makes the first")
        means.sealing.check_fresh(seen.head, means.rim.now())
        try:
            return move(seen, late)
        except TooLate as error:
            late = error.took * 2
        except Conflict:
            means.pause()
    raise Conflict(f"the head of environment {environment!r} kept moving; try again")


def _said_by_head(means: Means, seen: SeenHead, **fields: Any) -> Head:
    """Swap in the same head that says something else of itself."""
    written = means.sealing(seen.head._replace(written_at=None, **fields), means.rim.now())
    means.store.swap_head(written, seen.etag)
    return written


def _target(means: Means, head: Head, revision: int | None, now: int) -> Entry:
    active = active_at(head, now)
    if active is None:
        raise RefusedError(f"no release of {head.environment!r} is active yet, so there is nothing to roll back")
    if revision is None:
        return _before(means, head, active)
    if not 1 <= revision <= head.revision:
        raise NotFound(f"environment {head.environment!r} has releases 1 to {head.revision}, not {revision}")
    if revision > active.release.revision:
        raise RefusedError(f"release {revision} is not active yet; `burgee publish --now` makes it so")
    target = next(entry for entry in entries(means.store, head) if entry.release.revision == revision)
    if _answers(target) == _answers(active) and not pending_at(head, now):
        raise RefusedError(f"release {active.release.revision}, which is active, has the bundle of {revision} already")
    return target


def _before(means: Means, head: Head, active: Entry) -> Entry:
    """What was active before the active release, with another bundle; after a rollback, before what that went to."""
    first = _origin(active)
    after: Entry | None = None
    for entry in islice(entries(means.store, head), head.revision - first, None):
        if after is None or entry.release.activates_at < after.release.activates_at:
            if after is not None and _answers(entry) != _answers(active):
                return entry
            after = entry
    raise RefusedError(f"nothing else was active in {head.environment!r} before release {first}; say --to REVISION")


def _answers(entry: Entry) -> tuple[str, str]:
    """What a release answers by: its bundle and its profile."""
    return entry.release.bundle, entry.release.profile


def _origin(entry: Entry) -> int:
    """The number of a release, or of the one whose bundle it took up again."""
    release = entry.release
    to = (release.note or {}).get("to", "")
    return int(to) if release.kind != "publish" and to.isdecimal() else int(release.revision)


def _documents(means: Means, target: Entry) -> dict[str, Document]:
    try:
        means.store.get_blob(target.release.bundle)
        return documents_of(means.store, target.release.namespaces)
    except (NotFound, ContentError) as error:
        number = target.release.revision
        raise RefusedError(
            f"release {number} is not whole in {means.store.url} any more: {error}; name another"
        ) from error


def _active_documents(means: Means, head: Head, now: int) -> dict[str, Document]:
    """What readers answer from, as far as it can be read: a rollback is not kept back by what it leaves behind."""
    active = active_at(head, now)
    try:
        return documents_of(means.store, active.release.namespaces) if active else {}
    except (NotFound, ContentError):
        return {}


def _when(head: Head, published_at: int, pace: Pace, *, together: bool) -> Activation:
    if not together:
        return Activation(published_at, warnings=tuple(_given_up(head, published_at)))
    safe = safe_from(head, published_at, pace)
    for entry in pending_at(head, published_at):
        instant = entry.release.activates_at
        if instant < safe:
            raise RefusedError(
                f"release {entry.release.revision} becomes active at {format_instant(instant)}, before all readers can "
                f"go back together at {format_instant(safe)}; leave out --together"
            )
    return Activation(safe, True, safe, published_at + max(pace.late, known_lag(head)))


def _given_up(head: Head, published_at: int) -> Iterator[str]:
    for entry in pending_at(head, published_at):
        instant = format_instant(entry.release.activates_at)
        yield f"release {entry.release.revision} will not become active at {instant}, as it was to"


def _again(
    head: Head, old: Release, kind: str, published_at: int, planned: Activation, note: Mapping[str, str]
) -> Release:
    """A further release of the bundle of an old one."""
    return old._replace(
        revision=head.revision + 1,
        kind=kind,
        published_at=published_at,
        activates_at=planned.instant,
        pending=pending_revisions(head, published_at),
        previous=head.last.digest,
        explicit=False,
        note=dict(note),
    )


def _said(person: Person, now: int) -> dict[str, Any]:
    return {"by": person.by, "reason": person.reason, "since": format_instant(now)}


def _superseding(means: Means, seen: SeenHead, note: Mapping[str, str], freeze: Any) -> Head:
    """Put a release of the active bundle after what is pending: the head then. Raises RefusedError, Conflict."""
    head, now = seen.head, means.rim.now()
    active = active_at(head, now)
    if active is None:
        raise RefusedError(f"no release of {head.environment!r} is active yet, so there is nothing to keep as it is")
    published_at = max(now, head.last.release.published_at + 1)
    said = {**note, "to": str(_origin(active))}
    release = _again(head, active.release, "freeze", published_at, Activation(published_at), said)
    moved = following(head, release, pace_of(head), now=now)._replace(freeze=freeze)
    return append_release(means.store, moved, head, seen.etag, None, now=means.rim.now, seal=means.sealing)


def _kept_back(head: Head, now: int) -> dict[str, Any]:
    """What is pending at `now` (ms), and what was kept back before and is still to come, as a head lists it."""
    listed = [each for each in superseded_in(head) if parse_instant(each["activates_at"]) > now]
    for entry in pending_at(head, now):
        release = entry.release
        each = {"revision": release.revision, "activates_at": format_instant(release.activates_at)}
        listed.append({**each, "explicit": True} if release.explicit else each)
    return {"superseded": listed} if listed else {}


def _too_late(head: Head, pending: tuple[Entry, ...], published_at: int) -> list[str]:
    """Warnings of pending releases that some readers will see become active before they see the freeze."""
    known = safe_from(head, published_at, pace_of(head))
    return [
        f"release {entry.release.revision} was to become active at {format_instant(entry.release.activates_at)}, "
        f"before every reader can know of the freeze ({format_instant(known)}): some may answer from it for a moment"
        for entry in pending
        if entry.release.activates_at < known
    ]


def _completed(means: Means, head: Head, documents: Mapping[str, Document]) -> tuple[str, ...]:
    """What follows the commit point: its faults are warnings, for the next publish or the timer completes it."""
    by_digest = {head.last.release.namespaces[key][0]: document for key, document in documents.items()}
    try:
        complete_log(means.store, head)
        settle(
            means.store, head.environment, now=means.rim.now, documents=by_digest, shown=means.shown, pause=means.pause
        )
    except BurgeeError as error:
        return (f"done, but what follows could not be completed; the next publish tries again: {error}",)
    return ()
