"""Values of OpenFeature's types in variants, and of its contexts.

A variant's number is its attachment, if that is one, or else its key, if that is written as JSON writes numbers.
"""

from __future__ import annotations

from json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..core.model import VariantResult


def text(result: VariantResult) -> str | None:
    """The key."""
    key: str = result.variant_key
    return key


def structure(result: VariantResult) -> Any | None:
    """The attachment's object or list, made anew; None when it is neither."""
    found = None if result.attachment is None else loads(result.attachment)
    return found if isinstance(found, dict | list) else None


def integer(result: VariantResult) -> int | None:
    """The number where it is integral, or None: nothing is rounded."""
    found = _number(result)
    if isinstance(found, float):
        return int(found) if found.is_integer() else None
    return found


def number(result: VariantResult) -> float | None:
    """The number, or None; also for one that is too large for a float."""
    found = _number(result)
    try:
        return None if found is None else float(found)
    except OverflowError:
        return None


def with_dates(context: Mapping[str, Any]) -> dict[str, Any] | None:
    """A context with its dates as RFC 3339 texts, one without offset being UTC; None when it has no dates."""
    from datetime import UTC, datetime

    dates = {
        name: (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
        for name, value in context.items()
        if isinstance(value, datetime)
    }
    return {**context, **dates} if dates else None


def _number(result: VariantResult) -> int | float | None:
    found = _read(result.attachment)
    return _read(result.variant_key) if found is None else found


def _read(written: str | None) -> int | float | None:
    try:
        found = loads(written or "null")
    except (ValueError, RecursionError):
        return None
    # A boolean is an integer to Python, and what is no number is not equal to itself.
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and abs(found) != float("inf") and found == found else None
