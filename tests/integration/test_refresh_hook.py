"""The refresh hook: a publish tells readers to look now, and nothing that goes wrong with that is a failure."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic, time
from typing import Any

import pytest

from burgee.bundle import keys
from burgee.bundle.index import Index, Listed
from burgee.cli.main import run
from burgee.core.errors import Unavailable
from burgee.core.signature import HEADER, sign
from burgee.host.answering import Answering
from burgee.host.listener import Listener, Options
from burgee.host.refresh import PATH, RefreshHook, SingleFlight
from burgee.serve.message import Request, Response
from tests.builders import a_boolean_flag
from tests.publishing import features, files
from tests.servers.dev import BURGEE, Running, running, wait_for
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.streams import LINES, streaming
from tests.serving import Served

pytestmark = pytest.mark.integration
SECRET = "a secret of more than sixteen"
HEAD = keys.head("staging")


class Reader:
    """A hook over a store that the test writes."""

    def __init__(self, secret: str | None = SECRET) -> None:
        self.served = Served(a_boolean_flag("a"))
        self.told = 0
        environments = self.served.service.environments
        self.hook = RefreshHook(environments, secret, now=self.served.clock.wall, tell=self._tell)  # type: ignore[arg-type]

    def _tell(self) -> None:
        self.told += 1

    def looks(self) -> int:
        return self.served.fetcher.calls.count(HEAD)

    def post(self, body: Any = None, *, secret: str = SECRET, late: int = 0) -> tuple[int, Any]:
        content = b"" if body is None else json.dumps(body).encode()
        headers = {HEADER: sign(secret, content, self.served.clock.wall() - late)}
        response = self.hook(Request("POST", PATH, headers=headers, body=content))
        return response.status, json.loads(response.body)


def test_a_hook_looks_at_the_store_now_and_says_what_is_served() -> None:
    reader = Reader()
    reader.served.get("/status")
    reader.served.publish(a_boolean_flag("b"))
    status, answer = reader.post({"environment": "staging", "revision": 2})
    assert status == 200
    (staging,) = answer["environments"]
    assert (staging["environment"], staging["revision"], staging["pending"], staging["error"]) == (
        "staging",
        2,
        [],
        None,
    )
    assert reader.told == 1


def test_only_the_named_environment_is_looked_at() -> None:
    reader = Reader()
    reader.served.get("/status")
    reader.served.fetcher.calls.clear()
    reader.post({"environment": "staging"})
    assert reader.served.fetcher.calls == [HEAD]


@pytest.mark.parametrize("body", [None, {}, {"environment": None}, {"environment": ""}, {"unknown": 1}])
def test_without_a_name_every_environment_is_looked_at(body: Any) -> None:
    reader = Reader()
    _, answer = reader.post(body)
    assert [each["environment"] for each in answer["environments"]] == ["production", "staging"]
    assert {keys.INDEX, HEAD, keys.head("production")} <= set(reader.served.fetcher.calls)


def test_a_pending_release_has_been_seen_too() -> None:
    reader = Reader()
    reader.served.publish(a_boolean_flag("b"), active_after=60_000)
    status, answer = reader.post({"environment": "staging", "revision": 2})
    assert status == 200
    assert answer["environments"][0]["pending"] == [{"revision": 2, "activates_at": "2027-01-15T08:01:00.000Z"}]


def test_a_revision_that_the_store_does_not_show_yet_is_202() -> None:
    assert Reader().post({"environment": "staging", "revision": 2})[0] == 202


def test_a_look_that_fails_is_202_with_the_reason() -> None:
    reader = Reader()
    reader.served.get("/status")
    reader.served.fetcher.faults[HEAD] = Unavailable("the store is down")
    status, answer = reader.post({"environment": "staging"})
    assert status == 202
    assert (answer["environments"][0]["revision"], answer["environments"][0]["error"]) == (1, "the store is down")


def test_an_environment_that_is_new_is_found() -> None:
    reader = Reader()
    reader.served.get("/status")
    _, etag = reader.served.store.read_index() or (None, None)
    reader.served.store.swap_index(Index("https://example.org/flags", {"qa": Listed("main", True)}), etag)
    reader.served.publish(a_boolean_flag("b"), environment="qa")
    status, answer = reader.post({"environment": "qa", "revision": 1})
    assert (status, answer["environments"][0]["revision"]) == (200, 1)


def test_an_environment_that_does_not_exist_is_not_found() -> None:
    status, answer = Reader().post({"environment": "nope"})
    assert (status, answer["message"]) == (404, "environment 'nope' not found")


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        {"environment": 1},
        {"revision": 1},
        {"environment": "staging", "revision": "1"},
        {"environment": "staging", "revision": True},
        {"environment": "staging", "revision": 0},
        {"environment": "staging", "revision": 1.5},
    ],
)
def test_a_wrong_body_is_a_bad_request_and_costs_no_look(body: Any) -> None:
    reader = Reader()
    assert reader.post(body)[0] == 400
    assert (reader.served.fetcher.calls, reader.told) == ([], 0)


def test_a_bad_signature_is_401_and_costs_no_look() -> None:
    reader = Reader()
    answers = [
        reader.post(secret=SECRET + "x"),
        reader.post(late=301_000),
        reader.post(late=-301_000),
    ]
    assert [(status, answer["code"]) for status, answer in answers] == [(401, 16)] * 3
    unsigned = reader.hook(Request("POST", PATH, body=b"{}"))
    assert unsigned.status == 401
    assert (reader.served.fetcher.calls, reader.told) == ([], 0)


def test_without_a_secret_there_is_no_hook() -> None:
    reader = Reader(secret=None)
    response = reader.hook(Request("POST", PATH, headers={HEADER: sign("", b"", reader.served.clock.wall())}))
    assert (response.status, response.body) == (
        404,
        b"this server takes no refresh hooks; set BURGEE_REFRESH_SECRET here and where you publish\n",
    )


def test_another_method_is_not_allowed() -> None:
    assert Reader().hook(Request("GET", PATH)).status == 405


def test_many_hooks_at_once_cause_one_look_and_one_that_follows_it() -> None:
    reader = Reader()
    reader.served.get("/status")
    first, go_on = Event(), Event()

    def pause(key: str) -> None:
        first.set()
        assert go_on.wait(10)

    before = reader.looks()
    reader.served.fetcher.pause = pause
    with ThreadPoolExecutor(20) as pool:
        begun = pool.submit(reader.post, {"environment": "staging"})
        assert first.wait(10)
        # What is published now, the look that runs may have missed.
        reader.served.publish(a_boolean_flag("b"))
        others = [pool.submit(reader.post, {"environment": "staging", "revision": 2}) for _ in range(19)]
        flight = reader.hook._looks["staging"]
        assert wait_for(lambda: len(flight._changed._waiters) == 19)  # type: ignore[attr-defined]
        go_on.set()
        assert begun.result(10)[0] == 200
        assert {other.result(10)[0] for other in others} == {200}
    assert reader.looks() - before == 2


def test_a_call_that_fails_lets_the_next_one_run() -> None:
    runs: list[int] = []

    def call() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise ZeroDivisionError

    flight = SingleFlight(call)
    with pytest.raises(ZeroDivisionError):
        flight.run()
    flight.run()
    assert runs == [0, 1]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return a_work_tree(tmp_path / "shop", files(features("a", percentage=0), features("a")))


@pytest.fixture
def store(tmp_path: Path) -> str:
    return (tmp_path / "store").as_uri()


@contextmanager
def serving(store: str, **environ: str) -> Iterator[Running]:
    # By itself it looks again in five minutes.
    said = {"BURGEE_AUTH": "none", "BURGEE_TTL": "300", **environ}
    with running(str(BURGEE), "serve", "--store", store, "--port", "0", environ=said) as server:
        yield server


def publish(shop: Path, store: str) -> None:
    assert run(["publish", str(shop), "--store", store]) == 0


def test_a_publish_pushes_to_readers_and_to_the_streams_that_are_open_there(
    shop: Path, store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(shop, store)
    with serving(store, BURGEE_REFRESH_SECRET=SECRET) as server:
        port = int(server.url.rpartition(":")[2])
        monkeypatch.setenv("BURGEE_REFRESH_URLS", f"{server.url}{PATH}")
        monkeypatch.setenv("BURGEE_REFRESH_SECRET", SECRET)
        with streaming(port, LINES) as lines:
            assert set(lines.flags()) == {"a"}
            assert server.enabled("a") is False
            commit(shop, {"flags/staging/features.yaml": features("a", "b", percentage=100)})
            publish(shop, store)
            assert server.enabled("a") is True
            assert set(lines.flags()) == {"a", "b"}
        assert server.said("staging: release 2 ")
        said = capsys.readouterr().err
        assert f"told {server.url}{PATH} of release 2 of staging: it has it\n" in said
        # What has not changed is not told.
        publish(shop, store)
        assert "told" not in capsys.readouterr().err


def test_a_server_without_the_secret_has_no_hook(shop: Path, store: str) -> None:
    publish(shop, store)
    with serving(store) as server:
        body = b"{}"
        request = urllib.request.Request(
            server.url + PATH, body, {HEADER: sign(SECRET, body, int(time() * 1000))}, method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=10)
        with refusal.value as answer:
            assert answer.code == 404 and b"takes no refresh hooks" in answer.read()


def test_hooks_that_cannot_be_told_are_said_and_fail_nothing(
    shop: Path, store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as silent, _elsewhere() as elsewhere:
        quiet, moved = silent.getsockname()[1], elsewhere.port
        urls = [
            f"http://127.0.0.1:{nobody}{PATH}",
            f"http://user:password@127.0.0.1:{quiet}{PATH}?key=secret",
            f"{elsewhere.url}{PATH}",
        ]
        monkeypatch.setenv("BURGEE_REFRESH_URLS", ", ".join(urls))
        monkeypatch.setenv("BURGEE_REFRESH_SECRET", SECRET)
        began = monotonic()
        publish(shop, store)
        # Both environments of the first release, to all three at once.
        assert monotonic() - began < 5
    said = capsys.readouterr().err
    assert said.count("could not tell") == 6
    assert f"could not tell http://127.0.0.1:{nobody}{PATH} of release 1 of staging: nothing accepts" in said
    assert f"could not tell http://127.0.0.1:{quiet}{PATH} of release 1 of staging: no answer within 3 seconds" in said
    assert f"{moved}{PATH} of release 1 of staging: status 302, nothing said; it will look by itself" in said
    assert "password" not in said and "key=secret" not in said


@contextmanager
def _elsewhere() -> Iterator[Listener]:
    """A server that sends whoever asks elsewhere."""
    answer = Answering(lambda request: Response(302, (("location", "http://127.0.0.1:9/"),)))
    with Listener(lambda request: Response(404), routes={PATH: answer}, options=Options(port=0)) as listener:
        yield listener


def test_hooks_without_a_secret_are_refused_before_anything_is_published(
    shop: Path, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BURGEE_REFRESH_URLS", "http://127.0.0.1:9/hooks/refresh")
    assert run(["publish", str(shop), "--store", store]) == 2
    assert "BURGEE_REFRESH_SECRET is not set" in capsys.readouterr().err
    assert not (tmp_path / "store" / "environments").exists()
