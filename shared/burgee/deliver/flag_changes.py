"""What changed of one flag between two bundles: the flag itself, and the segments that it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..bundle.document import Document
from .changes import Change, compare


def flag_changes(old: Document | None, new: Document | None, flag: str) -> Sequence[Change]:
    """The changes of a flag of one namespace; a document is None where there is no such namespace."""
    segments = {key for document in (old, new) if document for key in _segments(document.flag(flag))}
    wanted = {("flag", flag), *(("segment", key) for key in segments)}
    before, after = ({document.namespace: document} if document else {} for document in (old, new))
    return [change for change in compare(before, after) if (change.kind, change.key) in wanted]


def _segments(flag: dict[str, Any] | None) -> Iterator[str]:
    """The keys of the segments of all rules and rollouts."""
    for part in (*(flag or {}).get("rules", ()), *(flag or {}).get("rollouts", ())):
        yield from part.get("segment", {}).get("keys", ())
