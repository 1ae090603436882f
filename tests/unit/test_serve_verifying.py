"""The evaluate API over a store whose releases are verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from burgee.bundle.index import Index, Listed
from burgee.core.errors import ConfigurationError
from burgee.fetch.clock import SystemClock
from burgee.serve.app import App
from burgee.serve.message import Request
from burgee.serve.opening import open_function
from burgee.settings import read_settings
from burgee.sign.signing import signed_head
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.fakes.publisher import a_document, publish
from tests.fakes.signers import Ed25519InMemory

OURS, THEIRS = Ed25519InMemory(1), Ed25519InMemory(666)
HOUR = 3_600_000
REPOSITORY = "https://example.org/flags"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The URL of a store with one signed release."""
    written = ObjectStore(FileObjects(tmp_path / "store"))
    written.swap_index(Index(REPOSITORY, {"staging": Listed("main", True)}), None)
    now = SystemClock.wall()
    publish(written, {"default": a_document()}, at=now)
    found = written.read_head("staging")
    assert found is not None
    written.swap_head(signed_head(found.head, [OURS], expires_at=now + HOUR), found.etag)
    return (tmp_path / "store").as_uri()


def opened(store: str, **variables: str) -> App:
    settings = read_settings({"BURGEE_STORE": store, "BURGEE_AUTH": "none", **variables})
    return open_function(settings, {}, say=_nothing)[0]


def _nothing(line: str) -> None:
    """Nobody reads the log."""


def got(app: App, path: str) -> tuple[int, Any]:
    response = app(Request("GET", path, "", {}, b""))
    return response.status, json.loads(response.body)


def test_the_status_says_by_which_key_what_is_served_was_verified(store: str) -> None:
    app = opened(store, BURGEE_VERIFY_KEYS=OURS.public_key().text)
    status, said = got(app, "/status")
    assert status == 200
    (environment,) = said["environments"]
    assert (environment["revision"], environment["stale"], environment["error"]) == (1, False, None)
    assert environment["verified_by"] == OURS.public_key().id
    assert environment["expires_at"].endswith("Z")


def test_without_keys_it_says_so(store: str) -> None:
    (environment,) = got(opened(store), "/status")[1]["environments"]
    assert environment["verified_by"] is None
    assert environment["expires_at"].endswith("Z")


def test_what_is_not_believed_is_not_served(store: str) -> None:
    app = opened(store, BURGEE_VERIFY_KEYS=THEIRS.public_key().text)
    (environment,) = got(app, "/status")[1]["environments"]
    assert environment["revision"] is None
    assert "not signed by the key" in environment["error"]
    assert got(app, "/readyz") == (503, {"ready": False})


def test_several_keys_and_the_repository_are_believed(store: str) -> None:
    keys = f"{THEIRS.public_key().text}, {OURS.public_key().text}"
    app = opened(store, BURGEE_VERIFY_KEYS=keys, BURGEE_VERIFY_REPOSITORY=REPOSITORY)
    assert got(app, "/readyz") == (200, {"ready": True})
    other = opened(store, BURGEE_VERIFY_KEYS=keys, BURGEE_VERIFY_REPOSITORY="https://example.org/others")
    assert got(other, "/readyz")[0] == 503


def test_the_default_environment_is_the_one_that_a_variable_names(store: str) -> None:
    named = {"BURGEE_VERIFY_KEYS": OURS.public_key().text}
    assert got(opened(store, **named), "/status")[1]["default"] is None
    assert got(opened(store, **named, BURGEE_ENVIRONMENT="staging"), "/status")[1]["default"] == "staging"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"BURGEE_VERIFY_KEYS": "ed25519:AAAA"}, "not a public key"),
        ({"BURGEE_VERIFY_KEYS": "file:///key.pem"}, "not a public key"),
        ({"BURGEE_VERIFY_REPOSITORY": REPOSITORY}, "BURGEE_VERIFY_KEYS is not"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(store: str, variables: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        opened(store, **variables)


def test_a_package_without_what_verifies_says_which_one_to_deploy(store: str, hide: Callable[[str], None]) -> None:
    hide("burgee.fetch.verify")
    with pytest.raises(ConfigurationError, match="deploy the package evaluate-verify"):
        opened(store, BURGEE_VERIFY_KEYS=OURS.public_key().text)


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a module one that is not there."""
    import sys

    return lambda name: monkeypatch.setitem(sys.modules, name, None)
