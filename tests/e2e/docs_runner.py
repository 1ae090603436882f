"""Runs the commands that a documentation page shows, in order, and compares what they print with what the page says.

A block marked `console` holds `$ ` commands, each followed by the output it is to have; one marked `sh` holds commands
alone. In expected output a line `...` stands for any lines, `...` within a line for any text. A block marked
`console fails` ends with a command that is to fail. Every other block is only read.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from tests.servers.forge import Forge

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(?P<mark>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVER = re.compile(r"(?:\w+=\S+ )*(?:make run|burgee (?:dev|serve))\b")
_PORT = re.compile(r"(?<=:)80\d\d\b|(?<=--port )80\d\d\b|(?<=^PORT=)80\d\d\b")
_COMMAND_SECONDS = 60.0
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_SAID_SECONDS = 5.0


@dataclass(frozen=True)
class Command:
    """A command as the page shows it; `expected` is None when the page shows no output."""

    text: str
    line: int
    expected: str | None = None
    fails: bool = False


def commands_of(markdown: str) -> Iterator[Command]:
    """Every command of a page, in order."""
    for fence in _FENCE.finditer(markdown):
        mark, _, rest = fence["mark"].strip().partition(" ")
        first = markdown.count("\n", 0, fence.start("body")) + 1
        if mark == "sh":
            yield Command(fence["body"].rstrip("\n"), first)
        if mark == "console":
            found = list(_console(fence["body"], first))
            yield from found[:-1]
            last = found[-1]
            yield Command(last.text, last.line, last.expected, fails=rest == "fails")


def _console(body: str, first: int) -> Iterator[Command]:
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)
    assert not parts[0].strip(), f"line {first}: a console block begins with `$ `"
    line = first
    for part in parts[1:]:
        command, _, output = part.partition("\n")
        yield Command(command, line, output if output.strip() else None)
        line += part.count("\n")


_LEGACY = {
    ".flipt.yml": 'version: "1.0"\ninclude: ["**/*.yml"]\n',
    "web/flags.yml": "flags:\n  - {key: banner, name: Banner, enabled: true}\n",
    "billing/flags.yml": "namespace: billing\nflags:\n  - {key: invoices, name: Invoices, enabled: true}\n",
}


def matches(expected: str, actual: str) -> bool:
    """Whether output is as the page says, white space at line ends left aside."""
    pattern = ""
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*".join(map(re.escape, line.rstrip().split("..."))) + "\n"
    text = "".join(line.rstrip() + "\n" for line in actual.rstrip("\n").split("\n")) if actual.strip() else ""
    return re.fullmatch(pattern, text) is not None


@dataclass
class Page:
    """A shell in a folder of its own, as a reader of the page would have it; a context manager that stops servers."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    host: dict[str, str] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)
    servers: list[tuple[subprocess.Popen[bytes], Path]] = field(default_factory=list)
    ports: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Page:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "work").mkdir()
        self.environ = _environment(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        for server, _log in self.servers:
            _stop(server)

    def hold_samplerepo(self) -> None:
        """Put samplerepo into the folder, as a Git repository with one commit."""
        copy = self.folder / "work" / "samplerepo"
        shutil.copytree(ROOT / "samplerepo", copy, ignore=shutil.ignore_patterns("__pycache__", "*.bak", ".burgee"))
        for command in ("git init -q -b main", "git add -A", "git commit -q -m 'The shop'"):
            subprocess.run(shlex.split(command), cwd=copy, env=self.environ, check=True)

    def hold_legacy(self) -> None:
        """Put a repository as Flipt's first line has it into the folder: an index, two namespaces, no burgee.yaml."""
        place = self.folder / "work" / "legacy"
        for name, text in _LEGACY.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        for command in ("git init -q -b main", "git add -A", "git commit -q -m 'Our flags'"):
            subprocess.run(shlex.split(command), cwd=place, env=self.environ, check=True)

    def know_host(self, host: Forge) -> None:
        """Let `burgee connect` ask a Git host that is played, with the secret of the webhook beside samplerepo."""
        self.host = host.environ()
        (self.folder / "work" / "secret").write_text("the secret of the webhook\n")

    def run(self, command: Command) -> None:
        """Run one command. Raises AssertionError, with what it printed, when it does not do what the page says."""
        text = self._in_place(command.text)
        if _SERVER.match(command.text) and "--help" not in command.text:
            self._serve(command, text)
            return
        code, output = self._shell(text)
        where = f"line {command.line}: $ {command.text}\n(exit code {code})\n{output}"
        assert (code != 0) == command.fails, where
        self._compare(command, output)

    def _compare(self, command: Command, output: str) -> None:
        if command.expected is not None:
            expected = self._with_ports(command.expected)
            said = f"line {command.line}: $ {command.text}\n{output}\n--- the page says ---\n{expected}"
            assert matches(expected, output), said

    def _in_place(self, text: str) -> str:
        """The command with ports of its own, and `make` meaning that of the checkout."""
        return re.sub(r"^make ", f"make -C {shlex.quote(str(ROOT))} ", self._with_ports(text))

    def _with_ports(self, text: str) -> str:
        return _PORT.sub(lambda match: self._port(match[0]), text)

    def _port(self, shown: str) -> str:
        return self.ports.setdefault(shown, str(_free_port()))

    def _shell(self, text: str) -> tuple[int, str]:
        """Run in the page's shell, whose folder and variables go on from command to command."""
        done = subprocess.run(
            ["bash", "-c", self._script(text, "trap 'code=$?; pwd > \"$KEPT/cwd\"; exit $code' EXIT\n")],
            env=self.environ | self._elsewhere(text),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def _elsewhere(self, text: str) -> dict[str, str]:
        """Where a command finds what is not on this machine."""
        places = {"burgee connect": self.host, "burgee redrive": self.queues}
        return places.get(" ".join(text.split()[:2]), {})

    def _script(self, text: str, before: str = "") -> str:
        return f'cd "$(cat "$KEPT/cwd")"\nset -e\n{before}{text}\n'

    def _serve(self, command: Command, text: str) -> None:
        port = self._port(next(iter(_PORT.findall(command.text)), "8080"))
        log = self.folder / f"server-{len(self.servers)}.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                ["bash", "-c", self._script(text)],
                env={**self.environ, "PORT": port},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.servers.append((server, log))
        _await(port, server, log)
        # It may answer a moment before it says so.
        deadline = monotonic() + _SAID_SECONDS
        while command.expected and not matches(self._with_ports(command.expected), log.read_text()):
            if monotonic() > deadline:
                break
            sleep(0.02)
        self._compare(command, log.read_text())


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    (folder / "cwd").write_text(str(folder / "work"))
    person = {"NAME": "Ada", "EMAIL": "ada@harbour.example"}
    return {
        **kept,
        **{f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in person.items()},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "BURGEE_DIR": str(folder / "state"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "HOME": str(folder),
        "KEPT": str(folder),
        "PYTHONUNBUFFERED": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _await(port: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server has data to answer from."""
    deadline = monotonic() + _START_SECONDS
    while monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return
        except (OSError, urllib.error.HTTPError):
            sleep(0.05)
    raise AssertionError(f"no server at port {port}:\n{log.read_text()}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End a server with everything that it started: they are a process group of their own."""
    for word, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGKILL, _STOP_SECONDS)):
        try:
            os.killpg(server.pid, word)
            server.wait(seconds)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
