"""`burgee serve` asked of the past, and what it reports of itself, as a person starts it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from burgee.bundle.index import Index, Listed
from burgee.core.instant import format_instant
from burgee.deliver.instances import read_instances
from burgee.store.opening import open_store
from burgee.store.port import Store
from tests.builders import a_boolean_flag, a_document
from tests.fakes.publisher import publish
from tests.servers.dev import BURGEE, Running, running, wait_for

pytestmark = pytest.mark.integration
HOUR = 3_600_000
BODY = {"flagKey": "on", "entityId": "u"}


def a_store(folder: Path, *, now: int) -> Store:
    """Two releases of `staging`: two hours ago `on` was off, an hour ago it came on."""
    store = open_store((folder / "store").as_uri())
    store.swap_index(Index("https://example.org/flags", {"staging": Listed("main", True)}), None)
    for hours, enabled in ((2, False), (1, True)):
        document = a_document([a_boolean_flag("on", enabled=enabled)]).content
        publish(store, {"default": document}, at=now - hours * HOUR)
    return store


@contextmanager
def serving(store: Store, **environ: str) -> Iterator[Running]:
    with running(str(BURGEE), "serve", "--store", store.url, "--port", "0", environ=environ) as server:
        yield server


def asked(server: Running, *, at: int | None = None, token: str | None = None) -> tuple[int, Any, str | None]:
    """Status, body and revision."""
    query = "" if at is None else "?" + urlencode({"at": format_instant(at)})
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = Request(f"{server.url}/evaluate/v1/boolean{query}", json.dumps(BODY).encode(), headers)
    try:
        with urlopen(request, timeout=20) as response:
            return response.status, json.loads(response.read()), response.headers["burgee-revision"]
    except HTTPError as refusal:
        return refusal.code, json.loads(refusal.read()), None


def digest(token: str) -> str:
    return "sha256:" + sha256(token.encode()).hexdigest()


def test_it_answers_of_then_to_whoever_may_ask(tmp_path: Path) -> None:
    now = int(time() * 1000)
    store = a_store(tmp_path, now=now)
    with serving(store, BURGEE_TOKENS=f"{digest('of-now')}, {digest('of-then')} staging/* +history") as server:
        for at, enabled, revision in ((now - HOUR - 1, False, "1"), (now - HOUR, True, "2"), (None, True, "2")):
            status, fields, found = asked(server, at=at, token="of-then")
            assert (status, fields["enabled"], found) == (200, enabled, revision)
        assert asked(server, at=now - HOUR, token="of-now")[0] == 403
        assert asked(server, token="of-now")[0] == 200
        assert asked(server, at=now - HOUR)[0] == 401
        assert asked(server, at=now - 3 * HOUR, token="of-then")[0] == 404
        assert asked(server, at=now + HOUR, token="of-then")[0] == 400


def test_it_reports_what_it_serves_at_once_after_a_change_and_at_its_end(tmp_path: Path) -> None:
    store = a_store(tmp_path, now=int(time() * 1000))

    def revisions() -> list[int | None]:
        return [each.revision for each in read_instances(store, "staging", now=int(time() * 1000))]

    with serving(store, BURGEE_AUTH="none", BURGEE_TTL="0.1", BURGEE_REPORT="yes") as server:
        assert wait_for(lambda: revisions() == [2])
        (report,) = read_instances(store, "staging", now=int(time() * 1000))
        status = server.get("/status")["environments"][0]
        assert (report.release, report.bundle, report.stale) == (status["release"], status["bundle"], False)
        publish(store, {"default": a_document([a_boolean_flag("on")]).content}, at=int(time() * 1000))
        assert wait_for(lambda: revisions() == [3])
        server.interrupt()
        assert revisions() == []


def test_without_being_told_to_it_writes_nothing(tmp_path: Path) -> None:
    store = a_store(tmp_path, now=int(time() * 1000))
    with serving(store, BURGEE_AUTH="none") as server:
        assert asked(server)[0] == 200
        server.interrupt()
    assert store.list_instances("staging") == ()


def test_a_store_that_takes_no_report_does_not_keep_it_from_answering(tmp_path: Path) -> None:
    store = a_store(tmp_path, now=int(time() * 1000))
    (tmp_path / "store" / "environments" / "staging" / "instances").write_text("in the way")
    with serving(store, BURGEE_AUTH="none", BURGEE_REPORT="yes") as server:
        assert server.said("staging: what is served could not be reported")
        assert asked(server)[0] == 200


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("oci://registry.example.org/acme/flags", "is a registry, which keeps no reports"),
        ("https://flags.example.org", "a web server can be read from but not published to"),
    ],
)
def test_a_place_that_cannot_take_reports_is_refused_at_the_start(url: str, says: str) -> None:
    environ = {"BURGEE_AUTH": "none", "BURGEE_REPORT": "yes", "PATH": "/usr/bin:/bin"}
    command = [str(BURGEE), "serve", "--store", url, "--port", "0"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
