"""What every store looks at before it believes what it reads, and before it moves a head."""

from __future__ import annotations

from ..bundle.head import Head, decode_head
from ..core.errors import Conflict, InvalidDocument


def head_of(content: bytes, *, environment: str) -> Head:
    """The head of that environment. Raises ContentError for what is none."""
    head = decode_head(content)
    if head.environment != environment:
        raise InvalidDocument(f"it is the head of {head.environment!r}")
    return head


def check_forward(present: Head, head: Head, *, where: str) -> None:
    """Raises Conflict when `head` cannot come after the one that is there, in the store named `where`."""
    named = f"head of {head.environment!r} in {where}"
    if head.revision < present.revision:
        raise Conflict(f"{named} is at revision {present.revision} and never goes back, wanted {head.revision}")
    if head.revision == present.revision and head.last.digest != present.last.digest:
        raise Conflict(f"{named} has another release {present.revision} already")
