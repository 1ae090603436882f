"""What changed between two bundles, in terms of flags, rules and percentages rather than lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import loads
from typing import Literal

from ..bundle.document import Document
from ..core.visible import visible
from .details import flag_details, segment_details

Documents = Mapping[str, Document]
Action = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One flag, segment or namespace that differs; `details` says how, a sentence each."""

    namespace: str
    kind: Literal["flag", "segment", "namespace"]
    key: str
    action: Action
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.action]
        where = self.key if self.kind == "namespace" else f"{self.namespace}/{self.key}"
        return visible(f"{sign} {self.kind} {where}" + (f": {'; '.join(self.details)}" if self.details else ""))


def compare(old: Documents, new: Documents) -> tuple[Change, ...]:
    """Every change from `old` to `new`, by namespace, flags before segments, by key."""
    namespaces = sorted({*old, *new})
    return tuple(change for key in namespaces for change in _namespace(key, old.get(key), new.get(key)))


def count_flags(documents: Documents) -> int:
    """How many flags there are in all namespaces."""
    return sum(len(document.flag_keys()) for document in documents.values())


def removed_flags(old: Documents, new: Documents) -> int:
    """How many flags of `old` are not in `new`."""
    return sum(
        len(set(document.flag_keys()).difference(new[key].flag_keys() if key in new else ()))
        for key, document in old.items()
        if key not in new or new[key].content != document.content
    )


def _namespace(key: str, old: Document | None, new: Document | None) -> Iterator[Change]:
    if old is not None and new is not None and old.content == new.content:
        return
    if old is None or new is None:
        yield Change(key, "namespace", key, "added" if old is None else "removed")
    elif (old.name, old.description) != (new.name, new.description):
        yield Change(key, "namespace", key, "changed", ("name or description",))
    none: Mapping[str, bytes] = {}
    yield from _objects(key, "flag", old.flag_lines() if old else none, new.flag_lines() if new else none)
    yield from _objects(key, "segment", old.segment_lines() if old else none, new.segment_lines() if new else none)


def _objects(
    namespace: str, kind: Literal["flag", "segment"], old: Mapping[str, bytes], new: Mapping[str, bytes]
) -> Iterator[Change]:
    """Only what is in both and differs is parsed."""
    details = flag_details if kind == "flag" else segment_details
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if before is None or after is None:
            yield Change(namespace, kind, key, "added" if before is None else "removed")
        elif before != after:
            yield Change(namespace, kind, key, "changed", tuple(details(loads(before), loads(after))))
