"""Whether a contender's answers are answers to these questions: nobody is fast by not evaluating.

Contenders hash entities in their own ways, so only those who use Flipt's way can be compared answer by answer. What
does not depend on a hash is known beforehand for every question, and what does has a known share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .workload import CONTROL, VARIANTS, Context, Flag, Question, Segment, Workload

Answer = bool | str
"""On or off, or the key of a variant; `CONTROL` where no rule applies."""
Shares = Mapping[Answer, float]
_TOLERANCE = 0.03

_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda actual, wanted: bool(actual == wanted),
    "isoneof": lambda actual, wanted: actual in wanted,
    "prefix": lambda actual, wanted: bool(actual.startswith(wanted)),
    "suffix": lambda actual, wanted: bool(actual.endswith(wanted)),
    "gte": lambda actual, wanted: bool(actual >= wanted),
    "lt": lambda actual, wanted: bool(actual < wanted),
    "true": lambda actual, wanted: actual is True,
}


def check(contender: str, possible: Sequence[Shares], answers: Sequence[Answer]) -> None:
    """Raises AssertionError when an answer or a share is none that is possible by `shares_of` the questions."""
    for place, (shares, answer) in enumerate(zip(possible, answers, strict=True)):
        assert shares.get(answer), f"{contender} answers {answer!r} to question {place}, where {shares} are possible"
    for answer in (True, *VARIANTS):
        expected = sum(shares.get(answer, 0) for shares in possible)
        among = sum(answer in shares for shares in possible)
        found = answers.count(answer)
        assert found > 0, f"{contender} never answers {answer!r}"
        assert abs(found - expected) < _TOLERANCE * among, f"{contender}: {found} times {answer!r}, not {expected:.0f}"


def shares_of(workload: Workload, asked: Sequence[Question]) -> list[Shares]:
    """For each question the share of entities like this one that get an answer, by answer."""
    flags = {flag.key: flag for flag in workload.flags}
    segments = {segment.key: segment for segment in workload.segments}
    return [_shares(flags[question.flag], segments, question.context) for question in asked]


def matches(segment: Segment, context: Context) -> bool:
    """Whether all constraints of a segment hold."""
    return all(_HOLDS[operator](context[name], value) for name, operator, value in segment.constraints)


def _shares(flag: Flag, segments: Mapping[str, Segment], context: Context) -> Shares:
    if flag.is_boolean:
        share = 1.0 if matches(segments[flag.segment], context) else flag.percentage / 100
        return {True: share, False: 1 - share}
    for rule in flag.rules:
        if matches(segments[rule.segment], context):
            return {key: weight / 100 for key, weight in zip(VARIANTS, rule.weights, strict=True)}
    return {key: float(key == CONTROL) for key in VARIANTS}
