"""Checked raw flags and segments to their normal form, in which defaults are left out.

Law: two spellings of the same thing have the same normal form, and a normal form's normal form is itself.
"""

from __future__ import annotations

from typing import Any

from ..core.model import AND, BOOLEAN_FLAG
from ..core.schedule import SCHEDULE
from .numerals import list_text, plain, weight
from .schedule import normal_schedule

_SCALARS = frozenset((str, int, float, bool))


def normal_flag(flag: dict[str, Any]) -> dict[str, Any]:
    """The normal form of a flag that has no errors. Rollouts of a variant flag are left out: nothing evaluates them."""
    made: dict[str, Any] = {"key": flag["key"], "name": flag["name"]}
    if flag.get("description"):
        made["description"] = flag["description"]
    if flag.get("enabled"):
        made["enabled"] = True
    if flag.get("type") == BOOLEAN_FLAG:
        made["type"] = BOOLEAN_FLAG
        if flag.get("rollouts"):
            made["rollouts"] = [_rollout(rollout) for rollout in flag["rollouts"]]
    if flag.get("variants"):
        made["variants"] = _variants(flag["variants"])
    if flag.get("rules"):
        made["rules"] = [_rule(rule) for rule in flag["rules"]]
    if flag.get("metadata"):
        made["metadata"] = plain(flag["metadata"])
        if SCHEDULE in made["metadata"]:
            made["metadata"][SCHEDULE] = normal_schedule(flag["metadata"][SCHEDULE])
    return made


def has_nested_metadata(flag: dict[str, Any]) -> bool:
    """Whether the metadata holds more than scalars, which needs version 1.5."""
    metadata = flag.get("metadata")
    return metadata is not None and not _SCALARS.issuperset(map(type, metadata.values()))


def normal_segment(segment: dict[str, Any]) -> dict[str, Any]:
    """The normal form of a segment that has no errors."""
    made = {"key": segment["key"], "name": segment["name"], "match_type": segment["match_type"]}
    if segment.get("description"):
        made["description"] = segment["description"]
    if segment.get("constraints"):
        made["constraints"] = [_constraint(constraint) for constraint in segment["constraints"]]
    return made


def normal_namespace(namespace: Any) -> tuple[str, str, str]:
    """Key, name and description (empty when absent) of a document's namespace, wrong parts left out."""
    named = namespace if type(namespace) is dict else {"key": namespace}
    key, name, description = (named.get(field) for field in ("key", "name", "description"))
    return _text(key) or "default", _text(name), _text(description)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _variants(variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The variants that count: distributions use the first with a key, and the last default is the default.

    A later default that differs from the first variant of its key is kept behind it: an engine needs both.
    """
    made: dict[str, dict[str, Any]] = {}
    default: dict[str, Any] | None = None
    for variant in variants:
        if variant.get("default"):
            default = variant
        if variant["key"] not in made:
            made[variant["key"]] = _variant(variant)
    if default is None:
        return list(made.values())
    chosen = _variant(default)
    if chosen == made[chosen["key"]]:
        made[chosen["key"]]["default"] = True
        return list(made.values())
    return [*made.values(), {**chosen, "default": True}]


def _variant(variant: dict[str, Any]) -> dict[str, Any]:
    made = {"key": variant["key"]}
    for field in ("name", "description"):
        if variant.get(field):
            made[field] = variant[field]
    if variant.get("attachment") is not None:
        made["attachment"] = plain(variant["attachment"])
    return made


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    segment = rule["segment"]
    if type(segment) is not dict:
        made: dict[str, Any] = {"segment": {"keys": [segment]}}
    else:
        made = {"segment": _segments(segment.get("keys", ()), segment.get("operator"))}
    distributions = rule.get("distributions")
    if distributions:
        made["distributions"] = [
            {"rollout": weight(distribution["rollout"]), "variant": distribution["variant"]}
            for distribution in distributions
        ]
    return made


def _segments(keys: Any, operator: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"keys": list(keys)}
    if operator == AND:
        made["operator"] = AND
    return made


def _rollout(rollout: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if rollout.get("description"):
        made["description"] = rollout["description"]
    segment, threshold = rollout.get("segment"), rollout.get("threshold")
    if segment is not None:
        keys = [segment["key"]] if "key" in segment else segment["keys"]
        part = made["segment"] = _segments(keys, segment.get("operator"))
    elif threshold is not None:
        part = made["threshold"] = {"percentage": weight(threshold["percentage"])}
    else:
        return made
    if (segment or threshold or made).get("value"):
        part["value"] = True
    return made


def _constraint(constraint: dict[str, Any]) -> dict[str, Any]:
    made = {"type": constraint["type"], "property": constraint["property"], "operator": constraint["operator"]}
    value = constraint.get("value")
    if value:
        made["value"] = value if isinstance(value, str) else list_text(value)
    elif type(value) is list:
        made["value"] = "[]"
    if constraint.get("description"):
        made["description"] = constraint["description"]
    return made
