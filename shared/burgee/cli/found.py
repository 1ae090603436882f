"""Which release is meant: by number, instant, commit or digest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..bundle.document import Document, encode
from ..bundle.head import Entry, Head
from ..bundle.log import starts_at
from ..core.errors import BurgeeError, InvalidRequest, NotFound
from ..core.instant import format_instant
from ..core.schedule import flag_at
from ..fetch.clock import SystemClock
from ..git.repository import open_repository
from ..git.tree import Commit
from .instants import read_instant
from .logs import Log, open_log
from .output import counting
from .stores import Released, UnknownName

ACTIVE = "active"
FORMS = "a number, `active`, an instant such as 2026-11-01T09:00Z, how long ago as in -2h, a commit or a digest"

_REVISION = re.compile(r"\d{1,10}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_INSTANT = re.compile(r"-\d.*|\d{4}-\d\d-\d\d[Tt].*", re.ASCII)
_WITHOUT_SECONDS = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d)([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{7,64}")
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A release that was asked for, and the instant that it was asked for at (milliseconds)."""

    entry: Entry
    at: int


def names_release(which: str) -> bool:
    """Whether a text has one of the FORMS."""
    return which == ACTIVE or any(form.fullmatch(which) for form in (_REVISION, _COMMIT, _INSTANT, _DIGEST))


def released(store_url: str | None, environment: str, which: str) -> Released:
    """A release of an environment with its documents: by an instant, or `active`, as their flags were then.

    Raises as `find` does, and EnvironmentNotFound.
    """
    log = open_log(store_url, environment)
    found = find(log, which)
    documents = log.history.documents(found.entry)
    if which == ACTIVE or _INSTANT.fullmatch(which):
        documents = {key: document_at(document, found.at) for key, document in documents.items()}
    release = found.entry.release
    return Released(f"{environment}@{release.revision}", environment, documents, release.profile)


def document_at(document: Document, at: int) -> Document:
    """A document whose flags are as their schedules have them at an instant (milliseconds)."""
    if not document.scheduled():
        return document
    described = {"name": document.name, "description": document.description}
    named = {name: text for name, text in described.items() if text}
    fields = {
        "version": document.version,
        "namespace": {"key": document.namespace, **named} if named else document.namespace,
        "flags": [flag_at(flag, at) for flag in document.flags()],
        "segments": list(document.segments()),
    }
    return Document(encode(fields))


def find(log: Log, which: str) -> Found:
    """The release that a text names; see FORMS. Raises UnknownName, InvalidRequest, StoreError, ContentError."""
    if which == ACTIVE:
        return active_at(log, SystemClock.wall())
    if _REVISION.fullmatch(which):
        return by_revision(log, int(which))
    if _INSTANT.fullmatch(which):
        return active_at(log, instant_of(which, name="an instant"))
    if _DIGEST.fullmatch(which):
        return by_digest(log, which)
    if _COMMIT.fullmatch(which):
        return by_commit(log, which)
    raise InvalidRequest(f"a release is named by {FORMS}, got {which!r}")


def instant_of(text: str, *, name: str, past: bool = False) -> int:
    """Milliseconds of an instant, whose seconds may be left out, or of how long from now; ago where the `past` is meant
    or with a `-`. Raises InvalidRequest, naming the option."""
    if short := _WITHOUT_SECONDS.fullmatch(text):
        text = f"{short[1]}:00{short[2]}"
    return read_instant(text, name=name, now=SystemClock.wall(), past=past or text.startswith("-"))


def active_at(log: Log, instant: int) -> Found:
    """The release that was active at an instant (milliseconds). Raises UnknownName when there was none."""
    _begun(log)
    try:
        found = Found(log.history.active_at(instant), instant)
    except NotFound as error:
        raise UnknownName(f"{error}; {_first(log)}") from error
    log.check_reach(instant)
    return found


def by_revision(log: Log, revision: int) -> Found:
    """The release of a number, at the instant from which it is active. Raises UnknownName when there is none."""
    if not 1 <= revision <= _begun(log).revision:
        raise UnknownName(f"environment {log.environment!r} has {_extent(log)} in store {log.url}, not {revision}")
    return _at_its_start(log, log.history.release(revision))


def by_commit(log: Log, commit: str) -> Found:
    """The newest release that was made from a commit, which may be anything that the repository here resolves.

    Raises UnknownName when there is none.
    """
    wanted = commit if _COMMIT.fullmatch(commit) else _commit_here(commit).id
    others = []
    for entry in walked(log):
        if entry.release.source.commit.startswith(wanted):
            return _at_its_start(log, entry)
        others.append(entry)
    near = _nearest(others, wanted)
    raise UnknownName(f"no release of {log.environment!r} was made from commit {commit}; those {near}")


def by_digest(log: Log, digest: str) -> Found:
    """The newest release that has a digest, or whose bundle does. Raises UnknownName when there is none."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidRequest(f"a digest is sha256: and 64 hexadecimal digits, or the first 7 or more, got {digest!r}")
    for entry in walked(log):
        if entry.digest.startswith(digest) or entry.release.bundle.startswith(digest):
            return _at_its_start(log, entry)
    raise UnknownName(f"{_extent(log)} of {log.environment!r} have digest {digest}, nor do their bundles")


def walked(log: Log) -> Iterator[Entry]:
    """Every release, the newest first, with progress. Raises UnknownName when there is none."""
    _begun(log)
    with counting("releases read") as progress:
        for count, entry in enumerate(log.history.backwards(), 1):
            progress(count)
            yield entry


def _begun(log: Log) -> Head:
    head = log.head()
    if head is None:
        raise UnknownName(f"environment {log.environment!r} has no releases yet in store {log.url}")
    return head


def _at_its_start(log: Log, entry: Entry) -> Found:
    log.check_reach()
    return Found(entry, starts_at(entry.release))


def _first(log: Log) -> str:
    first = log.history.release(1).release
    return f"release 1 was published at {format_instant(first.published_at)}, active from its instant on"


def _extent(log: Log) -> str:
    return f"releases 1 to {log.history.head().revision}"


def _commit_here(revision: str) -> Commit:
    """A commit of the repository that this folder is in. Raises UnknownName."""
    try:
        with open_repository(".", environ=os.environ) as repository:
            return repository.resolve(revision)
    except NotFound as error:
        raise UnknownName(f"{revision!r} is no commit: {error}") from error


def _nearest(entries: Sequence[Entry], commit: str) -> str:
    """Which commits there are releases of instead: those beside it if the repository here knows it, else the newest."""
    try:
        committed_at = _commit_here(commit).committed_at
    except BurgeeError:
        committed_at = None
    if committed_at is None:
        return f"made last are of {', '.join(map(_made_from, entries[:_NEAR])) or 'none'}"
    dated = [entry for entry in entries if entry.release.source.committed_at is not None]
    later = [entry for entry in dated if entry.release.source.committed_at > committed_at][-1:]
    earlier = [entry for entry in dated if entry.release.source.committed_at <= committed_at][:1]
    beside = " and ".join(map(_made_from, (*earlier, *later)))
    return f"made before and after it are of {beside or 'commits without a date'}"


def _made_from(entry: Entry) -> str:
    release = entry.release
    return f"{release.source.commit[:12]} (release {release.revision})"
