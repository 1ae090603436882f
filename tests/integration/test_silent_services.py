"""Services that take connections and say nothing: whoever is waited for is done before Lambda ends the function."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from burgee.control.secrets import open_secrets
from burgee.core.errors import BurgeeError
from burgee.queue.opening import open_queue
from burgee.queue.port import Message
from burgee.serve.message import Request
from burgee.serve.opening import open_function
from burgee.settings import read_settings
from burgee.store.file import FileObjects
from burgee.store.opening import open_store
from tests.fakes.publisher import a_document, publish
from tests.servers.moto import ANYBODY

MAIN = Path(__file__).parents[2] / "infra" / "terraform" / "aws" / "main.tf"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:burgee-webhook-secret-AbCdEf"


def seconds_of(function: str) -> float:
    """What Terraform gives a function, of a deployment without mirrors."""
    text = MAIN.read_text()
    found = re.search(rf"\n    {function} = \{{.*?timeout_seconds = (\S+)\n", text, re.DOTALL)
    assert found is not None
    said = found[1]
    if said.startswith("local."):
        named = re.search(rf"\n  {said.removeprefix('local.')} = (\d+) \+ \d+ \* length\(var\.mirrors\)\n", text)
        assert named is not None
        said = named[1]
    return float(said)


@pytest.fixture
def silent() -> Iterator[str]:
    """A service that answers nobody; what connects stays connected."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def environ(url: str) -> dict[str, str]:
    place = {"AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"}
    return ANYBODY.environ() | place


def took(call: Callable[[], object]) -> float:
    """Seconds until it gives up."""
    began = time.monotonic()
    with suppress(BurgeeError):
        call()
    return time.monotonic() - began


def test_the_webhook_is_done_with_all_of_them_before_its_time(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ(silent).items():
        # What reads secrets has no other way to be told.
        monkeypatch.setenv(name, value)
    store = open_store("s3://acme-flags", environ=environ(silent), in_haste=True)
    queue = open_queue(f"{silent}/123456789012/burgee.fifo", environ=environ(silent), in_haste=True)
    secrets = open_secrets({})
    calls = (store.read_index, lambda: queue.send(Message("{}", "g", "d")), lambda: secrets(ARN))
    with ThreadPoolExecutor(len(calls)) as pool:
        seconds = list(pool.map(took, calls))
    assert sum(seconds) < seconds_of("webhook"), seconds


def test_evaluate_answers_from_what_it_has_before_its_time(silent: str, tmp_path: Path) -> None:
    from burgee.bundle.index import Index, Listed
    from burgee.store.objects import ObjectStore

    kept = ObjectStore(FileObjects(tmp_path))
    kept.swap_index(Index("https://git.example.org/flags", {"staging": Listed("main", True)}), None)
    publish(kept, {"default": a_document()}, at=1_700_000_000_000)
    settings = read_settings({"BURGEE_STORE": "s3://acme-flags", "BURGEE_AUTH": "none", "BURGEE_KEEP": str(tmp_path)})
    app, after = open_function(settings, environ(silent), say=lambda line: None)
    request = Request("POST", "/evaluate/v1/boolean", "", {}, b'{"flagKey":"on","entityId":"u"}')
    for _ in range(2):
        began = time.monotonic()
        response = app(request)
        after()
        assert response.status == 200 and b'"enabled":true' in response.body
        assert time.monotonic() - began < seconds_of("evaluate")
