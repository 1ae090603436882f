"""Changes and their impact as one comment in Markdown, for a pull request.

Law: whatever comes from flags, contexts or names of places stands in code, on one line. There it is no Markdown, no
HTML, no mention, no reference and no command of the host; and no text of theirs begins a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..core.visible import visible
from ..deliver.changes import Change
from .effects import Effect, FlagImpact, Impact
from .populations import Population, percent
from .risk import Level
from .words import INEXACT, flag_note, summary, tally_note, told_note, transition, when

# GitHub takes 65,536 characters.
MOST_CHARACTERS = 60_000
_FOR_HEADLINES = 10_000
_LEAST_BODY = 1_000
_LONGEST_CODE = 120
_MOST_POPULATIONS = 12
_MOST_ANSWERS = 4
_MOST_LATER = 6
_MARKS: dict[Level, str] = {"none": "⚪", "low": "🟢", "medium": "🟡", "high": "🔴"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One environment's changes, with their impact if that was asked for; `old` and `new` name the sides."""

    environment: str
    old: str
    new: str
    changes: Sequence[Change]
    impact: Impact | None = None


def markdown(compared: Sequence[Compared]) -> str:
    """The comment about some environments: a summary, a table of flags, and details that are folded."""
    title = "## burgee: what changes for whom" if any(one.impact for one in compared) else "## burgee: what changes"
    headlines = _fitted(list(map(_headline, compared)), _FOR_HEADLINES, "environment")
    blocks = [title, "\n".join(headlines)]
    waiting = [one for one in compared if one.changes or (one.impact and one.impact.flags)]
    while waiting:
        room = (MOST_CHARACTERS - sum(len(block) + 2 for block in blocks) - 100) // len(waiting)
        if room < _LEAST_BODY:
            blocks.append(f"... and {_counted(len(waiting), 'more environment')}")
            break
        blocks.append("\n\n".join(_body(waiting.pop(0), room)))
    return "\n\n".join(blocks) + "\n"


def code(text: str) -> str:
    """`text` as code, in a table as well: on one line, cut where it is longer than anybody reads."""
    shown = visible(text if len(text) <= _LONGEST_CODE else f"{text[: _LONGEST_CODE - 1]}…")
    # A backtick would end the code. A pipe would end the cell, and can be escaped in tables alone.
    plain = shown.replace("`", "´").replace("|", "¦")
    return f"`{plain}`" if plain.strip() else "`(empty)`"


def _headline(one: Compared) -> str:
    if one.impact is None:
        said = _counted(len(one.changes), "change")
    elif one.impact.flags:
        said = f"{_MARKS[one.impact.level]} {summary(one.impact)}"
    else:
        said = "no flag is affected"
    return f"- {code(one.environment)} from {code(one.old)} to {code(one.new)}: {said}"


def _body(one: Compared, room: int) -> Iterator[str]:
    """The blocks about one environment, in so many characters."""
    yield f"### {code(one.environment)}"
    room -= 400
    changes = [f"- {code(str(change))}" for change in one.changes]
    if one.impact is None:
        yield "\n".join(_fitted(changes, room, "change"))
        return
    flags = one.impact.flags
    if flags:
        titles = ["| Flag | Change | At most | Risk | Why |", "|---|---|---|---|---|"]
        yield "\n".join((*titles, *_fitted(list(map(_row, flags)), room * 3 // 10, "flag", "| {} | | | | |")))
        blocks = _fitted(["\n".join(_details(flag)) for flag in flags], room // 2, "flag")
        yield _folded("Who gets another answer", blocks)
    if changes:
        yield _folded("Changes of the files", _fitted(changes, room // 5, "change"))


def _folded(title: str, lines: Sequence[str]) -> str:
    return "\n".join((f"<details><summary>{title}</summary>", "", *lines, "", "</details>"))


def _row(flag: FlagImpact) -> str:
    name, most = code(f"{flag.namespace}/{flag.key}"), flag.now.shares.most
    why = code(flag.risk.reasons[0]) if flag.risk.reasons else ""
    further = f" and {_counted(len(flag.risk.reasons) - 1, 'more reason')}" if len(flag.risk.reasons) > 1 else ""
    cells = (name, _note(flag), percent(most), f"{_MARKS[flag.risk.level]} {flag.risk.level}", why + further)
    return f"| {' | '.join(cells)} |"


def _note(flag: FlagImpact) -> str:
    return flag.action if flag.action != "affected" else code(flag_note(flag))


def _details(flag: FlagImpact) -> Iterator[str]:
    yield f"- {code(f'{flag.namespace}/{flag.key}')}"
    yield from (f"  - {code(part.why)}{'' if part.is_new else ', as before'}" for part in flag.shadowed)
    yield from _effect(flag.now)
    for effect in flag.later[:_MOST_LATER]:
        yield f"  - {when(effect)}"
        yield from _effect(effect, "  ")
    if len(flag.later) > _MOST_LATER:
        yield f"  - ... and {_counted(len(flag.later) - _MOST_LATER, 'more step')}"
    yield from (f"  - no longer {when(effect)}" for effect in flag.dropped[:_MOST_LATER])


def _effect(effect: Effect, indent: str = "") -> Iterator[str]:
    populations = effect.shares.populations
    yield from (f"  {indent}- {_population(each)}" for each in populations[:_MOST_POPULATIONS])
    if len(populations) > _MOST_POPULATIONS:
        yield f"  {indent}- ... and {_counted(len(populations) - _MOST_POPULATIONS, 'more group')}"
    if not effect.shares.exact:
        yield f"  {indent}- {INEXACT}"
    if effect.tally:
        yield f"  {indent}- {tally_note(effect.tally)}"
        yield from (f"    {indent}- {code(told_note(told))}" for told in effect.tally.told)


def _population(population: Population) -> str:
    answers = [code(transition(change, population.changed)) for change in population.transitions[:_MOST_ANSWERS]]
    if len(population.transitions) > _MOST_ANSWERS:
        answers.append(f"and {len(population.transitions) - _MOST_ANSWERS} more")
    how = f": {', '.join(answers)}" if answers else ""
    return f"{code(population.label)}: **{percent(population.changed)}**{how}"


def _fitted(texts: Sequence[str], room: int, noun: str, form: str = "- {}") -> list[str]:
    """As many of the texts as there is room for, and a line that says how many are left out."""
    kept: list[str] = []
    for text in texts:
        room -= len(text) + 1
        if room < 0:
            return [*kept, form.format(f"... and {_counted(len(texts) - len(kept), f'more {noun}')}")]
        kept.append(text)
    return kept


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun if number == 1 else noun + 's'}"
