"""What a flag answers: by the part of it that decides, and by bucket.

Like `core.explain` this interprets a flag with the buckets that `core.compile` uses; property tests hold the two to the
same answers, bucket by bucket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.bucketing import BUCKETS, THRESHOLD_BUCKETS, threshold_size
from ..core.compile import attachment_text, default_variant, flag_type, splits_of
from ..core.model import BOOLEAN_FLAG, DEFAULT, FLAG_DISABLED, MATCH, UNKNOWN, Profile
from ..core.schedule import flag_at

Fields = Mapping[str, Any]
Kind = Literal["boolean", "variant", "absent"]

# A bucket of thresholds is ten of variants, so that shares of both are counted in thousandths.
_WIDTH = BUCKETS // THRESHOLD_BUCKETS


@dataclass(frozen=True, slots=True)
class State:
    """A flag in normal form, None where there is none, at an instant (milliseconds); its segments by key, and the
    profile that it is evaluated under.
    """

    flag: Fields | None
    at: int
    segment: Callable[[str], Fields | None]
    profile: Profile

    @property
    def plain(self) -> Fields | None:
        """The flag as its schedule has it at the instant."""
        return self.flag if self.flag is None else flag_at(self.flag, self.at)


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody who asks gets; two are equal where no caller can tell them apart, save by the reason.

    `value` is that of a boolean flag, or the key of a variant, empty for none; it is None where there is no such flag.
    `matched` is whether a rule gave the variant, and true for boolean flags.
    """

    value: bool | str | None
    matched: bool = True
    attachment: str | None = None
    reason: str = field(default="", compare=False)

    def __str__(self) -> str:
        if self.value is None:
            return "FLAG_NOT_FOUND"
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if not self.value:
            return "no variant (match: true)" if self.matched else "no variant"
        return self.value if self.matched else f"{self.value} (match: false)"


NOT_THERE = Answer(None)

# (end, answer): the answer of the thousandths of entities from the end before it up to this one; the last end is 1,000.
Pieces = tuple[tuple[int, Answer], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A rule, or a rollout with segments: its number from 1, what it names, and the answers of whom it decides for."""

    number: int
    segment: Fields
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class Answering:
    """All that a flag can answer: by the first of the parts whose segments match, and `otherwise` where none does."""

    kind: Kind
    parts: tuple[Part, ...]
    otherwise: Pieces

    @property
    def word(self) -> str:
        """What a part is called."""
        return "rollout" if self.kind == "boolean" else "rule"


def answering(state: State) -> Answering:
    """What the flag of a state answers."""
    flag = state.plain
    if flag is None:
        return Answering("absent", (), ((BUCKETS, NOT_THERE),))
    if flag_type(flag) == BOOLEAN_FLAG:
        return _boolean(flag, state.profile)
    return _variant(flag, state.profile)


def segment_keys(flag: Fields) -> frozenset[str]:
    """The keys of the segments that a flag in normal form names."""
    parts = (*flag.get("rules", ()), *flag.get("rollouts", ()))
    return frozenset(key for part in parts for key in part.get("segment", {}).get("keys", ()))


def _boolean(flag: Fields, profile: Profile) -> Answering:
    enabled, rollouts = bool(flag.get("enabled")), flag.get("rollouts", ())
    parts: list[Part] = []
    decided: Pieces = ()
    for number, rollout in enumerate(rollouts, 1):
        if threshold := rollout.get("threshold"):
            size = threshold_size(threshold["percentage"]) * _WIDTH
            if size > _end(decided):
                decided = (*decided, (size, Answer(bool(threshold.get("value")), reason=MATCH)))
        elif segment := rollout.get("segment"):
            answer = Answer(bool(segment.get("value")), reason=MATCH)
            parts.append(Part(number, segment, _completed(decided, answer)))
        if _end(decided) == BUCKETS:
            break
    is_off = profile.disabled_reason and not enabled and not rollouts
    otherwise = Answer(enabled, reason=FLAG_DISABLED if is_off else DEFAULT)
    return Answering("boolean", tuple(parts), _completed(decided, otherwise))


def _variant(flag: Fields, profile: Profile) -> Answering:
    default = default_variant(flag)
    key, text = (default["key"] if default else ""), attachment_text(default)
    if not flag.get("enabled"):
        return Answering("variant", (), ((BUCKETS, Answer(key, False, text, FLAG_DISABLED)),))
    otherwise = Answer(key, False, text, DEFAULT if default else UNKNOWN)
    texts: dict[str, str | None] = {}
    for variant in flag.get("variants", ()):
        texts.setdefault(variant["key"], attachment_text(variant))
    splits = zip(flag.get("rules", ()), splits_of(flag, profile.buckets), strict=True)
    parts = tuple(
        Part(number, rule["segment"], _split(ends, variants, otherwise, texts))
        for number, (rule, (ends, variants)) in enumerate(splits, 1)
    )
    return Answering("variant", parts, ((BUCKETS, otherwise),))


def _split(ends: Sequence[int], variants: Sequence[str], otherwise: Answer, texts: Mapping[str, str | None]) -> Pieces:
    if not ends:
        return ((BUCKETS, Answer(otherwise.value, True, otherwise.attachment, MATCH)),)
    pieces: Pieces = ()
    for end, key in zip(ends, variants, strict=True):
        if min(end, BUCKETS) > _end(pieces):
            pieces = (*pieces, (min(end, BUCKETS), Answer(key, True, texts.get(key), MATCH)))
    # Past the last end, where some arithmetics leave buckets to nobody.
    return _completed(pieces, otherwise)


def _completed(pieces: Pieces, rest: Answer) -> Pieces:
    return pieces if _end(pieces) == BUCKETS else (*pieces, (BUCKETS, rest))


def _end(pieces: Pieces) -> int:
    return pieces[-1][0] if pieces else 0
