"""growthbook, pure Python: features with forced values, a rollout by coverage, and an experiment for each rule.

Conditions stand in each rule, as GrowthBook's API sends saved groups. The value of a variant is the attachment; its key
is in the experiment's metadata. A request sets the attributes of its user and asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..agreement import Answer
from ..workload import CONTROL, VARIANTS, Constraint, Flag, Question, Segment, Workload
from .port import Call, Source

_OPERATORS = {"isoneof": "$in", "gte": "$gte", "lt": "$lt", "eq": "$eq", "true": "$eq"}


def write(workload: Workload, folder: Path) -> None:
    """Features as GrowthBook's API sends them."""
    conditions = {segment.key: _condition(segment) for segment in workload.segments}
    features = {flag.key: _feature(flag, conditions) for flag in workload.flags}
    (folder / "growthbook.json").write_text(json.dumps(features))


class Contender:
    """`GrowthBook.set_attributes` and `eval_feature`."""

    def __init__(self) -> None:
        from growthbook import GrowthBook

        self._open = GrowthBook
        self._client: Any = None

    def load(self, source: Source) -> None:
        self._client = self._open(features=json.loads((source.folder / "growthbook.json").read_text()))

    def call(self, question: Question) -> Call:
        attributes = {**question.context, "id": question.entity}
        set_attributes, eval_feature, flag = self._client.set_attributes, self._client.eval_feature, question.flag

        def ask() -> Any:
            set_attributes(attributes)
            return eval_feature(flag)

        return ask

    def answer(self, result: Any) -> Answer:
        if isinstance(result.value, bool):
            return result.value
        return str(result.experimentResult.key) if result.experimentResult else CONTROL

    def close(self) -> None:
        self._client = None


def _feature(flag: Flag, conditions: Mapping[str, Any]) -> Mapping[str, Any]:
    if flag.is_boolean:
        matching = {"condition": conditions[flag.segment], "force": True}
        some = {"coverage": flag.percentage / 100, "hashAttribute": "id", "force": True}
        return {"defaultValue": False, "rules": [matching, some]}
    experiment = {
        "variations": flag.attachments,
        "meta": [{"key": key} for key in VARIANTS],
        "hashAttribute": "id",
        "hashVersion": 2,
    }
    rules = [
        {
            **experiment,
            "condition": conditions[rule.segment],
            "key": f"{flag.key}-{place}",
            "weights": [weight / 100 for weight in rule.weights],
        }
        for place, rule in enumerate(flag.rules)
    ]
    return {"defaultValue": flag.attachments[0], "rules": rules}


def _condition(segment: Segment) -> Mapping[str, Any]:
    return {constraint.property: _test(constraint) for constraint in segment.constraints}


def _test(constraint: Constraint) -> Mapping[str, Any]:
    _name, operator, value = constraint
    if operator in ("prefix", "suffix"):
        text = re.escape(value)
        return {"$regex": f"^{text}" if operator == "prefix" else f"{text}$"}
    return {_OPERATORS[operator]: value}
