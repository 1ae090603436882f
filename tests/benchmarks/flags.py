"""Flag files as a large team writes them, for publishing; the same ones in every run.

Five kinds of flags take turns: a boolean flag with a threshold, one with a segment, variants split behind two segments
under AND and under OR, and variants behind numbers and lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PER_FILE = 500
FOLDERS = 10
_PLANS = ("free", "team", "pro", "enterprise")
_REGIONS = ("eu", "us", "apac", "latam", "mea")
_MOST_GROUPS = 100

_SEGMENTS = """\
  - key: plan-{group}
    name: Plan {group}
    description: Customers of one of our plans
    match_type: ALL_MATCH_TYPE
    constraints:
      - type: STRING_COMPARISON_TYPE
        property: plan
        operator: eq
        value: {plan}
  - key: region-{group}
    name: Region {group}
    match_type: ANY_MATCH_TYPE
    constraints:
      - type: STRING_COMPARISON_TYPE
        property: region
        operator: eq
        value: {region}
      - type: STRING_COMPARISON_TYPE
        property: email
        operator: suffix
        value: "@example.com"
  - key: mature-{group}
    name: Mature {group}
    match_type: ALL_MATCH_TYPE
    constraints:
      - type: NUMBER_COMPARISON_TYPE
        property: orders
        operator: gte
        value: "{orders}"
      - type: STRING_COMPARISON_TYPE
        property: region
        operator: isoneof
        value: '["eu", "us", "{region}"]'
"""
_BEGINNING = """\
  - key: {key}
    name: Flag number {index}
    description: Who gets step {index} of the new checkout, and for how long
    enabled: true
    metadata:
      owner: team-{group}
      ticket: SHOP-{index}
"""
_VARIANTS = """\
    variants:
      - key: control
        name: As it was
        default: true
      - key: short
        name: Short form
        attachment:
          steps: 2
          title: Checkout {index}
      - key: long
        name: Long form
        attachment:
          steps: 5
          title: Checkout {index}
"""
_SPLIT = """\
        distributions:
          - variant: control
            rollout: 50
          - variant: short
            rollout: {share}
          - variant: long
            rollout: {rest}
"""
_ENDINGS = (
    """\
    type: BOOLEAN_FLAG_TYPE
    rollouts:
      - description: A share of everybody
        threshold:
          percentage: {share}
          value: true
""",
    """\
    type: BOOLEAN_FLAG_TYPE
    rollouts:
      - description: One plan first
        segment:
          key: plan-{group}
          value: true
      - threshold:
          percentage: {share}
          value: true
""",
    _VARIANTS
    + """\
    rules:
      - segment:
          keys:
            - plan-{group}
            - region-{group}
          operator: AND_SEGMENT_OPERATOR
"""
    + _SPLIT,
    _VARIANTS
    + """\
    rules:
      - segment:
          keys:
            - plan-{group}
            - region-{group}
          operator: OR_SEGMENT_OPERATOR
"""
    + _SPLIT,
    _VARIANTS
    + """\
    rules:
      - segment: mature-{group}
"""
    + _SPLIT,
)


def flag_files(count: int) -> dict[str, str]:
    """`count` flags as YAML by path, the segments in the first file."""
    files = {"flags/000.features.yaml": "".join(_header("segments", _segments(count)))}
    for start in range(0, count, PER_FILE):
        flags = (_flag(index, _group(index, count)) for index in range(start, min(start + PER_FILE, count)))
        files[f"flags/{start // PER_FILE + 1:03d}.features.yaml"] = "".join(_header("flags", flags))
    return files


def flag_folders(count: int) -> dict[str, str]:
    """`count` flags as YAML by path: ten files for each of ten namespaces, the segments in the first one of each."""
    files = {}
    for number, start in enumerate(range(0, count, count // (FOLDERS * FOLDERS))):
        team, place = divmod(number, FOLDERS)
        flags = (_flag(index, _group(index, count)) for index in range(start, start + count // (FOLDERS * FOLDERS)))
        parts = [*(_header("segments", _segments(count)) if place == 0 else ('version: "1.4"\n',)), "flags:\n", *flags]
        files[f"flags/team-{team}/{place}.features.yaml"] = f"namespace: team-{team}\n" + "".join(parts)
    return files


def with_one_change(files: Mapping[str, str], turn: int) -> dict[str, str]:
    """The files with another ticket in one flag of the last one, a new one for each turn."""
    last = max(files)
    before, ticket, after = files[last].rpartition("ticket: ")
    _number, newline, rest = after.partition("\n")
    return {**files, last: before + ticket + f"CHANGE-{turn}" + newline + rest}


def _header(field: str, items: Iterator[str]) -> Iterator[str]:
    yield f'version: "1.4"\n{field}:\n'
    yield from items


def _segments(count: int) -> Iterator[str]:
    for group in range(_groups(count)):
        yield _SEGMENTS.format(group=group, orders=group % 7, **_home(group))


def _flag(index: int, group: int) -> str:
    share = 1 + index % 49
    words: dict[str, Any] = {"key": _key(index), "index": index, "share": share, "rest": 50 - share}
    return (_BEGINNING + _ENDINGS[index % len(_ENDINGS)]).format(group=group, **words)


def _groups(count: int) -> int:
    return max(1, min(count // len(_ENDINGS), _MOST_GROUPS))


def _group(index: int, count: int) -> int:
    """The group whose segments a flag uses; flags of every kind share a group."""
    return index // len(_ENDINGS) % _groups(count)


def _home(group: int) -> dict[str, str]:
    return {"plan": _PLANS[group % len(_PLANS)], "region": _REGIONS[group % len(_REGIONS)]}


def _key(index: int) -> str:
    return f"flag-{index:05d}"
