"""Flag tests where people meet them: beside an editor, before a commit, and in a workflow on GitHub."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import yaml

from burgee.cli.main import COMMANDS
from tests.e2e.docs_runner import ROOT
from tests.servers.dev import BURGEE
from tests.servers.git_cli import ENVIRON, git

_PAUSE = 3.0
SECONDS = 60.0
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """samplerepo, committed and cloned."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "samplerepo", source, ignore=shutil.ignore_patterns("__pycache__", ".burgee"))
    git(source, "init", "--quiet", "--initial-branch=main")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "The shop")
    git(tmp_path, "clone", "--quiet", str(source), "clone")
    return tmp_path / "clone"


def break_a_flag(folder: Path) -> None:
    """Give the new checkout to fewer customers than its test says."""
    path = folder / "flags/staging/features.yaml"
    path.write_text(path.read_text().replace("percentage: 75", "percentage: 70"))


def run(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A script as GitHub's runners run it, with burgee on the path."""
    path = f"{BURGEE.parent}{os.pathsep}{ENVIRON['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**ENVIRON, "PATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_is_a_command_of_burgee_with_all_that_it_needs(hook: Mapping[str, Any]) -> None:
    program, name, *_ = shlex.split(hook["entry"])
    assert (program, hook["id"]) == ("burgee", f"burgee-{name}")
    assert name in COMMANDS
    assert hook["additional_dependencies"] == [".[cli]"]
    assert hook.keys() <= {
        *("id", "name", "description", "entry", "language"),
        *("additional_dependencies", "types_or", "pass_filenames"),
    }


@pytest.mark.integration
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_the_hooks_pass_on_a_clone_of_samplerepo(clone: Path, hook: Mapping[str, Any]) -> None:
    done = run(hook["entry"], clone)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
def test_the_hook_of_tests_stops_a_commit_that_breaks_one(clone: Path) -> None:
    break_a_flag(clone)
    (hook,) = (hook for hook in HOOKS if hook["id"] == "burgee-test")
    done = run(hook["entry"], clone)
    assert done.returncode == 1
    assert "wanted 75 % true, got 30 % false, 70 % true" in done.stdout


def test_every_input_of_the_action_is_described_used_and_never_part_of_a_script() -> None:
    text = (ROOT / "action.yml").read_text()
    for name, about in ACTION["inputs"].items():
        assert about["description"] and "default" in about, name
        assert f"inputs.{name}" in text, name
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    assert all("${{" not in step.get("run", "") for step in STEPS)


def test_the_action_installs_itself_with_its_command_line_apart_from_the_job() -> None:
    (install,) = (step["run"] for step in STEPS if "pip" in step.get("run", ""))
    assert '-m venv "$RUNNER_TEMP/burgee"' in install
    assert 'install "${GITHUB_ACTION_PATH}[cli]"' in install


def test_every_command_of_the_action_is_one_of_burgee() -> None:
    commands = [name for step in STEPS for name in re.findall(r'bin/burgee" (\w+)', step.get("run", ""))]
    assert commands == ["validate", "test", "ci"]
    assert set(commands) <= set(COMMANDS)


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """RUNNER_TEMP of a job that has installed burgee."""
    (tmp_path / "temp/burgee/bin").mkdir(parents=True)
    (tmp_path / "temp/burgee/bin/burgee").symlink_to(BURGEE)
    return tmp_path / "temp"


def outcomes(clone: Path, runner: Path, **inputs: str) -> Iterator[subprocess.CompletedProcess[str]]:
    """What the steps of the action that check and test come to."""
    defaults = {name: str(about["default"]) for name, about in ACTION["inputs"].items()}
    for step in STEPS:
        if re.search(r"burgee\" (validate|test) ", step.get("run", "")):
            given = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")
            environ = {
                name: given.sub(lambda found: {**defaults, **inputs}[found[1]], value)
                for name, value in step["env"].items()
            }
            yield run(step["run"], clone, RUNNER_TEMP=str(runner), **environ)


@pytest.mark.integration
@pytest.mark.parametrize("inputs", [{}, {"environment": "production", "strict": "true"}], ids=str)
def test_the_action_passes_on_a_clone_of_samplerepo(clone: Path, runner: Path, inputs: dict[str, str]) -> None:
    done = list(outcomes(clone, runner, **inputs))
    assert [(one.returncode, one.stderr) for one in done if one.returncode] == []
    assert len(done) == 2


@pytest.mark.integration
def test_the_action_annotates_and_fails_where_a_test_does(clone: Path, runner: Path) -> None:
    break_a_flag(clone)
    checked, tested = outcomes(clone, runner)
    assert checked.returncode == 0
    assert "::warning file=flags/staging/shop.test.yaml,line=10,col=9,title=flag-test-failed::" in checked.stdout
    assert tested.returncode == 1
    assert [one.returncode for one in outcomes(clone, runner, strict="true")] == [1, 1]
    assert [one.returncode for one in outcomes(clone, runner, environment="production")] == [0, 0]


@pytest.mark.integration
def test_an_input_that_looks_like_a_command_is_none(clone: Path, runner: Path) -> None:
    done = list(outcomes(clone, runner, environment='x"; touch "$RUNNER_TEMP/hello'))
    assert [one.returncode for one in done] == [2, 2]
    assert not (runner / "hello").exists()


def test_the_comment_is_written_although_a_check_or_a_test_failed_if_burgee_is_there() -> None:
    (comment,) = (step for step in STEPS if "ci comment" in step.get("run", ""))
    (install,) = (step for step in STEPS if "pip" in step.get("run", ""))
    conditions = [part.strip() for part in comment["if"].split("&&")]
    assert conditions[:2] == ["always()", f"steps.{install['id']}.outcome == 'success'"]
    assert "inputs.comment == 'true'" in conditions


@pytest.mark.integration
@pytest.mark.parametrize("contexts", ["", "some contexts.jsonl"])
def test_the_comment_of_the_action_is_asked_for_with_the_contexts_it_is_given(tmp_path: Path, contexts: str) -> None:
    (step,) = (step for step in STEPS if "ci comment" in step.get("run", ""))
    assert step["env"]["CONTEXTS"] == "${{ inputs.contexts }}"
    burgee = tmp_path / "burgee/bin/burgee"
    burgee.parent.mkdir(parents=True)
    burgee.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    burgee.chmod(0o755)
    done = run(step["run"], tmp_path, RUNNER_TEMP=str(tmp_path), CONTEXTS=contexts)
    assert done.stdout.splitlines() == ["ci", "comment", *(["--contexts", contexts] if contexts else [])], done.stderr


@pytest.mark.integration
def test_watching_runs_again_at_each_save_until_it_is_interrupted(clone: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("wb") as out:
        watching = subprocess.Popen([str(BURGEE), "test", "--watch"], cwd=clone, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(said, r"\d\d:\d\d:\d\d, \d+ ms; Ctrl-C ends this")
        assert "failed" not in said.read_text()
        break_a_flag(clone)
        flags = clone / "flags/staging/features.yaml"
        wait_for(said, r"staging: 1 of 16 failed\nproduction: 24 passed\n\d\d:", saving=flags)
        flags.write_text("flags: x\n")
        wait_for(said, r"features.yaml:1:8: error: ", saving=flags)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(SECONDS) == 0
    finally:
        watching.kill()
        watching.wait()


def wait_for(said: Path, pattern: str, *, saving: Path | None = None) -> None:
    """Wait until the pattern was said, and save a file now and then: what watches may not have begun to, and waits till
    nothing more is saved."""
    now = monotonic()
    deadline, save_at = now + SECONDS, now + _PAUSE
    while not re.search(pattern, said.read_text()):
        now = monotonic()
        assert now < deadline, said.read_text()
        sleep(0.1)
        if saving and now >= save_at:
            saving.touch()
            save_at = now + _PAUSE
