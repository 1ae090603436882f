"""Manifest, release, head, index and keys: what is read back, what is ignored, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import Head, active_at, append, decode_head, encode_head, entry_of, pending_at
from burgee.bundle.index import Listed, decode_index, encode_index
from burgee.bundle.manifest import decode_manifest, encode_manifest
from burgee.bundle.release import Origin, Release, decode_release, encode_release
from burgee.core.errors import DigestMismatch, InvalidDocument, InvalidRequest

DIGEST = "sha256:" + "ab" * 32
INSTANT = "2027-01-15T09:00:00.000Z"


def a_release(revision: int = 1, *, published_at: int = 0, activates_at: int = 0, **fields: Any) -> Release:
    given: dict[str, Any] = {
        "environment": "production",
        "revision": revision,
        "kind": "publish",
        "bundle": DIGEST,
        "profile": "C/server",
        "namespaces": {"default": (DIGEST, 67)},
        "source": Origin("https://git.example/flags", "main", "c0ffee", None),
        "published_at": published_at,
        "activates_at": activates_at,
        "pending": (),
        "previous": DIGEST if revision > 1 else None,
    }
    return Release(**{**given, **fields})


def a_head(*releases: Release) -> Head:
    return Head("production", releases[-1].revision, 60, None, None, None, tuple(map(entry_of, releases)))


def changed(content: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(content), **fields}).encode()


DECODERS = [
    pytest.param(decode_release, encode_release(a_release()), id="release"),
    pytest.param(decode_head, encode_head(a_head(a_release())), id="head"),
    pytest.param(decode_index, encode_index("r", {"a": Listed("main", True)}), id="index"),
]
EVERY_DECODER = pytest.mark.parametrize(("decode", "content"), DECODERS)


@EVERY_DECODER
def test_an_unknown_minor_field_is_ignored(decode: Any, content: bytes) -> None:
    assert decode(changed(content, colour="blue")) == decode(content)


@EVERY_DECODER
@pytest.mark.parametrize("format", [2, 0, "1", None])
def test_an_unknown_format_is_refused(decode: Any, content: bytes, format: Any) -> None:  # noqa: A002
    with pytest.raises(InvalidDocument, match="format"):
        decode(changed(content, format=format))


@EVERY_DECODER
@pytest.mark.parametrize("content_of_another_kind", [b"", b"\xff", b"[]", b"null", b"{", b"[" * 100_000, b"{}"])
def test_what_is_not_such_an_object_is_refused(decode: Any, content: bytes, content_of_another_kind: bytes) -> None:
    with pytest.raises(InvalidDocument):
        decode(content_of_another_kind)


@EVERY_DECODER
def test_every_required_field_is_missed(decode: Any, content: bytes) -> None:
    optional = {"max_reader_ttl_seconds", "expires_at", "hold", "freeze"}
    for name in json.loads(content).keys() - optional:
        without = {key: value for key, value in json.loads(content).items() if key != name}
        with pytest.raises(InvalidDocument):
            decode(json.dumps(without).encode())


@pytest.mark.parametrize(
    "fields",
    [
        {"bundle": "latest"},
        {"previous": "x"},
        {"revision": 0},
        {"revision": "1"},
        {"namespaces": []},
        {"source": None},
        {"published_at": "yesterday"},
        {"activates_at": None},
        {"namespaces": {"a": {"digest": "x", "size": 1}}},
    ],
)
def test_a_release_with_a_field_of_the_wrong_kind_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        decode_release(changed(encode_release(a_release()), **fields))


def test_a_release_is_read_back_with_its_milliseconds() -> None:
    source = Origin("r", "refs/heads/é", "c", 1_795_338_123_456)
    release = a_release(
        7, published_at=1_795_338_123_457, activates_at=1_795_338_999_001, pending=(5, 6), source=source
    )
    assert decode_release(encode_release(release)) == release


def test_namespaces_of_a_release_are_sorted() -> None:
    layers = {"b": (DIGEST, 1), "a": (DIGEST, 2)}
    same = dict(reversed(layers.items()))
    assert encode_release(a_release(namespaces=layers)) == encode_release(a_release(namespaces=same))


def test_a_head_is_read_back() -> None:
    first, second = a_release(1), a_release(2, activates_at=9, pending=(1,))
    head = a_head(first, second)._replace(hold={"by": "ann"}, freeze={"reason": "\u2028"}, expires_at=5)
    assert decode_head(encode_head(head)) == head
    assert head.last.release == second


def test_a_head_whose_release_was_tampered_with_is_refused() -> None:
    fields = json.loads(encode_head(a_head(a_release())))
    fields["releases"][0]["payload"] = fields["releases"][0]["payload"].replace("C/server", "C/client")
    with pytest.raises(DigestMismatch):
        decode_head(json.dumps(fields).encode())


def test_a_head_with_a_lone_surrogate_is_refused_both_ways() -> None:
    fields = json.loads(encode_head(a_head(a_release())))
    fields["releases"][0]["payload"] = "\ud800"
    with pytest.raises(InvalidDocument):
        decode_head(json.dumps(fields).encode())
    with pytest.raises(InvalidDocument):
        encode_head(a_head(a_release())._replace(hold={"reason": "\ud800"}))


@pytest.mark.parametrize("fields", [{"revision": 2}, {"releases": []}, {"releases": None}, {"environment": "staging"}])
def test_a_head_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        decode_head(changed(encode_head(a_head(a_release())), **fields))


def test_a_head_lists_releases_oldest_first_and_none_twice() -> None:
    for releases in ([a_release(2), a_release(1)], [a_release(1), a_release(1)]):
        with pytest.raises(InvalidDocument):
            decode_head(encode_head(a_head(*releases)))


def test_the_active_release_is_the_highest_whose_instant_has_come() -> None:
    head = a_head(
        a_release(1), a_release(2, published_at=10, activates_at=50), a_release(3, published_at=20, activates_at=40)
    )
    active = [entry and entry.release.revision for entry in (active_at(head, at) for at in (0, 39, 40, 50, 99))]
    assert active == [1, 1, 3, 3, 3]
    assert [entry.release.revision for entry in pending_at(head, 39)] == [2, 3]
    assert pending_at(head, 40) == ()


def test_before_its_first_release_is_active_a_head_has_none() -> None:
    assert active_at(a_head(a_release(1, activates_at=10)), 9) is None


def test_a_reader_with_a_slow_clock_sees_what_was_published_as_active() -> None:
    head = a_head(a_release(1, published_at=100, activates_at=100))
    active = active_at(head, 0)
    assert active and active.release.revision == 1


def test_appending_a_pending_release_keeps_the_active_one_and_a_prompt_one_drops_it() -> None:
    head = append(None, a_release(1), max_reader_ttl_seconds=60)
    waiting = append(head, a_release(2, published_at=5, activates_at=50), max_reader_ttl_seconds=60)
    prompt = append(waiting, a_release(3, published_at=6, activates_at=6), max_reader_ttl_seconds=60)
    assert [entry.release.revision for entry in waiting.releases] == [1, 2]
    assert [entry.release.revision for entry in prompt.releases] == [3]


def test_appending_keeps_hold_and_freeze() -> None:
    head = a_head(a_release(1))._replace(hold={"by": "ann"}, freeze={"until": "x"})
    after = append(head, a_release(2), max_reader_ttl_seconds=30)
    assert (after.hold, after.freeze, after.max_reader_ttl_seconds) == (head.hold, head.freeze, 30)


def test_a_manifest_is_read_back_and_its_namespaces_are_sorted() -> None:
    layers = {"b": (DIGEST, 1), "a": (digest_of(b""), 0)}
    content = encode_manifest(layers)
    assert decode_manifest(content) == layers
    assert content == encode_manifest(dict(reversed(layers.items())))


@pytest.mark.parametrize(
    "layer",
    [
        {"digest": "x"},
        {"size": "1"},
        {"size": -1},
        {"mediaType": "application/json"},
        {"annotations": {}},
        {"annotations": None},
        {"annotations": {"io.flipt.features.namespace": 5}},
    ],
)
def test_a_manifest_with_a_layer_that_is_no_document_is_refused(layer: dict[str, Any]) -> None:
    manifest = json.loads(encode_manifest({"a": (DIGEST, 1)}))
    manifest["layers"][0].update(layer)
    with pytest.raises(InvalidDocument):
        decode_manifest(json.dumps(manifest).encode())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"artifactType":"text/plain","layers":[]}']
)
def test_what_is_not_a_manifest_of_ours_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidDocument):
        decode_manifest(content)


def test_a_manifest_that_names_a_namespace_twice_is_refused() -> None:
    manifest = json.loads(encode_manifest({"a": (DIGEST, 1)}))
    manifest["layers"] *= 2
    with pytest.raises(InvalidDocument, match="twice"):
        decode_manifest(json.dumps(manifest).encode())


def test_an_index_names_its_default_environment() -> None:
    index = decode_index(encode_index("r", {"b": Listed("main", True), "a": Listed("dev", False)}))
    assert (index.default, list(index.environments)) == ("b", ["a", "b"])
    assert decode_index(encode_index("r", {})).default is None


def test_keys_are_those_of_the_formats_page() -> None:
    assert keys.INDEX == "environments/index.json"
    assert keys.blob(DIGEST) == f"blobs/sha256/{DIGEST[7:]}"
    assert keys.head("production") == "environments/production/head.json"
    assert keys.release("production", 42) == "environments/production/releases/0000000042.json"
    static = "environments/production/internal/v1/evaluation/snapshot/namespace/default"
    assert keys.static_snapshot("production", "default") == static


def test_releases_sort_by_key_as_by_number() -> None:
    names = [keys.release("e", revision) for revision in (1, 9, 10, 99, 100, 2**31)]
    assert names == sorted(names)


def test_blobs_and_releases_are_immutable_and_nothing_else_is() -> None:
    immutable = [keys.blob(DIGEST), keys.release("e", 1)]
    mutable = [keys.head("e"), keys.INDEX, keys.static_snapshot("e", "default")]
    assert {keys.cache_control(key) for key in immutable} == {keys.IMMUTABLE}
    assert {keys.cache_control(key) for key in mutable} == {keys.MUTABLE}


@pytest.mark.parametrize("name", ["", "-a", "A", "a/b", "..", "a.b", "a b", "é", "a" * 64, "a\n"])
def test_an_environment_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    for key in (keys.head, keys.static_snapshots):
        with pytest.raises(InvalidRequest):
            key(name)


@pytest.mark.parametrize("namespace", ["", "a/b", "..", "a.b", "a b", "é", "%2e", "a\n"])
def test_a_namespace_that_could_leave_its_folder_is_refused(namespace: str) -> None:
    with pytest.raises(InvalidRequest):
        keys.static_snapshot("e", namespace)


@pytest.mark.parametrize(
    "fields",
    [
        {"revision": 1.0},
        {"max_reader_ttl_seconds": "60"},
        {"max_reader_ttl_seconds": -1},
        {"clock_skew_ms": True},
        {"lags_ms": ["x"]},
        {"lags_ms": [10**18]},
        {"lags_ms": [-5]},
        {"lags_ms": [None]},
        {"lags_ms": 5},
        {"written_at": 5},
        {"ttl_until": "soon"},
        {"waiting": "c0ffee"},
        {"waiting": {"commit": 5, "since": INSTANT}},
        {"waiting": {"commit": "c0ffee"}},
        {"hold": 5},
        {"hold": {"by": ["ann"]}},
        {"freeze": ["nothing"]},
        {"freeze": {"until": 5}},
        {"freeze": {"until": "nonsense"}},
        {"freeze": {"superseded": [5]}},
        {"freeze": {"superseded": None}},
        {"freeze": {"superseded": [{"activates_at": INSTANT}]}},
        {"freeze": {"superseded": [{"revision": 2, "activates_at": "x"}]}},
        {"signatures": 5},
        {"signatures": ["mine"]},
        {"signatures": [{"algorithm": "ed25519", "key": 5, "signature": ""}]},
    ],
    ids=str,
)
def test_a_head_that_says_of_itself_what_nobody_can_reckon_with_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        decode_head(changed(encode_head(a_head(a_release())), **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"hold": "a rollback"},
        {"hold": {"reason": "a rollback", "colour": 5}},
        {"freeze": {"by": "ann", "until": None, "superseded": []}},
        {"freeze": {"until": INSTANT, "superseded": [{"revision": 2, "activates_at": INSTANT, "explicit": True}]}},
        {"waiting": {"commit": "c0ffee", "since": INSTANT, "colour": 5}},
    ],
    ids=str,
)
def test_a_head_may_say_less_and_more_of_itself_than_this_version_knows(fields: dict[str, Any]) -> None:
    head = decode_head(changed(encode_head(a_head(a_release())), **fields))
    assert decode_head(encode_head(head)) == head


@pytest.mark.parametrize(
    "fields",
    [
        {"revision": True},
        {"environment": 5},
        {"profile": []},
        {"pending": ["1"]},
        {"source": {"repository": "r", "ref": "main", "commit": 5}},
        {"source": {"repository": "r", "ref": "main", "commit": "c0ffee", "author": ["ann"]}},
    ],
    ids=str,
)
def test_a_release_with_a_text_or_a_number_of_another_kind_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        decode_release(changed(encode_release(a_release()), **fields))
