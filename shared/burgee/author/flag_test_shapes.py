"""What may stand in a flag test file, `*.test.yaml`, and what is said when something else does."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from ..core.errors import InvalidDocument
from ..core.instant import parse_instant
from ..core.model import DEFAULT, FLAG_DISABLED, MATCH, UNKNOWN
from .fields import (
    ANYTHING,
    BOOLEAN,
    KEY,
    KEYS,
    LIST,
    MAPPING,
    NAME,
    TEXT,
    TEXT_OR_NULL,
    Kind,
    Shape,
    check_fields,
    check_plain,
    is_number,
    items_of,
    texts,
)
from .finding import Finding, Findings, Path, did_you_mean, shown

# The most cases of a file, each combination of a matrix counted, and the most shares, each of which asks for every
# bucket: tests run at every publish.
MOST_CASES = 10_000
MOST_SHARES = 500
# The words of an answer's reason, as people and as servers write them.
REASONS = {
    "MATCH": MATCH,
    "DEFAULT": DEFAULT,
    "FLAG_DISABLED": FLAG_DISABLED,
    "UNKNOWN": UNKNOWN,
    **{reason: reason for reason in (MATCH, DEFAULT, FLAG_DISABLED, UNKNOWN)},
}


def _is_instant(value: Any) -> bool:
    try:
        parse_instant(value)
    except InvalidDocument:
        return False
    return True


def _zone_hint(value: Any) -> str:
    return "add a zone, as in 2026-12-01T09:00:00+01:00" if isinstance(value, str) else ""


_VERSION = Kind(lambda value: type(value) is int and value == 1, "1", hint=lambda value: "write version: 1")
INSTANT = Kind(
    _is_instant,
    "an instant such as 2026-12-01T09:00:00Z",
    "bad-value",
    _zone_hint,
)
_REASON = Kind(
    lambda value: isinstance(value, str) and value in REASONS,
    "MATCH, DEFAULT, FLAG_DISABLED or UNKNOWN",
    "unknown-value",
    lambda value: did_you_mean(value, REASONS),
)
_NAMES = Kind(lambda value: type(value) is list and value != [] and texts(value), "a list of one or more texts")
_PERCENT = Kind(lambda value: is_number(value) and 0 <= value <= 100, "a number from 0 to 100", "out-of-range")
_ANSWER = Kind(
    lambda value: value is True or value is False or isinstance(value, str) or type(value) is dict,
    "true, false, a variant's key or a mapping",
)
_PARTS = Kind(
    lambda value: type(value) is dict or is_number(value),
    "percentages by answer, or the percentage that is to get true",
)

DOCUMENT = Shape(
    "a test file", {"version": _VERSION, "namespace": KEY, "environments": _NAMES, "tests": LIST}, ("version", "tests")
)
FLAG_TEST = Shape("a flag's test", {"flag": KEY, "name": NAME, "at": INSTANT, "cases": LIST, "shares": LIST}, ("flag",))
CASE = Shape(
    "a case",
    {
        "name": NAME,
        "entity": TEXT,
        "entities": _NAMES,
        "context": MAPPING,
        "matrix": MAPPING,
        "at": INSTANT,
        "expect": _ANSWER,
    },
    ("expect",),
)
EXPECTED = Shape(
    "an expected answer",
    {
        "value": BOOLEAN,
        "variant": TEXT_OR_NULL,
        "attachment": ANYTHING,
        "match": BOOLEAN,
        "reason": _REASON,
        "segments": KEYS,
    },
)
SHARE = Shape(
    "a share",
    {"name": NAME, "context": MAPPING, "at": INSTANT, "expect": _PARTS, "tolerance": _PERCENT},
    ("expect",),
)


def check_flag_tests(document: Any, findings: Findings) -> None:
    """Report everything wrong with one raw document of a test file. Raises TooManyProblems."""
    if type(document) is dict and "tests" not in document:
        message = "wanted a flag test file to have 'tests', got none"
        hint = "files that end in .test.yaml are flag tests; if this is none, name it in `ignore` of burgee.yaml"
        findings.append(Finding(("tests",), "missing-field", message, hint))
        return
    if not check_fields(document, DOCUMENT, (), findings):
        return
    cases = shares = 0
    for number, test in enumerate(items_of(document, "tests")):
        path = ("tests", number)
        if check_fields(test, FLAG_TEST, path, findings):
            cases += _check_test(test, path, findings)
            shares += len(items_of(test, "shares"))
    for count, most, what in ((cases, MOST_CASES, "cases"), (shares, MOST_SHARES, "shares")):
        if count > most:
            message = f"wanted at most {most} {what} in a file, got {count}"
            findings.append(Finding(("tests",), "too-many-cases", message, "shorten a matrix, or split the file"))


def _check_test(test: dict[str, Any], path: Path, findings: Findings) -> int:
    """How many cases the test has, after each has been checked."""
    if "cases" not in test and "shares" not in test:
        message = "wanted a flag's test to have 'cases' or 'shares', got neither"
        findings.append(Finding(path, "missing-field", message, "add cases: [{entity: ada, expect: true}]"))
    count = 0
    for number, case in enumerate(items_of(test, "cases")):
        here = (*path, "cases", number)
        if check_fields(case, CASE, here, findings):
            _check_case(case, here, findings)
            count += prod(map(len, (items_of(case, "entities") or [0], *_axes(case))))
    for number, share in enumerate(items_of(test, "shares")):
        here = (*path, "shares", number)
        if check_fields(share, SHARE, here, findings):
            _check_context(share.get("context"), (*here, "context"), findings)
            _check_parts(share.get("expect"), (*here, "expect"), findings)
    return count


def _axes(case: dict[str, Any]) -> Iterator[list[Any]]:
    matrix = case.get("matrix")
    return (values for values in matrix.values() if type(values) is list) if type(matrix) is dict else iter(())


def _check_case(case: dict[str, Any], path: Path, findings: Findings) -> None:
    context, matrix = case.get("context"), case.get("matrix")
    if "entity" in case and "entities" in case:
        message = "wanted a case with 'entity' or 'entities', got both"
        findings.append(Finding((*path, "entities"), "ambiguous-case", message, "keep entities", on_key=True))
    _check_context(context, (*path, "context"), findings)
    if type(matrix) is dict:
        _check_matrix(matrix, context if type(context) is dict else {}, (*path, "matrix"), findings)
    if type(case.get("expect")) is dict:
        _check_expected(case["expect"], (*path, "expect"), findings)


def _check_context(context: Any, path: Path, findings: Findings) -> None:
    for name, value in context.items() if type(context) is dict else ():
        _check_property(name, value, (*path, name), findings)


def _check_matrix(matrix: dict[str, Any], context: dict[str, Any], path: Path, findings: Findings) -> None:
    for name, values in matrix.items():
        here = (*path, name)
        if type(values) is not list or not values:
            message = f"wanted a list of values for '{name[:60]}' of the matrix, got {shown(values)}"
            findings.append(Finding(here, "wrong-type", message, "write one value per combination: [a, b]"))
            continue
        if name in context:
            message = f"wanted '{name[:60]}' in 'context' or in 'matrix', got both"
            findings.append(Finding(here, "ambiguous-case", message, "keep the one in the matrix", on_key=True))
        for number, value in enumerate(values):
            _check_property(name, value, (*here, number), findings)


def _check_property(name: str, value: Any, path: Path, findings: Findings) -> None:
    if value is None or type(value) in (dict, list):
        message = f"wanted text, a number, true or false as '{name[:60]}', got {shown(value)}"
        hint = "leave it out to test without it" if value is None else "contexts are flat: one value for each name"
        findings.append(Finding(path, "wrong-type", message, hint))


def _check_expected(expected: dict[str, Any], path: Path, findings: Findings) -> None:
    check_fields(expected, EXPECTED, path, findings)
    if not expected:
        message = "wanted something to expect, got an empty mapping"
        findings.append(Finding(path, "missing-field", message, "write {value: true} or {variant: KEY}"))
    if "value" in expected and not {"variant", "attachment", "match"}.isdisjoint(expected):
        message = "wanted what a boolean flag answers ('value') or a variant flag ('variant'), got both"
        findings.append(Finding(path, "ambiguous-case", message, "keep the one of the flag's type"))
    check_plain(expected.get("attachment"), (*path, "attachment"), findings)


def _check_parts(parts: Any, path: Path, findings: Findings) -> None:
    if type(parts) is not dict:
        if is_number(parts) and not 0 <= parts <= 100:
            message = f"wanted a number from 0 to 100 as 'expect', got {shown(parts)}"
            findings.append(Finding(path, "out-of-range", message))
        return
    for name, percent in parts.items():
        if not _PERCENT.holds(percent):
            message = f"wanted a number from 0 to 100 for '{name[:60]}', got {shown(percent)}"
            findings.append(Finding((*path, name), "out-of-range", message))
    total = sum(percent for percent in parts.values() if _PERCENT.holds(percent))
    if not parts or total > 100 + 1e-6:
        message = f"wanted percentages that add up to 100 or less, got {f'{total:g}' if parts else 'none'}"
        findings.append(Finding(path, "out-of-range", message, "name each answer once"))
