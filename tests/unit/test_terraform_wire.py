"""The notations of Terraform's providers, as the tests' own provider writes and reads them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.terraform_wire import UNKNOWN, fields_of, message, packed, unpacked


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, 127, 128, -1, -33, 2**40, 1.5, "", "é", "a" * 70_000, [0] * 20, {"a": {"b": [None, [2]]}}],
)
def test_a_value_that_was_written_is_read_back(value: Any) -> None:
    assert unpacked(packed(value)) == value


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\x82\xa1a\xc3\xa1b\x93\x01\xff\xa2hi", {"a": True, "b": [1, -1, "hi"]}),
        (b"\xd9\x02hi", "hi"),
        (b"\xcc\xff", 255),
        (b"\xd1\xff\x00", -256),
        (b"\xdc\x00\x01\xc0", [None]),
        (b"\xde\x00\x01\xa1a\x01", {"a": 1}),
        (b"\xc4\x01\x00", b"\x00"),
    ],
    ids=lambda value: repr(value) if isinstance(value, bytes) else "",
)
def test_short_and_long_forms_are_read(content: bytes, value: Any) -> None:
    assert unpacked(content) == value


@pytest.mark.parametrize("content", [b"\xd4\x00\x00", b"\xd5\x0c\x00\x00", b"\xc7\x03\x0c\x81\x01\xc2"])
def test_what_is_not_known_yet_is_read_with_and_without_what_is_known_of_it(content: bytes) -> None:
    assert unpacked(b"\x92" + content + b"\x01") == [UNKNOWN, 1]


def test_what_is_not_known_yet_is_written_as_terraform_writes_it() -> None:
    assert packed(UNKNOWN) == b"\xd4\x00\x00"


def test_a_message_has_its_fields_by_number_and_leaves_out_what_is_none_or_false() -> None:
    inner = message((1, "a"))
    content = message((1, "name"), (2, b"\x00"), (3, 300), (4, True), (5, None), (6, False), (3, 1), (7, inner))
    assert content.startswith(b"\x0a\x04name\x12\x01\x00\x18\xac\x02")
    fields = fields_of(content)
    assert (fields[1], fields[2], fields[3], fields[4]) == ([b"name"], [b"\x00"], [300, 1], [1])
    assert 5 not in fields and 6 not in fields and fields_of(fields[7][0]) == {1: [b"a"]}
