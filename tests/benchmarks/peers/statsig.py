"""statsig-python-core, a native engine: feature gates and dynamic configs from a data store, without network or events.

A segment is a segment gate. A variant flag is a dynamic config whose rules each delegate to an experiment with three
groups, as layers do; one rule for each group and segment would hash nine times instead of three. The value of a group
is the attachment, with the variant's key in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..agreement import Answer
from ..workload import VARIANTS, Constraint, Flag, Question, Workload
from .port import Call, Source

_OPERATORS = {
    "eq": "any_case_sensitive",
    "isoneof": "any_case_sensitive",
    "prefix": "str_starts_with_any",
    "suffix": "str_ends_with_any",
    "gte": "gte",
    "lt": "lt",
    "true": "eq",
}
_SINGLE = ("gte", "lt", "true")
# Those of a user's own fields that these contexts have; all others are custom ones.
_FIELDS = ("country", "email", "locale")
_USER = {"idType": "userID"}


def write(workload: Workload, folder: Path) -> None:
    """The specs as Statsig's servers send them: gates, configs, and one table of their conditions."""
    specs = _Specs()
    for segment in workload.segments:
        conditions = [specs.condition(_condition(constraint)) for constraint in segment.constraints]
        specs.add_gate(f"segment:{segment.key}", [_rule("all", conditions, value=True)], entity="segment")
    for flag in workload.flags:
        (specs.add_boolean if flag.is_boolean else specs.add_variants)(flag)
    (folder / "statsig.json").write_text(json.dumps(specs.content()))


class Contender:
    """`Statsig.get_feature_gate` and `get_dynamic_config`, without logging exposures."""

    def __init__(self) -> None:
        import statsig_python_core as sdk

        class Stored(sdk.DataStore):
            """A data store that holds one text."""

            text: str = ""

            def get(self, key: str) -> Any:
                return sdk.DataStoreResponse(result=self.text, time=1)

        self._sdk: Any = sdk
        self._store: Any = Stored
        self._client: Any = None
        self._quiet = (
            sdk.FeatureGateEvaluationOptions(disable_exposure_logging=True),
            sdk.DynamicConfigEvaluationOptions(disable_exposure_logging=True),
        )

    def load(self, source: Source) -> None:
        self.close()
        store = self._store()
        store.text = (source.folder / "statsig.json").read_text()
        options = self._sdk.StatsigOptions(
            data_store=store,
            disable_network=True,
            disable_all_logging=True,
            disable_country_lookup=True,
            output_log_level="error",
        )
        self._client = self._sdk.Statsig("secret-bench", options)
        self._client.initialize().wait()

    def call(self, question: Question) -> Call:
        custom = {name: value for name, value in question.context.items() if name not in _FIELDS}
        fields = {name: question.context[name] for name in _FIELDS}
        user = self._sdk.StatsigUser(user_id=question.entity, custom=custom, **fields)
        gate, config = self._quiet
        if question.is_boolean:
            return partial(self._client.get_feature_gate, user, question.flag, gate)
        return partial(self._client.get_dynamic_config, user, question.flag, config)

    def answer(self, result: Any) -> Answer:
        return bool(result.value) if isinstance(result, self._sdk.FeatureGate) else str(result.value["variant"])

    def close(self) -> None:
        if self._client:
            self._client.shutdown().wait()


class _Specs:
    """Gates, configs and conditions, as far as they were added."""

    def __init__(self) -> None:
        self._gates: dict[str, Any] = {}
        self._configs: dict[str, Any] = {}
        self._conditions: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def content(self) -> Mapping[str, Any]:
        return {
            "has_updates": True,
            "time": 1,
            "feature_gates": self._gates,
            "dynamic_configs": self._configs,
            "layer_configs": {},
            "condition_map": self._conditions,
            "experiment_to_layer": {},
        }

    def condition(self, condition: Mapping[str, Any]) -> str:
        """The name of a condition; equal ones share it."""
        name = self._names.setdefault(json.dumps(condition), str(1_000_000 + len(self._names)))
        self._conditions[name] = condition
        return name

    def add_gate(self, name: str, rules: list[Any], *, entity: str) -> None:
        self._gates[name] = _spec("feature_gate", name, rules, default=False, entity=entity)

    def add_boolean(self, flag: Flag) -> None:
        everybody = self.condition({"type": "public", **_USER})
        rules = [
            _rule("segment", [self._in(flag.segment)], value=True),
            _rule("threshold", [everybody], value=True, percentage=flag.percentage),
        ]
        self.add_gate(flag.key, rules, entity="feature_gate")

    def add_variants(self, flag: Flag) -> None:
        values = [{"variant": key, **value} for key, value in zip(VARIANTS, flag.attachments, strict=True)]
        rules = []
        for place, (segment, weights) in enumerate(flag.rules):
            name = f"{flag.key}-{place}"
            groups = [
                _rule(key, [self._bucket(name, sum(weights[: group + 1]))], value=values[group])
                for group, key in enumerate(VARIANTS)
            ]
            self._configs[name] = _spec("dynamic_config", name, groups, default=values[0], entity="experiment")
            rules.append({**_rule(name, [self._in(segment)], value={}), "configDelegate": name})
        self._configs[flag.key] = _spec("dynamic_config", flag.key, rules, default=values[0], entity="dynamic_config")

    def _in(self, segment: str) -> str:
        return self.condition({"type": "pass_gate", "targetValue": f"segment:{segment}", "operator": "any", **_USER})

    def _bucket(self, salt: str, percentage: int) -> str:
        condition = {"type": "user_bucket", "targetValue": percentage * 10, "operator": "lt"}
        return self.condition({**condition, "field": "", "additionalValues": {"salt": salt}, **_USER})


def _spec(kind: str, name: str, rules: list[Any], *, default: Any, entity: str) -> dict[str, Any]:
    about = {"type": kind, "salt": name, "enabled": True, "entity": entity, "version": 1, "isActive": True}
    return {**about, "defaultValue": default, "rules": rules, **_USER}


def _rule(name: str, conditions: list[str], *, value: Any, percentage: int = 100) -> dict[str, Any]:
    about = {"name": name, "id": name, "salt": name, "passPercentage": percentage}
    return {**about, "conditions": conditions, "returnValue": value, **_USER}


def _condition(constraint: Constraint) -> Mapping[str, Any]:
    name, operator, value = constraint
    wanted = value if operator in _SINGLE or isinstance(value, list) else [value]
    return {"type": "user_field", "field": name, "operator": _OPERATORS[operator], "targetValue": wanted, **_USER}
