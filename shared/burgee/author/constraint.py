"""Check one segment and its constraints: fields, operators by type, and values by the servers' grammar."""

from __future__ import annotations

from sys import float_info
from typing import Any

from ..core.dates import parse_server_date
from ..core.dialects import read_number_set, read_string_set
from ..core.model import ALL, ANY, BOOLEAN, DATETIME, ENTITY_ID, NUMBER, STRING
from ..core.numbers import parse_number
from .fields import (
    KEY,
    LIST,
    NAME,
    TEXT_OR_NULL,
    Kind,
    Shape,
    check_fields,
    items_of,
    one_of,
    quote_it,
    texts,
)
from .finding import Finding, Path, did_you_mean, shown, warning
from .scalars import Timestamp
from .versions import Version

MATCH_TYPES = (ALL, ANY)
LIST_OPERATORS = frozenset(("isoneof", "isnotoneof"))
_OF_TEXTS = ("eq", "neq", "empty", "notempty", "prefix", "suffix", "contains", "notcontains", "isoneof", "isnotoneof")
_OF_ORDER = ("eq", "neq", "lt", "lte", "gt", "gte", "present", "notpresent")
OPERATORS = {
    STRING: _OF_TEXTS,
    NUMBER: (*_OF_ORDER, "isoneof", "isnotoneof"),
    BOOLEAN: ("true", "false", "present", "notpresent"),
    DATETIME: _OF_ORDER,
    ENTITY_ID: _OF_TEXTS,
}
# What people write who think of another language, or of Flipt's own former slip.
_MEANT = {
    "le": "lte",
    "ge": "gte",
    "ne": "neq",
    "not": "neq",
    "in": "isoneof",
    "notin": "isnotoneof",
    "exists": "present",
    "startswith": "prefix",
    "endswith": "suffix",
    "=": "eq",
    "==": "eq",
    "!=": "neq",
    "<": "lt",
    "<=": "lte",
    ">": "gt",
    ">=": "gte",
}
_COMPARISONS = frozenset(("eq", "neq", "lt", "lte", "gt", "gte"))

_TYPE = one_of(*OPERATORS)
# The operator is checked against its type, the value against its operator.
_LATER = Kind(lambda value: True, "one that its type has")
SEGMENT = Shape(
    "a segment",
    {
        "key": KEY,
        "name": NAME,
        "description": TEXT_OR_NULL,
        "match_type": one_of(*MATCH_TYPES),
        "constraints": LIST,
    },
    ("key", "name", "match_type"),
)
CONSTRAINT = Shape(
    "a constraint",
    {"type": _TYPE, "property": NAME, "operator": _LATER, "value": _LATER, "description": TEXT_OR_NULL},
    ("type", "property", "operator"),
)


def check_segment(segment: Any, path: Path, version: Version, findings: list[Finding]) -> None:
    """Report everything wrong with one segment."""
    if not check_fields(segment, SEGMENT, path, findings):
        return
    for index, constraint in enumerate(items_of(segment, "constraints")):
        here = (*path, "constraints", index)
        if check_fields(constraint, CONSTRAINT, here, findings):
            _check_operator(constraint, here, version, findings)


def _check_operator(constraint: dict[str, Any], path: Path, version: Version, findings: list[Finding]) -> None:
    kind, operator = constraint.get("type"), constraint.get("operator")
    operators = OPERATORS.get(kind) if isinstance(kind, str) else None
    if operators is None or "operator" not in constraint:
        return
    if isinstance(operator, str) and operator in operators:
        _check_value(constraint, path, version, findings)
        return
    message = f"wanted an operator of {kind} ({', '.join(operators)}), got {shown(operator)}"
    meant = _MEANT.get(operator) if isinstance(operator, str) else None
    hint = f"did you mean '{meant}'?" if meant in operators else did_you_mean(operator, operators) or quote_it(operator)
    findings.append(Finding((*path, "operator"), "unknown-operator", message, hint))


