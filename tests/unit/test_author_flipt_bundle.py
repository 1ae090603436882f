"""Bundles of Flipt v1: their manifests as Flipt reads them, and their layers as flag files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from burgee.author.authored import SourceFile, author
from burgee.author.flipt_bundle import readable, source_files
from burgee.author.flipt_manifest import LARGEST_MANIFEST, MOST_LAYERS, read_flipt_manifest, stripped_digest
from burgee.bundle.digest import digest_of
from burgee.bundle.manifest import encode_manifest
from burgee.bundle.oci_artifacts import encode_artifact, layer_of
from burgee.core.errors import InvalidDocument
from tests.builders import a_document
from tests.flipt_bundles import CREATED, EMPTY, LAYER_TYPE, SHOP, THE_SHOP, WAREHOUSE, Layer, a_manifest

# The two documents of the specification's worked example (section 5.3).
FIRST = Layer(b'{"namespace":"default"}', "default", "")
SECOND = Layer(b"namespace: other", "other", "+yaml")


def files_of(*layers: Layer) -> tuple[SourceFile, ...]:
    manifest = read_flipt_manifest(a_manifest(layers))
    return source_files(manifest, {digest_of(layer.content): layer.content for layer in layers})


def changed(**fields: Any) -> bytes:
    """A manifest with one layer whose descriptor has other fields."""
    return a_manifest([], layers=[{**FIRST.descriptor(), **fields}])


# Manifests


def test_the_stripped_digest_is_the_one_that_flipt_asserts() -> None:
    """Flipt semantics 5.3: "the value Flipt's own test asserts"."""
    expected = "sha256:7cd89519a7f44605a0964cb96e72fef972ebdc0fa4153adac2e8cd2ed5b0e90a"
    assert stripped_digest(a_manifest([FIRST, SECOND])) == expected
    later = {"org.opencontainers.image.created": "2027-02-03T04:05:06Z", "team": "shop"}
    assert stripped_digest(a_manifest([FIRST, SECOND], annotations=later)) == expected


def test_the_example_of_one_layer_has_the_digests_of_the_specification() -> None:
    content = a_manifest([FIRST])
    assert len(content) == 592
    assert digest_of(content) == "sha256:6a2ce5d8d01d1d76912654c5752f046296543f28d972aeba1424878fa7392eed"
    assert stripped_digest(content) == "sha256:eef1bc47173faacd9fec793411d2c3949cd62d66c741c95ceaf94c76f46daa04"
    older = a_manifest([FIRST], version="1.0")
    assert digest_of(older) == "sha256:b54c07dfd3a940499d5e4df9435b1c3781977ebf08685a10c1d0ba49e05ba967"


def test_the_stripped_digest_is_of_the_bytes_that_go_writes() -> None:
    """Fields that Go does not know are gone, its order is kept, and <, > and & are escaped."""
    layer = {"data": "", "extra": 1, **Layer(b"{}", "a&b").descriptor()}
    content = a_manifest([], layers=[layer], extra=True, config={**EMPTY, "urls": []})
    escaped = a_manifest([Layer(b"{}", "a&b")], annotations=None).replace(b"a&b", b"a\\u0026b")
    assert stripped_digest(content) == digest_of(escaped)


@pytest.mark.parametrize("descriptor", ["x", ["x"], 5, {"annotations": "abc"}, {"annotations": ["abc"]}])
@pytest.mark.parametrize("field", ["subject", "config"])
def test_what_is_no_descriptor_makes_no_bundle(field: str, descriptor: object) -> None:
    with pytest.raises(InvalidDocument, match="this is no bundle of flags"):
        stripped_digest(a_manifest([FIRST], **dict[str, Any]({field: descriptor})))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_both_versions_of_manifests_are_read(version: str) -> None:
    read = read_flipt_manifest(a_manifest([FIRST, SECOND], version=version))
    assert [(layer.namespace, layer.suffix, layer.blob.size) for layer in read.layers] == [
        ("default", "json", 23),
        ("other", "yaml", 16),
    ]
    assert read.created == "2026-01-01T00:00:00Z"
    assert [blob.digest for blob in read.blobs] == [digest_of(b"{}"), *(layer.blob.digest for layer in read.layers)]


def test_a_bundle_of_burgee_is_one_that_flipt_reads() -> None:
    content = a_document([]).content
    read = read_flipt_manifest(encode_manifest({"default": (digest_of(content), len(content))}))
    assert [(layer.namespace, layer.suffix) for layer in read.layers] == [("default", "json")]


LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest_of(b""), "size": 0}
IMAGE_CONFIG = {**LAYER, "mediaType": "application/vnd.oci.image.config.v1+json"}
IMAGE = a_manifest([], artifactType=None, config=IMAGE_CONFIG, layers=[LAYER], annotations=None)
HEAD = encode_artifact("head", [layer_of("head", b"{}")])
REFUSED = [
    (b"", "wanted a manifest in JSON"),
    (b"[" * 100_000, "wanted a manifest in JSON"),
    (b"[]", "schemaVersion 2"),
    (b'{"schemaVersion":1}', "schemaVersion 2"),
    (b" " * (LARGEST_MANIFEST + 1), "at most 4194304 bytes"),
    (b'{"schemaVersion":2,"manifests":[]}', "wanted one bundle's manifest"),
    (a_manifest([FIRST], mediaType="application/vnd.oci.image.index.v1+json"), "image.index"),
    (b'{"schemaVersion":2}', "lacks a field"),
    (a_manifest([FIRST], config=None), "lacks a field"),
    (a_manifest([FIRST], layers={"a": 1}), "lacks a field"),
    (a_manifest([FIRST], layers="text"), "lacks a field"),
    (IMAGE, "no bundle of flags, but 'application/vnd.oci.image.config.v1[+]json'"),
    (HEAD, "no bundle of flags, but 'application/vnd.burgee.head.v1'"),
    (a_manifest([], config=EMPTY, artifactType="application/x", layers=[EMPTY]), "but 'application/x'"),
    (changed(mediaType="application/x", annotations=None), "'application/x': this is no bundle of flags"),
    (a_manifest([], mediaType="application/vnd.docker.distribution.manifest.v2+json"), "docker.*no bundle of flags"),
    (a_manifest([]), "the bundle is empty"),
    (a_manifest([], layers=[EMPTY]), "the bundle is empty"),
    (a_manifest([], layers=[FIRST.descriptor()] * (MOST_LAYERS + 1)), "at most 10000 layers"),
    (a_manifest([FIRST], annotations=None), "org.opencontainers.image.created"),
    (a_manifest([FIRST], annotations={}), "got None"),
    (a_manifest([FIRST], annotations={**CREATED, next(iter(CREATED)): "2026-01-01"}), "RFC 3339"),
    (a_manifest([Layer(b"{}", suffix="+toml")]), "no bundle of flags"),
    (changed(mediaType="application/vnd.oci.image.layer.v1.tar+gzip"), "no bundle of flags"),
    (changed(mediaType=LAYER_TYPE.removesuffix("1")), "no bundle of flags"),
    (changed(mediaType=7), "wrong kind"),
    (changed(annotations={}), "lacks a field"),
    (changed(annotations={"io.flipt.features.namespace": 7}), "wrong kind"),
    (changed(digest="sha256:../../etc/passwd"), "wanted a sha256 digest"),
    (changed(digest="sha512:" + "0" * 128), "wanted a sha256 digest"),
    (changed(size=-1), "a size in bytes"),
    (changed(size=True), "a size in bytes"),
    (changed(size=11 * 1024 * 1024), "layers of at most"),
    (a_manifest([FIRST], config={**EMPTY, "size": 1 << 40}), "a config of at most"),
    (a_manifest([], layers=[{**FIRST.descriptor(), "size": 10 * 1024 * 1024}] * 30), "a bundle of at most"),
    (a_manifest([], layers=[FIRST.descriptor(), {**FIRST.descriptor(), "size": 24}]), "one digest with two sizes"),
]


@pytest.mark.parametrize(("content", "words"), REFUSED, ids=lambda given: given if isinstance(given, str) else "")
def test_a_manifest_that_is_no_bundle_or_a_hostile_one_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(InvalidDocument, match=words):
        read_flipt_manifest(content)


# Layers


def test_each_layer_is_a_file_in_a_folder_named_after_its_namespace() -> None:
    files = files_of(*THE_SHOP, Layer(b"namespace: other", "other", "+yml"), Layer(b"{}", "none", ""))
    assert [file.path for file in files] == [
        "default/features.json",
        "warehouse/features.yaml",
        "other/features.yml",
        "none/features.json",
    ]
    assert files[0].content == SHOP


def test_layers_of_one_namespace_keep_their_order_as_files() -> None:
    layers = [Layer(b'{"flags":[{"key":"f%d","name":"F"}]}' % number) for number in range(12)]
    paths = [file.path for file in files_of(*layers)]
    assert (paths[0], paths[11]) == ("default.01/features.json", "default.12/features.json")
    assert paths == sorted(paths)


def test_a_flag_of_a_later_layer_may_use_a_segment_of_an_earlier_one_and_not_the_other_way_round() -> None:
    segments = Layer(b'{"segments":[{"key":"pro","name":"Pro","match_type":"ALL_MATCH_TYPE"}]}')
    flags = Layer(
        b'{"flags":[{"key":"f","name":"F","type":"BOOLEAN_FLAG_TYPE",'
        b'"rollouts":[{"segment":{"keys":["pro"],"operator":"OR_SEGMENT_OPERATOR","value":true}}]}]}'
    )
    assert author(files_of(segments, flags)).ok
    assert [problem.code for problem in author(files_of(flags, segments)).problems] == ["forward-reference"]


@pytest.mark.parametrize("namespace", ["", ".", "..", "../up", "a/b", "/etc", "a\\b", "a\0", "é", "a" * 256, "~", "."])
def test_a_namespace_that_could_lead_out_of_a_folder_is_refused(namespace: str) -> None:
    with pytest.raises(InvalidDocument, match="could be no file's name"):
        files_of(Layer(b"{}", namespace))


def test_json_is_written_as_yaml_that_says_the_same() -> None:
    files = files_of(*THE_SHOP)
    written = readable(files)
    assert [file.path for file in written] == ["default/features.yaml", "warehouse/features.yaml"]
    assert b"- key: banner\n  name: Banner\n" in written[0].content
    assert written[1].content == WAREHOUSE
    assert author(written).documents == author(files).documents


def test_texts_that_yaml_would_read_otherwise_survive() -> None:
    texts = [
        "yes",
        "017",
        "1e3",
        "1:30",
        "null",
        "~",
        "",
        " a ",
        "a: b",
        "# a",
        "é\n\tü",
        "\u2028",
        "\x85",
        "\ufeff",
        "-",
    ]
    flags = [{"key": f"f{number}", "name": "F", "description": text} for number, text in enumerate(texts)]
    metadata = {"text": "2024-01-01", "number": 1e-07, "large": 12345678901234567, "share": 33.33, "on": True}
    flags.append({"key": "last", "name": "Last", "metadata": metadata})  # type: ignore[dict-item]
    files = files_of(Layer(json.dumps({"version": "1.4", "flags": flags}).encode()))
    written = readable(files)
    assert [file.path for file in written] == ["default/features.yaml"]
    assert author(written).documents == author(files).documents


def test_files_with_mistakes_stay_as_they_are() -> None:
    files = files_of(Layer(b'{"flags":[{"key":"f"}]}'))
    assert readable(files) == files
    assert readable(files_of(Layer(b"{"))) == files_of(Layer(b"{"))
