"""Function apps of Azure as processes, each run by `azure_host.py` with the variables that it is given."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen
from zipfile import ZipFile

_HOST = Path(__file__).with_name("azure_host.py")
_PACKAGES = ".python_packages/lib/site-packages"
# What the worker has itself: packages need not bring these.
_WORKER = ("azure.functions", "werkzeug", "markupsafe")
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class FunctionApp:
    """A running function app at `url`, without a slash at its end."""

    url: str
    log: Path

    def poll(self, function: str) -> str:
        """Let a function take one message: `empty`, `done`, `again` or `poison` is what became of it."""
        return self._post(f"/-/poll/{function}")

    def tick(self, function: str) -> None:
        """Let a function's timer be due."""
        self._post(f"/admin/functions/{function}")

    def _post(self, path: str) -> str:
        with urlopen(Request(self.url + path, b"", method="POST"), timeout=_SECONDS) as response:
            return str(response.read().decode())


@contextmanager
def running(package: Path, log: Path, *, environ: Mapping[str, str], paths: str = "") -> Iterator[FunctionApp]:
    """The function app of a zip, or of a folder, until the context ends.

    `paths` are where it finds what it does not bring; a zip finds the packages of the worker only.
    """
    with TemporaryDirectory(prefix="app-") as temporary:
        folder = package
        if package.is_file():
            folder = Path(temporary, "app")
            with ZipFile(package) as zipped:
                zipped.extractall(folder)
            paths = f"{folder / _PACKAGES}:{_worker(Path(temporary, 'worker'))}"
        # Without `site` there are no installed packages but those.
        command = [sys.executable, "-S", "-B", "-P", str(_HOST), str(folder)]
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=output, env={**environ, "PYTHONPATH": paths}, text=True
            )
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port, log.read_text()
            yield FunctionApp(f"http://127.0.0.1:{port}", log)
        finally:
            process.terminate()
            process.communicate(timeout=10)


def _worker(folder: Path) -> Path:
    """A folder with the packages that the worker has, without others that are installed beside them."""
    for name in _WORKER:
        spec = find_spec(name)
        assert spec is not None and spec.origin is not None, f"{name} is not installed"
        place = folder.joinpath(*name.split("."))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(Path(spec.origin).parent)
    return folder
