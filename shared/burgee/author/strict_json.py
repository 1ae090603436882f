"""Strict JSON to one raw document: no comments, no trailing commas, no repeated keys, one value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from math import inf, isfinite
from typing import Any

from ..core.numbers import f32
from .finding import Finding, Findings

DEEPEST = 100
# A text that does not end is one token: looking for its end once more at each of its quotes takes too long.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z|\\)|[{}\[\]:,]|[^\s{}\[\]:,"]+')


class JsonFloat(float):
    """A number whose text rounds to another binary32 (`single`) than its binary64 does."""

    __slots__ = ("single",)
    single: float


class _Repeated(Exception):
    """An object has a key twice."""


def read_json(text: str) -> tuple[list[Any], list[Finding]]:
    """The document, and what is wrong with the text; an empty file has none of either."""
    if not text.strip():
        return [], []
    decode = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant).decode
    try:
        return [decode(text)], []
    except _Repeated:
        return [], _repeated_keys(text).complete() or [_unplaced_repetition()]
    except RecursionError:
        message = f"wanted at most {DEEPEST} levels of nesting, got more"
        return [], [Finding((), "nested-too-deep", message, "flatten the attachment")]
    except json.JSONDecodeError as error:
        return [], [_syntax(error)]
    except ValueError as error:
        return [], [Finding((), "non-finite-number", f"wanted a number that binary64 can hold: {error}")]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Repeated
    return made


def _constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text[:40]} is too large")
    single = _single(text, value)
    if single == f32(value):
        return value
    exact = JsonFloat(value)
    exact.single = single
    return exact


def _single(text: str, value: float) -> float:
    """The binary32 nearest to the text itself: rounding twice differs when binary64 lands on a midpoint."""
    near = f32(value)
    if near == value or abs(near) in (inf, 0.0):
        return near
    other = 2 * value - near
    if f32(other) != other or Decimal(text) == Decimal(value):
        return near
    above = Decimal(text) > Decimal(value)
    return max(near, other) if above else min(near, other)


def _syntax(error: json.JSONDecodeError) -> Finding:
    message = f"wanted strict JSON, got something else: {error.msg[:1].lower()}{error.msg[1:]}"
    hint = "JSON has no comments and no trailing commas; one file holds one value"
    return Finding((), "syntax", message, hint, line=error.lineno, column=error.colno)


def _repeated_keys(text: str) -> Findings:
    """One finding for each repeated key; the text may still be wrong JSON further on."""
    findings = Findings()
    findings.fill(_repetitions(text))
    return findings


def _repetitions(text: str) -> Iterator[Finding]:
    line, counted = 1, 0
    open_keys: list[set[str] | None] = []
    previous = None
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "{[":
            open_keys.append(set() if mark == "{" else None)
        elif mark in "}]" and open_keys:
            open_keys.pop()
        elif mark == ":" and previous and open_keys and open_keys[-1] is not None:
            if previous[0] in open_keys[-1]:
                line += text.count("\n", counted, previous.start())
                counted = previous.start()
                yield _repeated(line, counted - text.rfind("\n", 0, counted), previous[0].strip('"'))
            open_keys[-1].add(previous[0])
        previous = token


def _unplaced_repetition() -> Finding:
    # The same key in two spellings, as "a" and "\\u0061".
    return Finding((), "duplicate-key", "wanted every key once, got one in two spellings", "remove one of the two")


def _repeated(line: int, column: int, key: str) -> Finding:
    message = f"wanted every key once, got '{key[:60]}' again"
    return Finding((), "duplicate-key", message, "remove one of the two", line=line, column=column)
