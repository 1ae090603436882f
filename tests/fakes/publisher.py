"""Publishes releases to a store in the order the design says, without any of the checks a real publish makes."""

from __future__ import annotations

from collections.abc import Mapping

from burgee.bundle.digest import digest_of
from burgee.bundle.document import encode
from burgee.bundle.head import Head, append
from burgee.bundle.manifest import encode_manifest
from burgee.bundle.release import Origin, Release
from burgee.deliver.plan import pending_revisions
from burgee.store.port import Store


def a_document(namespace: str = "default", *, enabled: bool = True) -> bytes:
    """A document with one boolean flag, `on`."""
    flag = {"key": "on", "name": "On", "type": "BOOLEAN_FLAG_TYPE", "enabled": enabled}
    return encode({"namespace": namespace, "flags": [flag]})


def publish(
    store: Store,
    documents: Mapping[str, bytes],
    *,
    at: int,
    environment: str = "staging",
    active_after: int = 0,
    max_reader_ttl_seconds: int | None = None,
) -> Release:
    """Append a release of `documents` at the instant `at`, active `active_after` milliseconds later."""
    present = store.read_head(environment)
    head, etag = present[:2] if present else (None, None)
    release = a_release(head, documents, at=at, environment=environment, active_after=active_after)
    for content in documents.values():
        store.put_blob(content)
    moved = append(head, release, max_reader_ttl_seconds=60)
    moved = moved._replace(max_reader_ttl_seconds=max_reader_ttl_seconds)
    store.swap_head(moved, etag)
    store.put_release(moved.last)
    return release


def a_release(
    head: Head | None, documents: Mapping[str, bytes], *, at: int, environment: str, active_after: int = 0
) -> Release:
    """The release of `documents` that follows `head`."""
    layers = {namespace: (digest_of(content), len(content)) for namespace, content in documents.items()}
    revision = head.revision + 1 if head else 1
    return Release(
        environment=environment,
        revision=revision,
        kind="publish",
        bundle=digest_of(encode_manifest(layers)),
        profile="C/server",
        namespaces=layers,
        source=Origin("https://example.org/flags", "main", f"commit{revision}", None),
        published_at=at,
        activates_at=at + active_after,
        pending=pending_revisions(head, at),
        previous=head.last.digest if head else None,
    )
