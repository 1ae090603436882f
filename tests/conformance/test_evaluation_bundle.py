"""The full example of every format: pinned bytes and digests, in both directions."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from burgee.bundle.digest import digest_of
from burgee.bundle.document import Document, encode
from burgee.bundle.flipt import client_snapshot
from burgee.bundle.head import Head, decode_head, encode_head, entry_of
from burgee.bundle.index import Listed, decode_index, encode_index
from burgee.bundle.manifest import decode_manifest, encode_manifest
from burgee.bundle.release import Origin, Release, decode_release, encode_release
from tests.conformance.vector_files import vectors

GOLDEN = vectors("bundle")


@pytest.mark.parametrize("pinned", GOLDEN["documents"], ids=lambda pinned: pinned["digest"][7:15])
def test_a_documents_bytes_and_digest_are_pinned(pinned: dict[str, Any]) -> None:
    content = encode(pinned["content"])
    assert content.decode() == pinned["bytes"]
    assert digest_of(content) == pinned["digest"] == f"sha256:{sha256(content).hexdigest()}"


def test_a_manifests_bytes_and_digest_are_pinned() -> None:
    pinned = GOLDEN["manifest"]
    layers = {namespace: (digest, size) for namespace, (digest, size) in pinned["layers"].items()}
    content = encode_manifest(layers)
    assert (content.decode(), digest_of(content)) == (pinned["bytes"], pinned["digest"])
    assert decode_manifest(content) == layers
    documents = [document["bytes"].encode() for document in GOLDEN["documents"]]
    assert sorted(layers.values()) == sorted((digest_of(document), len(document)) for document in documents)


def test_a_releases_bytes_and_digest_are_pinned() -> None:
    pinned = GOLDEN["release"]
    release = a_golden_release()
    content = encode_release(release)
    assert (content.decode(), digest_of(content)) == (pinned["bytes"], pinned["digest"])
    assert decode_release(content) == release
    assert release.bundle == GOLDEN["manifest"]["digest"]


def test_a_heads_bytes_are_pinned() -> None:
    pinned = GOLDEN["head"]
    head = Head("production", 42, pinned["max_reader_ttl_seconds"], None, None, None, (entry_of(a_golden_release()),))
    content = encode_head(head)
    assert (content.decode(), digest_of(content)) == (pinned["bytes"], pinned["digest"])
    assert decode_head(content) == head


def test_an_indexs_bytes_are_pinned() -> None:
    pinned = GOLDEN["index"]
    environments = {name: Listed(ref, default) for name, (ref, default) in pinned["environments"].items()}
    content = encode_index(pinned["repository"], environments)
    assert (content.decode(), digest_of(content)) == (pinned["bytes"], pinned["digest"])
    assert decode_index(content).environments == environments


def test_a_client_snapshots_etag_and_bytes_are_pinned() -> None:
    content, etag = client_snapshot(Document(GOLDEN["documents"][0]["bytes"].encode()), 0)
    assert (etag, digest_of(content)) == (GOLDEN["snapshot"]["etag"], GOLDEN["snapshot"]["digest"])
    assert json.loads(content)["digest"] == etag


def a_golden_release() -> Release:
    fields = GOLDEN["release"]["content"]
    namespaces = {key: (digest, size) for key, (digest, size) in fields["namespaces"].items()}
    return Release(
        **{**fields, "namespaces": namespaces, "source": Origin(*fields["source"]), "pending": tuple(fields["pending"])}
    )
