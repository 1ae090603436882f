"""Number texts with more than digits, point and exponent: underscores, hexadecimal floats, infinities and NaN.

Source: Flipt semantics section 2.8. Few flags need them, so this module and `re` are imported at the first one.
"""

from __future__ import annotations

import re

# Possessive quantifiers throughout: contexts come from strangers, and matching may not try again what it has taken.
_DECIMAL = re.compile(r"[+-]?(?:\d[\d_]*+(?:\.[\d_]*+)?|\.\d[\d_]*+)(?:[eE][+-]?\d[\d_]*+)?", re.ASCII)
_HEX_DIGITS = r"(?:(?=_*+[\da-fA-F])[\da-fA-F_]++(?:\.[\da-fA-F_]*+)?|_*+\.[\da-fA-F_]++)"
_HEX = re.compile(rf"[+-]?0[xX]{_HEX_DIGITS}[pP][+-]?\d[\d_]*+", re.ASCII)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_BAD_DECIMAL_UNDERSCORE = re.compile(r"(?<![0-9])_|_(?![0-9])")
_BAD_HEX_UNDERSCORE = re.compile(r"(?<![0-9a-fA-FxX])_|_(?![0-9a-fA-F])")


def parse_spelling(text: str) -> float | None:
    """The binary64 number a server reads in `text`, or None."""
    if _DECIMAL.fullmatch(text):
        if _BAD_DECIMAL_UNDERSCORE.search(text):
            return None
        number = float(text.replace("_", ""))
        return None if number in (float("inf"), float("-inf")) else number
    if _HEX.fullmatch(text):
        return _parse_hex(text)
    if _INFINITY.fullmatch(text):
        return float(text)
    return float("nan") if text.lower() == "nan" else None


def _parse_hex(text: str) -> float | None:
    if _BAD_HEX_UNDERSCORE.search(text):
        return None
    try:
        return float.fromhex(text.replace("_", ""))
    except (OverflowError, ValueError):
        return None
