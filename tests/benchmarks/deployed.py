"""What the benchmarks of AWS run: the deployment packages, for the Python of this process, and a server to talk to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from tests.servers.moto import Moto, moto

EMPTY = 'def handler(event, context):\n    return {"statusCode": 200, "headers": {}, "body": ""}\n'
_PACKAGE = Path(__file__).resolve().parents[2] / "functions" / "package.py"


def packages(folder: Path, *functions: str) -> list[Path]:
    """The zips of these functions as they are deployed, built into a folder."""
    wanted = [option for name in functions for option in ("--function", name)]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = ("--python", python, "--architecture", "x86_64", "--output", str(folder))
    subprocess.run([sys.executable, str(_PACKAGE), "aws", *wanted, *target], check=True, stdout=subprocess.DEVNULL)
    return [folder / f"{name}.zip" for name in functions]


def an_empty_function(folder: Path) -> Path:
    """A folder with a handler that does nothing."""
    folder.mkdir()
    (folder / "main.py").write_text(EMPTY)
    return folder


@contextmanager
def moto_apart() -> Iterator[Moto]:
    """A server in a process of its own, which takes no time from those who wait here for a function."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Moto(ours.recv())
    finally:
        ours.send("end")
        process.join(10)


def _serve(end: Connection) -> None:
    with moto() as server:
        end.send(server.url)
        end.recv()
