"""What another release may change, flag by flag."""

from __future__ import annotations

from .hooks import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..bundle.document import Document
    from ..fetch.live import Serving


def change_of(environment: str, before: Serving | None, after: Serving) -> Change:
    """The change from one thing that is served to another."""
    old = before.snapshot.namespaces if before else {}
    new = after.snapshot.namespaces
    # Under another profile every flag may answer otherwise.
    same_profile = before is not None and before.snapshot.profile == after.snapshot.profile
    flags = {}
    for key in sorted({*old, *new}):
        first, second = (namespaces[key].document if key in namespaces else None for namespaces in (old, new))
        changed = _changed(first, second) if same_profile else _all(first, second)
        if changed:
            flags[key] = changed
    return Change(
        environment, before.release.revision if before else None, after.release.revision, after.release.bundle, flags
    )


def _all(before: Document | None, after: Document | None) -> tuple[str, ...]:
    return tuple(sorted({key for document in (before, after) if document for key in document.flag_keys()}))


def _changed(before: Document | None, after: Document | None) -> tuple[str, ...]:
    if before is after:
        return ()
    old, new = before.flag_lines() if before else {}, after.flag_lines() if after else {}
    keys = {key for key, _ in old.items() ^ new.items()}
    segments = _changed_segments(before, after)
    if segments:
        # A text that only looks like the segment's key makes one flag too many, never one too few.
        keys.update(key for key, line in new.items() if any(segment in line for segment in segments))
    return tuple(sorted(keys))


def _changed_segments(before: Document | None, after: Document | None) -> list[bytes]:
    old, new = before.segment_lines() if before else {}, after.segment_lines() if after else {}
    return [b'"%b"' % key.encode() for key in {key for key, _ in old.items() ^ new.items()}]
