"""Segments as predicates: `(entity id, context) -> bool`, built once and called often.

Sources: Flipt semantics 2.6 and 2.7.
"""

from __future__ import annotations

from .constraints import can_fail, check, decisive
from .context import text_of
from .model import ANY
from .shapes import straight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .constraints import Check
    from .context import Context

    Predicate = Callable[[str, Context], bool]


def compile_segment(segment: Mapping[str, Any] | None, dialect: str) -> Predicate:
    """The predicate of a segment in normal form.

    Without constraints it matches everybody; a segment that is not there matches nobody.
    """
    if segment is None:
        return nobody
    constraints = decisive(segment.get("constraints", ()), dialect)
    checks = [check(constraint, dialect) for constraint in constraints]
    if not checks:
        return everybody
    any_of = segment.get("match_type") == ANY
    # A check that fails the evaluation has to come when it is its turn, and only then.
    reorderable = not any(can_fail(constraint, dialect) for constraint in constraints)
    if reorderable and all(checked.name is not None for checked in checks):
        predicate = straight(checks, any_of=any_of)
        if predicate is not None:
            return predicate
    return (any_of_these if any_of else all_of_these)(list(map(compile_check, checks)))


def compile_check(checked: Check) -> Predicate:
    """The predicate of one check."""
    name, _, _, holds = checked
    if name is None:
        # As text too: an integer is equal to no text, and would fail only where a bucket is wanted.
        return lambda entity, context: holds(entity if entity.__class__ is str else text_of(entity))

    def matches(entity: str, context: Context) -> bool:
        value = context.get(name, "")
        found: bool = holds(value if value.__class__ is str else text_of(value))
        return found

    return matches


def everybody(entity: str, context: Context) -> bool:
    """Matches."""
    return True


def nobody(entity: str, context: Context) -> bool:
    """Does not match."""
    return False


def all_of_these(predicates: Sequence[Predicate]) -> Predicate:
    """The predicate that holds where every one does; asked in their order, as far as needed."""
    if len(predicates) == 1:
        return predicates[0]
    if len(predicates) == 2:
        first, second = predicates
        return lambda entity, context: first(entity, context) and second(entity, context)

    def matches(entity: str, context: Context) -> bool:
        for holds in predicates:  # noqa: SIM110 - all() over a generator takes twice as long
            if not holds(entity, context):
                return False
        return True

    return matches


def any_of_these(predicates: Sequence[Predicate]) -> Predicate:
    """The predicate that holds where one does; asked in their order, as far as needed."""

    def matches(entity: str, context: Context) -> bool:
        for holds in predicates:  # noqa: SIM110 - any() over a generator takes twice as long
            if holds(entity, context):
                return True
        return False

    return matches
