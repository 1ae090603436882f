"""The receipt: what happened to one environment, or why nothing did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ..bundle.addresses import shown_url
from ..bundle.release import Release
from ..core.errors import Problem
from ..core.instant import format_instant
from ..core.visible import visible
from .changes import Change

Outcome = Literal["published", "planned", "unchanged", "empty", "queued", "invalid", "refused", "failed"]
# What is queued is no fault of the files, but not what was asked for either.
FAULTS = ("queued", "invalid", "refused", "failed")


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What became of an environment at a mirror: the revision that is there now, or the fault that prevented it."""

    url: str
    revision: int | None
    fault: str | None

    @property
    def place(self) -> str:
        """Where it is, without what its URL says of how to get there."""
        return shown_url(self.url)

    def __str__(self) -> str:
        if self.fault is not None:
            return f"mirror {self.place} does not have it, the next publish tries again: {self.fault}"
        return f"mirror {self.place} has release {self.revision}" if self.revision else f"mirror {self.place} is ready"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a publish did in one environment.

    `release` is the one made, or that would be (`planned`), or the present one (`unchanged`, `queued`); `message` says
    why nothing was done; `warnings` are said beside a success; `took` is in milliseconds, mirrors aside; `safe_from` is
    the earliest instant (ms) for which every reader can be ready, None where nobody waits.
    """

    environment: str
    outcome: Outcome
    release: Release | None = None
    digest: str | None = None
    commit: str | None = None
    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()
    message: str = ""
    warnings: tuple[str, ...] = ()
    took: int = 0
    mirrors: tuple[Mirrored, ...] = ()
    safe_from: int | None = None

    def became(self, outcome: Outcome, *, warnings: tuple[str, ...]) -> Receipt:
        """The receipt once more, of what was planned and is done."""
        return replace(self, outcome=outcome, warnings=warnings)

    @property
    def is_fault(self) -> bool:
        """Whether the environment did not get what its files say."""
        return self.outcome in FAULTS


def lines(receipt: Receipt, *, most: int = 20) -> list[str]:
    """The receipt as a person reads it: a headline, then at most `most` changes and every problem."""
    text = [f"{receipt.environment}: {visible(_headline(receipt))}"]
    if receipt.outcome == "queued" or not _is_first(receipt.release):
        text += [f"  {change}" for change in receipt.changes[:most]]
        if len(receipt.changes) > most:
            text.append(f"  ... and {len(receipt.changes) - most} more changes")
    text += problem_lines(receipt.problems)
    text += [f"  warning: {visible(warning)}" for warning in receipt.warnings]
    return text + [f"  {'warning: ' if mirror.fault else ''}{visible(str(mirror))}" for mirror in receipt.mirrors]


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """Problems as lines below a headline, errors first."""
    ordered = sorted(problems, key=lambda problem: (problem.severity, problem))
    return [f"  {problem.severity}: {problem}" for problem in ordered]


def as_json(receipt: Receipt) -> dict[str, Any]:
    """The receipt for machines."""
    release = receipt.release
    return {
        "environment": receipt.environment,
        "outcome": receipt.outcome,
        "revision": release.revision if release else None,
        "bundle": release.bundle if release else None,
        "release": receipt.digest,
        "commit": receipt.commit,
        "published_at": format_instant(release.published_at) if release else None,
        "activates_at": format_instant(release.activates_at) if release else None,
        "safe_from": None if receipt.safe_from is None else format_instant(receipt.safe_from),
        "changes": [
            {
                "namespace": change.namespace,
                "kind": change.kind,
                "key": change.key,
                "action": change.action,
                "details": list(change.details),
            }
            for change in receipt.changes
        ],
        "problems": [problem._asdict() for problem in receipt.problems],
        "message": receipt.message,
        "warnings": list(receipt.warnings),
        "mirrors": [{**asdict(mirror), "url": mirror.place} for mirror in receipt.mirrors],
        "took_ms": receipt.took,
    }


def _headline(receipt: Receipt) -> str:
    took = f"({receipt.took} ms)"
    release = receipt.release
    if release and receipt.outcome == "published":
        named = f"release {release.revision} {short(release.bundle)}{_back_to(release)}"
        return f"{named}, {_count(receipt)}{_active(receipt)} {took}"
    if release and receipt.outcome == "planned":
        named = f"release {release.revision} {short(release.bundle)}{_back_to(release)}"
        return f"would be {named}, {_count(receipt)}{_active(receipt)} {took}"
    if release and receipt.outcome == "unchanged":
        return f"unchanged, stays at release {release.revision} {short(release.bundle)} {took}"
    if release and receipt.outcome == "queued":
        return f"queued, {receipt.message}; stays at release {release.revision} {short(release.bundle)} {took}"
    if receipt.outcome == "invalid":
        errors = sum(problem.severity == "error" for problem in receipt.problems)
        return f"not released, {errors} {'error' if errors == 1 else 'errors'} in its files {took}"
    return f"{receipt.outcome}, {receipt.message} {took}"


def short(digest: str) -> str:
    """A digest as people quote it: `sha256:` and twelve digits."""
    return digest[:19]


def _back_to(release: Release) -> str:
    """Of a rollback, what it goes back to."""
    return f" goes back to {release.note['to']}" if release.kind == "rollback" and release.note else ""


def _is_first(release: Release | None) -> bool:
    return release is not None and release.revision == 1


def _active(receipt: Receipt) -> str:
    release = receipt.release
    if release is None or release.activates_at <= release.published_at:
        return ""
    safe = "" if receipt.safe_from is None else f" (safe from {format_instant(receipt.safe_from)})"
    return f", active from {format_instant(release.activates_at)}{safe}"


def _count(receipt: Receipt) -> str:
    if _is_first(receipt.release):
        flags = sum(change.kind == "flag" for change in receipt.changes)
        return f"the first, with {flags} {'flag' if flags == 1 else 'flags'}"
    return f"{len(receipt.changes)} {'change' if len(receipt.changes) == 1 else 'changes'}"
