"""Where OCI artifacts are: manifests by tag or digest, and the blobs that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's bytes as they are kept, their digest, and the media type they are kept under."""

    content: bytes
    digest: str
    media_type: str


class Artifacts(Protocol):
    """A registry's repository, a folder in OCI's image layout, or an object store seen as one.

    Every verb may raise Unavailable or Denied; what is read by digest is verified (DigestMismatch).
    """

    @property
    def url(self) -> str: ...

    def get_manifest(self, reference: str) -> Manifest:
        """The manifest that a tag names now, or that has a digest. Raises NotFound."""

    def put_manifest(self, reference: str, content: bytes, media_type: str) -> str:
        """Write a manifest and let `reference`, a tag or its own digest, name it; its digest.

        What it names is there before. The last of two who write one tag wins, and neither is told.
        """

    def get_blob(self, digest: str, *, max_bytes: int) -> bytes:
        """A blob. Raises NotFound, and InvalidDocument when it is longer than `max_bytes`."""

    def has_blob(self, digest: str) -> bool:
        """Whether there is such a blob."""

    def put_blob(self, content: bytes) -> str:
        """Write a blob unless it is there; its digest."""

    def tags(self) -> tuple[str, ...]:
        """The tags there are, sorted; none when there is no such repository yet."""
