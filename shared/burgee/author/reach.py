"""Warnings that need a namespace's segments: rules and rollouts that are never reached, segments that nobody uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.bucketing import THRESHOLD_BUCKETS, threshold_size
from ..core.model import AND
from ..core.schedule import is_scheduled
from .finding import Finding, Path, warning

# Comparing sets costs their product; nobody writes more AND rules than this into a flag.
_MOST_SETS = 50


def everybody(segments: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Keys of the segments that match everybody, having no constraints."""
    return frozenset(key for key, segment in segments.items() if not segment.get("constraints"))


def lint_reach(flag: Mapping[str, Any], index: int, everyone: frozenset[str]) -> list[Finding]:
    """Warnings about the parts of a flag that decide: zero segments, and what an earlier part leaves nobody for."""
    field = "rollouts" if "type" in flag else "rules"
    parts = flag.get(field)
    if not parts:
        return []
    findings = [
        _zero_segments(part["segment"], ("flags", index, field, number))
        for number, part in enumerate(parts)
        if "segment" in part and not part["segment"]["keys"]
    ]
    if len(parts) == 1 or is_scheduled(flag):
        # What a threshold leaves nobody for today, it may leave somebody for later.
        return findings
    covered = _Covered(everyone)
    for number, part in enumerate(parts):
        earlier = covered.by(part)
        if earlier is not None:
            what = field.removesuffix("s")
            message = f"{what} {number + 1} is never reached: {what} {earlier + 1} decides for everybody it matches"
            path = ("flags", index, field, number)
            findings.append(warning(path, "unreachable", message, "change their order, or remove it"))
        covered.add(part, number)
    return findings


class _Covered:
    """What the parts of a flag seen so far decide for certain; `by` asks, `add` tells."""

    __slots__ = ("_all", "_everyone", "_sets", "_single", "_threshold")

    def __init__(self, everyone: frozenset[str]) -> None:
        self._everyone = everyone
        self._all: int | None = None
        self._single: dict[str, int] = {}
        self._sets: list[tuple[frozenset[str], int]] = []
        self._threshold: tuple[int, int] = (-1, 0)

    def by(self, part: Mapping[str, Any]) -> int | None:
        """The number of an earlier part that decides whenever this one would, or None."""
        if self._all is not None:
            return self._all
        if "threshold" in part:
            size, number = self._threshold
            return number if threshold_size(part["threshold"]["percentage"]) <= size else None
        keys = part.get("segment", {}).get("keys")
        if not keys:
            return None
        found = [self._single[key] for key in keys if key in self._single]
        if part["segment"].get("operator") != AND:
            return max(found) if len(found) == len(keys) else None
        if found:
            return found[0]
        return next((number for keys_before, number in self._sets if keys_before.issubset(keys)), None)

    def add(self, part: Mapping[str, Any], number: int) -> None:
        """Note what the part of that number decides."""
        if "threshold" in part:
            size = threshold_size(part["threshold"]["percentage"])
            if size >= THRESHOLD_BUCKETS:
                self._all = number if self._all is None else self._all
            self._threshold = max(self._threshold, (size, number), key=lambda known: known[0])
        elif "segment" in part:
            self._add_segments(part["segment"], number)

    def _add_segments(self, segment: Mapping[str, Any], number: int) -> None:
        keys, every = frozenset(segment["keys"]), segment.get("operator") == AND
        certain = keys <= self._everyone if every else bool(keys & self._everyone)
        if certain and self._all is None:
            self._all = number
        elif every and len(keys) > 1:
            if len(self._sets) < _MOST_SETS:
                self._sets.append((keys, number))
        else:
            for key in keys:
                self._single.setdefault(key, number)


def _zero_segments(segment: Mapping[str, Any], path: Path) -> Finding:
    outcome = "matches everybody" if segment.get("operator") == AND else "matches nobody"
    return warning((*path, "segment"), "zero-segments", f"a list of no segments {outcome}", "name a segment")
