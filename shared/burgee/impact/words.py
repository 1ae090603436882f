"""What an impact is called in words, in whatever form it is shown: sums, shares, instants, samples."""

from __future__ import annotations

from ..bundle.digest import canonical_json
from ..core.instant import format_instant
from .effects import Effect, FlagImpact, Impact
from .populations import Transition, percent
from .samples import Tally, Told, whole
from .segments import MOST_COMBINED

INEXACT = f"more than {MOST_COMBINED} segments decide: there may be groups among these that nobody is in"


def summary(impact: Impact) -> str:
    """As `risk high: 2 of 3 flags answer otherwise`; nothing else of it comes from flags."""
    other = sum(1 for flag in impact.flags if flag.now.shares.most)
    later = sum(1 for flag in impact.flags if any(effect.shares.most for effect in flag.later))
    said = [f"{_count(other, 'flag')} {'answers' if other == 1 else 'answer'} otherwise"]
    if later:
        said.append(f"{_count(later, 'flag')} {'does' if later == 1 else 'do'} so later, by schedule")
    if impact.samples:
        said.append(f"{impact.moved} of {_count(impact.samples, 'context')} {_get(impact.moved)}")
    return f"risk {impact.level}: {', '.join(said)}"


def flag_note(flag: FlagImpact) -> str:
    """What is said of a flag besides its name: `added`, or what it is affected by."""
    if flag.action != "affected":
        return flag.action
    return f"by segment {', '.join(flag.segments)}" if flag.segments else "by the profile"


def when(effect: Effect) -> str:
    """When an effect is, or begins and ends."""
    if effect.since is None:
        return "at once"
    if effect.until is None:
        return f"at {format_instant(effect.since)}"
    return f"from {format_instant(effect.since)} until {format_instant(effect.until)}, bit by bit"


def transition(change: Transition, buckets: int) -> str:
    """As `blue -> green 12.5 %`; without the share where it is all of what changes."""
    return str(change) if change.buckets == buckets else f"{change} {percent(change.buckets)}"


def tally_note(tally: Tally) -> str:
    """As `3 of 12 contexts get another answer`, with their weights where these are not one each."""
    weighed = f" (weight {whole(tally.changed_weight)} of {whole(tally.weight)})" if tally.weight != tally.asked else ""
    return f"{tally.changed} of {_count(tally.asked, 'context')} {_get(tally.changed)}{weighed}"


def told_note(told: Told) -> str:
    """As `amira {"plan":"pro"}: false -> true`."""
    context = f" {canonical_json(dict(told.sample.context))}" if told.sample.context else ""
    return f"{told.sample.entity or '(empty entity id)'}{context}: {Transition(told.old, told.new, 0)}"


def _get(number: int) -> str:
    return f"{'gets' if number == 1 else 'get'} another answer"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + 's'}"
