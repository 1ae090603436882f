"""Debian's docker-registry on loopback: for everybody, for those in a password file, or for those with a token.

Its access log is what says how often it was asked, and with what answer.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from .tokens import SERVICE, Tokens, tokens

Auth = Literal["none", "basic", "token"]
USERNAME, PASSWORD = "publisher", "pass word:§1"
# Who may only read.
READER = "reader"
_START_SECONDS = 20
_LINE = re.compile(r'"(GET|HEAD|PUT|POST|PATCH|DELETE) (\S+) HTTP/1\.1" (\d{3}) ')


@dataclass(frozen=True, slots=True)
class Running:
    """A running registry; `host` is as in `oci://<host>/<repository>`, `tokens` gives them where they are wanted."""

    host: str
    log: Path
    tokens: Tokens | None = None

    def url(self, repository: str = "acme/flags") -> str:
        return f"oci://{self.host}/{repository}"

    def environ(self, username: str = USERNAME) -> dict[str, str]:
        """The variables of one who may do what their name says."""
        return {"BURGEE_OCI_USERNAME": username, "BURGEE_OCI_PASSWORD": PASSWORD}

    def requests(self) -> list[tuple[str, str, int]]:
        """What it was asked until now, in the order of its answers: method, path and status."""
        found = _LINE.findall(self.log.read_text(encoding="utf-8", errors="replace"))
        return [(method, path, int(status)) for method, path, status in found]


@contextmanager
def registry(folder: Path, auth: Auth = "none", *, kept: Path | None = None) -> Iterator[Running]:
    """A registry, until the context ends; `folder` has its log and is its own.

    What it keeps is below `kept`, or in memory and nothing at first.
    """
    binary = _binary()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        giving = stack.enter_context(tokens(folder, {USERNAME: "pull,push", READER: "pull"}, PASSWORD))
        port = _free_port()
        config = folder / "registry.yml"
        config.write_text(_config(port, auth, folder, giving, kept), encoding="utf-8")
        log = folder / "registry.log"
        with log.open("wb") as output:
            server = subprocess.Popen([binary, "serve", str(config)], stdout=output, stderr=output)
        stack.callback(_stop, server)
        _wait(f"http://127.0.0.1:{port}/v2/", server, log)
        yield Running(f"127.0.0.1:{port}", log, giving if auth == "token" else None)


def clear_away(folder: Path) -> str:
    """Delete what no tag leads to, as who runs a registry does while it stands still; the words of the registry."""
    done = subprocess.run(
        [_binary(), "garbage-collect", "--delete-untagged", str(folder / "registry.yml")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def _binary() -> str:
    found = shutil.which("docker-registry")
    if found is None:
        pytest.skip("docker-registry is not installed: apt-get install docker-registry")
    return found


def _config(port: int, auth: Auth, folder: Path, giving: Tokens, kept: Path | None) -> str:
    storage = f"filesystem: {{rootdirectory: {kept}}}" if kept else "inmemory: {}"
    base = f"""\
version: 0.1
log: {{level: warn}}
storage: {{{storage}, delete: {{enabled: true}}}}
http: {{addr: 127.0.0.1:{port}}}
"""
    if auth == "basic":
        return base + f"auth: {{htpasswd: {{realm: flags, path: {_password_file(folder)}}}}}\n"
    if auth == "token":
        said = f"realm: {giving.url}, service: {SERVICE}, issuer: {giving.issuer}, rootcertbundle: {giving.certificate}"
        return base + f"auth: {{token: {{{said}}}}}\n"
    return base


def _password_file(folder: Path) -> Path:
    made = subprocess.run(
        ["htpasswd", "-Bbn", "-C", "4", USERNAME, PASSWORD], capture_output=True, check=True, timeout=30
    )
    path = folder / "htpasswd"
    path.write_bytes(made.stdout)
    return path


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            urlopen(url, timeout=1).close()
            return
        except URLError as error:
            # Whoever asks for a password is there.
            if getattr(error, "code", None) == 401:
                error.close()  # type: ignore[attr-defined]
                return
            if server.poll() is not None:
                break
            time.sleep(0.02)
    raise AssertionError(f"docker-registry did not start: {log.read_text(encoding='utf-8', errors='replace')}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(5)


def config_file(folder: Path, auths: Mapping[str, object], **more: object) -> Path:
    """A folder with Docker's configuration in it, as DOCKER_CONFIG names it."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": auths, **more}), encoding="utf-8")
    return folder
