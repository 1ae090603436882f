"""All flags of a namespace for one entity, together: what flags share is done once.

A segment is asked once, and one update answers every flag whose first word it has. The entity is hashed once, for
CRC-32 is linear: `crc32(key, crc)` is `crc32(key)` with a number that depends on `crc` and the length of the key alone.
Whatever has another shape is evaluated by itself. A property test holds all of it to one flag at a time.
"""

from __future__ import annotations

from _bisect import bisect_right  # which `bisect` is, without its import
from zlib import crc32

from .bucketing import BUCKETS, THRESHOLD_BUCKETS
from .compile import always, segment, segment_or_threshold, threshold
from .splitters import is_splitter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .compile import Matches, Result, Row
    from .context import Context


class Batch:
    """The rows of all flags, sorted by what they share. Safe among threads: it does not change."""

    __slots__ = ("_asked", "_base", "_hits", "_others", "_splits", "_thresholds", "left")

    def __init__(self, rows: Mapping[str, Row | None]) -> None:
        """`rows` by key, in the order of the answer; `left` are the keys of those that have none, for others to fill.

        Their places in the answer hold None until then.
        """
        self._base: dict[str, Result | None] = dict.fromkeys(rows)
        # Each predicate and what it decides first: answers by key, for whom it matches.
        self._asked: list[Matches] = []
        self._hits: list[dict[str, Result]] = []
        # By length of key: (key, CRC-32 of the key, buckets below, result).
        self._thresholds: dict[int, list[tuple[str, int, int, Result]]] = {}
        self._splits: list[tuple[str, int, Any]] = []
        self._others: list[tuple[str, Row]] = []
        places: dict[Matches, int] = {}
        for key, row in rows.items():
            if row is not None:
                self._sort_in(key, row, places)
        self.left = tuple(key for key, row in rows.items() if row is None)

    def evaluate(self, entity: str, context: Context) -> dict[str, Result]:
        """Every flag's result by key."""
        answers: dict[str, Any] = self._base.copy()
        content = entity.encode() if self._thresholds or self._splits else b""
        crc = crc32(content)
        for length, rows in self._thresholds.items():
            zeros = bytes(length)
            moved = crc32(zeros, crc) ^ crc32(zeros)
            answers.update(
                [(key, below) for key, seed, size, below in rows if (seed ^ moved) % THRESHOLD_BUCKETS < size]
            )
        found = [matches(entity, context) for matches in self._asked]
        for place, matched in enumerate(found):
            if matched is True:
                answers.update(self._hits[place])
            elif matched:
                # A predicate that tells which segments matched belongs to one flag.
                answers.update(dict.fromkeys(self._hits[place], matched[0]))
        for key, seed, rules in self._splits:
            for place, ends, results in rules:
                if matched := found[place]:
                    chosen = results if matched is True else matched
                    answers[key] = chosen[0 if ends is None else bisect_right(ends, crc32(content, seed) % BUCKETS)]
                    break
        for key, row in self._others:
            answers[key] = row[0](row, entity, context)
        return answers

    def _sort_in(self, key: str, row: Row, places: dict[Matches, int]) -> None:
        shape = row[0]
        if is_splitter(shape):
            _, seed, self._base[key], *parts = row
            rules = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
            placed = tuple((self._place_of(matches, places), ends, results) for matches, ends, results in rules)
            self._splits.append((key, seed, placed))
            return
        if shape not in (always, threshold, segment, segment_or_threshold):
            self._others.append((key, row))
            return
        self._base[key] = row[-1]
        if shape in (threshold, segment_or_threshold):
            suffix, size, below = row[-4:-1]
            self._thresholds.setdefault(len(suffix), []).append((key, crc32(suffix), size, below))
        if shape in (segment, segment_or_threshold):
            self._hits[self._place_of(row[1], places)][key] = row[2]

    def _place_of(self, matches: Matches, places: dict[Matches, int]) -> int:
        place = places.setdefault(matches, len(places))
        if place == len(self._asked):
            self._asked.append(matches)
            self._hits.append({})
        return place
