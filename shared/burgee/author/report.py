"""Problems as text for people, JSON and SARIF for tools, and annotations for GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..core.errors import Problem
from ..core.visible import visible
from .finding import ERROR

_RED, _YELLOW, _DIM, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# Authored text may hold what moves a terminal's cursor, or starts another line of a log.


def text_report(problems: Sequence[Problem], *, colour: bool = False) -> str:
    """One line for each problem, its hint below it, and a summary."""
    lines = []
    for problem in problems:
        lines.append(_line(problem, colour=colour))
        if problem.hint:
            hint = f"    hint: {visible(problem.hint)}"
            lines.append(f"{_DIM}{hint}{_PLAIN}" if colour else hint)
    return "\n".join([*lines, summary(problems)]) + "\n"


def summary(problems: Iterable[Problem]) -> str:
    """How many errors and warnings there are, as `1 error, 2 warnings`."""
    severities = [problem.severity for problem in problems]
    errors = severities.count(ERROR)
    warnings = len(severities) - errors
    return f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"


def json_report(problems: Sequence[Problem]) -> str:
    """A JSON list of objects with the fields of Problem."""
    return json.dumps([problem._asdict() for problem in problems], indent=2) + "\n"


def sarif_report(problems: Sequence[Problem], *, version: str = "0") -> str:
    """SARIF 2.1.0, for code scanning."""
    codes = sorted({problem.code for problem in problems})
    driver = {
        "name": "burgee",
        "version": version,
        "rules": [{"id": code, "shortDescription": {"text": code.replace("-", " ")}} for code in codes],
    }
    results = [_sarif_result(problem, codes) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def github_report(problems: Sequence[Problem]) -> str:
    """Workflow commands that GitHub shows beside the lines of a commit."""
    return "".join(_annotation(problem) for problem in problems)


def _line(problem: Problem, *, colour: bool) -> str:
    severity = problem.severity
    if colour:
        severity = f"{_RED if severity == ERROR else _YELLOW}{severity}{_PLAIN}"
    place = f"{visible(problem.file)}:{problem.line}:{problem.column}"
    return f"{place}: {severity}: {visible(problem.message)} [{problem.code}]"


def _sarif_result(problem: Problem, codes: list[str]) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.file)}}
    if problem.line:
        location["region"] = {"startLine": problem.line, "startColumn": max(problem.column, 1)}
    text = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": "error" if problem.severity == ERROR else "warning",
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path)


def _annotation(problem: Problem) -> str:
    command = "error" if problem.severity == ERROR else "warning"
    place = f",line={problem.line},col={problem.column}" if problem.line else ""
    message = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    properties = f"file={_property(problem.file)}{place},title={_property(problem.code)}"
    return f"::{command} {properties}::{_message(message)}\n"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
