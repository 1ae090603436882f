"""Constraints as checks: which property, and which of its texts hold.

Sources: Flipt semantics 2.8 and 2.9. An absent property is the empty text. A text that cannot be read, an unknown
operator and a malformed value never match.
"""

from __future__ import annotations

from _operator import attrgetter, eq, ge, gt, le, lt, ne  # `operator` is these and what is not needed
from sys import intern

from .context import text_of
from .dialects import DIALECTS
from .errors import UnknownConstraintType
from .model import BOOLEAN, DATETIME, ENTITY_ID, NUMBER, STRING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import namedtuple
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .dialects import Dialect

    Test = Callable[[str], bool]
    Build = Callable[[str, Dialect], Test]
else:
    from .records import namedtuple

Check = namedtuple("Check", "name kind wanted holds")
Check.__doc__ = """A constraint made ready: `name` is the property it looks at, None for the entity id.

It holds for the values for which `holds` does, which takes texts. By `kind` it can be had cheaper: `equal`: the text
`wanted`; `member`: the texts in the set `wanted`; `prefix`, `suffix`: texts with `wanted` at one end, and those that
have it there once trimmed; a kind of COMPARISONS: integers compared so with the number `wanted`; `native`: `holds`
remembers, and takes values of the class `wanted` as they are; `text`: by no other way.
"""

# Kinds of checks that compare numbers, by their operators in constraints, as Python writes them.
COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "==", "neq": "!="}

# How many values a costly test remembers, and how long texts are at most: contexts come from strangers.
_REMEMBERED = 64
_LONGEST = 40
_EMPTY = frozenset(("",))
# What context values of these types usually are, besides texts.
_NATIVE: dict[str, type] = {NUMBER: int, BOOLEAN: bool, DATETIME: str}


def check(constraint: Mapping[str, Any], dialect: str) -> Check:
    """The check of a constraint in normal form under the dialect `server` or `client`."""
    kind, operator, value = constraint["type"], constraint["operator"], constraint.get("value", "")
    reads = DIALECTS[dialect]
    test = text_test(constraint, reads)
    if kind == ENTITY_ID:
        return Check(None, "text", None, test)
    # The names that a program writes in its own text are interned as well, and found at one look.
    name = intern(constraint["property"])
    if kind == NUMBER and operator in COMPARISONS:
        bound = reads.read_number(value)
        if bound is not None and bound == bound:
            return Check(name, operator, bound, _Remembering(test).__getitem__)
    if native := _NATIVE.get(kind):
        return Check(name, "native", native, _Remembering(test).__getitem__)
    if operator == "eq" and kind == STRING and value:
        return Check(name, "equal", value, test)
    if operator == "isoneof" and kind == STRING:
        return Check(name, "member", (reads.string_set(value) or frozenset()) - _EMPTY, test)
    if operator in ("prefix", "suffix") and kind == STRING and _is_trimmed(value, reads):
        return Check(name, operator, value, test)
    return Check(name, "text", None, test)


def can_fail(constraint: Mapping[str, Any], dialect: str) -> bool:
    """Whether looking at the constraint fails the whole evaluation: its type is unknown, and the dialect strict."""
    return constraint["type"] not in _OPERATORS and DIALECTS[dialect].strict


def decisive(constraints: Sequence[Mapping[str, Any]], dialect: str) -> Sequence[Mapping[str, Any]]:
    """The constraints that can decide a segment: a client engine gives it up at the first unknown type it reaches."""
    if DIALECTS[dialect].strict:
        return constraints
    for place, constraint in enumerate(constraints):
        if constraint["type"] not in _OPERATORS:
            return constraints[: place + 1]
    return constraints


def text_test(constraint: Mapping[str, Any], dialect: Dialect) -> Test:
    """The test a constraint makes of one text. Unknown types are UnknownConstraintType where the dialect says so."""
    operators = _OPERATORS.get(constraint["type"])
    if operators is None:
        return _unknown_type if dialect.strict else _never
    build = operators.get(constraint["operator"])
    return build(constraint.get("value", ""), dialect) if build else _never


def _is_trimmed(value: str, dialect: Dialect) -> bool:
    """Whether trimming takes nothing from the value: a text with it at one end then has it there once trimmed too."""
    return value != "" and dialect.trimmed(value) == value


