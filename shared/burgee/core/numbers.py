"""Number texts as Flipt reads them, and binary32 arithmetic.

Sources: Flipt semantics sections 2.5 (binary32), 2.8 (server numbers: Go's ParseFloat) and 2.9 (client numbers: int32).
Python's `float()` reads another grammar: it takes white space and Unicode digits and refuses hexadecimal floats.
"""

from __future__ import annotations

import re
import struct

_DECIMAL = re.compile(r"[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?", re.ASCII)
_HEX = re.compile(
    r"[+-]?0[xX](?:[\da-fA-F_]*[\da-fA-F][\da-fA-F_]*\.?[\da-fA-F_]*|_*\.[\da-fA-F_]+)[pP][+-]?\d[\d_]*", re.ASCII
)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_BAD_DECIMAL_UNDERSCORE = re.compile(r"(?<![0-9])_|_(?![0-9])")
_BAD_HEX_UNDERSCORE = re.compile(r"(?<![0-9a-fA-FxX])_|_(?![0-9a-fA-F])")
_INT32 = re.compile(r"[+-]?\d+", re.ASCII)
_PACK = struct.Struct("<f")


def f32(value: float) -> float:
    """The binary32 number nearest to `value`, as a binary64; an overflow becomes an infinity."""
    try:
        return float(_PACK.unpack(_PACK.pack(value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def parse_number(text: str) -> float | None:
    """The binary64 number a server reads in `text`, or None when it is not one (blanks, commas, overflow ...)."""
    if _DECIMAL.fullmatch(text):
        if "_" in text and _BAD_DECIMAL_UNDERSCORE.search(text):
            return None
        number = float(text.replace("_", ""))
        return None if number in (float("inf"), float("-inf")) else number
    if _HEX.fullmatch(text):
        return _parse_hex(text)
    if _INFINITY.fullmatch(text):
        return float(text)
    return float("nan") if text.lower() == "nan" else None


def parse_int32(text: str) -> int | None:
    """The signed 32-bit integer a client engine reads in `text`, or None."""
    if not _INT32.fullmatch(text) or len(text) > 4300:
        return None
    number = int(text)
    return number if -(2**31) <= number < 2**31 else None


def _parse_hex(text: str) -> float | None:
    if "_" in text and _BAD_HEX_UNDERSCORE.search(text):
        return None
    try:
        return float.fromhex(text.replace("_", ""))
    except (OverflowError, ValueError):
        return None
