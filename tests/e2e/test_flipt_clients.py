"""Flipt's official Python clients, unmodified, against `burgee dev` and against plain files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.publishing import features, files
from tests.servers.dev import Running, dev, wait_for
from tests.servers.git_cli import attempt, commit, git

CLIENTS = Path(__file__).parent / "clients"
VARIANT = """\
  - key: v
    name: v
    enabled: true
    variants:
      - {key: blue, attachment: {hex: "#00f"}}
      - {key: grey, default: true}
    rules:
      - segment: pro
        distributions: [{variant: blue, rollout: 100}]
segments:
  - key: pro
    name: pro
    match_type: ALL_MATCH_TYPE
    constraints: [{type: STRING_COMPARISON_TYPE, property: plan, operator: eq, value: pro}]
"""
OFF, ON = features("a", percentage=0) + VARIANT, features("a", percentage=100) + VARIANT


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Running]:
    top = tmp_path / "shop"
    for name, text in files(OFF, ON).items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    with dev(top, tmp_path / "state") as run:
        yield run


class Engine:
    """The official client in its own process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, kind: str, flag: str, **context: str) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{kind} {flag} user-1 {json.dumps(context)}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def engine(url: str, environment: str = "default", namespace: str = "default") -> Iterator[Engine]:
    command = [sys.executable, str(CLIENTS / "flipt_engine.py"), url, environment, namespace]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield Engine(process)
        finally:
            process.kill()


@contextmanager
def static_files(folder: Path) -> Iterator[str]:
    """A plain static file server, which knows nothing of burgee."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def turn_on(host: Running, tmp_path: Path) -> None:
    place = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", f"{host.url}/git/shop", str(place))
    commit(place, {"flags/staging/features.yaml": ON})
    assert attempt(place, "push").returncode == 0


def check_answers(asked: Engine) -> None:
    assert asked.ask("boolean", "a")["enabled"] is False
    assert asked.ask("variant", "v", plan="pro")["variant_key"] == "blue"
    assert json.loads(asked.ask("variant", "v", plan="pro")["variant_attachment"]) == {"hex": "#00f"}
    other = asked.ask("variant", "v", plan="free")
    assert (other["match"], other["variant_key"], other["reason"]) == (False, "grey", "DEFAULT_EVALUATION_REASON")
    assert "nope" in asked.ask("boolean", "nope")["error"]


def test_the_client_engine_polls_burgee_and_sees_a_push(host: Running, tmp_path: Path) -> None:
    with engine(host.url) as asked:
        check_answers(asked)
        turn_on(host, tmp_path)
        assert wait_for(lambda: asked.ask("boolean", "a")["enabled"] is True)


def test_the_client_engine_names_its_environment(host: Running) -> None:
    with engine(host.url, "production") as asked:
        assert asked.ask("boolean", "a")["enabled"] is True


def test_the_client_engine_may_have_a_slash_at_the_end_of_its_url(host: Running) -> None:
    with engine(host.url + "/") as asked:
        assert asked.ask("boolean", "a")["enabled"] is False


def test_the_client_engine_reads_plain_files_of_the_store(host: Running, tmp_path: Path) -> None:
    with static_files(tmp_path / "state" / "store") as url, engine(f"{url}/environments/staging") as asked:
        check_answers(asked)
        turn_on(host, tmp_path)
        assert wait_for(lambda: asked.ask("boolean", "a")["enabled"] is True)


def test_the_rest_client_evaluates_and_lists(host: Running) -> None:
    command = [sys.executable, str(CLIENTS / "flipt_rest.py"), host.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert (got["boolean"]["enabled"], got["boolean"]["reason"]) == (False, "DEFAULT_EVALUATION_REASON")
    assert (got["variant"]["variant_key"], got["variant"]["match"]) == ("blue", True)
    kinds = [item["type"].split("_")[0] for item in got["batch"]["responses"]]
    assert kinds == ["BOOLEAN", "VARIANT", "ERROR"]
    assert [flag["key"] for flag in got["flags"]["flags"]] == ["a", "v"]
    assert 'flag "default/nope" not found' in got["error"] and "404" in got["error"]
