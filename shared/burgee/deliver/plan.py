"""The plan: which release would be made, decided from values alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..bundle.document import Document
from ..bundle.head import Head, active_at, append
from ..bundle.release import Origin, Release
from ..core.errors import RefusedError
from ..core.instant import format_instant
from .candidate import Candidate
from .changes import Change, compare, count_flags, removed_flags
from .instants import AS_USUAL, Activation, Pace, When, activation, with_pace
from .permission import Verdict, decide, in_force

Outcome = Literal["publish", "unchanged", "empty", "queued", "put-off"]

# A last release this far in the future was published by a clock that was wrong; an instant after it would be, too.
_CLOCK_AHEAD_MS = 300_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What an environment asks of its releases, and the caller of this one.

    `allow_removal` lets a publish take away more than half of the flags; `override` is why a hold or freeze is broken
    through, and `by` who does it.
    """

    environment: str
    profile: str
    pace: Pace
    allow_removal: bool = False
    when: When = AS_USUAL
    override: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that would be taken: without a release nothing, but for a `head` that says something else of itself.

    `head` is the head to swap in, if any; `message` says what keeps a release back that is `queued`. `put-off`: what is
    pending is wanted at a later instant, so it has to be superseded before.
    """

    outcome: Outcome
    candidate: Candidate
    release: Release | None = None
    head: Head | None = None
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    activation: Activation | None = None
    message: str = ""


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
    is in milliseconds. Raises RefusedError when the guard against removals or the instant forbids it.
    """
    last = head.last.release if head else None
    if head and _is_same(head, candidate, terms, origin, now):
        return _unchanged(head, candidate, terms, now)
    if not last and not count_flags(candidate.documents) and not terms.allow_removal:
        return Plan("empty", candidate)
    _guard_removal(released, candidate, terms)
    changes = () if released is None else compare(released, candidate.documents)
    verdict = decide(head, "publish", now=now, override=terms.override)
    if head and not verdict.may_be_made:
        waiting = head._replace(waiting=_waiting(head, verdict, candidate, origin, now))
        moved = None if waiting == head else waiting
        return Plan("queued", candidate, head=moved, changes=changes, message=verdict.message)
    ahead = last if last is not None and last.published_at > now + _CLOCK_AHEAD_MS else None
    published_at = max(now, last.published_at + 1) if last else now
    pace = terms.pace if ahead is None else replace(terms.pace, delay=0)
    active = activation(head, published_at, terms.when, pace)
    if _is_put_off(head, candidate, active, published_at):
        return Plan("put-off", candidate, activation=active)
    release = Release(
        environment=terms.environment,
        revision=head.revision + 1 if head else 1,
        kind="publish",
        bundle=candidate.digest,
        profile=terms.profile,
        namespaces=dict(candidate.layers),
        source=origin,
        published_at=published_at,
        activates_at=active.instant,
        pending=pending_revisions(head, published_at),
        previous=head.last.digest if head else None,
        explicit=active.explicit,
        note=_note(verdict, terms),
    )
    return Plan(
        "publish",
        candidate,
        release,
        following(head, release, terms.pace, now=now),
        changes,
        (*_warnings(released, ahead), *active.warnings, *_broken_through(head, verdict)),
        active,
    )


