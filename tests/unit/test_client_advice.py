"""What the SDK says of flags that are not there or of the other type: notes on errors, and lines in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from burgee.client import Client
from burgee.core.errors import FlagNotFound, WrongFlagType
from tests.fakes.clients import ClientScene
from tests.fakes.publisher import a_document


@pytest.fixture
def scene() -> ClientScene:
    made = ClientScene()
    made.publish(a_document())
    return made


@pytest.mark.parametrize("key", [None, 1, b"on", "x" * 100_000])
def test_a_key_that_cannot_be_one_names_no_flag(scene: ClientScene, key: Any) -> None:
    client = scene.client()
    with pytest.raises(FlagNotFound) as caught:
        client.boolean(key, "u")
    assert not getattr(caught.value, "__notes__", None)
    assert client.boolean(key, "u", default=True).reason == "FLAG_NOT_FOUND_EVALUATION_REASON"


def test_a_long_key_makes_a_short_line_in_the_log(scene: ClientScene, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "burgee.client"):
        scene.client().boolean("x" * 100_000, "u", default=True)
    (line,) = caplog.messages
    assert line.startswith("the default was answered for flag 'xxx")
    assert len(line) < 1_000


@pytest.mark.parametrize(
    ("ask", "note"),
    [
        (lambda client: client.boolean("onn", "u"), "did you mean 'on'?"),
        (lambda client: client.evaluate("onn", "u"), "did you mean 'on'?"),
        (lambda client: client.variant("on", "u"), "flag 'on' is a boolean flag: ask for it with boolean()"),
    ],
)
def test_an_error_about_a_flag_has_a_note_that_says_what_to_do(
    scene: ClientScene, ask: Callable[[Client], object], note: str
) -> None:
    client = scene.client()
    for _ in range(2):
        with pytest.raises((FlagNotFound, WrongFlagType)) as caught:
            ask(client)
        assert caught.value.__notes__ == [note]


def test_an_answered_default_is_logged_once_for_a_flag(scene: ClientScene, caplog: pytest.LogCaptureFixture) -> None:
    client = scene.client()
    with caplog.at_level(logging.WARNING, "burgee.client"):
        for _ in range(3):
            client.boolean("onn", "u", default=False)
            client.variant("on", "u", default="a")
    assert caplog.messages == [
        "the default was answered for flag 'onn': flag \"default/onn\" not found",
        "the default was answered for flag 'on': flag type BOOLEAN_FLAG_TYPE invalid",
    ]
