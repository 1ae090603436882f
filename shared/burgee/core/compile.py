"""A flag as a function: `(entity id, context, instant) -> result`, every possible result built beforehand.

Sources: Flipt semantics 2.2 (boolean), 2.3 (variant), 2.5 (buckets), 2.6 (segments) and 2.7 (constraints in a segment).
A segment that is not there never matches, so that a slip never opens a flag to everybody.
"""

from __future__ import annotations

from bisect import bisect_right
from zlib import crc32

from .bucketing import BUCKETS, THRESHOLD_BUCKETS, owners, threshold_size
from .constraints import decisive, predicate
from .json_text import json_text
from .model import (
    AND,
    ANY,
    BOOLEAN_FLAG,
    DEFAULT,
    FLAG_DISABLED,
    MATCH,
    UNKNOWN,
    VARIANT_FLAG,
    BooleanResult,
    VariantResult,
)
from .numbers import f32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .constraints import Predicate
    from .model import Profile

    Result = BooleanResult | VariantResult
    Evaluate = Callable[[str, Mapping[str, str], int], Any]
    # A step answers for an entity and its context, or passes on with None.
    Step = Callable[[str, Mapping[str, str]], Any]
    SegmentOf = Callable[[str], Predicate]


def flag_type(flag: Mapping[str, Any]) -> str:
    """The type of a flag in normal form; anything but boolean is a variant flag."""
    return BOOLEAN_FLAG if flag.get("type") == BOOLEAN_FLAG else VARIANT_FLAG


def compile_flag(flag: Mapping[str, Any], segment_of: SegmentOf, profile: Profile) -> Evaluate:
    """The function that evaluates a flag in normal form; `segment_of` gives a segment's predicate by key.

    The function takes the entity id, the context and the instant in milliseconds since the epoch.
    """
    if flag_type(flag) == BOOLEAN_FLAG:
        return _boolean(flag, segment_of, profile)
    return _variant(flag, segment_of, profile)


def compile_segment(segment: Mapping[str, Any] | None, dialect: str) -> Predicate:
    """The predicate of a segment in normal form; without constraints it matches everybody."""
    if segment is None:
        return lambda entity, context: False
    tests = [predicate(constraint, dialect) for constraint in decisive(segment.get("constraints", ()), dialect)]
    if not tests:
        return lambda entity, context: True
    if len(tests) == 1:
        return tests[0]
    if segment.get("match_type") == ANY:
        return _any_of(tests)
    return _all_of(tests)


