"""LaunchDarkly's server SDK, pure Python, in daemon mode: flags from a feature store in memory, no events.

Its file data source reads JSON through PyYAML's slow loader wherever PyYAML is installed, and its test data knows no
operators; the store holds the same objects in the end. Variations are the attachments; a variant's key is known by the
variation's index.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..agreement import Answer
from ..workload import VARIANTS, Constraint, Flag, Question, Segment, Workload
from .port import Call, Source

_OPERATORS = {
    "eq": "in",
    "isoneof": "in",
    "prefix": "startsWith",
    "suffix": "endsWith",
    "gte": "greaterThanOrEqual",
    "lt": "lessThan",
    "true": "in",
}


def write(workload: Workload, folder: Path) -> None:
    """Flags and segments as LaunchDarkly's servers send them."""
    content = {
        "features": {flag.key: _flag(flag) for flag in workload.flags},
        "segments": {segment.key: _segment(segment) for segment in workload.segments},
    }
    (folder / "launchdarkly.json").write_text(json.dumps(content))


class Contender:
    """`LDClient.variation_detail`."""

    def __init__(self) -> None:
        from ldclient import Config, Context, LDClient
        from ldclient.feature_store import InMemoryFeatureStore
        from ldclient.versioned_data_kind import FEATURES, SEGMENTS

        logging.getLogger("ldclient").setLevel(logging.ERROR)
        self._open, self._config, self._context, self._store = LDClient, Config, Context, InMemoryFeatureStore
        self._kinds = {"features": FEATURES, "segments": SEGMENTS}
        self._client: Any = None

    def load(self, source: Source) -> None:
        self.close()
        content = json.loads((source.folder / "launchdarkly.json").read_text())
        store = self._store()
        store.init({kind: content[name] for name, kind in self._kinds.items()})
        self._client = self._open(self._config("bench", feature_store=store, use_ldd=True, send_events=False))

    def call(self, question: Question) -> Call:
        context = self._context.from_dict({"kind": "user", "key": question.entity, **question.context})
        return partial(self._client.variation_detail, question.flag, context, False if question.is_boolean else None)

    def answer(self, result: Any) -> Answer:
        return result.value if isinstance(result.value, bool) else VARIANTS[result.variation_index]

    def close(self) -> None:
        if self._client:
            self._client.close()


def _flag(flag: Flag) -> Mapping[str, Any]:
    about = {"key": flag.key, "version": 1, "on": True, "salt": flag.key}
    if flag.is_boolean:
        some = _rollout((flag.percentage, 100 - flag.percentage))
        rules = [{"id": "segment", "variation": 0, "clauses": [_in(flag.segment)]}]
        return {**about, "variations": [True, False], "offVariation": 1, "fallthrough": some, "rules": rules}
    rules = [{"id": rule.segment, "clauses": [_in(rule.segment)], **_rollout(rule.weights)} for rule in flag.rules]
    variations = list(flag.attachments)
    return {**about, "variations": variations, "offVariation": 0, "fallthrough": {"variation": 0}, "rules": rules}


def _rollout(weights: tuple[int, ...]) -> dict[str, Any]:
    variations = [{"variation": place, "weight": weight * 1000} for place, weight in enumerate(weights)]
    return {"rollout": {"contextKind": "user", "variations": variations}}


def _in(segment: str) -> Mapping[str, Any]:
    return {"attribute": "", "op": "segmentMatch", "values": [segment], "negate": False}


def _segment(segment: Segment) -> Mapping[str, Any]:
    rules = [{"clauses": list(map(_clause, segment.constraints))}]
    return {"key": segment.key, "version": 1, "salt": segment.key, "rules": rules}


def _clause(constraint: Constraint) -> Mapping[str, Any]:
    name, operator, value = constraint
    values = value if isinstance(value, list) else [value]
    return {"contextKind": "user", "attribute": name, "op": _OPERATORS[operator], "values": values, "negate": False}
