"""Contexts as users have them: values are texts, numbers, booleans or None, and evaluation reads them as texts."""

from __future__ import annotations

from .errors import InvalidContext, TargetingKeyMissing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    # By name; values are text, int, float, bool or None where a constraint looks at them.
    Context: TypeAlias = Mapping[str, object]

# From here on floats are written with an exponent, as JSON writers in browsers do.
_LARGEST_PLAIN = 1e21


def text_of(value: object) -> str:
    """The text that constraints see: `true`, `42`, `0.5`; an integral float is written as an integer, None is "".

    Raises InvalidContext for anything but text, integer, finite float, boolean and None.
    """
    if value.__class__ is bool:
        return "true" if value else "false"
    try:
        if isinstance(value, int):
            return int.__repr__(value)
        if isinstance(value, float) and value - value == 0:
            plain = value.is_integer() and abs(value) < _LARGEST_PLAIN
            return int.__repr__(int(value)) if plain else float.__repr__(value)
    except ValueError:
        # Python refuses to write integers of more than 4,300 digits.
        raise InvalidContext("an integer of a context has more than 4300 digits") from None
    if isinstance(value, str):
        # A subclass, an enumeration's member for one, as the plain text it is.
        return str.__str__(value)
    if value is None:
        return ""
    raise InvalidContext(f"wanted a text, number or boolean in a context, got {_named(value)}")


def texts_of(context: Mapping[str, object]) -> dict[str, str]:
    """A context with every value as its text. Raises InvalidContext naming the property that has none."""
    texts = {}
    for name, value in context.items():
        try:
            texts[name] = text_of(value)
        except InvalidContext as error:
            raise InvalidContext(f"property {name!r}: {error}") from None
    return texts


class _Nobody(str):
    """Equal to the empty text, but without a place in any percentage."""

    __slots__ = ()

    def encode(self, *_: object, **__: object) -> bytes:
        raise TargetingKeyMissing


# The entity of somebody unknown: evaluation works as far as it needs no bucket, and raises TargetingKeyMissing there.
NOBODY = _Nobody()


def _named(value: object) -> str:
    return repr(value) if isinstance(value, float) else type(value).__name__