def default_variant(flag: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The default variant; the last one when there are several."""
    found = None
    for variant in flag.get("variants", ()):
        if variant.get("default"):
            found = variant
    return found


def attachment_text(variant: Mapping[str, Any] | None) -> str | None:
    """A variant's attachment as compact JSON with sorted keys, or None."""
    attachment = variant.get("attachment") if variant else None
    return None if attachment is None else json_text(attachment, sort_keys=True)


def usable(distributions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The distributions that take part: those whose weight is above zero in binary32."""
    return [distribution for distribution in distributions if f32(distribution["rollout"]) > 0]


def _boolean(flag: Mapping[str, Any], segment_of: SegmentOf, profile: Profile) -> Evaluate:
    key, enabled, rollouts = flag["key"], bool(flag.get("enabled")), flag.get("rollouts", ())
    disabled = profile.disabled_reason and not enabled and not rollouts
    otherwise = BooleanResult(key, enabled, FLAG_DISABLED if disabled else DEFAULT, ())
    steps = [step for rollout in rollouts if (step := _rollout(key, rollout, segment_of))]
    return _first_of(steps, otherwise)


def _rollout(key: str, rollout: Mapping[str, Any], segment_of: SegmentOf) -> Step | None:
    if threshold := rollout.get("threshold"):
        return _threshold(key, threshold)
    if segment := rollout.get("segment"):
        value = bool(segment.get("value"))
        return _matching(segment, segment_of, lambda keys: BooleanResult(key, value, MATCH, keys))
    return None


def _threshold(key: str, threshold: Mapping[str, Any]) -> Step | None:
    result = BooleanResult(key, bool(threshold.get("value")), MATCH, ())
    size, suffix = threshold_size(threshold["percentage"]), key.encode()
    if size == 0:
        return None
    if size == THRESHOLD_BUCKETS:
        return lambda entity, context: result
    return lambda entity, context: result if crc32(suffix, crc32(entity.encode())) % THRESHOLD_BUCKETS < size else None


def _variant(flag: Mapping[str, Any], segment_of: SegmentOf, profile: Profile) -> Evaluate:
    key, default = flag["key"], default_variant(flag)
    reason = DEFAULT if default else UNKNOWN
    default_key, default_text = (default["key"] if default else ""), attachment_text(default)
    if not flag.get("enabled"):
        return _first_of([], VariantResult(key, False, default_key, default_text, FLAG_DISABLED, ()))
    otherwise = VariantResult(key, False, default_key, default_text, reason, ())
    variants = {variant["key"]: variant for variant in reversed(flag.get("variants", ()))}
    return _first_of(
        [_rule(rule, otherwise, variants, segment_of, profile) for rule in flag.get("rules", ())], otherwise
    )


def _rule(
    rule: Mapping[str, Any],
    otherwise: VariantResult,
    variants: Mapping[str, Mapping[str, Any]],
    segment_of: SegmentOf,
    profile: Profile,
) -> Step:
    distributions = usable(rule.get("distributions", ()))
    if not distributions:
        # A rule without usable distributions matches, with the default variant or none.
        return _matching(
            rule["segment"], segment_of, lambda keys: otherwise._replace(match=True, reason=MATCH, segment_keys=keys)
        )
    ends, indices = owners([distribution["rollout"] for distribution in distributions], profile.buckets)
    chosen = [(key, attachment_text(variants.get(key))) for key in (distributions[at]["variant"] for at in indices)]

    def results(keys: tuple[str, ...]) -> tuple[VariantResult, ...]:
        won = (VariantResult(otherwise.flag_key, True, key, text, MATCH, keys) for key, text in chosen)
        return (*won, otherwise._replace(segment_keys=keys))

    if len(chosen) == 1 and ends[0] >= BUCKETS:
        return _matching(rule["segment"], segment_of, lambda keys: results(keys)[0])
    return _splitting(rule["segment"], segment_of, tuple(ends), results, crc32(otherwise.flag_key.encode()))


def _first_of(steps: list[Step], otherwise: Result) -> Evaluate:
    """Results are non-empty tuples and so true: `or` passes on exactly at None."""
    if not steps:
        return lambda entity, context, at: otherwise
    if len(steps) == 1:
        (only,) = steps
        return lambda entity, context, at: only(entity, context) or otherwise

    def evaluate(entity: str, context: Mapping[str, str], at: int) -> Any:
        for step in steps:
            if result := step(entity, context):
                return result
        return otherwise

    return evaluate


def _matching(segment: Mapping[str, Any], segment_of: SegmentOf, outcome: Callable[[tuple[str, ...]], Result]) -> Step:
    """The step that answers `outcome(matched keys)` when the segments match."""
    keys, several = _keys(segment)
    if several:
        return _by_matched(keys, segment_of, outcome)
    matches, result = _all_segments(keys, segment_of), outcome(keys)
    return lambda entity, context: result if matches(entity, context) else None


def _splitting(
    segment: Mapping[str, Any],
    segment_of: SegmentOf,
    ends: tuple[int, ...],
    results: Callable[[tuple[str, ...]], tuple[VariantResult, ...]],
    seed: int,
) -> Step:
    """The step that chooses among results by the entity's bucket when the segments match."""
    keys, several = _keys(segment)
    if several:
        results_of = _by_matched(keys, segment_of, results)

        def step(entity: str, context: Mapping[str, str]) -> Any:
            matched = results_of(entity, context)
            return matched and matched[bisect_right(ends, crc32(entity.encode(), seed) % BUCKETS)]

        return step
    matches, ready = _all_segments(keys, segment_of), results(keys)
    return lambda entity, context: (
        ready[bisect_right(ends, crc32(entity.encode(), seed) % BUCKETS)] if matches(entity, context) else None
    )


def _keys(segment: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """Distinct keys in authored order, and whether which of them match makes a difference."""
    keys = tuple(dict.fromkeys(segment.get("keys", ())))
    return keys, segment.get("operator") != AND and len(keys) != 1


def _all_segments(keys: tuple[str, ...], segment_of: SegmentOf) -> Predicate:
    predicates = [segment_of(key) for key in keys]
    if len(predicates) == 1:
        return predicates[0]
    return _all_of(predicates)


def _by_matched(keys: tuple[str, ...], segment_of: SegmentOf, outcome: Callable[[tuple[str, ...]], Any]) -> Step:
    """OR over several segments: `outcome(matched keys)`, kept for each set of them, or None when there is none."""
    if len(keys) == 2:
        return _by_two(keys, segment_of, outcome)
    bits = [(1 << place, segment_of(key)) for place, key in enumerate(keys)]
    ready: dict[int, Any] = {0: None}

    def step(entity: str, context: Mapping[str, str]) -> Any:
        matched = 0
        for bit, matches in bits:
            if matches(entity, context):
                matched |= bit
        if matched in ready:
            return ready[matched]
        made = outcome(tuple(key for place, key in enumerate(keys) if matched >> place & 1))
        if len(ready) < _KEPT_SETS:
            ready[matched] = made
        return made

    return step


def _by_two(keys: tuple[str, ...], segment_of: SegmentOf, outcome: Callable[[tuple[str, ...]], Any]) -> Step:
    first, second = map(segment_of, keys)
    both, only_first, only_second = outcome(keys), outcome(keys[:1]), outcome(keys[1:])

    def step(entity: str, context: Mapping[str, str]) -> Any:
        if first(entity, context):
            return both if second(entity, context) else only_first
        return only_second if second(entity, context) else None

    return step


# Twelve segments under OR have 4,096 sets; past that they are built again each time rather than kept.
_KEPT_SETS = 4096


def _all_of(predicates: list[Predicate]) -> Predicate:
    if len(predicates) == 2:
        first, second = predicates
        return lambda entity, context: first(entity, context) and second(entity, context)

    def matches(entity: str, context: Mapping[str, str]) -> bool:
        for holds in predicates:  # noqa: SIM110 - all() over a generator takes twice as long
            if not holds(entity, context):
                return False
        return True

    return matches


def _any_of(predicates: list[Predicate]) -> Predicate:
    def matches(entity: str, context: Mapping[str, str]) -> bool:
        for holds in predicates:  # noqa: SIM110 - any() over a generator takes twice as long
            if holds(entity, context):
                return True
        return False

    return matches
