"""How dangerous a change is: a label and the reasons for it, by one table (docs/impact.md has it for people)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from .answers import State
from .populations import Population, Shares, percent
from .reach import Shadowed
from .segments import MOST_PAIRS

Level = Literal["none", "low", "medium", "high"]
LEVELS: tuple[Level, ...] = ("none", "low", "medium", "high")

# Thousandths of a population that get another answer in one step.
_MOST = 500
_MANY = 100


@dataclass(frozen=True, slots=True)
class Risk:
    """A label, and a sentence for each reason of that level."""

    level: Level
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: a flag in two states, the shares that change, and the parts that are never reached.

    `gradual` is whether the change comes bit by bit, as by a ramp.
    """

    old: State
    new: State
    shares: Shares
    shadowed: tuple[Shadowed, ...] = ()
    gradual: bool = False


def risk_of(case: Case) -> Risk:
    """The highest level that a rule of the table gives, with what that rule and others of the level say."""
    found = [(level, said) for level, rule in RULES for said in rule(case)]
    level = highest(level for level, _ in found)
    return Risk(level, tuple(said for one, said in found if one == level))


def highest(levels: Iterator[Level]) -> Level:
    """The highest of some levels; none where there are none."""
    return max(levels, key=LEVELS.index, default="none")


def _removed(case: Case) -> Iterator[str]:
    if case.new.flag is None:
        yield "the flag is removed: it answers FLAG_NOT_FOUND, and callers fall back to their own default"


def _another_type(case: Case) -> Iterator[str]:
    if case.shares.types:
        yield "the type changes from {} to {}: callers that ask for the old one get an error".format(*case.shares.types)


def _switched_off(case: Case) -> Iterator[str]:
    if _is_enabled(case.old) and case.new.flag is not None and not _is_enabled(case.new) and case.shares.most:
        yield "an enabled flag is switched off"


def _newly_shadowed(case: Case) -> Iterator[str]:
    for part in case.shadowed:
        if part.is_new:
            yield part.why


def _most_of_a_population(case: Case) -> Iterator[str]:
    for population in _changed(case):
        if not population.bounded and not case.gradual and population.changed > _MOST:
            yield _share(population)


def _many_of_a_population(case: Case) -> Iterator[str]:
    for population in _changed(case):
        if population.changed > _MANY and (case.gradual or population.bounded or population.changed <= _MOST):
            yield _share(population)


def _another_attachment(case: Case) -> Iterator[str]:
    if any(change.old.value == change.new.value for population in _changed(case) for change in population.transitions):
        yield "the same variant comes with another attachment, or without having matched as before"


def _too_many_to_look_at(case: Case) -> Iterator[str]:
    if len(case.shares.populations) >= MOST_PAIRS and not case.shares.exact:
        yield "more combinations of rules decide than were looked at"


def _added(case: Case) -> Iterator[str]:
    if case.old.flag is None:
        yield "the flag is new"


def _anything(case: Case) -> Iterator[str]:
    for population in _changed(case):
        yield _share(population)


# Each rule with the level of what it says; docs/impact.md says the same in words.
RULES: tuple[tuple[Level, Callable[[Case], Iterator[str]]], ...] = (
    ("high", _removed),
    ("high", _another_type),
    ("high", _switched_off),
    ("high", _newly_shadowed),
    ("high", _most_of_a_population),
    ("medium", _many_of_a_population),
    ("medium", _another_attachment),
    ("medium", _too_many_to_look_at),
    ("low", _added),
    ("low", _anything),
)


def _changed(case: Case) -> Iterator[Population]:
    """The populations that say more than that a flag, or the type of one, was not there before or is no longer."""
    if case.old.flag is None or case.new.flag is None or case.shares.types:
        return
    yield from (population for population in case.shares.populations if population.changed)


def _share(population: Population) -> str:
    return f"{population.label}: {percent(population.changed)} of entities get another answer"


def _is_enabled(state: State) -> bool:
    flag = state.plain
    return bool(flag and flag.get("enabled"))
