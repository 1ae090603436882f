"""One function for each number of rules: rows of variant flags hold seed, otherwise, then three parts of each rule.

The parts are (matches, ends, results): whom the rule is for, and how they are split. An entity in bucket b gets
`results[bisect_right(ends, b)]`; without ends there is one result, and no bucket is needed. Where `matches` answers
with results of its own, these are split instead.
"""

from __future__ import annotations

from _bisect import bisect_right  # which `bisect` is, without its import
from zlib import crc32

from .bucketing import BUCKETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .compile import Row
    from .context import Context

    Splitter = Callable[[Row, str, Context], Any]

# Without a loop, the parts that are looked at have names at once. More rules are rare.
_MOST_WRITTEN_OUT = 6
_made: dict[int, Splitter] = {}


def splitter(rules: int) -> Splitter:
    """The function of rows with so many rules."""
    if rules > _MOST_WRITTEN_OUT:
        return split
    return _made.get(rules) or _made.setdefault(rules, _written_out(rules))


def is_splitter(function: object) -> bool:
    """Whether rows with this function are those of variant flags with rules."""
    return function is split or function in _made.values()


def split(row: Row, entity: str, context: Context) -> Any:
    """The result of a row with any number of rules."""
    _, seed, otherwise, *parts = row
    for place in range(0, len(parts), 3):
        if found := parts[place](entity, context):
            ends, results = parts[place + 1], parts[place + 2] if found is True else found
            return results[0 if ends is None else bisect_right(ends, crc32(entity.encode(), seed) % BUCKETS)]
    return otherwise


def _written_out(rules: int) -> Splitter:
    """`split` for so many rules. The source is made of our words and numbers alone."""
    parts = ", ".join(f"matches{place}, ends{place}, results{place}" for place in range(rules))
    lines = ["def split(row, entity, context):", f" _, seed, otherwise, {parts} = row"]
    for place in range(rules):
        bucket = f"bisect_right(ends{place}, crc32(entity.encode(), seed) % {BUCKETS})"
        lines += [
            f" if found := matches{place}(entity, context):",
            f"  if found is not True: results{place} = found",
            f"  return results{place}[0 if ends{place} is None else {bucket}]",
        ]
    lines.append(" return otherwise")
    scope: dict[str, Any] = {"bisect_right": bisect_right, "crc32": crc32}
    exec("\n".join(lines), scope)
    made: Splitter = scope["split"]
    return made
