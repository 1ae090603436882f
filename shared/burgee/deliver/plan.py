"""The plan: which release would be made, decided from values alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ..bundle.document import Document
from ..bundle.head import Head, append, pending_at
from ..bundle.release import Origin, Release
from ..core.errors import RefusedError
from ..core.instant import format_instant
from .candidate import Candidate
from .changes import Change, compare, count_flags, removed_flags

Outcome = Literal["publish", "unchanged", "empty"]

# A last release this far in the future was published by a clock that was wrong; an instant after it would be, too.
_CLOCK_AHEAD_MS = 300_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What an environment asks of its releases.

    `activation_delay` is in milliseconds; `allow_removal` lets a publish take away more than half of the flags.
    """

    environment: str
    profile: str
    activation_delay: int
    max_reader_ttl_seconds: int
    allow_removal: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that would be taken: without a release nothing, but for a `head` whose terms have changed.

    `head` is the head to swap in, if any.
    """

    outcome: Outcome
    candidate: Candidate
    release: Release | None = None
    head: Head | None = None
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()


def plan(
    head: Head | None,
    released: Mapping[str, Document] | None,
    candidate: Candidate,
    terms: Terms,
    *,
    origin: Origin,
    now: int,
) -> Plan:
    """The plan that brings `candidate` into the log that ends with `head`.

    `released` holds the documents of the log's last release (empty without one, None when they cannot be read); `now`
    is in milliseconds. Raises RefusedError when a hold, a freeze or the guard against removals forbids it.
    """
    last = head.last.release if head else None
    if head and last and last.bundle == candidate.digest and last.profile == terms.profile:
        same = head.max_reader_ttl_seconds == terms.max_reader_ttl_seconds
        moved = None if same else head._replace(max_reader_ttl_seconds=terms.max_reader_ttl_seconds)
        return Plan("unchanged", candidate, head=moved)
    if not last and not count_flags(candidate.documents) and not terms.allow_removal:
        return Plan("empty", candidate)
    if head:
        _obey(head)
    _guard_removal(released, candidate, terms)
    ahead = last is not None and last.published_at > now + _CLOCK_AHEAD_MS
    release = _release(head, candidate, terms, origin, now, delayed=not ahead)
    return Plan(
        "publish",
        candidate,
        release,
        append(head, release, max_reader_ttl_seconds=terms.max_reader_ttl_seconds),
        () if released is None else compare(released, candidate.documents),
        tuple(_warnings(released, last if ahead else None)),
    )


def _warnings(released: Mapping[str, Document] | None, ahead: Release | None) -> Iterator[str]:
    if released is None:
        yield "the documents of the last release cannot be read, so changes are not listed"
    if ahead:
        instant = format_instant(ahead.published_at)
        yield (
            f"release {ahead.revision} was published at {instant}, by a clock ahead of ours; "
            "until then releases follow it by a millisecond and are active at once"
        )


def _release(
    head: Head | None, candidate: Candidate, terms: Terms, origin: Origin, now: int, *, delayed: bool
) -> Release:
    last = head.last if head else None
    published_at = max(now, last.release.published_at + 1) if last else now
    waiting = pending_at(head, published_at) if head else ()
    return Release(
        environment=terms.environment,
        revision=head.revision + 1 if head else 1,
        kind="publish",
        bundle=candidate.digest,
        profile=terms.profile,
        namespaces=dict(candidate.layers),
        source=origin,
        published_at=published_at,
        activates_at=published_at + (terms.activation_delay if delayed else 0),
        pending=tuple(entry.release.revision for entry in waiting),
        previous=last.digest if last else None,
    )


def _obey(head: Head) -> None:
    for word, reason in (("hold", head.hold), ("freeze", head.freeze)):
        if reason is not None:
            text = reason.get("reason", "no reason given") if isinstance(reason, dict) else reason
            raise RefusedError(f"environment {head.environment!r} is under a {word}: {text}")


def _guard_removal(released: Mapping[str, Document] | None, candidate: Candidate, terms: Terms) -> None:
    if released is None:
        if not terms.allow_removal and not count_flags(candidate.documents):
            raise RefusedError(
                f"this would leave environment {terms.environment!r} without flags, and what it had cannot be read; "
                "check `directory` in burgee.yaml, or publish with --allow-removal"
            )
        return
    before = count_flags(released)
    removed = removed_flags(released, candidate.documents)
    if terms.allow_removal or not removed or removed * 2 <= before:
        return
    raise RefusedError(
        f"this would remove {removed} of {before} flags from environment {terms.environment!r}, more than half; "
        "check `directory` and `ignore` in burgee.yaml, or publish with --allow-removal"
    )
