"""Functions of Google Cloud as processes, each run by Google's own functions-framework, as it is there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from .dev import wait_for


@dataclass(frozen=True, slots=True)
class Service:
    """A running function at `url`, without a slash at its end."""

    url: str
    log: Path


@contextmanager
def running(package: Path, log: Path, *, environ: Mapping[str, str], paths: str) -> Iterator[Service]:
    """The function of a zip, or of a folder, until the context ends.

    `paths` are where it finds what `requirements.txt` names, which the platform installs.
    """
    with TemporaryDirectory(prefix="service-") as temporary:
        folder = package
        if package.is_file():
            folder = Path(temporary)
            with ZipFile(package) as zipped:
                zipped.extractall(folder)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        command = [
            *(sys.executable, "-S", "-B", "-m", "functions_framework", "--target=handler", "--source=main.py"),
            *("--host=127.0.0.1", f"--port={port}"),
        ]
        known = {"PATH": os.environ["PATH"], "HOME": temporary, "PYTHONPATH": f"{folder}:{paths}", "K_SERVICE": "test"}
        with log.open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, env={**known, **environ})
        try:
            assert wait_for(lambda: process.poll() is not None or _listens(port), 30), log.read_text()
            assert process.poll() is None, log.read_text()
            yield Service(f"http://127.0.0.1:{port}", log)
        finally:
            process.terminate()
            process.wait(40)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
