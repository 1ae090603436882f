"""Segments as predicates: `(entity id, context) -> bool`, built once and called often.

Sources: Flipt semantics 2.6 and 2.7. Checks whose texts can be listed come first, whatever their authored order: they
cost a look into a set each, and without a check that can fail the order makes no difference.
"""

from __future__ import annotations

from .constraints import can_fail, check, decisive
from .context import text_of
from .model import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .constraints import Check
    from .context import Context

    Predicate = Callable[[str, Context], bool]
    Memberships = Sequence[tuple[str, frozenset[str]]]
    Tests = Sequence[tuple[str, Callable[[str], bool]]]


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
    any_of = len(checks) > 1 and segment.get("match_type") == ANY
    by_itself = any(checked.name is None for checked in checks)
    if by_itself or any(can_fail(constraint, dialect) for constraint in constraints):
        return (any_of_these if any_of else all_of_these)([compile_check(checked) for checked in checks])
    memberships = [(checked.name, checked.members) for checked in checks if checked.members is not None]
    tests = [(checked.name, checked.test) for checked in checks if checked.members is None]
    if any_of:
        return _any_holds(memberships, tests)
    if tests:
        return _all_hold(memberships, tests)
    return _is_member(*memberships[0]) if len(memberships) == 1 else _is_member_of_all(memberships)


def compile_check(checked: Check) -> Predicate:
    """The predicate of one check."""
    name, members, test = checked
    if name is None:
        return lambda entity, context: test(entity)
    if members is not None:
        return _is_member(name, members)

    def holds(entity: str, context: Context) -> bool:
        value = context.get(name, "")
        found: bool = test(value if value.__class__ is str else text_of(value))
        return found

    return holds


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


# In what follows a value that is found among texts is a text. Only where nothing is found must numbers and booleans be
# told apart from texts, so that the usual context pays nothing for the possibility.


def _is_member(name: str, members: frozenset[str]) -> Predicate:
    def matches(entity: str, context: Context) -> bool:
        value = context.get(name, "")
        return value in members or (value.__class__ is not str and text_of(value) in members)

    return matches


def _is_member_of_all(memberships: Memberships) -> Predicate:
    def matches(entity: str, context: Context) -> bool:
        get = context.get
        for name, members in memberships:
            value = get(name, "")
            if value not in members and (value.__class__ is str or text_of(value) not in members):
                return False
        return True

    return matches


def _all_hold(memberships: Memberships, tests: Tests) -> Predicate:
    def matches(entity: str, context: Context) -> bool:
        get = context.get
        for name, members in memberships:
            value = get(name, "")
            if value not in members and (value.__class__ is str or text_of(value) not in members):
                return False
        for name, test in tests:
            value = get(name, "")
            if not test(value if value.__class__ is str else text_of(value)):
                return False
        return True

    return matches


def _any_holds(memberships: Memberships, tests: Tests) -> Predicate:
    def matches(entity: str, context: Context) -> bool:
        get = context.get
        for name, members in memberships:
            value = get(name, "")
            if value in members or (value.__class__ is not str and text_of(value) in members):
                return True
        for name, test in tests:
            value = get(name, "")
            if test(value if value.__class__ is str else text_of(value)):
                return True
        return False

    return matches
