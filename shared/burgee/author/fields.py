"""Closed objects by table: which fields they have, what a field may hold, and what is said when it does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .finding import Finding, Path, did_you_mean, shown
from .scalars import Timestamp
from .strict_json import DEEPEST

_KEY = re.compile(r"[-_,A-Za-z0-9]+", re.ASCII).fullmatch
# Beyond this, binary32 has only infinity.
_LARGEST_BINARY32 = 3.4028235677973366e38


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field may hold: the test, the words for it, and the code of the finding when it fails."""

    holds: Callable[[Any], object]
    wanted: str
    code: str = "wrong-type"
    hint: Callable[[Any], str] = lambda _value: ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A closed object: its name in messages, its fields, and those it cannot be without."""

    name: str
    fields: Mapping[str, Kind]
    required: tuple[str, ...] = ()


def check_fields(value: Any, shape: Shape, path: Path, findings: list[Finding]) -> bool:
    """Whether `value` is an object at all; reports unknown, missing and wrong fields."""
    if type(value) is not dict:
        message = f"wanted {shape.name} as a mapping, got {shown(value)}"
        findings.append(Finding(path, "wrong-type", message))
        return False
    fields = shape.fields
    for name, item in value.items():
        kind = fields.get(name)
        if kind is None:
            findings.append(_unknown_field(path, shape, name))
        elif not kind.holds(item):
            findings.append(_wrong_field(path, name, kind, item))
    for name in shape.required:
        if name not in value:
            wanted = fields[name].wanted
            message = f"wanted {shape.name} to have '{name}' ({wanted}), got none"
            findings.append(Finding((*path, name), "missing-field", message, f"add '{name}'"))
    return True


def items_of(value: Mapping[str, Any], field: str) -> list[Any]:
    """The list in a field; empty when it is absent, or no list (which is reported elsewhere)."""
    items = value.get(field)
    return items if type(items) is list else []


def _unknown_field(path: Path, shape: Shape, name: str) -> Finding:
    known = ", ".join(shape.fields)
    message = f"{shape.name} has no field '{name[:60]}'; it has {known}"
    return Finding((*path, name), "unknown-field", message, did_you_mean(name, shape.fields), on_key=True)


def _wrong_field(path: Path, name: str, kind: Kind, value: Any) -> Finding:
    message = f"wanted {kind.wanted} as '{name}', got {shown(value)}"
    return Finding((*path, name), kind.code, message, kind.hint(value))


def quote_it(value: Any) -> str:
    """The hint for a number, boolean or null where text is wanted."""
    if isinstance(value, bool):
        return f'quote it: "{str(value).lower()}"'
    if isinstance(value, int | float):
        return f'quote it: "{value}"'[:80]
    return ""


def _key_hint(value: Any) -> str:
    if not isinstance(value, str):
        return quote_it(value)
    changed = re.sub(r"[^-_,A-Za-z0-9]+", "-", value).strip("-")
    return f"'{changed[:60]}' would do" if changed else ""


def _bool_hint(value: Any) -> str:
    return "write true or false, without quotes"


def one_of(*words: str) -> Kind:
    """The kind of a field that holds one of a few words."""
    known = frozenset(words)
    wanted = " or ".join(words) if len(words) < 3 else "one of " + ", ".join(words)
    return Kind(
        lambda value: isinstance(value, str) and value in known,
        wanted,
        "unknown-value",
        lambda value: did_you_mean(value, words),
    )


def or_null(kind: Kind) -> Kind:
    """The same kind, null being fine too."""
    return Kind(lambda value: value is None or kind.holds(value), f"{kind.wanted} or null", kind.code, kind.hint)


def is_number(value: Any) -> bool:
    """Whether a value is a number that binary32 can hold (a boolean is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_BINARY32


def is_name(value: Any) -> bool:
    """Whether a value is a non-empty text on one line."""
    return isinstance(value, str) and value != "" and "\n" not in value


def is_key(value: Any) -> bool:
    """Whether a value is a key: one or more letters, digits, dashes, underscores or commas."""
    return isinstance(value, str) and _KEY(value) is not None


def texts(values: Iterable[Any]) -> bool:
    """Whether all values are texts."""
    return all(isinstance(value, str) for value in values)


KEY = Kind(is_key, "a key of letters, digits, '-', '_' and ','", "bad-key", _key_hint)
NAME = Kind(is_name, "non-empty text on one line", "bad-name", quote_it)
TEXT = Kind(lambda value: isinstance(value, str), "text", "wrong-type", quote_it)
TEXT_OR_NULL = Kind(lambda value: value is None or isinstance(value, str), "text or null", TEXT.code, quote_it)
BOOLEAN = Kind(lambda value: value is True or value is False, "true or false", "wrong-type", _bool_hint)
LIST = Kind(lambda value: type(value) is list, "a list", "wrong-type", lambda value: "leave the field out for none")
MAPPING = Kind(lambda value: type(value) is dict, "a mapping")
KEYS = Kind(
    lambda value: type(value) is list and texts(value), "a list of segment keys", "wrong-type", lambda value: ""
)
RANK = Kind(lambda value: type(value) is int and value >= 0, "a whole number from 0 (it is ignored)")
PERCENTAGE = Kind(is_number, "a number")
WEIGHT = Kind(
    lambda value: is_number(value) and 0 <= value <= 100,
    "a number from 0 to 100",
    "out-of-range",
)
ATTACHMENT = Kind(
    lambda value: value is None or type(value) in (dict, list),
    "a mapping, a list or null",
    "wrong-type",
    lambda value: "put it into a mapping, such as {value: ...}",
)
ANYTHING = Kind(lambda value: True, "anything")


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a value can be written as JSON: no dates, and not nested beyond the reader's limit."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return kind is not Timestamp
    if depth >= DEEPEST:
        return False
    for child in value.values() if kind is dict else value:
        if type(child) is not str and not is_plain(child, depth + 1):
            return False
    return True


def check_plain(value: Any, path: Path, findings: list[Finding]) -> None:
    """Report what `is_plain` refuses."""
    if is_plain(value):
        return
    for here, child in nodes_of(value, path):
        if len(here) - len(path) > DEEPEST:
            message = f"wanted at most {DEEPEST} levels of nesting, got more"
            findings.append(Finding(path, "nested-too-deep", message, "flatten the attachment"))
            return
        if type(child) is Timestamp:
            message = f"wanted text, a number, true, false or null, got the date {child}"
            findings.append(Finding(here, "date-in-attachment", message, f'quote it: "{child}"'))


def nodes_of(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """A value at a path and all that is in it, keys too, in order; no more paths are in memory than lead there."""
    waiting: list[Iterator[tuple[Path, Any]]] = [iter([(path, value)])]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
            continue
        yield node
        here, inside = node
        if type(inside) is dict:
            waiting.append(_entries(here, inside))
        elif type(inside) is list:
            waiting.append(_items(here, inside))


def _items(path: Path, items: list[Any]) -> Iterator[tuple[Path, Any]]:
    return (((*path, index), item) for index, item in enumerate(items))


def _entries(path: Path, mapping: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    for key, item in mapping.items():
        here = (*path, key)
        yield here, key
        yield here, item