def _check_value(constraint: dict[str, Any], path: Path, version: Version, findings: list[Finding]) -> None:
    here = (*path, "value")
    value = constraint.get("value")
    if constraint["operator"] in LIST_OPERATORS:
        finding = _list_finding(constraint, here, version)
    elif "value" not in constraint:
        finding = _empty(constraint, here)
    elif not isinstance(value, str):
        hint = "only isoneof and isnotoneof take lists" if type(value) is list else quote_it(value)
        finding = Finding(here, "wrong-type", f"wanted text as 'value', got {shown(value)}", hint)
    else:
        finding = _text_finding(constraint, value, here)
    if finding:
        findings.append(finding)


def _text_finding(constraint: dict[str, Any], value: str, path: Path) -> Finding | None:
    kind = constraint["type"]
    if kind not in (NUMBER, DATETIME) or constraint["operator"] not in _COMPARISONS:
        return None
    if value == "":
        return _empty(constraint, path)
    if kind == NUMBER and parse_number(value) is None:
        message = f'wanted a number such as "18" or "2.5", got {shown(value)}'
        return Finding(path, "bad-value", message, "no blanks, no thousands separators")
    if kind == DATETIME and parse_server_date(value) is None:
        message = f"wanted a date such as 2024-01-31T09:00:00Z, got {shown(value)}"
        return Finding(path, "bad-value", message, "RFC 3339 with seconds and zone, or YYYY-MM-DD")
    return None


def _empty(constraint: dict[str, Any], path: Path) -> Finding | None:
    if constraint["type"] not in (NUMBER, DATETIME) or constraint["operator"] not in _COMPARISONS:
        return None
    message = f"a constraint '{constraint['operator']}' without a value never matches"
    return warning(path, "missing-value", message, "add 'value'")


def _list_finding(constraint: dict[str, Any], path: Path, version: Version) -> Finding | None:
    if "value" not in constraint:
        message = f"wanted a list as 'value' of {constraint['operator']}, got none"
        return Finding(path, "missing-value", message, "write value: [] for the empty list")
    value, numbers = constraint["value"], constraint["type"] == NUMBER
    if type(value) is list:
        return _check_list(value, path, version, numbers=numbers)
    if type(value) is str or isinstance(value, Timestamp):
        return _check_list_text(value, path, version, numbers=numbers)
    wanted = "numbers" if numbers else "texts"
    return Finding(
        path, "wrong-type", f"wanted a list of {wanted} as 'value', got {shown(value)}", "write value: [...]"
    )


def _check_list(values: list[Any], path: Path, version: Version, *, numbers: bool) -> Finding | None:
    if not version.lists:
        message = f'version {version.name} writes lists as text, such as \'["a", "b"]\'; got a list'
        return Finding(
            path, "list-needs-version", message, 'leave version out, write version: "1.6", or quote the list'
        )
    if all(map(_is_binary64, values)) if numbers else texts(values):
        return None
    wanted, test = ("numbers", _is_binary64) if numbers else ("texts", lambda value: isinstance(value, str))
    index, odd = next((index, value) for index, value in enumerate(values) if not test(value))
    hint = "" if numbers else quote_it(odd)
    return Finding((*path, index), "wrong-type", f"wanted a list of {wanted}, got {shown(odd)} in it", hint)


def _check_list_text(text: str, path: Path, version: Version, *, numbers: bool) -> Finding | None:
    if not version.list_texts:
        message = f"version {version.name} writes lists as lists, got the text {shown(text)}"
        return Finding(path, "list-text", message, "write value: [...] without quotes")
    if (read_number_set if numbers else read_string_set)(text) is not None:
        return None
    wanted = "numbers, such as '[1, 2]'" if numbers else 'texts, such as \'["a", "b"]\''
    return Finding(path, "bad-value", f"wanted JSON for a list of {wanted}, got {shown(text)}")


def _is_binary64(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= float_info.max
