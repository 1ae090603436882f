"""Authored numbers as they are written for ever: weights as binary32, other numbers exact."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from ..core.numbers import f32
from .strict_json import JsonFloat

_LARGEST_INT64 = 2**63 - 1
_SMALLEST_INT64 = -(2**63)


def weight(value: float) -> int | float:
    """A weight or percentage: rounded to binary32, with the fewest digits that read back equal; integral as int."""
    if type(value) is JsonFloat:
        return _fewest_digits(value.single)
    return _weight(value)


@lru_cache(maxsize=4096)
def _weight(value: float) -> int | float:
    return _fewest_digits(f32(float(value)))


def _fewest_digits(single: float) -> int | float:
    if single.is_integer():
        return int(single)
    for digits in range(1, 10):
        near = float(f"{single:.{digits}g}")
        if f32(near) == single:
            return near
    return single


def plain(value: Any) -> Any:
    """An attachment's or metadata's value with integral floats as integers; all else as it is."""
    kind = type(value)
    if kind is dict:
        return {key: plain(child) for key, child in value.items()}
    if kind is list:
        return [plain(child) for child in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    return value


def list_text(values: list[Any]) -> str:
    """A list value as the compact JSON text a server keeps, without HTML escapes."""
    return "[" + ",".join(map(_element, values)) + "]"


def _element(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return '""'
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    if isinstance(value, int):
        return str(value) if _SMALLEST_INT64 <= value <= _LARGEST_INT64 else f'"{value}"'
    return _float_text(value)


def _float_text(value: float) -> str:
    """A float as JSON: plain digits from 1e-6 up to 1e21, else with an exponent of no leading zero."""
    text = repr(float(value))
    size = abs(value)
    if size == 0 or 1e-6 <= size < 1e21:
        return _plain_digits(text)
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}"


def _plain_digits(text: str) -> str:
    if "e" in text:
        text = f"{Decimal(text):f}"
    return text.removesuffix(".0")
