"""What segments say of one another: which holds wherever another does, and which never does beside it.

Law: only what is certain for every context is said. A combination of segments that is ruled out here has nobody in it;
one that is not may still have nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bundle.digest import canonical_json
from ..core.constraints import check, decisive
from ..core.errors import UnknownConstraintType
from ..core.model import ANY, ENTITY_ID, STRING

# Comparing every two of more segments than these costs more than it tells.
_MOST_COMPARED = 40


@dataclass(frozen=True, slots=True)
class _Condition:
    """A constraint: what it is, and the texts of a property for which it holds where these can be listed."""

    text: str
    subject: str
    texts: frozenset[str] | None

    def implies(self, other: _Condition) -> bool:
        if self == other:
            return True
        listed = self._beside(other)
        return listed is not None and listed[0] <= listed[1]

    def excludes(self, other: _Condition) -> bool:
        listed = self._beside(other)
        return listed is not None and listed[0].isdisjoint(listed[1])

    def _beside(self, other: _Condition) -> tuple[frozenset[str], frozenset[str]] | None:
        if self.subject != other.subject or self.texts is None or other.texts is None:
            return None
        return self.texts, other.texts


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whom a segment matches: those for whom all, or any, of its conditions hold, read in a dialect."""

    dialect: str
    any_of: bool
    conditions: frozenset[_Condition]

    def implies(self, other: Meaning) -> bool:
        """Whether everybody who matches is certain to match the other."""
        if self.dialect != other.dialect:
            return False
        if self.any_of:
            return all(_condition_implies(each, other) for each in self.conditions)
        join = any if other.any_of else all
        return join(any(mine.implies(theirs) for mine in self.conditions) for theirs in other.conditions)

    def excludes(self, other: Meaning) -> bool:
        """Whether nobody can match both."""
        if self.dialect != other.dialect:
            return False
        join, join_other = (all if self.any_of else any), (all if other.any_of else any)
        if self.any_of or not other.any_of:
            return join(join_other(mine.excludes(theirs) for theirs in other.conditions) for mine in self.conditions)
        return other.excludes(self)


def meaning(segment: Mapping[str, Any] | None, dialect: str) -> Meaning | bool:
    """Whom a segment in normal form matches: true for everybody, false for nobody, as one that is not there."""
    if segment is None:
        return False
    conditions = frozenset(_condition(each, dialect) for each in decisive(segment.get("constraints", ()), dialect))
    if not conditions:
        return True
    any_of = segment.get("match_type") == ANY and len(conditions) > 1
    return Meaning(dialect, any_of, conditions)


class Known:
    """What holds of some segments, with all that follows from it. A value: `assume` gives another one."""

    __slots__ = ("_facts", "_held")

    def __init__(self, facts: Sequence[tuple[frozenset[int], frozenset[int]]]) -> None:
        self._facts = facts
        self._held: dict[int, bool] = {}

    def get(self, place: int) -> bool | None:
        """Whether the segment at a place matches; None where either may be."""
        return self._held.get(place)

    def assume(self, place: int, *, matches: bool) -> Known | None:
        """What holds if the segment matches too, or does not; None where that cannot be."""
        found = Known(self._facts)
        held = found._held = dict(self._held)
        waiting = [(place, matches)]
        while waiting:
            at, holds = waiting.pop()
            if at in held:
                if held[at] != holds:
                    return None
                continue
            held[at] = holds
            if holds:
                implied, excluded = self._facts[at]
                waiting += [(other, True) for other in implied]
                waiting += [(other, False) for other in excluded]
        return found


def nothing_known(meanings: Sequence[Meaning]) -> Known:
    """Where the segments at these places may each match or not, as far as what they say of one another allows.

    Implications and exclusions of two are all that is looked at. What is left open by an assumption without a conflict
    can always be settled: by none of the others matching.
    """
    compared = meanings if len(meanings) <= _MOST_COMPARED else ()
    facts = [
        (
            _places(compared, lambda other, one=one: one is not other and one.implies(other)),
            _places(compared, lambda other, one=one: one is not other and one.excludes(other)),
        )
        for one in compared
    ]
    none: frozenset[int] = frozenset()
    return Known(facts or [(none, none)] * len(meanings))


def _condition_implies(condition: _Condition, other: Meaning) -> bool:
    join = any if other.any_of else all
    return join(condition.implies(theirs) for theirs in other.conditions)


def _condition(constraint: Mapping[str, Any], dialect: str) -> _Condition:
    plain = {name: value for name, value in constraint.items() if name != "description"}
    if constraint["type"] == ENTITY_ID:
        # Read as a text of a property of its own, which is how evaluation reads it.
        plain |= {"type": STRING, "property": "\0entity id"}
    return _Condition(canonical_json(plain), plain["property"], _texts(plain, dialect))


def _texts(constraint: Mapping[str, Any], dialect: str) -> frozenset[str] | None:
    try:
        checked = check(constraint, dialect)
    except UnknownConstraintType:
        return None
    if checked.kind == "equal":
        return frozenset((checked.wanted,))
    return checked.wanted if checked.kind == "member" else None


def _places(meanings: Sequence[Meaning], holds: Any) -> frozenset[int]:
    return frozenset(place for place, other in enumerate(meanings) if holds(other))
