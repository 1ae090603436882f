"""An impact as lines for a terminal; what comes from flags and contexts is made visible."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.visible import visible
from .effects import Effect, FlagImpact, Impact
from .populations import percent
from .risk import Level
from .words import INEXACT, flag_note, summary, tally_note, told_note, transition, when

# What a line is, so that whoever prints it chooses its colour: a level of risk, or plain text.
Line = tuple[str, Level | None]

_MOST_ANSWERS = 10


def impact_lines(impact: Impact) -> Iterator[Line]:
    """The lines of an impact, each with the level that it tells of."""
    yield f"  impact: {summary(impact)}", impact.level
    for flag in impact.flags:
        for text, level in _flag(flag):
            yield visible(text), level


def _flag(flag: FlagImpact) -> Iterator[Line]:
    yield f"  {flag.namespace}/{flag.key} ({flag_note(flag)}): risk {flag.risk.level}", flag.risk.level
    for reason in flag.risk.reasons:
        yield f"    because {reason}", None
    for part in flag.shadowed:
        yield f"    {part.why}{'' if part.is_new else ', as before'}", None
    yield from _effect(flag.now)
    for effect in flag.later:
        yield f"    {when(effect)}:", None
        yield from _effect(effect, "  ")
    for effect in flag.dropped:
        yield f"    no longer {when(effect)}:", None
        yield from _effect(effect, "  ")


def _effect(effect: Effect, indent: str = "") -> Iterator[Line]:
    types = effect.shares.types
    for population in effect.shares.populations:
        answers = [transition(change, population.changed) for change in population.transitions[:_MOST_ANSWERS]]
        further = len(population.transitions) - len(answers)
        said = [*answers, *([f"and {further} more"] if further else ())] or ([" -> ".join(types)] if types else [])
        how = f": {', '.join(said)}" if said else ""
        yield f"    {indent}{population.label}: {percent(population.changed)}{how}", None
    if not effect.shares.exact:
        yield f"    {indent}({INEXACT})", None
    if effect.tally:
        yield f"    {indent}{tally_note(effect.tally)}", None
        yield from ((f"      {indent}{told_note(told)}", None) for told in effect.tally.told)
        further = effect.tally.changed - len(effect.tally.told)
        if further:
            yield f"      {indent}... and {further} more", None
