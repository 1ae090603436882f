"""The evaluate function on AWS Lambda, in a process of its own as its runtime starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from burgee.bundle.index import Index, Listed
from burgee.core.errors import ConfigurationError
from burgee.store.opening import open_store
from tests.builders import a_boolean_flag, a_document
from tests.fakes.publisher import publish
from tests.unit.test_function_url import an_event

ROOT = Path(__file__).parents[2]
FUNCTION = ROOT / "functions" / "aws" / "evaluate"
_START = (
    "import json, sys; import main; print(json.dumps([main.handler(event, None) for event in json.load(sys.stdin)]))"
)


def run(events: list[dict[str, Any]], **variables: str) -> subprocess.CompletedProcess[str]:
    """Start the function with these variables, and let it handle events."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{FUNCTION}{os.pathsep}{ROOT / 'shared'}", **variables}
    return subprocess.run(
        [sys.executable, "-S", "-c", _START],
        input=json.dumps(events),
        capture_output=True,
        text=True,
        env=environ,
        timeout=30,
        check=False,
    )


def a_store(tmp_path: Path) -> str:
    """The URL of a store with one release: a boolean flag `on`."""
    url = (tmp_path / "store").as_uri()
    store = open_store(url)
    store.swap_index(Index("https://example.org/flags", {"staging": Listed("main", True)}), None)
    publish(store, {"default": a_document([a_boolean_flag("on", enabled=True)]).content}, at=1_700_000_000_000)
    return url


def test_it_answers_from_the_store_that_its_variables_name(tmp_path: Path) -> None:
    event = an_event("POST", "/evaluate/v1/boolean", '{"flagKey":"on","entityId":"u"}')
    done = run([event, event], BURGEE_STORE=a_store(tmp_path), BURGEE_AUTH="none")
    assert done.returncode == 0, done.stderr
    for result in json.loads(done.stdout):
        assert (result["statusCode"], json.loads(result["body"])["enabled"]) == (200, True)


def test_it_refuses_to_start_without_tokens_or_without_a_store(tmp_path: Path) -> None:
    for variables, message in (
        ({"BURGEE_STORE": a_store(tmp_path)}, "no client tokens"),
        ({"BURGEE_AUTH": "none"}, "no store: set BURGEE_STORE"),
    ):
        done = run([], **variables)
        assert done.returncode != 0
        assert ConfigurationError.__name__ in done.stderr and message in done.stderr
