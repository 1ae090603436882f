"""Impact: who gets another answer because of a change, before anybody does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json import loads
from typing import Literal

from ..bundle.document import Document
from ..core.instant import format_instant
from ..core.model import PROFILES
from .answers import State, segment_keys
from .populations import Shares, shares
from .reach import Shadowed, shadowed
from .risk import LEVELS, Case, Level, Risk, highest, risk_of
from .samples import Sample, Tally, tally
from .steps import Step, steps

Documents = Mapping[str, Document]
Action = Literal["added", "removed", "changed", "affected"]


@dataclass(frozen=True, slots=True)
class Side:
    """The flags on one side of a change, and the name of the profile that they are evaluated under."""

    documents: Documents
    profile: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What one change does: the one that is about to be made, or a step of a schedule at `since`, gradually to `until`.

    `tally` is None without samples.
    """

    since: int | None
    until: int | None
    shares: Shares
    risk: Risk
    tally: Tally | None


@dataclass(frozen=True, slots=True)
class FlagImpact:
    """What happens to one flag; `affected` is one that stays as it is, while `segments` of it or the profile do not.

    `now` is what the change does when it is made, `later` what steps of the new schedule do after that, and `dropped`
    what steps did that the schedule no longer has.
    """

    namespace: str
    key: str
    action: Action
    segments: tuple[str, ...]
    now: Effect
    later: tuple[Effect, ...]
    dropped: tuple[Effect, ...]
    shadowed: tuple[Shadowed, ...]
    risk: Risk


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change does at an instant (milliseconds): flags the most dangerous first; `samples` is how many there are,
    `moved` how many of them get another answer of any flag at once.
    """

    at: int
    profiles: tuple[str, str]
    flags: tuple[FlagImpact, ...]
    samples: int
    moved: int

    @property
    def level(self) -> Level:
        """The highest level of a flag."""
        return highest(flag.risk.level for flag in self.flags)


def impact(old: Side, new: Side, at: int, samples: Sequence[Sample] = ()) -> Impact:
    """What becomes of every flag that differs, or whose segments do, if `old` is replaced by `new` at an instant."""
    spaces = [
        _Namespace(key, old.documents.get(key), new.documents.get(key), (old.profile, new.profile), at, samples)
        for key in sorted({*old.documents, *new.documents})
    ]
    found = sorted((flag for space in spaces for flag in space.flags()), key=_order)
    moved = set[int]().union(*(space.moved for space in spaces))
    return Impact(at, (old.profile, new.profile), tuple(found), len(samples), len(moved))


@dataclass(slots=True)
class _Namespace:
    """One namespace on both sides; `moved` collects the places of the samples that get another answer at once."""

    key: str
    old: Document | None
    new: Document | None
    profiles: tuple[str, str]
    at: int
    samples: Sequence[Sample]
    moved: set[int] = field(default_factory=set)

    def flags(self) -> Iterator[FlagImpact]:
        """The impact on each flag that there is any for."""
        old, new = (side.flag_lines() if side else {} for side in (self.old, self.new))
        changed = _changed_segments(self.old, self.new)
        for key in sorted({*old, *new}):
            before, after = old.get(key), new.get(key)
            segments = tuple(name for name in changed if _names(before, name) or _names(after, name))
            if before != after or segments or self.profiles[0] != self.profiles[1]:
                yield self._flag(key, before, after, segments)

    def _flag(self, key: str, before: bytes | None, after: bytes | None, segments: tuple[str, ...]) -> FlagImpact:
        old = _state(before, self.old, self.profiles[0], self.at)
        new = _state(after, self.new, self.profiles[1], self.at)
        hidden = shadowed(old, new)
        now = self._effect(key, Case(old, new, shares(old, new), hidden))
        later, planned = self._later(key, new), self._later(key, old)
        dropped = tuple(step for step in planned if after and not any(_is_same(step, other) for other in later))
        action = _action(before, after)
        return FlagImpact(self.key, key, action, segments, now, later, dropped, hidden, _worst((now, *later)))

    def _later(self, key: str, state: State) -> tuple[Effect, ...]:
        return tuple(
            self._effect(
                key, Case(step.old, step.new, shares(step.old, step.new), gradual=step.until is not None), step
            )
            for step in steps(state)
        )

    def _effect(self, key: str, case: Case, step: Step | None = None) -> Effect:
        tallied = None
        if self.samples:
            tallied, places = tally(key, self.key, case.old, case.new, self.samples)
            self.moved |= places if step is None else set()
        since, until = (step.since, step.until) if step else (None, None)
        return Effect(since, until, case.shares, risk_of(case), tallied)


def _state(line: bytes | None, document: Document | None, profile: str, at: int) -> State:
    segment = document.segment if document else lambda key: None
    return State(loads(line) if line else None, at, segment, PROFILES[profile])


def _changed_segments(old: Document | None, new: Document | None) -> Sequence[str]:
    """The keys of the segments that are on one side only, or that differ."""
    before, after = (side.segment_lines() if side else {} for side in (old, new))
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def _names(flag: bytes | None, segment: str) -> bool:
    """Whether a flag names a segment; parsed only where the text of the key is somewhere in it."""
    return flag is not None and f'"{segment}"'.encode() in flag and segment in segment_keys(loads(flag))


def _action(before: bytes | None, after: bytes | None) -> Action:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "changed" if before != after else "affected"


def _is_same(step: Effect, other: Effect) -> bool:
    return (step.since, step.until, step.shares) == (other.since, other.until, other.shares)


def _worst(effects: Sequence[Effect]) -> Risk:
    """The highest risk of some effects; the reasons of a later one say when it comes."""
    level = highest(effect.risk.level for effect in effects)
    found = [effect for effect in effects if effect.risk.level == level]
    return Risk(level, tuple(_when(effect) + said for effect in found for said in effect.risk.reasons))


def _when(effect: Effect) -> str:
    return f"{format_instant(effect.since)}: " if effect.since is not None else ""


def _order(flag: FlagImpact) -> tuple[int, int, str, str]:
    return -LEVELS.index(flag.risk.level), -flag.now.shares.most, flag.namespace, flag.key
