"""JSON Schemas for editors; the reader's own checks go further and decide."""

from __future__ import annotations

from typing import Any

from ..core.model import AND, BOOLEAN_FLAG, NUMBER, OR, VARIANT_FLAG
from ..core.schedule import SCHEDULE
from .constraint import CONSTRAINT, LIST_OPERATORS, MATCH_TYPES, OPERATORS, SEGMENT
from .fields import Shape
from .flag_test_shapes import CASE, EXPECTED, FLAG_TEST, REASONS, SHARE
from .flag_test_shapes import DOCUMENT as TEST_DOCUMENT
from .project import project_schema
from .schedule import STEP
from .schema import (
    DISTRIBUTION,
    DOCUMENT,
    FLAG,
    NAMESPACE,
    ROLLOUT,
    ROLLOUT_SEGMENT,
    RULE,
    RULE_SEGMENT,
    THRESHOLD,
    VARIANT,
)
from .versions import VERSIONS

__all__ = ["features_schema", "project_schema", "tests_schema"]

Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KEY: Schema = {"type": "string", "pattern": "^[-_,A-Za-z0-9]+$"}
_NAME: Schema = {"type": "string", "pattern": "^.+$"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_KEYS: Schema = {"type": "array", "items": {"type": "string"}}
_OPERATOR: Schema = {"enum": [OR, AND, None], "description": "whether one segment is enough (the default), or all"}


def features_schema() -> Schema:
    """The JSON Schema of a flags file (draft 2020-12)."""
    return {
        "$schema": _DIALECT,
        "title": "flags",
        "description": "feature flags in Flipt's format",
        **_closed(DOCUMENT, _DOCUMENT_FIELDS),
        "$defs": {
            "flag": _flag(),
            "variant": _closed(VARIANT, _VARIANT_FIELDS),
            "rule": _closed(RULE, _RULE_FIELDS),
            "rollout": {**_closed(ROLLOUT, _ROLLOUT_FIELDS), "not": {"required": ["segment", "threshold"]}},
            "segment": _closed(SEGMENT, _SEGMENT_FIELDS),
            "constraint": {**_closed(CONSTRAINT, _CONSTRAINT_FIELDS), "allOf": _constraint_rules()},
        },
    }


def tests_schema() -> Schema:
    """The JSON Schema of a file of flag tests (draft 2020-12)."""
    return {
        "$schema": _DIALECT,
        "title": "flag tests",
        "description": "which answers flags are to give",
        **_closed(TEST_DOCUMENT, _TEST_DOCUMENT_FIELDS),
        "$defs": {
            "test": {
                **_closed(FLAG_TEST, _FLAG_TEST_FIELDS),
                "anyOf": [{"required": ["cases"]}, {"required": ["shares"]}],
            },
            "case": {**_closed(CASE, _CASE_FIELDS), "not": {"required": ["entity", "entities"]}},
            "share": _closed(SHARE, _SHARE_FIELDS),
        },
    }


def _closed(shape: Shape, fields: dict[str, Schema]) -> Schema:
    """A closed object with the fields of the checks' own table."""
    schema: Schema = {"type": "object", "additionalProperties": False}
    schema["properties"] = {name: fields[name] for name in shape.fields}
    return {**schema, "required": list(shape.required)} if shape.required else schema


def _list_of(name: str, description: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}, "description": description}


def _flag() -> Schema:
    is_boolean: Schema = {"properties": {"type": {"const": BOOLEAN_FLAG}}, "required": ["type"]}
    return {**_closed(FLAG, _FLAG_FIELDS), "if": {"required": ["rollouts"]}, "then": is_boolean}


def _constraint_rules() -> list[Schema]:
    return [_operators_of(kind) for kind in OPERATORS] + [_value_of_lists()]


def _operators_of(kind: str) -> Schema:
    return {
        "if": {"properties": {"type": {"const": kind}}},
        "then": {"properties": {"operator": {"enum": list(OPERATORS[kind])}}},
    }


def _value_of_lists() -> Schema:
    return {
        "if": {"properties": {"operator": {"enum": sorted(LIST_OPERATORS)}}},
        "then": {"required": ["value"]},
        "else": {"properties": {"value": {"type": "string"}}},
    }