class _Remembering(dict[object, bool]):
    """A test that takes long, by value: what was asked before is one look into a table.

    It is asked for texts and one other class alone, as True and 1 and 1.0 are the same to a table.
    """

    __slots__ = ("_test",)

    def __init__(self, test: Test) -> None:
        self._test = test

    def __missing__(self, value: object) -> bool:
        text = value if value.__class__ is str else text_of(value)
        answer = self._test(text)
        if len(text) <= _LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[value] = answer
        return answer


def _never(text: str) -> bool:
    return False


def _unknown_type(text: str) -> bool:
    raise UnknownConstraintType


def _empty(value: str, dialect: Dialect) -> Test:
    blank: Test = dialect.blank
    return blank


def _not_empty(value: str, dialect: Dialect) -> Test:
    blank = dialect.blank
    return lambda text: not blank(text)


def _equal(value: str, dialect: Dialect) -> Test:
    return lambda text: text == value != ""


def _not_equal(value: str, dialect: Dialect) -> Test:
    return lambda text: text != "" and text != value


def _prefix(value: str, dialect: Dialect) -> Test:
    trimmed = dialect.trimmed
    return lambda text: text != "" and trimmed(text).startswith(value)


def _suffix(value: str, dialect: Dialect) -> Test:
    trimmed = dialect.trimmed
    return lambda text: text != "" and trimmed(text).endswith(value)


def _contains(value: str, dialect: Dialect) -> Test:
    return lambda text: text != "" and value in text


def _not_contains(value: str, dialect: Dialect) -> Test:
    return lambda text: text != "" and value not in text


def _one_of(value: str, dialect: Dialect) -> Test:
    members = dialect.string_set(value)
    return (lambda text: text != "" and text in members) if members is not None else _never


def _not_one_of(value: str, dialect: Dialect) -> Test:
    members = dialect.string_set(value)
    if members is None:
        return _never if dialect.strict else bool
    return lambda text: text != "" and text not in members


def _compared(compare: Callable[[Any, Any], bool], reader_of: Callable[[Dialect], Callable[[str], Any]]) -> Build:
    def build(value: str, dialect: Dialect) -> Test:
        read = reader_of(dialect)
        bound = read(value)
        if bound is None:
            return _never
        return lambda text: (found := read(text)) is not None and compare(found, bound)

    return build


def _number_one_of(value: str, dialect: Dialect) -> Test:
    read, members = dialect.read_number, dialect.number_set(value)
    if members is None:
        return _never
    among = frozenset(members)
    return lambda text: (number := read(text)) is not None and number in among


def _number_not_one_of(value: str, dialect: Dialect) -> Test:
    read, members = dialect.read_number, dialect.number_set(value)
    if members is None:
        return _never
    among = frozenset(members)
    return lambda text: (number := read(text)) is not None and number not in among


def _true(value: str, dialect: Dialect) -> Test:
    read = dialect.read_boolean
    return lambda text: read(text) is True


def _false(value: str, dialect: Dialect) -> Test:
    read = dialect.read_boolean
    return lambda text: read(text) is False


def _orderings(reader_of: Callable[[Dialect], Callable[[str], Any]]) -> dict[str, Build]:
    named = {"eq": eq, "neq": ne, "lt": lt, "lte": le, "gt": gt, "gte": ge}
    return {operator: _compared(compare, reader_of) for operator, compare in named.items()}


_PRESENCE = {"present": _not_empty, "notpresent": _empty}
_TEXT: dict[str, Build] = {
    "eq": _equal,
    "neq": _not_equal,
    "empty": _empty,
    "notempty": _not_empty,
    "prefix": _prefix,
    "suffix": _suffix,
    "contains": _contains,
    "notcontains": _not_contains,
    "isoneof": _one_of,
    "isnotoneof": _not_one_of,
}
_OPERATORS: dict[str, dict[str, Build]] = {
    STRING: _TEXT,
    ENTITY_ID: _TEXT,
    NUMBER: {
        **_PRESENCE,
        **_orderings(attrgetter("read_number")),
        "isoneof": _number_one_of,
        "isnotoneof": _number_not_one_of,
    },
    BOOLEAN: {**_PRESENCE, "true": _true, "false": _false},
    DATETIME: {**_PRESENCE, **_orderings(attrgetter("read_date"))},
}
