"""What the SDK says of flags that are not there, when their keys come from strangers."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from burgee.core.errors import FlagNotFound
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
