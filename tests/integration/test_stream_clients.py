"""What Flipt's own client engine makes of our streams, and of their absence: PyPI `flipt-client`, streaming.

It is used with the strategy that hides nothing: one line that it cannot read, and every evaluation raises.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from burgee.host.listener import Listener, Options
from burgee.host.streaming import Streaming
from burgee.serve.message import Request, Response
from tests.builders import a_boolean_flag
from tests.publishing import features, files
from tests.servers.dev import dev, wait_for
from tests.servers.git_cli import attempt, commit, git
from tests.servers.streams import LINES, streaming
from tests.serving import TTL_MS, Served

pytestmark = pytest.mark.integration
_PROGRAM = """\
import json, sys
from flipt_client import FliptClient
from flipt_client.models import ClientOptions, FetchMode
client = FliptClient(opts=ClientOptions(url=sys.argv[1], namespace="default", fetch_mode=FetchMode.STREAMING))
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    try:
        answer = client.evaluate_boolean(flag_key="a", entity_id="e", context={}).enabled
    except Exception as error:
        answer = str(error)
    print(json.dumps(answer), flush=True)
"""


class Asked:
    """An App that counts what it is asked for."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.streams = 0

    def __call__(self, request: Request) -> Response:
        self.streams += request.path.endswith("/stream")
        return self._served.app(request)


class Engine:
    """The client in a process of its own, for it may take its process with it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self) -> Any:
        """Whether the flag `a` is enabled, or what the client raises."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.read()

    def read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def engine(url: str) -> Iterator[Engine]:
    command = [sys.executable, "-c", _PROGRAM, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            opened = Engine(process)
            assert opened.read() == "ready"
            yield opened
        finally:
            process.kill()


def turn(served: Served, hub: Streaming, *, on: bool) -> None:
    served.publish(a_boolean_flag("a", enabled=on))
    served.clock.advance(TTL_MS)
    served.get("/status")
    hub.tell()


def test_it_takes_every_change_and_no_offence_at_heartbeats() -> None:
    served, hub = Served(a_boolean_flag("a"), streams=True), Streaming(heartbeat=0.02)
    asked = Asked(served)
    with Listener(asked, options=Options(port=0), streaming=hub) as listener, engine(listener.url) as client:
        assert wait_for(lambda: len(hub) == 1)
        # Over some twenty-five heartbeats.
        until = monotonic() + 0.5
        while monotonic() < until:
            assert client.ask() is False
        for on in (True, False, True):
            turn(served, hub, on=on)
            assert wait_for(lambda on=on: client.ask() is on, 1)
        assert asked.streams == 1


def test_it_has_what_is_served_after_its_connection_broke() -> None:
    """It says If-None-Match with what it fetched first, whatever it has been sent since (Flipt semantics, 4.4)."""
    served, hub = Served(a_boolean_flag("a"), streams=True), Streaming()
    with Listener(served.app, options=Options(port=0), streaming=hub) as listener, engine(listener.url) as client:
        turn(served, hub, on=True)
        assert wait_for(lambda: client.ask() is True)
        # It is told of nothing, and then finds what it fetched first served again.
        turn(served, Streaming(), on=False)
        break_off(listener)
        assert wait_for(lambda: client.ask() is False)


def break_off(listener: Listener) -> None:
    """Break every connection off in the middle of its answer."""
    assert listener._server is not None and listener._loop is not None
    for connection in list(listener._server.server_state.connections):
        listener._loop.call_soon_threadsafe(connection.transport.abort)


def test_it_asks_a_function_that_does_not_stream_now_and_then_only() -> None:
    served = Served(a_boolean_flag("a"))
    asked = Asked(served)
    with Listener(asked, options=Options(port=0)) as listener, engine(listener.url) as client:
        assert wait_for(lambda: "501" in str(client.ask()), 20)
        # Older engines asked ten thousand times a second after a 404.
        assert 2 <= asked.streams < 20


def test_a_push_to_burgee_dev_reaches_a_stream_as_soon_as_it_is_released(tmp_path: Path) -> None:
    top = tmp_path / "shop"
    for name, text in files(features("a"), features("a")).items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    with dev(top, tmp_path / "state") as host:
        place = tmp_path / "clone"
        git(tmp_path, "clone", "--quiet", f"{host.url}/git/shop", str(place))
        with streaming(int(host.url.rpartition(":")[2]), LINES) as lines:
            assert set(lines.flags()) == {"a"}
            commit(place, {"flags/staging/features.yaml": features("a", "b")})
            assert attempt(place, "push", "--quiet").returncode == 0
            lines.patience(1.0)
            assert set(lines.flags()) == {"a", "b"}
