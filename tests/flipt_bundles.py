"""Bundles as Flipt v1 makes them, put together from what the specification says of its manifests and layers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from burgee.bundle.digest import digest_of
from burgee.store.artifacts import Artifacts

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_TYPE = "application/vnd.io.flipt.features.v1"
LAYER_TYPE = "application/vnd.io.flipt.features.namespace.v1"
CREATED = {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}
EMPTY = {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": digest_of(b"{}"),
    "size": 2,
    "data": "e30=",
}

SHOP = (
    b'{"version":"1.4","namespace":"default","flags":[{"key":"banner","name":"Banner","description":"","enabled":true,'
    b'"variants":[{"key":"red"},{"key":"blue","attachment":{"hex":"#00f"}}],"rules":[{"segment":{"keys":["pro"],'
    b'"operator":"OR_SEGMENT_OPERATOR"},"distributions":[{"variant":"red","rollout":33.3},'
    b'{"variant":"blue","rollout":66.7}]}]}],"segments":[{"key":"pro","name":"Pro","constraints":['
    b'{"type":"STRING_COMPARISON_TYPE","property":"plan","operator":"eq","value":"pro"}],'
    b'"match_type":"ALL_MATCH_TYPE"}]}'
)
WAREHOUSE = b"""\
version: "1.2"
namespace: warehouse
flags:
  - {key: scan, name: Scan, type: BOOLEAN_FLAG_TYPE, enabled: true}
"""


@dataclass(frozen=True)
class Layer:
    """A document, the namespace it is annotated with, and the suffix of its media type."""

    content: bytes
    namespace: str = "default"
    suffix: str = "+json"

    def descriptor(self) -> dict[str, Any]:
        return {
            "mediaType": LAYER_TYPE + self.suffix,
            "digest": digest_of(self.content),
            "size": len(self.content),
            "annotations": {"io.flipt.features.namespace": self.namespace},
        }


def a_manifest(made_of: Sequence[Layer], /, *, version: str = "1.1", **changes: Any) -> bytes:
    """The manifest of a bundle, in OCI's version 1.1 or 1.0, with fields replaced; None leaves one out."""
    kind: Mapping[str, Any] = {"artifactType": ARTIFACT_TYPE, "config": EMPTY}
    if version == "1.0":
        kind = {"config": {"mediaType": ARTIFACT_TYPE, "digest": digest_of(b"{}"), "size": 2}}
    fields = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, **kind}
    fields |= {"layers": [layer.descriptor() for layer in made_of], "annotations": CREATED, **changes}
    return json.dumps(
        {name: value for name, value in fields.items() if value is not None}, separators=(",", ":")
    ).encode()


def push(artifacts: Artifacts, tag: str, *layers: Layer, version: str = "1.1") -> str:
    """Push a bundle as `flipt bundle push` does; its digest."""
    for content in (b"{}", *(layer.content for layer in layers)):
        artifacts.put_blob(content)
    return artifacts.put_manifest(tag, a_manifest(layers, version=version), MANIFEST_TYPE)


THE_SHOP = (Layer(SHOP), Layer(WAREHOUSE, "warehouse", "+yaml"))
