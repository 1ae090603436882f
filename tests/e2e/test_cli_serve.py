"""`burgee serve` as a person starts it: from a store that others publish to."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from burgee.cli.main import run
from tests.fakes.signers import Ed25519InMemory
from tests.publishing import features, files
from tests.servers.dev import BURGEE, Running, running, wait_for
from tests.servers.git_cli import a_work_tree, commit

pytestmark = pytest.mark.integration
TTL_SECONDS = 0.5
OPEN = {"BURGEE_AUTH": "none", "BURGEE_TTL": str(TTL_SECONDS)}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return a_work_tree(tmp_path / "shop", files(features("a", percentage=0), features("a", percentage=100)))


@pytest.fixture
def store(tmp_path: Path) -> str:
    return (tmp_path / "store").as_uri()


def publish(shop: Path, store: str) -> None:
    assert run(["publish", str(shop), "--store", store]) == 0


@contextmanager
def serving(store: str, environ: dict[str, str]) -> Iterator[Running]:
    with running(str(BURGEE), "serve", "--store", store, "--port", "0", environ=environ) as server:
        yield server


def status_of(server: Running, path: str, token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = json.dumps({"flagKey": "a", "entityId": "u"}).encode() if "evaluate" in path else None
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + path, body, headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_later_publish_is_answered_within_the_ttl(shop: Path, store: str) -> None:
    publish(shop, store)
    with serving(store, OPEN) as server:
        assert server.enabled("a") is False
        commit(shop, {"flags/staging/features.yaml": features("a", percentage=100)})
        publish(shop, store)
        assert wait_for(lambda: server.enabled("a"), TTL_SECONDS * 4)


def test_what_is_published_after_the_start_is_served(shop: Path, store: str) -> None:
    with serving(store, OPEN) as server:
        assert (status_of(server, "/healthz"), status_of(server, "/readyz")) == (200, 503)
        publish(shop, store)
        assert wait_for(lambda: status_of(server, "/readyz") == 200, 5)
        assert server.enabled("a") is False


def test_it_says_when_a_release_answers_and_when_the_store_is_gone_and_back(
    shop: Path, store: str, tmp_path: Path
) -> None:
    publish(shop, store)
    failing = re.compile("staging: release 2 .* goes on answering, the last look failed: ")
    with serving(store, OPEN) as server:
        assert server.said("staging: release 1 sha256:")
        commit(shop, {"flags/staging/features.yaml": features("a", percentage=50)})
        publish(shop, store)
        assert server.said("staging: release 2 sha256:")
        (tmp_path / "store").rename(tmp_path / "away")
        # Each environment is looked at when it is due.
        assert wait_for(lambda: any(failing.match(line) for line in server.lines))
        before = len(server.lines)
        (tmp_path / "away").rename(tmp_path / "store")
        assert server.said("staging: release 2 sha256:", after=before)


def test_a_reader_of_one_environment_answers_from_it(shop: Path, store: str) -> None:
    publish(shop, store)
    with serving(store, {**OPEN, "BURGEE_ENVIRONMENT": "production"}) as server:
        assert server.enabled("a") is True


def test_the_start_line_says_by_which_keys_is_verified_if_there_are_any(store: str) -> None:
    key = Ed25519InMemory(1).public_key()
    with serving(store, {**OPEN, "BURGEE_VERIFY_KEYS": key.text}) as server:
        assert server.said(f", verified by {key.id}; Ctrl-C stops it")
    with serving(store, OPEN) as server:
        assert not server.said("verified by")


def test_without_its_token_nobody_is_answered(shop: Path, store: str) -> None:
    publish(shop, store)
    tokens = f"sha256:{sha256(b'secret').hexdigest()}"
    with serving(store, {"BURGEE_TOKENS": tokens}) as server:
        evaluate = "/evaluate/v1/boolean"
        assert status_of(server, evaluate) == 401
        assert status_of(server, evaluate, "wrong") == 401
        assert status_of(server, evaluate, "secret") == 200
        assert status_of(server, "/healthz") == 200


def test_tokens_are_rotated_while_it_runs(
    shop: Path, store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(shop, store)
    file = tmp_path / "tokens"

    def make(*options: str) -> tuple[str, str]:
        capsys.readouterr()
        assert run(["token", "create", "--file", str(file), *options, "--json"]) == 0
        made = json.loads(capsys.readouterr().out)
        return made["token"], made["entry"]

    old, _ = make()
    with serving(store, {"BURGEE_TOKENS_FILE": str(file)}) as server:
        evaluate = "/evaluate/v1/boolean"
        assert status_of(server, evaluate, old) == 200
        new, entry = make("--environment", "staging")
        assert wait_for(lambda: status_of(server, evaluate, new) == 200, 5)
        file.write_text(f"{entry}\n")
        assert wait_for(lambda: status_of(server, evaluate, old) == 401, 5)
        file.write_text("broken\n")
        # It looks at the file when it is asked, at most once a second.
        wrong = f"{file}:1: "
        assert wait_for(
            lambda: status_of(server, evaluate, new) == 200 and any(wrong in line for line in server.lines), 5
        )
        assert status_of(server, evaluate, old) == 401


def test_pages_of_the_listed_origins_may_ask(shop: Path, store: str) -> None:
    publish(shop, store)
    shop_origin = "https://shop.example.org"
    with serving(store, {**OPEN, "BURGEE_CORS_ORIGINS": shop_origin}) as server:
        headers = {"Origin": shop_origin, "Access-Control-Request-Method": "POST"}
        asked = urllib.request.Request(f"{server.url}/ofrep/v1/evaluate/flags", headers=headers, method="OPTIONS")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, shop_origin)
        asked = urllib.request.Request(f"{server.url}/nope", headers={"Origin": shop_origin})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=10)
        assert refused.value.headers["access-control-allow-origin"] == shop_origin
        refused.value.close()


def test_ctrl_c_stops_it_cleanly(shop: Path, store: str) -> None:
    publish(shop, store)
    with serving(store, OPEN) as server:
        assert server.interrupt() == 0
        assert server.said("stopped")
        assert not any("Traceback" in line for line in server.lines)


def test_a_port_that_is_taken_is_said(store: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [str(BURGEE), "serve", "--store", store, "--port", str(port)],
            env=OPEN,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: port {port} of 127.0.0.1 is taken by another program; choose another with --port or PORT\n"
    )
