"""What is wrong with an object of a store, said by its key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..bundle.digest import digest_of
from ..bundle.release import decode_release
from ..core.errors import ContentError
from ..core.visible import visible

Kind = Literal["changed", "missing", "surplus", "broken", "unproven"]

# Of releases that a message names.
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """An object that is not what it should be: `changed` has another digest than the one that names it, `broken` cannot
    be what it is there for, `unproven` is not what a release says that is itself damaged.

    `wanted` and `found` are digests, or say in words what they are. `used_by` are the releases that need a blob, as
    `production@42`, among those that were looked at.
    """

    key: str
    kind: Kind
    wanted: str
    found: str
    used_by: tuple[str, ...] = ()

    def __str__(self) -> str:
        further = len(self.used_by) - _NAMED
        more = f" and {further} more" if further > 0 else ""
        used = f"; used by {', '.join(self.used_by[:_NAMED])}{more}" if self.used_by else ""
        return visible(f"{self.key} is {self.kind}: wanted {self.wanted}, found {self.found}{used}")


def missing(key: str, wanted: str) -> Fault:
    """Nothing is there."""
    return Fault(key, "missing", wanted, "nothing")


def broken(key: str, wanted: str, error: object) -> Fault:
    """What is there is none of what it should be."""
    return Fault(key, "broken", wanted, f"what is none: {error}")


def surplus(key: str) -> Fault:
    """Something is there that burgee does not write."""
    return Fault(key, "surplus", "nothing", "an object that burgee does not write there")


def rewritten(key: str, found: bytes, written: bytes) -> Iterator[Fault]:
    """What can be read, and is not as burgee writes the same."""
    if found == written:
        return
    pairs = enumerate(zip(found, written, strict=False))
    place = next((place for place, (one, other) in pairs if one != other), min(len(found), len(written)))
    part, wanted = found[place : place + 20], written[place : place + 20]
    yield Fault(key, "changed", f"{wanted!r} at byte {place}, unless a newer burgee wrote it", f"{part!r}")


def described(content: bytes) -> str:
    """The digest of bytes that were found and, of a release's, which one: it may have been put in another's place."""
    digest = digest_of(content)
    try:
        release = decode_release(content)
    except ContentError:
        return f"{digest} ({len(content)} bytes)"
    return f"{digest} (release {release.revision} of {release.environment!r})"
