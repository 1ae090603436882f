"""GitHub's API as the npm package `emulate` plays it: true commits, hooks, and deliveries that are really signed.

It knows no commit statuses and no Git protocol.
"""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .dev import wait_for

PROGRAM = Path(__file__).parents[1] / "e2e" / "clients" / "node_modules" / ".bin" / "emulate"
TOKEN = "tok_admin"
REPOSITORY = "admin/flags"
_SEED = {
    "tokens": {TOKEN: {"login": "admin", "scopes": ["repo", "user", "admin:repo_hook"]}},
    "github": {
        "users": [{"login": "admin"}],
        "repos": [{"owner": "admin", "name": "flags", "auto_init": True, "default_branch": "main"}],
    },
}


@dataclass(frozen=True, slots=True)
class Emulated:
    """A running GitHub with one repository, `admin/flags`."""

    url: str

    def hooks(self) -> list[dict[str, Any]]:
        """The hooks as GitHub lists them."""
        listed: list[dict[str, Any]] = self._call("GET", f"/repos/{REPOSITORY}/hooks")
        return listed

    def push(self, path: str, content: str) -> str:
        """Add a file to main by a commit; its id. Hooks are told."""
        body = {"message": f"Add {path}", "content": b64encode(content.encode()).decode()}
        return str(self._call("PUT", f"/repos/{REPOSITORY}/contents/{path}", body)["commit"]["sha"])

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=content, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())


@contextmanager
def emulate(folder: Path) -> Iterator[Emulated]:
    """A GitHub on a free port until the context ends; `folder` is for what it is told of itself."""
    seed, log = folder / "seed.json", folder / "emulate.log"
    seed.write_text(json.dumps(_SEED))
    running = Emulated(f"http://127.0.0.1:{_free_port()}")
    port = running.url.rpartition(":")[2]
    command = [str(PROGRAM), "start", "--service", "github", "--port", port, "--seed", str(seed)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
    try:
        assert wait_for(lambda: process.poll() is not None or _answers(running)), log.read_text()
        assert process.poll() is None, log.read_text()
        yield running
    finally:
        process.terminate()
        process.wait(10)


def _answers(running: Emulated) -> bool:
    with suppress(urllib.error.URLError, ConnectionError):
        return running.hooks() == []
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
