"""The part of Git's revision language that is read here: a name with `~n` and `^n`, as `HEAD~3` or `main^2~1`."""

from __future__ import annotations

import re

from ..core.errors import InvalidRequest

_REVISION = re.compile(r"(?P<base>[^~^:\s\\\x00-\x1f\x7f?*\[]+)(?P<steps>(?:[~^]\d{0,6})*)")
_STEP = re.compile(r"([~^])(\d*)")
_FARTHEST = 100_000


def parse_revision(revision: str) -> tuple[str, tuple[int, ...]]:
    """The name a revision begins with, and for each step which parent (1 is the first) is gone to.

    Raises InvalidRequest for anything else, such as `main:file`, `HEAD@{1}` or a name that begins with `-`.
    """
    match = _REVISION.fullmatch(revision)
    if match is None or revision.startswith("-") or "@{" in revision or ".." in revision:
        raise InvalidRequest(f"wanted a commit id, branch, tag or HEAD, with ~n or ^n, got {revision!r}")
    steps: list[int] = []
    for sign, digits in _STEP.findall(match["steps"]):
        count = int(digits) if digits else 1
        steps += [1] * count if sign == "~" else [count] if count else []
    if len(steps) > _FARTHEST:
        raise InvalidRequest(
            f"revision {revision[:40]!r} goes back {len(steps)} commits, at most {_FARTHEST} are followed"
        )
    return match["base"], tuple(steps)
