"""Secrets kept elsewhere: which variables name them, and when they are looked at again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from burgee.control.secrets import Renewed, open_secrets, with_secrets
from burgee.core.errors import ConfigurationError, Denied, Unavailable
from tests.fakes.clock import VirtualClock

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:burgee-git-token-AbCdEf"


def test_a_variable_that_names_a_secret_becomes_one_that_holds_it() -> None:
    environ = {"BURGEE_GIT_TOKEN_ARN": ARN, "BURGEE_STORE": "s3://b/", "OTHER_ARN": "left alone"}
    assert with_secrets(environ, {ARN: "token\n"}.get) == {
        "BURGEE_GIT_TOKEN": "token",
        "BURGEE_STORE": "s3://b/",
        "OTHER_ARN": "left alone",
    }


def test_a_secret_without_a_value_is_a_variable_that_is_not_set() -> None:
    assert with_secrets({"BURGEE_GIT_TOKEN_ARN": ARN, "BURGEE_REFRESH_SECRET_ARN": ""}, lambda arn: None) == {
        "BURGEE_REFRESH_SECRET_ARN": ""
    }


class Scene:
    """Something that is opened from one secret, which can be replaced and can be out of reach."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.value = "first"
        self.fault: Exception | None = None
        self.refused: Exception | None = None
        self.opened: list[str] = []
        self.reads = 0
        self.lines: list[str] = []
        self.renewed = Renewed(
            self._open, {"BURGEE_GIT_TOKEN_ARN": ARN}, read=self._read, now=self.clock.wall, say=self._say
        )

    def _say(self, line: str, fields: Mapping[str, object]) -> None:
        self.lines.append(f"{line} {dict(fields)}")

    def _read(self, arn: str) -> str:
        self.reads += 1
        if self.fault:
            raise self.fault
        return self.value

    def _open(self, environ: Mapping[str, str]) -> str:
        if self.refused:
            raise self.refused
        self.opened.append(environ["BURGEE_GIT_TOKEN"])
        return environ["BURGEE_GIT_TOKEN"]


def test_what_is_open_stays_open_and_secrets_are_read_every_five_minutes() -> None:
    scene = Scene()
    for _ in range(10):
        assert scene.renewed() == "first"
    assert (scene.reads, scene.opened) == (1, ["first"])
    scene.clock.advance(300_000)
    assert scene.renewed() == "first"
    assert (scene.reads, scene.opened) == (2, ["first"])


def test_a_secret_that_was_replaced_opens_it_anew() -> None:
    scene = Scene()
    scene.renewed()
    scene.value = "second"
    scene.clock.advance(300_000)
    assert scene.renewed() == "second"
    assert scene.opened == ["first", "second"]


@pytest.mark.parametrize("fault", [Unavailable("throttled"), Denied("no right")])
def test_while_secrets_cannot_be_read_the_last_ones_are_good(fault: Exception) -> None:
    scene = Scene()
    scene.renewed()
    scene.fault = fault
    scene.clock.advance(300_000)
    for _ in range(3):
        assert scene.renewed() == "first"
    assert scene.reads == 2 and str(fault) in scene.lines[0]
    scene.fault, scene.value = None, "second"
    scene.clock.advance(300_000)
    assert scene.renewed() == "second"


def test_a_new_secret_that_cannot_be_used_leaves_the_last_one() -> None:
    scene = Scene()
    scene.renewed()
    scene.value, scene.refused = "short", ConfigurationError("a secret of at least 16 characters")
    scene.clock.advance(300_000)
    assert scene.renewed() == "first" and "16 characters" in scene.lines[0]


@pytest.mark.parametrize("fault", [Unavailable("down"), Denied("no right")])
def test_without_a_first_secret_nothing_is_opened(fault: Exception) -> None:
    scene = Scene()
    scene.fault = fault
    with pytest.raises(type(fault)):
        scene.renewed()
    assert scene.opened == []


@pytest.mark.parametrize("arn", ["", "burgee-git-token", "arn:aws:s3:::bucket"])
def test_what_is_no_arn_of_a_secret_is_refused(arn: str) -> None:
    with pytest.raises(ConfigurationError, match="wanted the ARN of a secret"):
        open_secrets({})(arn)
