"""The document's bytes: canonical, found by line, refused when they are something else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from burgee.bundle.digest import canonical_json, digest_of, hex_of, is_digest, verify
from burgee.bundle.document import Document, encode
from burgee.core.errors import DigestMismatch, InvalidDocument
from tests.builders import a_boolean_flag, a_constraint, a_document, a_flag, a_rule, a_segment, a_threshold, a_variant

EMPTY = b'{"version":"1.4","namespace":"default","flags":[\n],"segments":[\n]}\n'


def test_an_empty_document_has_the_layout_of_any_other() -> None:
    assert encode({"namespace": "default"}) == EMPTY
    document = Document(EMPTY)
    assert (document.namespace, document.flag_keys(), list(document.segments())) == ("default", [], [])


def test_a_document_is_json_with_one_object_per_line() -> None:
    content = a_document([a_flag("b"), a_flag("a")], [a_segment("s")]).content
    assert [flag["key"] for flag in json.loads(content)["flags"]] == ["a", "b"]
    assert content.split(b"\n")[1] == b'{"key":"a","enabled":true,"name":"a"},'
    assert content.endswith(b"\n]}\n")


def test_the_namespaces_name_and_description_survive() -> None:
    document = a_document(namespace={"key": "shop", "name": "Shop", "description": "a\nb\u2028"})
    assert (document.namespace, document.name, document.description) == ("shop", "Shop", "a\nb\u2028")


def test_the_version_is_the_one_given_or_1_4() -> None:
    assert a_document().version == "1.4"
    assert Document(encode({"namespace": "default", "version": "1.5"})).version == "1.5"


def test_the_order_of_flags_segments_variants_and_keys_does_not_matter() -> None:
    variants = [a_variant("x", {"b": 1, "a": 2}), a_variant("y", default=True)]
    one = encode({"namespace": "n", "flags": [a_flag("b"), a_flag("a", variants=variants)], "segments": [a_segment()]})
    again = [dict(reversed(a_flag("a", variants=variants[::-1]).items())), a_flag("b")]
    assert encode({"segments": [a_segment()], "flags": again, "namespace": "n"}) == one


def test_the_order_of_rules_rollouts_distributions_and_constraints_is_kept() -> None:
    rules = [a_rule("s", [("b", 1.0), ("a", 99.0)]), a_rule("a")]
    constraints = [a_constraint("q", "eq", "2"), a_constraint("p", "eq", "1")]
    flags = [a_flag("f", rules=rules), a_boolean_flag("g", a_threshold(9), a_threshold(1))]
    document = a_document(flags, [a_segment("s", constraints)])
    flag, segment = document.flag("f"), document.segment("s")
    assert flag and segment and (flag["rules"], segment["constraints"]) == (rules, constraints)
    assert document.flag("g") == flags[1]


@pytest.mark.parametrize("weight", [33.33, 14.2857, 0.1, 1, 100, 66.6667, 1e-07, 0.30000001192092896])
def test_weights_are_written_as_given(weight: float) -> None:
    content = a_document([a_flag("f", rules=[a_rule("s", [("a", weight)])])]).content
    assert f'"rollout":{weight!r},'.encode() in content


KEYS = ["a", "a,", "a-", "a0", "aA", "a_", "aa", ",", "-", "_", "0", "A", "Z", "z"]


def test_every_key_is_found_and_none_other() -> None:
    document = a_document([a_flag(key, description=key * 2) for key in KEYS], [a_segment(key) for key in KEYS])
    for key in KEYS:
        flag, segment = document.flag(key), document.segment(key)
        assert flag and segment and (flag["description"], segment["key"]) == (key * 2, key)
    for key in ["", "b", "a,,", "aaa", "B", "~", " ", "a ", "ä", "a\n", "a\\", 'a"', "{", "\ud800", "a\ud800"]:
        assert (document.flag(key), document.segment(key)) == (None, None), key


def test_a_key_with_a_quotation_mark_does_not_look_into_the_flag() -> None:
    document = a_document([a_flag("a")], [a_segment("s")])
    assert document.flag('a","enabled":true,"name":"a') is None
    assert document.segment('s","match_type":"ALL_MATCH_TYPE') is None


AWKWARD = [
    "\x85",
    "\u2028",
    "\u2029",
    "\n",
    "\r\n",
    "\x0b\x0c\x1c\x1d\x1e",
    '"',
    "\\",
    '\\"',
    "\0",
    "\x7f",
    "🙂",
    "\ufeff",
    '],"segments":[\n',
]


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_survive(text: str) -> None:
    flag = a_flag("f", description=text, metadata={text: text}, variants=[a_variant(text, {text: [text]})])
    segment = a_segment("s", [a_constraint(text, "eq", text)])
    document = a_document([a_flag("e"), flag, a_flag("g")], [segment])
    assert (document.flag("f"), document.segment("s")) == (flag, segment)
    assert document.flag_keys() == ["e", "f", "g"]
    assert list(document.flags())[1] == flag


@pytest.mark.parametrize("value", ["\ud800", "a\udfff", float("nan"), float("inf"), -float("inf"), object(), b"x"])
def test_what_json_or_utf_8_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(InvalidDocument):
        encode({"namespace": "default", "flags": [a_flag("f", metadata={"x": value})]})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"null",
        EMPTY[:-1],
        EMPTY + b"\n",
        EMPTY.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + EMPTY,
        EMPTY.replace(b"default", b"\xff"),
        EMPTY.replace(b'"default"', b"5"),
        EMPTY.replace(b'"default"', b"{}"),
        EMPTY.replace(b'"default"', b'{"key":"a","name":7}'),
        EMPTY.replace(b'"default"', b"[" * 100_000),
        EMPTY.replace(b'[\n],"s', b'[\n{"key":"b"},\n{"key":"a"}\n],"s'),
        EMPTY.replace(b'[\n],"s', b'[\n{"name":"b","key":"a"}\n],"s'),
        json.dumps(json.loads(EMPTY)).encode(),
    ],
    ids=range(15),
)
def test_bytes_of_another_layout_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidDocument):
        Document(content)


def test_a_digest_names_bytes_and_is_checked() -> None:
    digest = digest_of(EMPTY)
    assert verify(EMPTY, digest) == EMPTY
    assert hex_of(digest) == digest[7:]
    with pytest.raises(DigestMismatch):
        verify(EMPTY + b" ", digest)


@pytest.mark.parametrize(
    "text", ["", "sha256:", "a" * 64, "sha512:" + "a" * 64, "sha256:" + "A" * 64, "sha256:" + "a" * 63 + "/", None, 5]
)
def test_what_is_not_a_digest_does_not_become_part_of_a_path(text: Any) -> None:
    assert not is_digest(text)
    with pytest.raises(InvalidDocument):
        hex_of(text)


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff"])
def test_canonical_json_escapes_what_a_yaml_reader_refuses_or_folds(character: str) -> None:
    assert canonical_json(character) == f'"\\u{ord(character):04x}"'


def test_canonical_json_sorts_keys_and_escapes_nothing_it_need_not() -> None:
    assert (
        canonical_json({"é": 1, "b": [1.0, 1e21, 0.1], "a": "</é\u00a0"})
        == '{"a":"</é\u00a0","b":[1.0,1e+21,0.1],"é":1}'
    )
