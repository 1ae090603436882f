"""Why an evaluation answers what it answers: every rule, every constraint, the bucket.

Explaining interprets a flag step by step with the predicates and buckets that `compile` uses; a property test holds the
two to the same answer.
"""

from __future__ import annotations

from .bucketing import BUCKETS, threshold_bucket, threshold_size, variant_bucket
from .compile import default_variant, flag_type, splits_of
from .constraints import check
from .errors import FlagNotFound, UnknownConstraintType
from .model import AND, ANY, BOOLEAN_FLAG, ENTITY_ID
from .schedule import flag_at
from .schedule_text import in_force
from .segments import compile_check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import namedtuple
    from collections.abc import Mapping
    from typing import Any

    from .snapshot import Namespace
else:
    from .records import namedtuple

Explanation = namedtuple("Explanation", "result flag_type enabled default_variant steps schedule", defaults=((),))
Explanation.__doc__ = """A result and the steps to it; steps after the deciding one are not there.

`schedule` has sentences about what of the flag's schedule is in force, and when it goes on; none without a schedule.
"""

Step = namedtuple("Step", "kind place operator segments matched bucket shares outcome")
Step.__doc__ = """One rule or rollout (`kind`: rule, segment, threshold or nothing), counted from 1.

`bucket` is the entity's, or None when no bucket was needed; `shares` lists (what, first bucket, last bucket) of each
part of the split; `outcome` says in words what followed.
"""

SegmentTrace = namedtuple("SegmentTrace", "key known match_type matched constraints")
SegmentTrace.__doc__ = "A segment: whether it exists, how its constraints join, whether it matched."

ConstraintTrace = namedtuple("ConstraintTrace", "subject operator value actual matched")
ConstraintTrace.__doc__ = "A constraint: what it looked at, what it wanted, what was there (None: absent)."


def explain(namespace: Namespace, key: str, entity: str, context: Mapping[str, str], at: int) -> Explanation:
    """The result that `namespace.evaluate` gives, with its reasons. Raises FlagNotFound."""
    result = namespace.evaluate(key, entity, context, at)
    authored = namespace.document.flag(key)
    if authored is None:
        raise FlagNotFound(namespace.key, key)
    flag = flag_at(authored, at)
    default = default_variant(flag)
    tracer = _Tracer(namespace, flag, entity, context)
    kind = flag_type(flag)
    steps = tracer.rollouts() if kind == BOOLEAN_FLAG else tracer.rules()
    default_key = default["key"] if default else None
    return Explanation(result, kind, bool(flag.get("enabled")), default_key, steps, in_force(authored, at))


class _Tracer:
    def __init__(self, namespace: Namespace, flag: Mapping[str, Any], entity: str, context: Mapping[str, str]) -> None:
        self._namespace = namespace
        self._flag = flag
        self._splits = splits_of(flag, namespace.profile.buckets)
        self._entity = entity
        self._context = context

    def rollouts(self) -> tuple[Any, ...]:
        steps = []
        for place, rollout in enumerate(self._flag.get("rollouts", ()), 1):
            step = self._rollout(place, rollout)
            steps.append(step)
            if step.matched:
                break
        return tuple(steps)

    def rules(self) -> tuple[Any, ...]:
        steps = []
        for place, rule in enumerate(self._flag.get("rules", ()) if self._flag.get("enabled") else (), 1):
            step = self._rule(place, rule)
            steps.append(step)
            if step.matched:
                break
        return tuple(steps)

    def _rollout(self, place: int, rollout: Mapping[str, Any]) -> Any:
        if threshold := rollout.get("threshold"):
            size, bucket = threshold_size(threshold["percentage"]), threshold_bucket(self._flag["key"], self._entity)
            hit, value = bucket < size, str(bool(threshold.get("value"))).lower()
            shares = ((value, 0, size - 1),) if size else ()
            outcome = f"answers {value}" if hit else f"passes on: bucket {bucket} is not below {size}"
            return Step("threshold", place, None, (), hit, bucket, shares, outcome)
        if segment := rollout.get("segment"):
            traces, matched = self._segments(segment)
            value = str(bool(segment.get("value"))).lower()
            outcome = f"answers {value}" if matched else "passes on: its segments do not match"
            return Step("segment", place, _joint(segment), traces, matched, None, (), outcome)
        return Step("nothing", place, None, (), False, None, (), "passes on: it has neither threshold nor segment")

    def _rule(self, place: int, rule: Mapping[str, Any]) -> Any:
        traces, matched = self._segments(rule["segment"])
        operator = _joint(rule["segment"])
        if not matched:
            return Step("rule", place, operator, traces, False, None, (), "passes on: its segments do not match")
        shares = self._shares(place)
        if not shares:
            outcome = "matches without a share above zero, so the default variant or none is answered"
            return Step("rule", place, operator, traces, True, None, (), outcome)
        bucket = variant_bucket(self._flag["key"], self._entity)
        won = next((variant for variant, first, last in shares if first <= bucket <= last), None)
        nobody = f"bucket {bucket} belongs to no variant, and no later rule is tried"
        outcome = nobody if won is None else f"answers {won}"
        return Step("rule", place, operator, traces, True, bucket, shares, outcome)

    def _shares(self, place: int) -> tuple[tuple[str, int, int], ...]:
        """The parts of a rule's split that own buckets; none where no weight is above zero."""
        ends, variants = self._splits[place - 1]
        starts = [0, *ends][: len(ends)]
        return tuple(
            (variant, start, min(end, BUCKETS) - 1)
            for start, end, variant in zip(starts, ends, variants, strict=True)
            if start < min(end, BUCKETS)
        )

    def _segments(self, segment: Mapping[str, Any]) -> tuple[tuple[Any, ...], bool]:
        traces = tuple(self._segment(key) for key in dict.fromkeys(segment.get("keys", ())))
        matched = sum(trace.matched for trace in traces)
        return traces, matched == len(traces) if segment.get("operator") == AND else matched > 0

    def _segment(self, key: str) -> Any:
        segment = self._namespace.document.segment(key)
        if segment is None:
            return SegmentTrace(key, False, None, False, ())
        constraints = tuple(map(self._constraint, segment.get("constraints", ())))
        any_of = segment.get("match_type") == ANY
        holds = [constraint.matched for constraint in constraints]
        matched = not holds or (any(holds) if any_of else all(holds))
        return SegmentTrace(key, True, "ANY" if any_of else "ALL", matched, constraints)

    def _constraint(self, constraint: Mapping[str, Any]) -> Any:
        matched = self._holds(constraint)
        entity = constraint["type"] == ENTITY_ID
        actual = self._entity if entity else self._context.get(constraint["property"])
        subject = "entity id" if entity else constraint["property"]
        return ConstraintTrace(subject, constraint["operator"], constraint.get("value", ""), actual, matched)

    def _holds(self, constraint: Mapping[str, Any]) -> bool:
        try:
            checked = check(constraint, self._namespace.profile.dialect)
            return compile_check(checked)(self._entity, self._context)
        except UnknownConstraintType:
            # Evaluation has answered, so this one was not looked at: a constraint before it had decided.
            return False


def _joint(segment: Mapping[str, Any]) -> str:
    return "AND" if segment.get("operator") == AND else "OR"
