"""UnleashClient, a native engine behind ctypes, from a bootstrap file, without registration, polling or metrics.

A share of everybody is a gradual rollout; a variant flag has a strategy for each segment, with variants of its own.
Payloads are the attachments as JSON texts. Who is in no segment gets no variant at all. Properties are texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..agreement import Answer
from ..workload import CONTROL, VARIANTS, Constraint, Flag, Question, Workload
from .port import Call, Source

_OPERATORS = {
    "eq": "IN",
    "isoneof": "IN",
    "prefix": "STR_STARTS_WITH",
    "suffix": "STR_ENDS_WITH",
    "gte": "NUM_GTE",
    "lt": "NUM_LT",
    "true": "IN",
}
_NUMBERS = ("gte", "lt")
# How often the client reads its cache again, for as long as this process may live.
_NEVER_SECONDS = 86_400


def write(workload: Workload, folder: Path) -> None:
    """Features and segments as Unleash's servers send them."""
    numbers = {segment.key: number for number, segment in enumerate(workload.segments, 1)}
    content = {
        "version": 2,
        "features": [_feature(flag, numbers) for flag in workload.flags],
        "segments": [
            {
                "id": numbers[segment.key],
                "name": segment.key,
                "constraints": list(map(_constraint, segment.constraints)),
            }
            for segment in workload.segments
        ],
    }
    (folder / "unleash.json").write_text(json.dumps(content))


class Contender:
    """`UnleashClient.is_enabled` and `get_variant`."""

    def __init__(self) -> None:
        from UnleashClient import UnleashClient
        from UnleashClient.cache import FileCache
        from UnleashClient.utils import InstanceAllowType

        self._cache: Any = FileCache
        self._open: Any = partial(
            UnleashClient,
            url="http://127.0.0.1:9/api",
            app_name="bench",
            refresh_interval=_NEVER_SECONDS,
            disable_metrics=True,
            disable_registration=True,
            multiple_instance_mode=InstanceAllowType.SILENTLY_ALLOW,
        )
        self._client: Any = None

    def load(self, source: Source) -> None:
        self.close()
        cache = self._cache("bench", directory=str(source.folder))
        cache.bootstrap_from_file(source.folder / "unleash.json")
        self._client = self._open(cache=cache)
        self._client.initialize_client(fetch_toggles=False)

    def call(self, question: Question) -> Call:
        context = {
            "userId": question.entity,
            "properties": {key: str(value) for key, value in question.context.items()},
        }
        ask = self._client.is_enabled if question.is_boolean else self._client.get_variant
        return partial(ask, question.flag, context)

    def answer(self, result: Any) -> Answer:
        if isinstance(result, bool):
            return result
        return str(result["name"]) if result["enabled"] else CONTROL

    def close(self) -> None:
        if self._client:
            self._client.destroy()


def _feature(flag: Flag, numbers: Mapping[str, int]) -> Mapping[str, Any]:
    about = {"name": flag.key, "type": "release", "enabled": True, "project": "default", "variants": []}
    if flag.is_boolean:
        strategies = [_strategy(flag, 100, [numbers[flag.segment]]), _strategy(flag, flag.percentage, [])]
        return {**about, "strategies": strategies}
    strategies = [
        {**_strategy(flag, 100, [numbers[rule.segment]]), "variants": _variants(flag, rule.weights)}
        for rule in flag.rules
    ]
    return {**about, "strategies": strategies}


def _strategy(flag: Flag, percentage: int, segments: list[int]) -> dict[str, Any]:
    parameters = {"rollout": str(percentage), "stickiness": "userId", "groupId": flag.key}
    return {"name": "flexibleRollout", "parameters": parameters, "constraints": [], "segments": segments}


def _variants(flag: Flag, weights: tuple[int, ...]) -> list[Mapping[str, Any]]:
    shares = zip(VARIANTS, weights, flag.attachments, strict=True)
    return [
        {
            "name": key,
            "weight": weight * 10,
            "stickiness": "userId",
            "payload": {"type": "json", "value": json.dumps(attachment)},
        }
        for key, weight, attachment in shares
    ]


def _constraint(constraint: Constraint) -> Mapping[str, Any]:
    name, operator, value = constraint
    about = {"contextName": name, "operator": _OPERATORS[operator], "caseInsensitive": False, "inverted": False}
    if operator in _NUMBERS:
        return {**about, "values": [], "value": str(value)}
    return {**about, "values": value if isinstance(value, list) else [str(value)]}