def following(head: Head | None, release: Release, pace: Pace, *, now: int) -> Head:
    """The head that `release` makes at `now` (ms): nothing waits any more, and a freeze that is over is forgotten.

    A publish contains what something kept back before, so that its instants are forgotten too.
    """
    moved = append(head, release, max_reader_ttl_seconds=pace.reader_ttl // 1000)
    freeze = moved.freeze if in_force(head, "freeze", now=now) else None
    told = with_pace(moved, head, pace, now)._replace(waiting=None, written_at=release.published_at)
    if release.kind != "publish":
        return told._replace(freeze=freeze)
    return told._replace(freeze=_without_superseded(freeze), hold=_without_superseded(told.hold))


def _without_superseded(said: Any) -> Any:
    return {name: value for name, value in said.items() if name != "superseded"} if isinstance(said, dict) else said


def pending_revisions(head: Head | None, published_at: int) -> tuple[int, ...]:
    """The revisions that are not active at `published_at` (ms): all above the active one, also those the head left out
    because they never will be."""
    if head is None:
        return ()
    active = active_at(head, published_at)
    return tuple(range(active.release.revision + 1 if active else 1, head.revision + 1))


def _is_same(head: Head, candidate: Candidate, terms: Terms, origin: Origin, now: int) -> bool:
    """Whether the last release is what is wanted; one that is pending may be wanted at another instant, by a command or
    by the trailer of another commit."""
    last, when = head.last.release, terms.when
    says = when.commanded or (when.instant is not None and origin.commit != last.source.commit)
    moved = says and last.activates_at > now and last.activates_at != when.instant
    return last.bundle == candidate.digest and last.profile == terms.profile and not moved


def _unchanged(head: Head, candidate: Candidate, terms: Terms, now: int) -> Plan:
    pace = terms.pace
    told = (head.max_reader_ttl_seconds, head.clock_skew_ms, head.waiting)
    if told == (pace.reader_ttl // 1000, pace.clock_skew, None):
        return Plan("unchanged", candidate)
    return Plan("unchanged", candidate, head=with_pace(head, head, pace, now)._replace(waiting=None))


def _is_put_off(head: Head | None, candidate: Candidate, active: Activation, now: int) -> bool:
    """Whether what is pending is wanted later: it has to be superseded first."""
    if head is None or not active.explicit:
        return False
    last = head.last.release
    return bool(last.bundle == candidate.digest and now < last.activates_at < active.instant)


def _waiting(head: Head, verdict: Verdict, candidate: Candidate, origin: Origin, now: int) -> dict[str, str]:
    """What the head says of a publish that is kept back; the first time that it was is kept."""
    before = head.waiting if isinstance(head.waiting, dict) else {}
    fields = {"commit": origin.commit, "bundle": candidate.digest, "why": verdict.kept_back_by or ""}
    since = before.get("since") if {**before, "since": ""} == {**fields, "since": ""} else None
    return {**fields, "since": since or format_instant(now)}


def _note(verdict: Verdict, terms: Terms) -> dict[str, str] | None:
    if not verdict.overrides or not terms.override:
        return None
    return {"overrides": " and ".join(verdict.overrides), "reason": terms.override, "by": terms.by or "unknown"}


def _broken_through(head: Head | None, verdict: Verdict) -> Iterator[str]:
    if verdict.overrides:
        yield f"it breaks through the {' and the '.join(verdict.overrides)}; the log says so, and it stays in force"


def _warnings(released: Mapping[str, Document] | None, ahead: Release | None) -> Iterator[str]:
    if released is None:
        yield "the documents of the last release cannot be read, so changes are not listed"
    if ahead:
        instant = format_instant(ahead.published_at)
        yield (
            f"release {ahead.revision} was published at {instant}, by a clock ahead of ours; "
            "until then releases follow it by a millisecond and are active at once"
        )


def _guard_removal(released: Mapping[str, Document] | None, candidate: Candidate, terms: Terms) -> None:
    if released is None:
        if not terms.allow_removal and not count_flags(candidate.documents):
            raise RefusedError(
                f"this would leave environment {terms.environment!r} without flags, and what it had cannot be read; "
                "check `directory` in burgee.yaml, or publish with --allow-removal"
            )
        return
    removed = 0 if terms.allow_removal else removed_flags(released, candidate.documents)
    # All flags are counted only if it matters: that looks at every one of them.
    before = count_flags(released) if removed else 0
    if removed * 2 <= before:
        return
    raise RefusedError(
        f"this would remove {removed} of {before} flags from environment {terms.environment!r}, more than half; "
        "check `directory` and `ignore` in burgee.yaml, or publish with --allow-removal"
    )
