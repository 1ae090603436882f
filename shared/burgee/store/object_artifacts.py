"""An object store seen as a place of artifacts: bundles by digest, and by environment the one that is active."""

from __future__ import annotations

from collections.abc import Callable

from ..bundle import keys
from ..bundle.digest import is_digest, verify
from ..bundle.head import active_at
from ..bundle.manifest import MANIFEST_TYPE
from ..core.errors import ContentError, InvalidDocument, InvalidRequest, NotFound
from .artifacts import Manifest
from .port import Store

_BYTES = "application/octet-stream"


class ObjectArtifacts:
    """See `artifacts.Artifacts` for each verb. What is written here is released to nobody."""

    def __init__(self, store: Store, *, now: Callable[[], int]) -> None:
        """`now` is in milliseconds since the epoch."""
        self._store = store
        self._now = now

    @property
    def url(self) -> str:
        return self._store.url

    def get_manifest(self, reference: str) -> Manifest:
        digest = reference if is_digest(reference) else self._active(reference)
        return Manifest(self._store.get_blob(digest), digest, MANIFEST_TYPE)

    def put_manifest(self, reference: str, content: bytes, media_type: str) -> str:
        if not is_digest(reference):
            raise InvalidRequest(
                f"{self.url} names bundles by their digests, wanted no {reference!r}: an environment moves by a "
                "release, which `burgee publish` makes"
            )
        verify(content, reference)
        return self._store.put_blob(content, content_type=media_type)

    def get_blob(self, digest: str, *, max_bytes: int) -> bytes:
        content = self._store.get_blob(digest)
        if len(content) > max_bytes:
            raise InvalidDocument(f"{digest} in {self.url} has {len(content)} bytes, wanted at most {max_bytes}")
        return content

    def has_blob(self, digest: str) -> bool:
        try:
            self._store.get_blob(digest)
        except (NotFound, ContentError):
            # One that is damaged is written again, which says what is wrong.
            return False
        return True

    def put_blob(self, content: bytes) -> str:
        # Layers of bundles are JSON or YAML, and nothing else here says which.
        return self._store.put_blob(content, content_type=keys.JSON if content[:1] == b"{" else _BYTES)

    def tags(self) -> tuple[str, ...]:
        found = self._store.read_index()
        return () if found is None else tuple(sorted(found[0].environments))

    def _active(self, environment: str) -> str:
        found = self._store.read_head(keys.checked_environment(environment))
        active = active_at(found[0], self._now()) if found else None
        if active is None:
            missing = "has no active release yet" if found else f"is not there, there are {self._known()}"
            raise NotFound(f"environment {environment!r} in {self.url} {missing}")
        bundle: str = active.release.bundle
        return bundle

    def _known(self) -> str:
        return ", ".join(self.tags()) or "none"
