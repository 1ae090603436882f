"""One function for each shape of segment: its checks one after the other, without a loop and without a call for most.

A shape is how checks are joined and a row of their kinds, as (False, ("member", "suffix")). Its function is written as
source out of the words below and compiled once; what a segment brings, names and values, reaches it as arguments and
never becomes source.
"""

from __future__ import annotations

from .constraints import COMPARISONS
from .context import text_of
from .dialects import SPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .constraints import Check
    from .segments import Predicate

# Integers of 31 bits are the same number to every dialect, and are compared as they are; all else goes by its text.
_COMPARED = (
    "(value OPERATOR wanted{0}) if value.__class__ is int and -EXACT <= value <= EXACT else "
    "holds{0}(value if value.__class__ is str else text_of(value))"
).replace("EXACT", str(2**31 - 1))

# The condition on `value` by kind; {0} is the number of the check. What is found among texts is a text: only where
# nothing is found must numbers and booleans be told apart, so that the usual context pays nothing for the possibility.
_CONDITIONS = {
    "equal": "value == wanted{0} or (value.__class__ is not str and text_of(value) == wanted{0})",
    "member": "value in wanted{0} or (value.__class__ is not str and text_of(value) in wanted{0})",
    **{kind: _COMPARED.replace("OPERATOR", operator) for kind, operator in COMPARISONS.items()},
    "native": "holds{0}(value if value.__class__ is str or value.__class__ is wanted{0} else text_of(value))",
    "prefix": "value.startswith(wanted{0}) or (value and value[0] in SPACES and holds{0}(value))",
    "suffix": "value.endswith(wanted{0}) or (value and value[-1] in SPACES and holds{0}(value))",
    "text": "holds{0}(value)",
}
_NEED_TEXT = ("prefix", "suffix", "text")
_CHEAPEST_FIRST = tuple(_CONDITIONS)
# A segment of more checks is rare, and a document may have any number of shapes.
MOST_CHECKS = 6
_MOST_SHAPES = 512

_makers: dict[tuple[bool, tuple[str, ...]], Callable[..., Predicate]] = {}


def straight(checks: Sequence[Check], *, any_of: bool) -> Predicate | None:
    """The predicate that holds where all of the checks do, or `any_of` them; None where a loop has to do.

    The order of checks is changed, which makes no difference: none of them can fail.
    """
    ordered = sorted(checks, key=lambda check: _CHEAPEST_FIRST.index(check.kind))
    shape = any_of, tuple(check.kind for check in ordered)
    make = _makers.get(shape)
    if make is None:
        if len(checks) > MOST_CHECKS or len(_makers) >= _MOST_SHAPES:
            return None
        make = _makers[shape] = _maker(*shape)
    arguments: list[Any] = []
    for check in ordered:
        arguments += (check.name, check.wanted, check.holds)
    return make(*arguments)


def _maker(any_of: bool, kinds: tuple[str, ...]) -> Callable[..., Predicate]:
    parameters = ", ".join(f"name{place}, wanted{place}, holds{place}" for place in range(len(kinds)))
    lines = [f"def make({parameters}):", " def matches(entity, context):"]
    for place, kind in enumerate(kinds):
        lines.append(f'  value = context.get(name{place}, "")')
        if kind in _NEED_TEXT:
            lines.append("  if value.__class__ is not str: value = text_of(value)")
        condition = _CONDITIONS[kind].format(place)
        lines.append(f"  if {condition}: return True" if any_of else f"  if not ({condition}): return False")
    lines += [f"  return {not any_of}", " return matches"]
    scope: dict[str, Any] = {"text_of": text_of, "SPACES": SPACES}
    exec("\n".join(lines), scope)
    maker: Callable[..., Predicate] = scope["make"]
    return maker
