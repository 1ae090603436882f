"""The exact share of entities that get each answer in a context: every bucket is asked, none is sampled.

Law: what an answer depends on beside context and instant is the entity's bucket, unless a constraint looks at the
entity id itself; then there is no share, and EntityDecides says which segment looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import count
from typing import Any

from ..core.bucketing import BUCKETS, THRESHOLD_BUCKETS, threshold_bucket, variant_bucket
from ..core.compile import flag_type
from ..core.errors import FlagNotFound, RequestError
from ..core.explain import explain
from ..core.model import BOOLEAN_FLAG, ENTITY_ID, BooleanResult
from ..core.snapshot import Namespace

_KEPT_FLAGS = 64


class EntityDecides(RequestError):
    """A segment on the way looks at entity ids, so that buckets alone do not tell who gets what."""

    def __init__(self, segment: str) -> None:
        super().__init__(f"segment {segment!r} looks at entity ids, so there is no share of buckets")


def shares(namespace: Namespace, key: str, context: Mapping[str, str], at: int) -> dict[str, float]:
    """Percentages by answer at an instant (milliseconds): `true` and `false`, or variants, "" being none.

    Raises EntityDecides, FlagNotFound, and UnknownConstraintType where evaluation does.
    """
    flag = namespace.document.flag(key)
    if flag is None:
        raise FlagNotFound(namespace.key, key)
    boolean = flag_type(flag) == BOOLEAN_FLAG
    entities = _representatives(key, boolean=boolean)
    # How far a boolean flag is gone through depends on the bucket; a variant flag's rules are before any bucket.
    for entity in entities if boolean else entities[:1]:
        _check_path(namespace, explain(namespace, key, entity, context, at).steps)
    answers = Counter(_answer(namespace.evaluate(key, entity, context, at)) for entity in entities)
    return {answer: found * 100 / len(entities) for answer, found in sorted(answers.items())}


@lru_cache(_KEPT_FLAGS)
def _representatives(flag: str, *, boolean: bool) -> tuple[str, ...]:
    """An entity id for each bucket of a flag, in their order; some eight candidates are looked at for each."""
    bucket_of: Callable[[str, str], int] = threshold_bucket if boolean else variant_bucket
    size = THRESHOLD_BUCKETS if boolean else BUCKETS
    found: dict[int, str] = {}
    for number in count():
        found.setdefault(bucket_of(flag, str(number)), str(number))
        if len(found) == size:
            break
    return tuple(found[bucket] for bucket in range(size))


def _answer(result: Any) -> str:
    if isinstance(result, BooleanResult):
        return "true" if result.enabled else "false"
    variant: str = result.variant_key
    return variant


def _check_path(namespace: Namespace, steps: tuple[Any, ...]) -> None:
    """Raises EntityDecides when a step comes out differently for entities of one bucket."""
    for step in steps:
        certain = [(segment.matched, _is_certain(namespace, segment)) for segment in step.segments]
        decisive = step.operator != "AND"
        if any(sure and matched == decisive for matched, sure in certain):
            continue
        for segment, (_, sure) in zip(step.segments, certain, strict=True):
            if not sure:
                raise EntityDecides(segment.key)


def _is_certain(namespace: Namespace, segment: Any) -> bool:
    """Whether a segment comes out the same for every entity: no constraint looks at it, or another one decides."""
    authored = namespace.document.segment(segment.key) or {}
    traced = list(zip(authored.get("constraints", ()), segment.constraints, strict=True))
    if all(constraint["type"] != ENTITY_ID for constraint, _ in traced):
        return True
    decisive = segment.match_type == "ANY"
    return any(trace.matched == decisive for constraint, trace in traced if constraint["type"] != ENTITY_ID)
