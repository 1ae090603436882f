"""What a commit is told of a publish: one line, in the words of its receipt."""

from __future__ import annotations

from ..bundle.release import Release
from ..core.errors import Problem
from ..core.instant import format_instant
from ..core.visible import visible
from ..git.host import SHORTEST_LIMIT, State, Status, shorten
from .receipt import Outcome, Receipt, short

_STATES: dict[Outcome, State] = {
    "published": "success",
    "planned": "pending",
    "unchanged": "success",
    "empty": "success",
    "queued": "pending",
    "invalid": "failure",
    "refused": "failure",
    "failed": "error",
}


def status_of(receipt: Receipt, *, most: int = SHORTEST_LIMIT) -> Status:
    """The status of the commit that a receipt is about, its description in at most `most` characters.

    Wrong files are a failure, which a commit can mend; what broke at the host or the store is an error.
    """
    description = shorten(_description(receipt, most), most)
    return Status(f"burgee/{receipt.environment}", _STATES[receipt.outcome], description)


def _description(receipt: Receipt, most: int) -> str:
    release = receipt.release
    errors = sorted(problem for problem in receipt.problems if problem.severity == "error")
    if release and receipt.outcome == "published":
        return f"{_named(release)} {_active(receipt)}, {_count(len(receipt.changes), 'change')}{_warnings(receipt)}"
    if release and receipt.outcome == "planned":
        return f"would be {_named(release)}, {_count(len(receipt.changes), 'change')}"
    if release and receipt.outcome == "unchanged":
        return f"unchanged, stays at {_named(release)}{_warnings(receipt)}"
    if receipt.outcome == "invalid" and errors:
        return _errors(errors, most)
    return visible(f"{receipt.outcome}: {receipt.message}")


def _named(release: Release) -> str:
    return f"release {release.revision} {short(release.bundle)}"


def _active(receipt: Receipt) -> str:
    release = receipt.release
    if release is None or release.activates_at <= release.published_at:
        return "active now"
    at, safe = _clock(release.activates_at), receipt.safe_from
    if safe is None:
        return f"active {at} UTC"
    day, _, time = _clock(safe).partition(" ")
    return f"active {at} UTC, safe from {time if at.startswith(day) else f'{day} {time}'}"


def _clock(instant: int) -> str:
    """An instant to the second, as `2026-11-22 09:02:10`; one with a fraction counts as the next second."""
    return format_instant(instant + 999)[:19].replace("T", " ")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + 's'}"


def _warnings(receipt: Receipt) -> str:
    text = f", {_count(len(receipt.warnings), 'warning')}" if receipt.warnings else ""
    failed = [mirror.place for mirror in receipt.mirrors if mirror.fault]
    if not failed:
        return text
    return visible(f"{text}, {len(failed)} of {_count(len(receipt.mirrors), 'mirror')} failed: {', '.join(failed)}")


def _errors(errors: list[Problem], most: int) -> str:
    """As many of the errors as there is room for, the first one in part if it must be, and how many more there are."""
    text = f"{_count(len(errors), 'error')}: {errors[0]}"
    for shown, problem in enumerate(errors[1:], 1):
        longer = f"{text}; {problem}"
        if len(longer) + len(_more(len(errors) - shown - 1)) > most:
            return _with_more(text, len(errors) - shown, most)
        text = longer
    return text


def _with_more(text: str, hidden: int, most: int) -> str:
    return shorten(text, most - len(_more(hidden))) + _more(hidden)


def _more(hidden: int) -> str:
    return f" (and {hidden} more)" if hidden else ""
