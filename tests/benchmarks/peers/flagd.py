"""flagd's OpenFeature provider, pure Python JsonLogic, in file mode; it has no API but OpenFeature's client.

Segments stand in each rule: the provider would copy shared evaluators into them with one regular expression each.
Variants are the attachments.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..agreement import Answer
from ..workload import CONTROL, VARIANTS, Constraint, Flag, Question, Segment, Workload
from .port import Call, Source

_OPERATORS = {
    "eq": "==",
    "isoneof": "in",
    "prefix": "starts_with",
    "suffix": "ends_with",
    "gte": ">=",
    "lt": "<",
    "true": "==",
}
# How often the provider looks at the file, for as long as this process may live.
_NEVER_MS = 86_400_000


def write(workload: Workload, folder: Path) -> None:
    """A flag file."""
    segments = {segment.key: _segment(segment) for segment in workload.segments}
    flags = {flag.key: _flag(flag, segments) for flag in workload.flags}
    (folder / "flagd.json").write_text(json.dumps({"flags": flags}))


class Contender:
    """`OpenFeatureClient.get_boolean_details` and `get_object_details`."""

    def __init__(self) -> None:
        from openfeature import api
        from openfeature.contrib.provider.flagd import FlagdProvider
        from openfeature.contrib.provider.flagd.config import ResolverType
        from openfeature.evaluation_context import EvaluationContext

        self._api: Any = api
        self._provider: Any = partial(FlagdProvider, resolver_type=ResolverType.FILE, deadline_ms=_NEVER_MS)
        self._context: Any = EvaluationContext
        self._client: Any = None

    def load(self, source: Source) -> None:
        provider = self._provider(offline_flag_source_path=str(source.folder / "flagd.json"))
        self._api.set_provider_and_wait(provider)
        self._client = self._api.get_client()

    def call(self, question: Question) -> Call:
        context = self._context(question.entity, question.context)
        if question.is_boolean:
            return partial(self._client.get_boolean_details, question.flag, False, context)
        return partial(self._client.get_object_details, question.flag, {}, context)

    def answer(self, result: Any) -> Answer:
        assert result.error_code is None, result
        return result.value if isinstance(result.value, bool) else str(result.variant)

    def close(self) -> None:
        self._api.shutdown()


def _flag(flag: Flag, segments: Mapping[str, Any]) -> Mapping[str, Any]:
    if flag.is_boolean:
        share = {"fractional": [["on", flag.percentage], ["off", 100 - flag.percentage]]}
        targeting = {"if": [segments[flag.segment], "on", share]}
        variants: Mapping[str, Any] = {"on": True, "off": False}
        return {"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": targeting}
    steps: list[Any] = []
    for rule in flag.rules:
        shares = [list(share) for share in zip(VARIANTS, rule.weights, strict=True)]
        steps += [segments[rule.segment], {"fractional": shares}]
    variants = dict(zip(VARIANTS, flag.attachments, strict=True))
    return {"state": "ENABLED", "variants": variants, "defaultVariant": CONTROL, "targeting": {"if": steps}}


def _segment(segment: Segment) -> Mapping[str, Any]:
    return {"and": list(map(_test, segment.constraints))}


def _test(constraint: Constraint) -> Mapping[str, Any]:
    name, operator, value = constraint
    return {_OPERATORS[operator]: [{"var": name}, value]}
