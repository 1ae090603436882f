"""Number texts as Flipt reads them, and binary32 arithmetic.

Sources: Flipt semantics sections 2.5 (binary32), 2.8 (server numbers: Go's ParseFloat) and 2.9 (client numbers: int32).
Python's `float()` reads another grammar: it takes white space and Unicode digits and refuses hexadecimal floats.
"""

from __future__ import annotations

from _struct import Struct  # which `struct` is, without its import

_DECIMAL = "0123456789.eE+-"
_INFINITY = float("inf")
_PACK = Struct("<f")


def f32(value: float) -> float:
    """The binary32 number nearest to `value`, as a binary64; an overflow becomes an infinity."""
    try:
        return float(_PACK.unpack(_PACK.pack(value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def parse_number(text: str) -> float | None:
    """The binary64 number a server reads in `text`, or None when it is not one (blanks, commas, overflow ...)."""
    if text.strip(_DECIMAL):
        from .spellings import parse_spelling

        return parse_spelling(text)
    # What Python makes of these characters alone is what Go makes of them.
    try:
        number = float(text)
    except ValueError:
        return None
    return number if -_INFINITY < number < _INFINITY else None


def parse_int32(text: str) -> int | None:
    """The signed 32-bit integer a client engine reads in `text`, or None."""
    digits = text[1:] if text.startswith(("+", "-")) else text
    if not digits.isdecimal() or not digits.isascii() or len(text) > 4300:
        return None
    number = int(text)
    return number if -(2**31) <= number < 2**31 else None
