"""A thousand open streams on one process of `burgee serve`: each has a change at once, and gone they cost nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from burgee.cli.main import run
from tests.publishing import features, files
from tests.servers.dev import BURGEE, running, wait_for
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.streams import Crowd, allow_open_files

pytestmark = pytest.mark.integration
NUMBER = 1_000
SECONDS = 2.0
SECRET = "a-secret-of-more-than-sixteen"


def test_a_thousand_streams_have_a_change_within_seconds_and_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_open_files(NUMBER + 500)
    shop = a_work_tree(tmp_path / "shop", files(features("a"), features("b")))
    store = (tmp_path / "store").as_uri()
    assert run(["publish", str(shop), "--store", store]) == 0
    # By itself it would look again in five minutes.
    environ = {"BURGEE_AUTH": "none", "BURGEE_TTL": "300", "BURGEE_REFRESH_SECRET": SECRET}
    # As many systems have it, the process may not have so many files open until it allows itself more.
    command = f'ulimit -Sn 512; exec "{BURGEE}" serve --store "{store}" --port 0'
    with running("bash", "-c", command, environ=environ) as server:
        assert server.get("/readyz") == {"ready": True}
        monkeypatch.setenv("BURGEE_REFRESH_SECRET", SECRET)
        monkeypatch.setenv("BURGEE_REFRESH_URLS", f"{server.url}/hooks/refresh")
        commit(shop, {"flags/staging/features.yaml": features("a", "changed")})
        process = Process(server.process.pid)
        before = process.files()
        asyncio.run(_told_of_a_publish(server.url, shop, store, process))
        assert wait_for(lambda: process.files() <= before + 2)
        assert wait_for(lambda: process.threads() < 50)
        assert server.get("/readyz") == {"ready": True}


async def _told_of_a_publish(url: str, shop: Path, store: str, process: Process) -> None:
    crowd = Crowd(int(url.rpartition(":")[2]), NUMBER)
    memory = process.memory()
    await crowd.come()
    assert process.files() >= NUMBER
    # No thread for a stream: there are those that answer requests and are kept, and a few for all.
    assert process.threads() < 50
    assert process.memory() - memory < 64 * 1024
    messages = asyncio.create_task(crowd.messages())
    began = time.monotonic()
    assert await asyncio.to_thread(run, ["publish", str(shop), "--store", store]) == 0
    sent = await messages
    assert time.monotonic() - began < SECONDS
    lines, events = sent[::2], sent[1::2]
    assert len({*lines}) == 1 and b'"key":"changed"' in lines[0]
    assert len({*events}) == 1 and b'"type":"refetchEvaluation"' in events[0]
    await crowd.leave()


class Process:
    """What a process uses, as Linux tells it."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def files(self) -> int:
        return len(list((self._folder / "fd").iterdir()))

    def threads(self) -> int:
        return self._status("Threads")

    def memory(self) -> int:
        """Resident, in KiB."""
        return self._status("VmRSS")

    def _status(self, name: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])
