"""The contenders as processes of their own, and what they get: a folder with the same flags in everybody's format."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Thread, Timer
from typing import Any

from .agreement import Shares, check, shares_of
from .worker import CONTENDERS
from .workload import questions, workload

OURS, FLIPT = "burgee", "flipt_client"
PEERS = CONTENDERS[1:]
_PACKAGES = {
    "flipt_client": "flipt-client",
    "statsig": "statsig-python-core",
    "powertools": "aws-lambda-powertools",
    "launchdarkly": "launchdarkly-server-sdk",
    "flagd": "openfeature-provider-flagd",
    "unleash": "UnleashClient",
}
_ROOT = Path(__file__).resolve().parents[2]
_LONGEST_SECONDS = 600.0


class Contender:
    """A contender's process; `running` makes them. Each method is a task of `worker`, with the same unit."""

    def __init__(self, name: str, count: int, url: str) -> None:
        self.name = name
        self._count = count
        command = [sys.executable, "-m", "tests.benchmarks.worker", name, str(count), str(folder_of(count)), url]
        # A file and not a pipe: nobody reads while the process lives, whatever an SDK may log.
        self._said = TemporaryFile("w+")  # noqa: SIM115 - `stop` closes it
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True
        )

    def load(self) -> float:
        """Seconds from local data to the first answer, with a new client."""
        return float(self._ask("load"))

    def warm(self) -> Sequence[Any]:
        """Answers to all questions, checked; what is timed afterwards has been asked once."""
        answers: list[Any] = self._ask("answers")
        check(self.name, _possible(self._count), answers)
        return answers

    def evaluation(self) -> float:
        """Nanoseconds for one question."""
        return float(self._ask("evaluation"))

    def tail(self) -> float:
        """The 99th percentile of nanoseconds for a single call."""
        return float(self._ask("tail"))

    def batch(self) -> float:
        """Nanoseconds for all flags of one entity."""
        return float(self._ask("batch"))

    def memory(self) -> tuple[int, int]:
        """Private bytes taken once loaded, and once every flag was asked about; asked of a fresh process only."""
        loaded, used = self._ask("memory")
        return loaded, used

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def _ask(self, task: str) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        overdue = Timer(_LONGEST_SECONDS, self._process.kill)
        overdue.start()
        try:
            self._process.stdin.write(task + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            overdue.cancel()
        if not line:
            raise RuntimeError(f"the process of {self.name} ended: {self._last_words()}")
        return json.loads(line)

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._said.seek(0)
        return f"status {self._process.returncode}; {self._said.read()[-2000:]}"


def title(name: str) -> str:
    """The contender's package and version; ends the program where that is not installed."""
    package = _PACKAGES.get(name, name)
    if name == OURS:
        return name
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        sys.exit(f"{package} is not installed; `make bench` installs what burgee is measured beside, and measures")


@contextmanager
def running(count: int, names: Sequence[str] = CONTENDERS) -> Iterator[dict[str, Contender]]:
    """Contenders that hold `count` flags, by title; each has loaded nothing yet."""
    with ExitStack() as stack:
        url = stack.enter_context(_serving(folder_of(count) / "snapshot.json"))
        started = {}
        for name in names:
            contender = started[title(name)] = Contender(name, count, url)
            stack.callback(contender.stop)
        yield started


@contextmanager
def warmed(count: int, names: Sequence[str] = CONTENDERS) -> Iterator[dict[str, Contender]]:
    """Contenders that hold `count` flags and have answered every question once."""
    with running(count, names) as contenders:
        answers = {}
        for contender in contenders.values():
            contender.load()
            answers[contender.name] = contender.warm()
        if FLIPT in answers:
            assert answers[OURS] == answers[FLIPT], "burgee and Flipt's client disagree"
        yield contenders


def folder_of(count: int) -> Path:
    """The folder that holds `count` flags in every contender's format."""
    return Path(_written(count).name)


@cache
def _possible(count: int) -> Sequence[Shares]:
    return shares_of(workload(count), questions(count))


@cache
def _written(count: int) -> TemporaryDirectory[str]:
    """A folder with the flags in every contender's format; gone when this process ends."""
    folder = TemporaryDirectory(prefix="burgee-bench-")
    for name in CONTENDERS:
        import_module(f".peers.{name}", __package__).write(workload(count), Path(folder.name))
    return folder


@contextmanager
def _serving(file: Path) -> Iterator[str]:
    """The address of a server on loopback that answers everything with a file."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(file.read_bytes()))
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _handler(content: bytes) -> type[BaseHTTPRequestHandler]:
    class Static(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            # A contender that is stopped while it fetches is nobody's mistake.
            with suppress(ConnectionError):
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Static
