"""The feature flags of aws-lambda-powertools, pure Python, from a store provider that has the configuration at hand.

It has no segments, so their conditions stand in each rule, and no percentages: a share is a range of a number which
the caller puts into the context, one number for all flags. Three shares of a segment are three rules. The value of a
rule is the attachment, with the variant's key in it. A result is the value alone, without a reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from ..agreement import Answer
from ..workload import CONTROL, VARIANTS, Constraint, Flag, Question, Workload
from .port import Call, Source

_ACTIONS = {
    "eq": "EQUALS",
    "isoneof": "KEY_IN_VALUE",
    "prefix": "STARTSWITH",
    "suffix": "ENDSWITH",
    "gte": "KEY_GREATER_THAN_OR_EQUAL_VALUE",
    "lt": "KEY_LESS_THAN_VALUE",
    "true": "EQUALS",
}


def write(workload: Workload, folder: Path) -> None:
    """One configuration, as it would stand in AppConfig."""
    conditions = {segment.key: list(map(_condition, segment.constraints)) for segment in workload.segments}
    features = {flag.key: _feature(flag, conditions) for flag in workload.flags}
    (folder / "powertools.json").write_text(json.dumps(features))


class Contender:
    """`FeatureFlags.evaluate`."""

    def __init__(self) -> None:
        from aws_lambda_powertools.utilities.feature_flags import FeatureFlags
        from aws_lambda_powertools.utilities.feature_flags.base import StoreProvider

        class Held(StoreProvider):
            """A store that gives the same configuration every time, as AppConfig's does until its cache expires."""

            def __init__(self, configuration: dict[str, Any]) -> None:
                self._configuration = configuration

            @property
            def get_raw_configuration(self) -> dict[str, Any]:
                return self._configuration

            def get_configuration(self) -> dict[str, Any]:
                return self._configuration

        self._open: Any = FeatureFlags
        self._held: Any = Held
        self._client: Any = None

    def load(self, source: Source) -> None:
        self._client = self._open(self._held(json.loads((source.folder / "powertools.json").read_text())))

    def call(self, question: Question) -> Call:
        context = {**question.context, "bucket": crc32(question.entity.encode()) % 100}
        default: Any = False if question.is_boolean else {}
        return partial(self._client.evaluate, name=question.flag, context=context, default=default)

    def answer(self, result: Any) -> Answer:
        return result if isinstance(result, bool) else str(result["variant"])

    def close(self) -> None:
        self._client = None


def _feature(flag: Flag, conditions: Mapping[str, list[Any]]) -> Mapping[str, Any]:
    if flag.is_boolean:
        rules = {
            "segment": {"when_match": True, "conditions": conditions[flag.segment]},
            "threshold": {"when_match": True, "conditions": [_share(0, flag.percentage)]},
        }
        return {"default": False, "rules": rules}
    values = {key: {"variant": key, **value} for key, value in zip(VARIANTS, flag.attachments, strict=True)}
    rules = {}
    for rule in flag.rules:
        for place, key in enumerate(VARIANTS):
            share = _share(sum(rule.weights[:place]), sum(rule.weights[: place + 1]))
            rules[f"{rule.segment} {key}"] = {
                "when_match": values[key],
                "conditions": [share, *conditions[rule.segment]],
            }
    return {"default": values[CONTROL], "boolean_type": False, "rules": rules}


def _share(start: int, end: int) -> Mapping[str, Any]:
    return {"action": "MODULO_RANGE", "key": "bucket", "value": {"BASE": 100, "START": start, "END": end - 1}}


def _condition(constraint: Constraint) -> Mapping[str, Any]:
    name, operator, value = constraint
    return {"action": _ACTIONS[operator], "key": name, "value": value}
