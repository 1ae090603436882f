"""Who gets another answer: entities by the part that decides for them before and after, and the share of each.

Shares are arithmetic, not samples: of the 1,000 buckets of an entity and a flag, those whose answer changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..core.bucketing import BUCKETS
from ..deliver.details import describe_segments
from .answers import Answer, Answering, Part, Pieces, State, answering
from .segments import Deciding, decided_pairs


@dataclass(frozen=True, slots=True)
class Transition:
    """One answer that becomes another, and for how many of 1,000 entities."""

    old: Answer
    new: Answer
    buckets: int

    def __str__(self) -> str:
        if str(self.old) == str(self.new):
            return f"{self.new} with another attachment"
        return f"{self.old} -> {self.new}"


@dataclass(frozen=True, slots=True)
class Population:
    """The entities for whom one part decides before and one after: their numbers, None where none does.

    `moved` are the segments that all of them enter or leave; `bounded` is whether these still have conditions, so that
    it is not everybody. `changed` of 1,000 entities get another answer, by `transitions` the most frequent first; of
    `reasons` more only the reason is another.
    """

    before: int | None
    after: int | None
    label: str
    moved: tuple[str, ...]
    bounded: bool
    changed: int
    transitions: tuple[Transition, ...]
    reasons: int


@dataclass(frozen=True, slots=True)
class Shares:
    """The populations of one change. `exact` is false where some of them may be combinations that nobody has."""

    populations: tuple[Population, ...]
    exact: bool
    types: tuple[str, str] | None = None

    @property
    def most(self) -> int:
        """The largest share that changes, in thousandths."""
        return max((population.changed for population in self.populations), default=0)


def shares(old: State, new: State) -> Shares:
    """Of whom each answers otherwise in `new` than in `old`."""
    before, after = answering(old), answering(new)
    if {before.kind, after.kind} == {"boolean", "variant"}:
        everybody = Population(None, None, "everybody", (), False, BUCKETS, (), 0)
        return Shares((everybody,), True, (before.kind, after.kind))
    pairs, exact = decided_pairs(
        Deciding([part.segment for part in before.parts], old.segment, old.profile.dialect),
        Deciding([part.segment for part in after.parts], new.segment, new.profile.dialect),
    )
    found = [_population(before, after, *pair) for pair in pairs.items()]
    return Shares(tuple(sorted(found, key=_order)), exact)


def percent(buckets: int) -> str:
    """A share of 1,000 as people write it: `30 %`, `0.1 %`."""
    return f"{buckets // 10} %" if buckets % 10 == 0 else f"{buckets / 10:.1f} %"


def _population(
    before: Answering, after: Answering, pair: tuple[int | None, int | None], moved: Mapping[str, bool]
) -> Population:
    old, new = (side.parts[at] if at is not None else None for side, at in zip((before, after), pair, strict=True))
    buckets: Counter[tuple[Answer, Answer]] = Counter()
    reasons = 0
    for width, one, other in _merged(old.pieces if old else before.otherwise, new.pieces if new else after.otherwise):
        if one != other:
            buckets[one, other] += width
        elif one.reason != other.reason:
            reasons += width
    transitions = tuple(Transition(*answers, count) for answers, count in buckets.most_common())
    return Population(
        old.number if old else None,
        new.number if new else None,
        _label(before, after, old, new, is_moved=bool(moved)),
        tuple(sorted(moved)),
        bool(moved) and all(moved.values()),
        buckets.total(),
        transitions,
        reasons,
    )


def _merged(old: Pieces, new: Pieces) -> Iterator[tuple[int, Answer, Answer]]:
    """(width, old answer, new answer) of the stretches in which neither changes."""
    start, before, after = 0, list(old), list(new)
    while before and after:
        end = min(before[0][0], after[0][0])
        yield end - start, before[0][1], after[0][1]
        start = end
        before, after = (side[1:] if side[0][0] == end else side for side in (before, after))


def _label(before: Answering, after: Answering, old: Part | None, new: Part | None, *, is_moved: bool) -> str:
    """Who these are, in words; of two sides, one that asks no segments says nothing of it."""
    word = after.word if after.kind != "absent" else before.word
    old_name, new_name = (
        f"{describe_segments(part.segment)} ({word} {part.number})" if part else "" for part in (old, new)
    )
    if not (old or new):
        return "everybody else" if before.parts or after.parts else "everybody"
    if old_name == new_name or not (before.parts and after.parts):
        return f"matched by {new_name or old_name}"
    if not old:
        return f"newly matched by {new_name}" if is_moved else f"matched by {new_name}, before by none"
    if not new:
        return f"no longer matched by {old_name}" if is_moved else f"matched before by {old_name}, now by none"
    return f"matched by {new_name}, before by {old_name}"


def _order(population: Population) -> tuple[int, int]:
    """As the parts come after the change, and everybody else last."""
    last = 10**9
    return population.after or last, population.before or last
