"""`burgee dev` and `burgee serve` as a person starts them: the real command in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

BURGEE = Path(sys.executable).parent / "burgee"
_SECONDS = 20.0


@dataclass(slots=True)
class Running:
    """A running command: its address once it has said it, and every line it has said."""

    process: subprocess.Popen[str]
    url: str = ""
    lines: list[str] = field(default_factory=list)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(self.url + path, data=json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return json.loads(response.read())

    def enabled(self, flag: str, entity: str = "user-1", **context: str) -> bool:
        body = {"flagKey": flag, "entityId": entity, "context": context}
        return bool(self.post("/evaluate/v1/boolean", body)["enabled"])

    def said(self, text: str, *, after: int = 0) -> bool:
        """Whether a line with this text is said within some seconds, `after` so many lines."""
        return wait_for(lambda: any(text in line for line in self.lines[after:]))

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(_SECONDS)


def wait_for(holds: Any, seconds: float = _SECONDS) -> bool:
    """Whether something comes to hold within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


def burgee(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command once it has ended, in these variables and no others."""
    command = [str(BURGEE), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


@contextmanager
def running(*command: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Iterator[Running]:
    """A burgee command that serves, until the context ends; its output is collected."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environ or {})},
    )
    run = Running(process)
    reader = Thread(target=_read, args=(run,), daemon=True)
    reader.start()
    try:
        if not wait_for(lambda: run.url or process.poll() is not None) or not run.url:
            raise AssertionError("it did not start:\n" + "".join(run.lines))
        yield run
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        reader.join(10)
        assert process.stdout is not None
        process.stdout.close()


def _read(run: Running) -> None:
    assert run.process.stdout is not None
    for line in run.process.stdout:
        run.lines.append(line)
        found = re.search(r"(http://127\.0\.0\.1:\d+)/status", line)
        if found:
            run.url = found[1]


@contextmanager
def dev(folder: Path, state: Path, *options: str, environ: Mapping[str, str] | None = None) -> Iterator[Running]:
    """`burgee dev` on a free port, once it has published what is there."""
    command = (str(BURGEE), "dev", str(folder), "--dir", str(state), "--port", "0", *options)
    with running(*command, environ=environ) as run:
        assert wait_for(lambda: _is_ready(run)), "".join(run.lines)
        yield run


def _is_ready(run: Running) -> bool:
    try:
        with urllib.request.urlopen(run.url + "/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False
