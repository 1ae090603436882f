"""Properties of the formats that are for ever; each test quotes the sentence it checks."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from burgee.bundle.digest import canonical_json, digest_of, verify
from burgee.bundle.document import Document, encode
from burgee.bundle.head import decode_head
from burgee.bundle.index import decode_index
from burgee.bundle.manifest import decode_manifest
from burgee.bundle.release import Origin, Release, decode_release, encode_release
from burgee.core.errors import ContentError, DigestMismatch
from tests.conformance.generated import a_generated_document

QUICK = settings(max_examples=150, deadline=None)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEY = st.text("ABYZabyz0189-_,", min_size=1, max_size=4)
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
VARIANTS = st.lists(
    st.fixed_dictionaries({"key": TEXT}, optional={"attachment": JSON}), max_size=3, unique_by=lambda v: v["key"]
)
FIELDS: dict[str, Any] = {"description": TEXT, "metadata": st.dictionaries(TEXT, JSON, max_size=2)}
FLAG = st.fixed_dictionaries({"key": KEY, "name": TEXT}, optional={**FIELDS, "variants": VARIANTS.filter(bool)})
SEGMENT = st.fixed_dictionaries({"key": KEY, "name": TEXT}, optional=FIELDS)
NORMAL = st.fixed_dictionaries(
    {
        "namespace": KEY | st.fixed_dictionaries({"key": KEY, "name": TEXT}, optional={"description": TEXT}),
        "flags": st.lists(FLAG, max_size=5, unique_by=lambda flag: flag["key"]),
        "segments": st.lists(SEGMENT, max_size=5, unique_by=lambda segment: segment["key"]),
    }
)


def decoded(document: Document) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(document.content)
    assert [*document.flags()] == read["flags"]
    assert [*document.segments()] == read["segments"]
    return read


@QUICK
@given(NORMAL)
def test_canonical_form_is_a_fixed_point(normal: dict[str, Any]) -> None:
    """'Same value, same bytes, same name': what was decoded encodes to the same bytes."""
    content = encode(normal)
    assert encode(decoded(Document(content))) == content


@QUICK
@given(NORMAL, st.randoms(use_true_random=False))
def test_the_authored_order_of_what_is_sorted_does_not_matter(normal: dict[str, Any], random: Any) -> None:
    """'Flags, segments and variants are sorted by key.'"""
    content = encode(normal)
    for keyed in (
        normal["flags"],
        normal["segments"],
        *(flag["variants"] for flag in normal["flags"] if "variants" in flag),
    ):
        random.shuffle(keyed)
    assert encode(normal) == content


@QUICK
@given(NORMAL, KEY | st.text(max_size=5))
@example({"namespace": "n", "flags": [{"key": "a", "name": ""}], "segments": []}, 'a","name":"')
def test_the_line_index_finds_every_key_and_none_other(normal: dict[str, Any], other: str) -> None:
    """'A reader finds a flag by bisection without parsing.'"""
    document = Document(encode(normal))
    for listed, find, keys in (
        (normal["flags"], document.flag, document.flag_keys()),
        (normal["segments"], document.segment, document.segment_keys()),
    ):
        by_key = {keyed["key"]: keyed for keyed in listed}
        assert keys == sorted(by_key)
        assert all((find(key) or {})["name"] == by_key[key]["name"] for key in by_key)
        assert (find(other) is not None) == (other in by_key)


@QUICK
@given(JSON)
def test_canonical_json_means_the_same_and_has_one_form(value: Any) -> None:
    """'JSON without white space, keys by code point, text unescaped.'"""
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text
    assert "\n" not in text


@QUICK
@given(st.binary(max_size=60), st.integers(0, 59), st.integers(1, 255))
def test_one_changed_byte_is_another_digest(content: bytes, place: int, change: int) -> None:
    """'Every blob's digest is checked before it is used.'"""
    changed = bytearray(content or b"x")
    digest = digest_of(bytes(changed))
    changed[place % len(changed)] ^= change
    try:
        verify(bytes(changed), digest)
    except DigestMismatch:
        return
    raise AssertionError("wanted DigestMismatch")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_bytes_that_mean_nothing_are_content_errors(content: bytes) -> None:
    """'Raises InvalidDocument for an unknown format or anything that is not a release.'"""
    for decode in (Document, decode_manifest, decode_release, decode_head, decode_index):
        try:
            decode(content)
        except ContentError:
            continue
        raise AssertionError(f"{decode} took {content!r}")


@QUICK
@given(st.integers(1, 10**10), TEXT, st.integers(0, 4_102_444_800_000), st.lists(st.integers(1, 99), max_size=3))
def test_a_release_is_read_back_as_written(revision: int, text: str, instant: int, pending: list[int]) -> None:
    """'The bytes that are hashed, signed and stored.'"""
    source = Origin(text, text, text, instant)
    digest = digest_of(text.encode())
    namespaces = {"default": (digest, revision)}
    release = Release(
        "e", revision, "publish", digest, "C/server", namespaces, source, instant, instant + 1, tuple(pending), None
    )
    content = encode_release(release)
    assert decode_release(content) == release
    assert encode_release(decode_release(content)) == content


def test_generated_documents_are_fixed_points_too() -> None:
    """'The bytes depend on content alone, and are a valid Flipt features document.'"""
    for seed in range(5):
        content = encode(a_generated_document(Random(f"fixed/{seed}"), flags=60))
        assert encode(decoded(Document(content))) == content
