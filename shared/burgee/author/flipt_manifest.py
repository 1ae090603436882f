"""The manifest of a bundle as Flipt v1 writes and reads it: OCI 1.0 or 1.1, layers in JSON or YAML.

Law: what Flipt's reader refuses is refused, and what it takes is taken: it asks for the time of creation and for the
layers' media types, and leaves the artifact type and the config alone. (Flipt semantics, section 5.3)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..bundle.digest import digest_of, encode_text, is_digest
from ..bundle.manifest import ARTIFACT_TYPE, CREATED_ANNOTATION, MANIFEST_TYPE, NAMESPACE_ANNOTATION
from ..core.dates import parse_rfc3339
from ..core.errors import InvalidDocument
from .read import LARGEST_FILE

# What registries and OCI's tools take as a manifest.
LARGEST_MANIFEST = 4 * 1024 * 1024
MOST_LAYERS = 10_000
LARGEST_BUNDLE = 256 * 1024 * 1024
LARGEST_CONFIG = 64 * 1024

_NAMESPACE_TYPE = "application/vnd.io.flipt.features.namespace.v1"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_SUFFIXES = {"": "json", "+json": "json", "+yaml": "yaml", "+yml": "yml"}
_MANIFEST_FIELDS = ("schemaVersion", "mediaType", "artifactType", "config", "layers", "subject")
_DESCRIPTOR_FIELDS = ("mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType")
_DESCRIPTORS = ("config", "subject")
# As Go's writer of JSON escapes them.
_ESCAPED = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Blob:
    """What a manifest names: a digest, and how many bytes have it."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One document: the namespace its bundle names it by, `json`, `yaml` or `yml`, and its bytes' name."""

    namespace: str
    suffix: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class FliptManifest:
    """A bundle's layers in order; `created` is RFC 3339."""

    config: Blob
    layers: tuple[Layer, ...]
    created: str

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """Everything the manifest names, each once, the config first."""
        return tuple(dict.fromkeys((self.config, *(layer.blob for layer in self.layers))))


def read_flipt_manifest(content: bytes) -> FliptManifest:
    """The bundle that a manifest describes. Raises InvalidDocument when Flipt would not load it."""
    manifest = _loaded(content)
    try:
        layers = manifest["layers"]
        _check_kind(manifest, layers)
        _check_count(layers)
        read = FliptManifest(_blob(manifest["config"]), tuple(map(_layer, layers)), _created(manifest))
    except (LookupError, TypeError, AttributeError) as error:
        raise InvalidDocument(f"manifest lacks a field or has one of the wrong kind: {error!r}") from error
    _check_sizes(read)
    return read


def stripped_digest(content: bytes) -> str:
    """The digest by which Flipt tells whether a bundle changed: that of its manifest without its annotations.

    Raises InvalidDocument for what is no manifest.
    """
    manifest = _loaded(content)
    kept: dict[str, Any] = {field: manifest[field] for field in _MANIFEST_FIELDS if manifest.get(field)}
    for field in _DESCRIPTORS:
        if field in kept:
            kept[field] = _descriptor(kept[field])
    kept["layers"] = [_descriptor(layer) for layer in kept.get("layers", ())]
    try:
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)
    except RecursionError as error:
        raise InvalidDocument("wanted the manifest of a bundle of flags, got one that is nested too deep") from error
    return digest_of(encode_text(text))


def _loaded(content: bytes) -> dict[str, Any]:
    if len(content) > LARGEST_MANIFEST:
        raise InvalidDocument(f"wanted a manifest of at most {LARGEST_MANIFEST} bytes, got {len(content)}")
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"wanted a manifest in JSON: {error}") from error
    if type(manifest) is not dict or manifest.get("schemaVersion") != 2:
        raise InvalidDocument("wanted an OCI image manifest with schemaVersion 2")
    media_type = manifest.get("mediaType", MANIFEST_TYPE)
    if media_type != MANIFEST_TYPE or "manifests" in manifest:
        raise InvalidDocument(
            f"wanted one bundle's manifest ({MANIFEST_TYPE}), got {media_type!r}: this is no bundle of flags"
        )
    return manifest


