"""What of other people's texts and of faults below libraries is shown."""

from __future__ import annotations

import pytest

from burgee.core.causes import network_cause, without_queries
from burgee.core.visible import shortened, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://cdn/layer?X-Amz-Signature=hidden", "GET https://cdn/layer"),
        ("url: /flags?sv=1&sig=hidden%3D (Caused by x)", "url: /flags (Caused by x)"),
        ("'https://a/b?sig=hidden' and /c?sig=hidden?", "'https://a/b and /c"),
        ("is that so? yes", "is that so? yes"),
        ("", ""),
    ],
)
def test_queries_of_addresses_are_cut_off(text: str, shown: str) -> None:
    assert without_queries(text) == shown


def test_a_long_text_is_cut_and_what_moves_a_cursor_is_written_out() -> None:
    assert shortened("\x1b[2J") == "\\x1b[2J"
    assert shortened("x" * 300) == "x" * 300
    assert shortened("x" * 301) == "x" * 300 + "..."


@pytest.mark.parametrize("code", [0x061C, 0x200E, 0x200F, 0x202A, 0x202E, 0x2066, 0x2069, 0x206A, 0x206F, 0x2028])
def test_what_turns_writing_around_is_written_out(code: int) -> None:
    assert visible(f"a{chr(code)}b") == f"a\\u{code:04x}b"


class _Pool:
    host = "flags.example.org"


class _Wrapped(Exception):
    def __init__(self, *, reason: BaseException) -> None:
        super().__init__("Max retries exceeded with url: /flags?sig=hidden")
        self.pool = _Pool()
        self.reason = reason


def test_a_cause_is_the_systems_own_words_and_the_host() -> None:
    refused = ConnectionRefusedError(111, "Connection refused")
    assert network_cause(_Wrapped(reason=refused)) == "flags.example.org: Connection refused"
    assert network_cause(Exception(_Wrapped(reason=refused))) == "flags.example.org: Connection refused"
    assert network_cause(refused) == "Connection refused"


def test_what_the_system_said_nothing_of_has_no_cause() -> None:
    assert network_cause(ValueError("/flags?sig=hidden")) is None
    assert network_cause(_Wrapped(reason=TimeoutError("timed out"))) is None
    circle = _Wrapped(reason=ValueError())
    circle.reason = circle
    assert network_cause(circle) is None
