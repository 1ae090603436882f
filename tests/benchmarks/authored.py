"""The workload as authored files, and what a publish makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from burgee.author.authored import SourceFile, author
from burgee.bundle.document import encode

from .workload import CONTROL, VARIANTS, Constraint, Flag, Rule, Segment, Workload

_TYPES = {"gte": "NUMBER_COMPARISON_TYPE", "lt": "NUMBER_COMPARISON_TYPE", "true": "BOOLEAN_COMPARISON_TYPE"}
_STRING = "STRING_COMPARISON_TYPE"


def document_of(workload: Workload) -> bytes:
    """The document that a publish of these flags writes."""
    authored = author([SourceFile("flags/features.yaml", features_of(workload).encode())])
    assert not authored.problems, authored.problems[:3]
    return encode(authored.documents["default"])


def features_of(workload: Workload) -> str:
    """The workload as a `features.yaml`; JSON is YAML too."""
    flags = list(map(_flag, workload.flags))
    return json.dumps({"version": "1.4", "flags": flags, "segments": list(map(_segment, workload.segments))}, indent=1)


def _flag(flag: Flag) -> Mapping[str, Any]:
    about = {
        "key": flag.key,
        "name": f"Flag number {flag.index}",
        "description": f"Who gets step {flag.index} of the new checkout, and for how long",
        "metadata": {"owner": f"team-{flag.index % 40}", "ticket": f"SHOP-{flag.index}"},
    }
    if not flag.is_boolean:
        variants = [
            {"key": key, "name": key.title(), "default": key == CONTROL, "attachment": attachment}
            for key, attachment in zip(VARIANTS, flag.attachments, strict=True)
        ]
        return {**about, "enabled": True, "variants": variants, "rules": list(map(_rule, flag.rules))}
    rollouts = [
        {"segment": {"key": flag.segment, "value": True}},
        {"threshold": {"percentage": flag.percentage, "value": True}},
    ]
    return {**about, "type": "BOOLEAN_FLAG_TYPE", "enabled": False, "rollouts": rollouts}


def _rule(rule: Rule) -> Mapping[str, Any]:
    shares = zip(VARIANTS, rule.weights, strict=True)
    return {"segment": rule.segment, "distributions": [{"variant": key, "rollout": weight} for key, weight in shares]}


def _segment(segment: Segment) -> Mapping[str, Any]:
    constraints = list(map(_constraint, segment.constraints))
    return {"key": segment.key, "name": segment.key, "match_type": "ALL_MATCH_TYPE", "constraints": constraints}


def _constraint(constraint: Constraint) -> Mapping[str, Any]:
    name, operator, value = constraint
    written = {"value": json.dumps(value) if operator == "isoneof" else str(value)} if operator != "true" else {}
    return {"type": _TYPES.get(operator, _STRING), "property": name, "operator": operator, **written}
