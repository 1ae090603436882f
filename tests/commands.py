"""Commands in-process, and a repository that several tests look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from burgee.cli.main import run
from tests.publishing import features, files
from tests.servers.git_cli import a_work_tree, commit

WRONG = 'version: "1.4"\nflags:\n  - {key: a, name: a, type: NO_SUCH_TYPE}\n'


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code in (0, 1), self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Shop:
    """A repository of two commits that were both published, and a change that was not committed."""

    folder: Path
    store: str


Burgee = Callable[..., Said]


def in_process(capsys: pytest.CaptureFixture[str]) -> Burgee:
    """What runs commands here."""

    def burgee(*arguments: object) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return burgee


@pytest.fixture
def burgee(capsys: pytest.CaptureFixture[str]) -> Burgee:
    return in_process(capsys)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    top = tmp_path_factory.mktemp("cli")
    folder = a_work_tree(top / "shop", files(features("a", "b"), features("a", "b")))
    store = (top / "store").as_uri()
    for percentage in (20, 30):
        assert run(["publish", str(folder), "--store", store]) == 0
        commit(folder, {"flags/production/features.yaml": features("a", "b", "c", percentage=percentage)})
    (folder / "flags/production/features.yaml").write_text(features("b", "c", percentage=30))
    return Shop(folder, store)


@pytest.fixture
def shop(made: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Nobody may change what several tests use."""
    monkeypatch.chdir(made.folder)
    return made


def refused(said: Said, code: int, *words: str) -> None:
    """One message on standard error, and nothing on standard output."""
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert (said.code, said.out, len(errors)) == (code, "", 1), said
    assert all(word in errors[0] for word in words), said.err
    assert not errors[0].endswith("."), said.err
