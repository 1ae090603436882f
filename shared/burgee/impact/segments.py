"""Which parts of a flag can decide for the same entity before and after a change of the flag or of its segments.

A segment whose definition changed counts as two, the one before and the one after. Combinations of segments are walked
as far as they decide, so that what is certain to match, or not to, divides nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.model import AND
from .meanings import Known, Meaning, meaning, nothing_known

# As many segments are combined with one another: some four thousand combinations.
MOST_COMBINED = 12
# As many pairs of parts are looked at where there are more segments.
MOST_PAIRS = 2_000

Fields = Mapping[str, Any]
# For (part before, part after), counted from 0 and None where none decides: the segments that all whom it is true of
# enter or leave, each with whether it has conditions still.
Pairs = dict[tuple[int | None, int | None], Mapping[str, bool]]


@dataclass(frozen=True, slots=True)
class Deciding:
    """The `segment` fields of a flag's parts, in their order; what segments are, and the dialect they are read in."""

    parts: Sequence[Fields]
    segment: Callable[[str], Fields | None]
    dialect: str


# A segment: true and false for one that matches everybody or nobody, else its place among all that are asked about.
_Asked = bool | int


@dataclass(frozen=True, slots=True)
class _Side:
    asked: Mapping[str, _Asked]
    parts: Sequence[tuple[bool, Sequence[_Asked]]]


def decided_pairs(before: Deciding, after: Deciding) -> tuple[Pairs, bool]:
    """The pairs of parts that can decide for the same entity, and whether combinations were looked at in full.

    Where they are too many for that, a pair is left out only if it contradicts itself at once, or is past MOST_PAIRS.
    """
    places: dict[Meaning, int] = {}
    old, new = _side(before, places), _side(after, places)
    exact = len(places) <= MOST_COMBINED
    pairs: Pairs = {}
    for first, known in _walk(old.parts, nothing_known(list(places)), in_full=exact):
        for second, held in _walk(new.parts, known, in_full=exact):
            moved = _moved(old.asked, new.asked, held)
            earlier = pairs.get((first, second))
            pairs[first, second] = moved if earlier is None else {**earlier, **moved} if earlier and moved else {}
            if len(pairs) == MOST_PAIRS and not exact:
                return pairs, False
    return pairs, exact


def _side(deciding: Deciding, places: dict[Meaning, int]) -> _Side:
    asked: dict[str, _Asked] = {}
    for key in dict.fromkeys(key for part in deciding.parts for key in part.get("keys", ())):
        found = meaning(deciding.segment(key), deciding.dialect)
        asked[key] = found if isinstance(found, bool) else places.setdefault(found, len(places))
    return _Side(
        asked,
        [(part.get("operator") == AND, [asked[key] for key in part.get("keys", ())]) for part in deciding.parts],
    )


def _walk(
    parts: Sequence[tuple[bool, Sequence[_Asked]]], known: Known, *, in_full: bool
) -> Iterator[tuple[int | None, Known]]:
    """(number of the part that decides, what is known of whom it decides for), for every way there is."""
    waiting = [(0, known)]
    while waiting:
        number, held = waiting.pop()
        if number == len(parts):
            yield None, held
            continue
        every, asked = parts[number]
        for matched, then in _ways(asked, held, every=every) if in_full else _both(asked, held, every=every):
            if matched:
                yield number, then
            else:
                waiting.append((number + 1, then))


def _ways(asked: Sequence[_Asked], known: Known, *, every: bool) -> Iterator[tuple[bool, Known]]:
    """Every way in which segments can match together or not: the first that is decisive, and those before it."""
    held: Known | None = known
    for one in asked:
        # Decisive is one that does not match where every one has to, and one that does where one is enough.
        if (decided := _assumed(held, one, matches=not every)) is not None:
            yield not every, decided
        held = _assumed(held, one, matches=every)
        if held is None:
            return
    if held is not None:
        yield every, held


def _both(asked: Sequence[_Asked], known: Known, *, every: bool) -> Iterator[tuple[bool, Known]]:
    """As `_ways`, with one way in which they match and one in which not, of which no more than is certain is known."""
    held: Known | None = known
    open_ones = []
    for one in asked:
        state = one if isinstance(one, bool) else known.get(one)
        if state is None:
            open_ones.append(one)
        elif state is not every:
            yield not every, known
            return
    for one in open_ones:
        held = _assumed(held, one, matches=every)
    if held is not None:
        yield every, held
    if open_ones:
        alone = _assumed(known, open_ones[0], matches=not every) if len(open_ones) == 1 else known
        if alone is not None:
            yield not every, alone


def _assumed(known: Known | None, asked: _Asked, *, matches: bool) -> Known | None:
    if known is None:
        return None
    if isinstance(asked, bool):
        return known if asked is matches else None
    return known.assume(asked, matches=matches)


def _moved(old: Mapping[str, _Asked], new: Mapping[str, _Asked], known: Known) -> dict[str, bool]:
    """The segments that are entered or left, each with whether it has conditions now."""
    moved = {}
    for key in old.keys() & new.keys():
        one, other = old[key], new[key]
        if (type(one), one) == (type(other), other):
            continue
        before, after = (each if isinstance(each, bool) else known.get(each) for each in (one, other))
        if before is not None and after is not None and before != after:
            moved[key] = not isinstance(other, bool)
    return moved
