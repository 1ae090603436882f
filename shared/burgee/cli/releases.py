"""Releases of a log as the command line shows them: their state, who made them, and from when until when they hold."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..bundle.head import Entry, Head
from ..bundle.log import starts_at, with_ends
from ..core.errors import BurgeeError, NotFound
from ..core.instant import format_instant
from ..git.repository import Repository, open_repository

State = Literal["active", "pending", "past", "overtaken"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A release of a log: `until` is when another one follows it (milliseconds), None while none does. `overtaken` is
    one that never was or will be active, for a later one is by then."""

    entry: Entry
    state: State
    until: int | None

    @property
    def since(self) -> int | None:
        """From when it is active (milliseconds), None for one that never is."""
        return None if self.state == "overtaken" else starts_at(self.entry.release)


def listed(entries: Iterator[Entry], head: Head, now: int) -> Iterator[Listed]:
    """Releases from the end of a log backwards, as they stand at an instant (milliseconds)."""
    # The head proves by its newest release that this instant has come.
    at = max(now, head.last.release.published_at)
    for entry, end in with_ends(entries):
        start = starts_at(entry.release)
        if end is not None and end <= start:
            yield Listed(entry, "overtaken", end)
        elif start > at:
            yield Listed(entry, "pending", end)
        else:
            yield Listed(entry, "past" if end is not None and end <= at else "active", end)


def release_fields(one: Listed, authors: Mapping[str, str]) -> dict[str, Any]:
    """A release as JSON has it."""
    release, source = one.entry.release, one.entry.release.source
    return {
        "revision": release.revision,
        "state": one.state,
        "kind": release.kind,
        "release": one.entry.digest,
        "bundle": release.bundle,
        "profile": release.profile,
        "source": {
            "repository": source.repository,
            "ref": source.ref,
            "commit": source.commit,
            "committed_at": _instant(source.committed_at),
            "author": author_of(one, authors),
        },
        "published_at": format_instant(release.published_at),
        "activates_at": format_instant(release.activates_at),
        "active_from": _instant(one.since),
        "active_until": None if one.since is None else _instant(one.until),
        "explicit": release.explicit,
        "note": release.note,
        "previous": release.previous,
    }


def author_of(one: Listed, authors: Mapping[str, str]) -> str | None:
    """Who wrote the commit of a release: as the release says, else as `authors` do, by commit."""
    author: str | None = one.entry.release.source.author
    return author or authors.get(one.entry.release.source.commit)


def authors_here(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Who wrote the commits of releases that do not say it, by commit, as far as the repository here knows them."""
    lacking = {entry.release.source.commit for entry in entries if not entry.release.source.author}
    if not lacking:
        return {}
    try:
        with open_repository(".", environ=os.environ) as repository:
            return {commit: name for commit in sorted(lacking) if (name := _author(repository, commit))}
    except BurgeeError:
        return {}


def note_of(entry: Entry) -> str:
    """What a person said of a release, in a line; empty without."""
    note = entry.release.note or {}
    said = [f"by {note['by']}"] if "by" in note else []
    said += [note["reason"]] if "reason" in note else []
    said += [f"in spite of {note['overrides']}"] if "overrides" in note else []
    # Of a rollback, which has a reason of its own.
    said += [note["override_reason"]] if note.get("override_reason") else []
    return ": ".join(said)


def _instant(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _author(repository: Repository, commit: str) -> str | None:
    """The name without the address, as releases have it; None of a commit that is not there."""
    try:
        return repository.resolve(commit).author.partition(" <")[0]
    except NotFound:
        return None
