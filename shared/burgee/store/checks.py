"""What every store looks at before it believes what it reads, and before it moves a head."""

from __future__ import annotations

from ..bundle.digest import digest_of
from ..bundle.head import Entry, Head, decode_head
from ..bundle.release import decode_release
from ..core.errors import Conflict, InvalidDocument


def head_of(content: bytes, *, environment: str) -> Head:
    """The head of that environment. Raises ContentError for what is none."""
    head = decode_head(content)
    if head.environment != environment:
        raise InvalidDocument(f"it is the head of {head.environment!r}")
    return head


def release_entry(content: bytes, *, environment: str, revision: int) -> Entry:
    """The release of that number, without signatures. Raises ContentError for what is none."""
    release = decode_release(content)
    if (release.environment, release.revision) != (environment, revision):
        raise InvalidDocument(f"it is release {release.revision} of {release.environment!r}")
    try:
        return Entry(digest_of(content), content.decode(), release, ())
    except UnicodeDecodeError as error:
        raise InvalidDocument("it is not UTF-8") from error


def check_forward(present: Head, head: Head, *, where: str) -> None:
    """Raises Conflict when `head` cannot come after the one that is there, in the store named `where`."""
    named = f"head of {head.environment!r} in {where}"
    if head.revision < present.revision:
        raise Conflict(f"{named} is at revision {present.revision} and never goes back, wanted {head.revision}")
    if head.revision == present.revision and head.last.digest != present.last.digest:
        raise Conflict(f"{named} has another release {present.revision} already")
