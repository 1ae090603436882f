"""What a publisher writes to a registry for a head, a release and the environment index.

Law: behind its own bytes an artifact names whatever they speak of, so that a registry that clears away what nobody
names keeps it all. Its bytes depend on what it names alone.
"""

from __future__ import annotations

from .digest import digest_of, ordered_json
from .manifest import CREATED, CREATED_ANNOTATION, EMPTY, LAYER_TYPE, MANIFEST_TYPE, encode_manifest
from .oci_records import Layer, artifact_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .release import Release

# What `burgee doctor` writes, so that nothing else is touched and nothing piles up.
PROBE, PROBE_TAG = "probe", "_probe"
_BUNDLE = "bundle"


def layer_of(kind: str, content: bytes) -> Layer:
    """The layer that holds these bytes."""
    return Layer(_media_type(kind), digest_of(content), len(content))


def bundle_layers(release: Release, manifest_size: int) -> tuple[Layer, ...]:
    """The bundle's manifest as a blob, and the documents it names, by namespace."""
    named = release.namespaces
    documents = (Layer(LAYER_TYPE, *named[namespace]) for namespace in sorted(named))
    return (Layer(_media_type(_BUNDLE), release.bundle, manifest_size), *documents)


def bundle_size(release: Release) -> int | None:
    """The bytes of its bundle's manifest, where burgee wrote that and so can tell; else None."""
    content = encode_manifest(release.namespaces)
    return len(content) if digest_of(content) == release.bundle else None


def encode_artifact(kind: str, layers: Iterable[Layer]) -> bytes:
    """The artifact's bytes; a blob that several layers name is named once."""
    once: dict[str, Layer] = {}
    for layer in layers:
        once.setdefault(layer.digest, layer)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type(kind),
        "config": EMPTY,
        "layers": [
            {"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in once.values()
        ],
        "annotations": {CREATED_ANNOTATION: CREATED},
    }
    return ordered_json(manifest).encode()


def _media_type(kind: str) -> str:
    return f"{artifact_type(kind)}+json"
