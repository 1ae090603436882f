"""`namedtuple` without `collections`, whose import takes longer than all of the evaluation core.

What the standard library's has beyond this (renaming, `_make`) nobody here needs.
"""

from __future__ import annotations

from _collections import _tuplegetter  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def namedtuple(name: str, fields: str, *, defaults: Sequence[object] = ()) -> type:
    """A subclass of tuple with `fields`, names with blanks between them, the last ones with `defaults`."""
    names = tuple(fields.split())
    parameters = ", ".join(names)
    # The one way to a constructor that takes no longer than a function call; the names are ours.
    new = eval(f"lambda _cls, {parameters}: _new(_cls, ({parameters},))", {"_new": tuple.__new__})
    new.__defaults__ = tuple(defaults)
    members: dict[str, Any] = {
        "__slots__": (),
        "__doc__": f"{name}({parameters})",
        "_fields": names,
        "__new__": new,
        "__repr__": _repr,
        "__getnewargs__": _arguments,
        "_replace": _replace,
        "_asdict": _asdict,
    }
    members.update((field, _tuplegetter(place, f"field {place}")) for place, field in enumerate(names))
    return type(name, (tuple,), members)


def _arguments(record: Any) -> tuple[Any, ...]:
    """What copying and pickling call the constructor with."""
    return tuple(record)


def _repr(record: Any) -> str:
    fields = ", ".join(f"{field}={value!r}" for field, value in zip(record._fields, record, strict=True))
    return f"{type(record).__name__}({fields})"


def _replace(record: Any, /, **changes: object) -> Any:
    values = [changes.pop(field, value) for field, value in zip(record._fields, record, strict=True)]
    if changes:
        raise TypeError(f"{type(record).__name__} has no fields {', '.join(changes)}")
    return tuple.__new__(type(record), values)


def _asdict(record: Any) -> dict[str, Any]:
    return dict(zip(record._fields, record, strict=True))
