"""Names of refs, where a short one is looked for, and ids of commits."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeGuard

from ..core.errors import NotFound

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
_SHOWN = 10
_LENGTHS = (40, 64)
_HEX = frozenset("0123456789abcdefABCDEF")


def is_commit(text: object) -> TypeGuard[str]:
    """Whether it is the full id of an object, SHA-1 or SHA-256: nothing else may stand where an address names one."""
    return isinstance(text, str) and len(text) in _LENGTHS and set(text) <= _HEX


def candidates(name: str) -> tuple[str, ...]:
    """The full names a short one may mean, first match wins: a branch before a tag before `origin`'s branch."""
    if name.startswith("refs/"):
        return (name,)
    return (BRANCHES + name, TAGS + name, f"refs/remotes/origin/{name}", f"refs/remotes/{name}")


def no_ref(wanted: str, existing: Iterable[str], where: str) -> NotFound:
    """The error for a ref that does not exist: it names the branches that do, the closest first."""
    branches = sorted(name.removeprefix(BRANCHES) for name in existing if name.startswith(BRANCHES))
    name = wanted.removeprefix(BRANCHES)
    if not branches:
        return NotFound(f"no branch {name!r} in {where}: it has no commits yet; commit and push first")
    close = get_close_matches(name, branches, n=1)
    if close:
        return NotFound(f"no branch {name!r} in {where}; did you mean {close[0]!r}? it has {_list(branches)}")
    return NotFound(f"no branch {name!r} in {where}; it has {_list(branches)}")


def _list(branches: list[str]) -> str:
    shown = ", ".join(branches[:_SHOWN])
    more = len(branches) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