def _check_kind(manifest: Mapping[str, Any], layers: list[Mapping[str, Any]]) -> None:
    """What has other layers than flags, and is not said to be a bundle of Flipt's, is an image, a head or the like."""
    types = [layer["mediaType"] for layer in layers]
    kind = _kind(manifest)
    if kind == ARTIFACT_TYPE or (types and all(str(one).startswith(_NAMESPACE_TYPE) for one in types)):
        return
    if isinstance(kind, str) or types:
        said = repr(kind) if isinstance(kind, str) else f"something with layers of {types[0]!r}"
        raise InvalidDocument(f"this is no bundle of flags, but {said}; name another")


def _kind(manifest: Mapping[str, Any]) -> object:
    """The type of an artifact, which older ones have as that of their config."""
    return manifest.get("artifactType") or (manifest.get("config") or {}).get("mediaType")


def _check_count(layers: list[Mapping[str, Any]]) -> None:
    if not layers or layers[0]["mediaType"] == _EMPTY_TYPE:
        raise InvalidDocument(
            "the bundle is empty: it was built where there were no flag files, and Flipt cannot load it either; "
            "build it again in the folder with the flags"
        )
    if len(layers) > MOST_LAYERS:
        raise InvalidDocument(f"wanted a bundle of at most {MOST_LAYERS} layers, got {len(layers)}")


def _layer(layer: Mapping[str, Any]) -> Layer:
    media_type = layer["mediaType"]
    suffix = _SUFFIXES.get(media_type.removeprefix(_NAMESPACE_TYPE))
    if suffix is None or not media_type.startswith(_NAMESPACE_TYPE):
        raise InvalidDocument(
            f"wanted layers of media type {_NAMESPACE_TYPE} with +json, +yaml, +yml or nothing, got {media_type!r}: "
            "this is no bundle of flags"
        )
    namespace = layer["annotations"][NAMESPACE_ANNOTATION]
    if not isinstance(namespace, str):
        raise TypeError(namespace)
    return Layer(namespace, suffix, _blob(layer))


def _blob(descriptor: Mapping[str, Any]) -> Blob:
    digest, size = descriptor["digest"], descriptor["size"]
    if not is_digest(digest) or type(size) is not int or size < 0:
        raise InvalidDocument(f"wanted a sha256 digest and a size in bytes, got {digest!r} and {size!r}")
    return Blob(digest, size)


def _created(manifest: Mapping[str, Any]) -> str:
    created = (manifest.get("annotations") or {}).get(CREATED_ANNOTATION)
    if not isinstance(created, str) or parse_rfc3339(created) is None:
        raise InvalidDocument(f"wanted the annotation {CREATED_ANNOTATION} with an RFC 3339 time, got {created!r}")
    return created


def _check_sizes(manifest: FliptManifest) -> None:
    largest = max(layer.blob.size for layer in manifest.layers)
    if largest > LARGEST_FILE:
        raise InvalidDocument(f"wanted layers of at most {LARGEST_FILE} bytes, got one of {largest}")
    if len({blob.digest for blob in manifest.blobs}) != len(manifest.blobs):
        raise InvalidDocument("manifest names one digest with two sizes")
    # A layer that is named twice is read twice.
    whole = sum(layer.blob.size for layer in manifest.layers)
    if whole > LARGEST_BUNDLE or manifest.config.size > LARGEST_CONFIG:
        raise InvalidDocument(
            f"wanted a bundle of at most {LARGEST_BUNDLE} bytes with a config of at most {LARGEST_CONFIG}, "
            f"got {whole} and {manifest.config.size}"
        )


def _descriptor(descriptor: Any) -> dict[str, Any]:
    """A descriptor as Go writes it: its three required fields, and of the others those that say something."""
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("annotations") or {}, dict):
        raise InvalidDocument(
            "manifest has something else where a descriptor and its annotations should be: this is no bundle of flags"
        )
    kept = {field: descriptor[field] for field in _DESCRIPTOR_FIELDS if descriptor.get(field) not in (None, "", {}, [])}
    if annotations := kept.get("annotations"):
        kept["annotations"] = dict(sorted(annotations.items()))
    return kept
