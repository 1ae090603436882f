"""What a plain YAML scalar means to Flipt: YAML 1.2 with a few leftovers of 1.1.

`yes`, `no`, `on`, `off` and `1:30` are texts; `017`, `0o17`, `0x1F` and `1_000` are numbers; an unquoted date is a kind
of its own, which fields that want text take and attachments do not.
"""

from __future__ import annotations

import re
from datetime import date
from math import inf, isfinite

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INFINITIES = frozenset(f"{sign}.{word}" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF"))
_NON_FINITE = _INFINITIES | {".nan", ".NaN", ".NAN"}
_NUMERIC_START = frozenset("+-.0123456789")
_PREFIXED = re.compile(r"([+-]?)0(?:[xX]([\da-fA-F]+)|[oO]?([0-7]+)|[bB]([01]+))", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:0|[1-9]\d*)", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][+-]?\d+)?", re.ASCII)
_TIME = r"\d\d?:\d\d?:\d\d?(?:\.\d+)?"
_TIMESTAMP = re.compile(
    rf"(\d{{4}})-(\d\d?)-(\d\d?)(?:[Tt]{_TIME}(?:Z|[+-]\d\d:\d\d)| {_TIME})?",
    re.ASCII,
)


class Timestamp(str):
    """The source text of an unquoted date."""

    __slots__ = ()


class Merge(str):
    """The plain scalar `<<`, which as a key merges other mappings into this one."""

    __slots__ = ()


Scalar = str | int | float | bool | None


class Scalars(dict[str, Scalar]):
    """Plain scalars and their meanings, each resolved once; `non_finite` collects what no flags file may hold."""

    __slots__ = ("non_finite",)

    def __init__(self) -> None:
        super().__init__(_WORDS)
        self["<<"] = Merge("<<")
        self.non_finite: set[str] = set()

    def __missing__(self, text: str) -> Scalar:
        value = resolve(text) if text[0] in _NUMERIC_START else text
        if type(value) is float and not isfinite(value):
            self.non_finite.add(text)
        self[text] = value
        return value


def resolve(text: str) -> Scalar:
    """The meaning of a plain scalar that begins with a sign, a dot or a digit."""
    if text in _NON_FINITE:
        return inf
    digits = text.replace("_", "") if "_" in text else text
    if _DECIMAL.fullmatch(digits):
        return _integer(digits)
    match = _PREFIXED.fullmatch(digits)
    if match:
        return _prefixed(match)
    if _FLOAT.fullmatch(digits):
        return float(digits)
    return Timestamp(text) if _is_timestamp(text) else text


def _integer(digits: str) -> int | float:
    # Python refuses to read more than 4300 digits; whatever is so long is beyond binary64 too.
    return int(digits) if len(digits) < 400 else inf


def _prefixed(match: re.Match[str]) -> int | float:
    sign, hexadecimal, octal, binary = match.groups()
    digits, base = (hexadecimal, 16) if hexadecimal else (octal, 8) if octal else (binary, 2)
    if len(digits) > 300:
        return inf
    return -int(digits, base) if sign == "-" else int(digits, base)


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        return False
    try:
        # Year 0 is a date to Flipt and none to `datetime`; it is a leap year, as 2000 is.
        date(int(match[1]) or 2000, int(match[2]), int(match[3]))
    except ValueError:
        return False
    return True
