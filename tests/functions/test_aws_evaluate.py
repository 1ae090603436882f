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
# Events are handled, numbers are seconds to wait.
_START = (
    "import json, sys, time; import main; steps = json.load(sys.stdin); "
    "does = lambda step: main.handler(step, None) if isinstance(step, dict) else time.sleep(step); "
    "print(json.dumps([result for result in map(does, steps) if result]))"
)


def run(events: list[Any], **variables: str) -> subprocess.CompletedProcess[str]:
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


def test_a_start_without_the_store_answers_from_what_the_last_process_kept(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    kept = tmp_path / "tmp"
    event = an_event("POST", "/evaluate/v1/boolean", '{"flagKey":"on","entityId":"u"}')
    variables = {"BURGEE_STORE": store, "BURGEE_AUTH": "none", "BURGEE_KEEP": str(kept)}
    # The second answer comes more than a second after the start, and is followed by the keeping.
    assert run([event, 1.1, event], **variables).returncode == 0
    assert (kept / "environments" / "staging" / "head.json").is_file()
    done = run([event], **{**variables, "BURGEE_STORE": (tmp_path / "gone").as_uri()})
    (result,) = json.loads(done.stdout)
    assert (result["statusCode"], json.loads(result["body"])["enabled"]) == (200, True), done.stderr
    assert int(result["headers"]["burgee-age"]) > 1_000_000