def _schedule() -> Schema:
    steps: Schema = {"type": "array", "minItems": 1, "items": _closed(STEP, _STEP_FIELDS)}
    return {"description": "dated steps, as a list or as text that holds it as JSON", "anyOf": [steps, _TEXT]}


def _share(kind: str) -> Schema:
    share: Schema = {"type": kind, "minimum": 0, "maximum": 100}
    return {"anyOf": [share, {"type": "array", "items": share, "minItems": 2, "maxItems": 2}]}


_TEXT: Schema = {"type": "string"}
_STEP_FIELDS: dict[str, Schema] = {
    "at": {"type": "string", "description": "when, with a zone: 2026-12-01T09:00:00+01:00"},
    "from": {"type": "string", "description": "when a ramp begins"},
    "until": {"type": "string", "description": "when a ramp has come to its end"},
    "enabled": {"type": "boolean"},
    "rollout": {"type": "integer", "minimum": 1, "description": "which rollout with a threshold, counted from 1"},
    "percentage": {**_share("integer"), "description": "its percentage; of a ramp: from, to"},
    "rule": {"type": "integer", "minimum": 1, "description": "which rule, counted from 1"},
    "weights": {
        "type": "object",
        "additionalProperties": _share("number"),
        "description": "the weights of all its variants, which make 100; of a ramp: from, to",
    },
}
_DOCUMENT_FIELDS: dict[str, Schema] = {
    "version": {"enum": list(VERSIONS), "description": "version of the format, as text"},
    "namespace": {
        "description": "the namespace of these flags and segments; default when left out",
        "anyOf": [
            _KEY,
            _closed(NAMESPACE, {"key": _KEY, "name": _NAME, "description": _TEXT_OR_NULL}),
        ],
    },
    "flags": _list_of("flag", "the flags of this document"),
    "segments": _list_of("segment", "the segments that rules and rollouts name"),
}
_FLAG_FIELDS: dict[str, Schema] = {
    "key": {**_KEY, "description": "what a program asks for; part of the hash that picks a variant"},
    "name": {**_NAME, "description": "what people call the flag"},
    "description": _TEXT_OR_NULL,
    "enabled": {"type": "boolean", "description": "for a boolean flag: the answer when no rollout decides"},
    "type": {"enum": [VARIANT_FLAG, BOOLEAN_FLAG], "default": VARIANT_FLAG},
    "variants": _list_of("variant", "the possible answers of a variant flag"),
    "rules": _list_of("rule", "tried in order; the first whose segments match decides"),
    "rollouts": _list_of("rollout", "tried in order; boolean flags only"),
    "metadata": {
        "type": "object",
        "properties": {SCHEDULE: _schedule()},
        "additionalProperties": {"type": ["string", "number", "boolean", "object", "array"]},
        "description": "values for people and tools; nested ones cannot be read by Flipt v1",
    },
}
_VARIANT_FIELDS: dict[str, Schema] = {
    "key": {**_NAME, "description": "what a program gets; always text"},
    "name": _NAME,
    "description": _TEXT_OR_NULL,
    "attachment": {"type": ["object", "array", "null"], "description": "a value handed out with the variant"},
    "default": {"type": "boolean", "description": "the answer when no rule decides"},
}
_RULE_FIELDS: dict[str, Schema] = {
    "segment": {
        "description": "a segment's key, or several",
        "anyOf": [_KEY, _closed(RULE_SEGMENT, {"keys": _KEYS, "operator": _OPERATOR})],
    },
    "rank": {"type": "integer", "minimum": 0, "deprecated": True, "description": "ignored: the order decides"},
    "distributions": {
        "type": "array",
        "description": "how the matching entities are split over variants; weights should add up to 100",
        "items": _closed(DISTRIBUTION, {"variant": _NAME, "rollout": {"type": "number", "minimum": 0, "maximum": 100}}),
    },
}
_BOOLEAN: Schema = {"type": "boolean", "default": False, "description": "the answer when this rollout decides"}
_ROLLOUT_FIELDS: dict[str, Schema] = {
    "description": _TEXT_OR_NULL,
    "segment": {
        **_closed(ROLLOUT_SEGMENT, {"key": _KEY, "keys": _KEYS, "operator": _OPERATOR, "value": _BOOLEAN}),
        "oneOf": [{"required": ["key"]}, {"required": ["keys"]}],
    },
    "threshold": _closed(
        THRESHOLD,
        {"percentage": {"type": "number", "description": "0 to 100, in steps of one"}, "value": _BOOLEAN},
    ),
}
_SEGMENT_FIELDS: dict[str, Schema] = {
    "key": _KEY,
    "name": _NAME,
    "description": _TEXT_OR_NULL,
    "match_type": {"enum": list(MATCH_TYPES), "description": "whether all constraints must hold, or any"},
    "constraints": _list_of("constraint", "a segment without constraints matches everybody"),
}
_CONSTRAINT_FIELDS: dict[str, Schema] = {
    "type": {"enum": list(OPERATORS)},
    "property": {**_NAME, "description": "the context's property that is compared"},
    "operator": {"enum": sorted({operator for operators in OPERATORS.values() for operator in operators})},
    "value": {
        "description": f"text; a list for isoneof and isnotoneof (numbers for {NUMBER})",
        "type": ["string", "array"],
        "items": {"type": ["string", "number"]},
    },
    "description": _TEXT_OR_NULL,
}
_PROPERTY: Schema = {"type": ["string", "number", "boolean"]}
_CONTEXT: Schema = {"type": "object", "additionalProperties": _PROPERTY}
_INSTANT: Schema = {"type": "string", "description": "an instant with its zone; the one of the run when left out"}
_PERCENT: Schema = {"type": "number", "minimum": 0, "maximum": 100}
_TEST_DOCUMENT_FIELDS: dict[str, Schema] = {
    "version": {"const": 1},
    "namespace": {**_KEY, "description": "the namespace of the flags; default when left out"},
    "environments": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "description": "run in these environments only",
    },
    "tests": _list_of("test", "the flags that are tested"),
}
_FLAG_TEST_FIELDS: dict[str, Schema] = {
    "flag": {**_KEY, "description": "the key of a flag"},
    "name": {**_NAME, "description": "what is said of its cases when one fails"},
    "at": _INSTANT,
    "cases": _list_of("case", "who asks, and the answer that is to be given"),
    "shares": _list_of("share", "how many are to get which answer, counted over every bucket"),
}
_EXPECTED_FIELDS: dict[str, Schema] = {
    "value": {"type": "boolean", "description": "what a boolean flag is to answer"},
    "variant": {"type": ["string", "null"], "description": "the variant's key; null for none"},
    "attachment": {"description": "what is to come with the variant; null for nothing"},
    "match": {"type": "boolean", "description": "whether a rule is to match"},
    "reason": {"enum": list(REASONS)},
    "segments": {**_KEYS, "description": "the segments that are to match, in any order"},
}
_CASE_FIELDS: dict[str, Schema] = {
    "name": _NAME,
    "entity": {"type": "string", "description": "who asks; left out, the answer may not depend on it"},
    "entities": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "one case for each"},
    "context": {**_CONTEXT, "description": "what is known of who asks"},
    "matrix": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": _PROPERTY, "minItems": 1},
        "description": "one case for each combination of these values, which join the context",
    },
    "at": _INSTANT,
    "expect": {
        "description": "true or false, a variant's key, or more of the answer",
        "anyOf": [
            {"type": "boolean"},
            {"type": "string"},
            {**_closed(EXPECTED, _EXPECTED_FIELDS), "minProperties": 1},
        ],
    },
}
_SHARE_FIELDS: dict[str, Schema] = {
    "name": _NAME,
    "context": {**_CONTEXT, "description": "what is known of those who ask"},
    "at": _INSTANT,
    "expect": {
        "description": "percentages by answer, or the percentage that is to get true",
        "anyOf": [_PERCENT, {"type": "object", "additionalProperties": _PERCENT, "minProperties": 1}],
    },
    "tolerance": {**_PERCENT, "description": "by how much each percentage may differ; 0 when left out"},
}
