"""A flag as a row: a function and what it needs, every possible result built beforehand.

`row[0](row, entity id, context)` evaluates. Rows of one shape share their function and hold their parts side by side,
so that ten thousand flags stay small and one evaluation looks into few places of memory.

Sources: Flipt semantics 2.2 (boolean), 2.3 (variant), 2.5 (buckets) and 2.6 (segments).
A segment that is not there never matches, so that a slip never opens a flag to everybody.
"""

from __future__ import annotations

from zlib import crc32

from .bucketing import BUCKETS, EXACT, THRESHOLD_BUCKETS, owners, threshold_size
from .json_text import json_text
from .model import (
    AND,
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
from .schedule import stepped_rules
from .segments import everybody
from .splitters import splitter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from .context import Context
    from .model import Profile
    from .segments import Predicate

    Result: TypeAlias = BooleanResult | VariantResult
    # What every result of a release says of it: revision, digest, whether it is stale.
    Stamp: TypeAlias = tuple[int, str, bool]
    Row: TypeAlias = tuple[Any, ...]
    # True, or what is to be answered instead of what stands beside it, for whom it matches; anything false otherwise.
    Matches = Callable[[str, Context], Any]


def flag_type(flag: Mapping[str, Any]) -> str:
    """The type of a flag in normal form; anything but boolean is a variant flag."""
    return BOOLEAN_FLAG if flag.get("type") == BOOLEAN_FLAG else VARIANT_FLAG


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


def splits_of(flag: Mapping[str, Any], buckets: str) -> list[tuple[list[int], list[str]]]:
    """(ends, variants) of each rule of a flag in normal form: bucket b gets `variants[bisect_right(ends, b)]`.

    Past the last end it gets nothing; a rule without usable distributions has none of either. `buckets` is the
    profile's arithmetic.
    """
    exact, splits = stepped_rules(flag), []
    for place, rule in enumerate(flag.get("rules", ())):
        shares = usable(rule.get("distributions", ()))
        ends, indices = owners([share["rollout"] for share in shares], EXACT if place in exact else buckets)
        splits.append((ends, [shares[index]["variant"] for index in indices]))
    return splits


class Compiler:
    """Makes rows of the flags of one namespace."""

    __slots__ = ("_all_of", "_profile", "_segment_of", "_stamp")

    def __init__(
        self,
        profile: Profile,
        stamp: Stamp,
        segment_of: Callable[[str], Predicate],
        all_of: Callable[[tuple[str, ...]], Predicate],
    ) -> None:
        """`stamp` is what results say of the release; `segment_of` gives a segment's predicate by key,
        `all_of` the one that holds where all of several do."""
        self._profile = profile
        self._stamp = stamp
        self._segment_of = segment_of
        self._all_of = all_of

    def compile(self, flag: Mapping[str, Any]) -> Row:
        """The row of a flag in normal form, which of one with a schedule is what `flag_at` gives."""
        return self._boolean(flag) if flag_type(flag) == BOOLEAN_FLAG else self._variant(flag)

    def _boolean(self, flag: Mapping[str, Any]) -> Row:
        key, enabled, rollouts = flag["key"], bool(flag.get("enabled")), flag.get("rollouts", ())
        disabled = self._profile.disabled_reason and not enabled and not rollouts
        otherwise = BooleanResult(key, enabled, FLAG_DISABLED if disabled else DEFAULT, (), *self._stamp)
        return _boolean_row(key, [step for rollout in rollouts for step in self._rollout(key, rollout)], otherwise)

    def _rollout(self, key: str, rollout: Mapping[str, Any]) -> Sequence[tuple[Any, int, BooleanResult]]:
        """What a rollout comes to, or nothing: (matches, -, result) or (None, buckets below, result)."""
        if threshold := rollout.get("threshold"):
            result = BooleanResult(key, bool(threshold.get("value")), MATCH, (), *self._stamp)
            size = threshold_size(threshold["percentage"])
            return ((None if size < THRESHOLD_BUCKETS else everybody, size, result),) if size else ()
        if segment := rollout.get("segment"):
            value = bool(segment.get("value"))

            def outcome(keys: tuple[str, ...]) -> tuple[BooleanResult]:
                return (BooleanResult(key, value, MATCH, keys, *self._stamp),)

            matches, (result,) = self._matching(segment, outcome)
            return ((matches, 0, result),)
        return ()

    def _variant(self, flag: Mapping[str, Any]) -> Row:
        key, default = flag["key"], default_variant(flag)
        reason = DEFAULT if default else UNKNOWN
        default_key, default_text = (default["key"] if default else ""), attachment_text(default)
        if not flag.get("enabled"):
            return always, VariantResult(key, False, default_key, default_text, FLAG_DISABLED, (), *self._stamp)
        otherwise = VariantResult(key, False, default_key, default_text, reason, (), *self._stamp)
        texts: dict[str, str | None] = {}
        for variant in flag.get("variants", ()):
            texts.setdefault(variant["key"], attachment_text(variant))
        splits = splits_of(flag, self._profile.buckets)
        rules = [
            self._rule(rule, split, otherwise, texts) for rule, split in zip(flag.get("rules", ()), splits, strict=True)
        ]
        if not rules:
            return always, otherwise
        return splitter(len(rules)), crc32(key.encode()), otherwise, *(part for rule in rules for part in rule)

    def _rule(
        self,
        rule: Mapping[str, Any],
        split: tuple[list[int], list[str]],
        otherwise: VariantResult,
        texts: Mapping[str, str | None],
    ) -> tuple[Matches, tuple[int, ...] | None, tuple[VariantResult, ...]]:
        """(matches, ends, results): an entity in bucket b gets `results[bisect_right(ends, b)]`.

        Without ends there is one result, and no bucket is needed.
        """
        ends, variants = split
        if not ends:
            # A rule without usable distributions matches, with the default variant or none.
            matches, results = self._matching(
                rule["segment"], lambda keys: (otherwise._replace(match=True, reason=MATCH, segment_keys=keys),)
            )
            return matches, None, results
        chosen = [(key, texts.get(key)) for key in variants]
        sole = len(chosen) == 1 and ends[0] >= BUCKETS

        def outcome(keys: tuple[str, ...]) -> tuple[VariantResult, ...]:
            flag, stamp = otherwise.flag_key, self._stamp
            won = [VariantResult(flag, True, key, text, MATCH, keys, *stamp) for key, text in chosen]
            # Past the last end, where some arithmetics leave buckets to nobody.
            past = [] if ends[-1] >= BUCKETS else [otherwise._replace(segment_keys=keys)]
            return (*won, *past)

        matches, results = self._matching(rule["segment"], outcome)
        return matches, None if sole else _shared(tuple(ends)), results

    def _matching(
        self, segment: Mapping[str, Any], outcome: Callable[[tuple[str, ...]], tuple[Any, ...]]
    ) -> tuple[Matches, tuple[Any, ...]]:
        """(matches, outcome): what answers whether the segments match, and the outcome for all of their keys.

        Where it makes a difference which of them match, `matches` answers with the outcome for those instead of True.
        """
        keys = tuple(dict.fromkeys(segment.get("keys", ())))
        if len(keys) == 1:
            return self._segment_of(keys[0]), outcome(keys)
        if segment.get("operator") == AND:
            return self._all_of(keys), outcome(keys)
        return _by_matched([(key, self._segment_of(key)) for key in keys], outcome), outcome(())


def _boolean_row(key: str, steps: list[tuple[Any, int, BooleanResult]], otherwise: BooleanResult) -> Row:
    """The shapes that nearly every flag has are rows of their own."""
    suffix = key.encode()
    match steps:
        case []:
            return always, otherwise
        case [(None, size, below)]:
            return threshold, suffix, size, below, otherwise
        case [(matches, _, result)]:
            return segment, matches, result, otherwise
        case [(matches, _, result), (None, size, below)] if matches is not None:
            return segment_or_threshold, matches, result, suffix, size, below, otherwise
        case _:
            return rollouts, suffix, tuple(steps), otherwise


def always(row: Row, entity: str, context: Context) -> Any:
    return row[1]


def threshold(row: Row, entity: str, context: Context) -> Any:
    _, suffix, size, below, otherwise = row
    return below if crc32(suffix, crc32(entity.encode())) % THRESHOLD_BUCKETS < size else otherwise


def segment(row: Row, entity: str, context: Context) -> Any:
    _, matches, result, otherwise = row
    if found := matches(entity, context):
        return result if found is True else found[0]
    return otherwise


def segment_or_threshold(row: Row, entity: str, context: Context) -> Any:
    _, matches, result, suffix, size, below, otherwise = row
    if found := matches(entity, context):
        return result if found is True else found[0]
    return below if crc32(suffix, crc32(entity.encode())) % THRESHOLD_BUCKETS < size else otherwise


def rollouts(row: Row, entity: str, context: Context) -> Any:
    _, suffix, steps, otherwise = row
    for matches, size, result in steps:
        if matches is None:
            if crc32(suffix, crc32(entity.encode())) % THRESHOLD_BUCKETS < size:
                return result
        elif found := matches(entity, context):
            return result if found is True else found[0]
    return otherwise


def _by_matched(segments: list[tuple[str, Predicate]], outcome: Callable[[tuple[str, ...]], Any]) -> Matches:
    """OR over several segments: the outcome for those that match, kept for each set of them; None when none does."""
    bits = [(1 << place, key, matches) for place, (key, matches) in enumerate(segments)]
    ready: dict[int, Any] = {0: None}

    def matched_outcome(entity: str, context: Context) -> Any:
        matched = 0
        for bit, _, matches in bits:
            if matches(entity, context):
                matched |= bit
        if matched in ready:
            return ready[matched]
        made = outcome(tuple(key for bit, key, _ in bits if matched & bit))
        if len(ready) < _KEPT_SETS:
            ready[matched] = made
        return made

    return matched_outcome


# Six segments under OR have 64 sets; past that they are built again each time rather than kept. Contexts come from
# strangers, who can make any set match, and every flag keeps its own.
_KEPT_SETS = 64

# Most flags split alike, so ends are kept once; bounded, as a document may have any number of them.
_ends: dict[tuple[int, ...], tuple[int, ...]] = {}
_KEPT_ENDS = 1024


def _shared(ends: tuple[int, ...]) -> tuple[int, ...]:
    return _ends.setdefault(ends, ends) if ends in _ends or len(_ends) < _KEPT_ENDS else ends
