"""The bundle: an OCI image manifest (1.1) that names one document per namespace, in Flipt's own media types.

Law: the bytes depend on the documents alone, so one digest names a bundle in every store and registry.
"""

from __future__ import annotations

from ..core.errors import InvalidDocument
from .digest import digest_of, is_digest, ordered_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_TYPE = "application/vnd.io.flipt.features.v1"
LAYER_TYPE = "application/vnd.io.flipt.features.namespace.v1+json"
NAMESPACE_ANNOTATION = "io.flipt.features.namespace"
CREATED_ANNOTATION = "org.opencontainers.image.created"
CREATED = "1970-01-01T00:00:00Z"
EMPTY_CONFIG = b"{}"

# The descriptor of what stands for a configuration that there is none of (OCI image specification 1.1).
EMPTY = {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": digest_of(EMPTY_CONFIG),
    "size": 2,
    "data": "e30=",
}


def encode_manifest(layers: Mapping[str, tuple[str, int]]) -> bytes:
    """The manifest's bytes; `layers` maps a namespace to its document's (digest, size in bytes)."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        "config": EMPTY,
        "layers": [_layer(namespace, *layers[namespace]) for namespace in sorted(layers)],
        "annotations": {CREATED_ANNOTATION: CREATED},
    }
    return ordered_json(manifest).encode()


def decode_manifest(content: bytes) -> dict[str, tuple[str, int]]:
    """Namespace to its document's (digest, size in bytes). Raises InvalidDocument when this is no bundle of ours."""
    from json import loads

    try:
        manifest = loads(content)
        if manifest["artifactType"] != ARTIFACT_TYPE:
            raise InvalidDocument(f"manifest has artifact type {manifest['artifactType']!r}, wanted {ARTIFACT_TYPE}")
        layers = dict(map(_described, manifest["layers"]))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InvalidDocument(f"content is not a bundle's manifest: {error!r}") from error
    if len(layers) != len(manifest["layers"]):
        raise InvalidDocument("manifest names a namespace twice")
    return layers


def _layer(namespace: str, digest: str, size: int) -> dict[str, object]:
    return {
        "mediaType": LAYER_TYPE,
        "digest": digest,
        "size": size,
        "annotations": {NAMESPACE_ANNOTATION: namespace},
    }


def _described(layer: dict[str, Any]) -> tuple[str, tuple[str, int]]:
    namespace, digest, size = layer["annotations"][NAMESPACE_ANNOTATION], layer["digest"], layer["size"]
    readable = isinstance(namespace, str) and isinstance(size, int) and size >= 0
    if layer["mediaType"] != LAYER_TYPE or not is_digest(digest) or not readable:
        raise InvalidDocument(f"manifest has a layer that is not a document: {layer!r}")
    return namespace, (digest, size)
