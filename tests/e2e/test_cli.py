"""The real command in a process of its own: examples, pipes, terminals, signals, completion, and a bare install."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from burgee.cli.main import COMMANDS, burgee
from tests.e2e.docs_queues import a_dead_letter
from tests.e2e.docs_runner import ROOT, Command, Page
from tests.publishing import PROJECT, features, files
from tests.servers.dev import BURGEE
from tests.servers.forge import forge
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.static import static_files

pytestmark = pytest.mark.integration
SECONDS = 30.0
WRONG = 'version: "1.4"\nflags:\n  - {key: a, name: a, type: NO_SUCH_TYPE}\n'
RED = "\x1b[31m"


def said(
    *arguments: object, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BURGEE), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def in_bash(script: str, cwd: Path, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    path = f"{BURGEE.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=cwd,
        env={**os.environ, "PATH": path, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def on_a_terminal(*arguments: object, environ: Mapping[str, str] | None = None) -> str:
    """What a person sees: both streams on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(BURGEE), *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **(environ or {})},
    )
    os.close(theirs)
    shown = b"".join(_chunks(ours))
    os.close(ours)
    process.wait(SECONDS)
    return shown.decode().replace("\r\n", "\n")


def _chunks(descriptor: int) -> Iterator[bytes]:
    """What is read until the other end is closed, which Linux tells by an error."""
    while True:
        try:
            chunk = os.read(descriptor, 65_536)
        except OSError:
            return
        if not chunk:
            return
        yield chunk


def command_of(name: str) -> click.Command:
    command = burgee.get_command(click.Context(burgee), name)
    assert command is not None
    return command


# What there has to be for the examples of a command.
BEFORE = {
    "rollback": (
        "sed -i 's/percentage: 10$/percentage: 50/' flags/production/features.yaml",
        "git -c user.name=Ann -c user.email=ann@example.org commit -q -a -m change",
        'burgee publish --store "file://$PWD/../store"',
    ),
    "resume": ('burgee hold production --reason test --store "file://$PWD/../store"',),
}


def examples_of(name: str) -> list[str]:
    """The commands below `Example:` in a command's help."""
    _, _, lines = (command_of(name).epilog or "").partition("Example:\n")
    return [line.strip() for line in lines.splitlines()]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_describes_the_command_every_option_and_an_example(name: str) -> None:
    shown = said(name, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    command = command_of(name)
    assert len((command.help or "").split()) > 10
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    assert examples_of(name)
    for line in examples_of(name):
        assert re.match(rf'(\w+=\S+ )*(eval "\$\()?burgee {name}\b', line), line
        assert f"\n    {line}\n" in shown.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_works_at_the_top_of_a_clone_of_samplerepo(name: str, tmp_path: Path) -> None:
    with forge() as host, ExitStack() as stack, Page(tmp_path / "page") as page:
        page.know_host(host)
        if name == "redrive":
            page.queues = stack.enter_context(a_dead_letter())
        page.hold_samplerepo()
        page.run(Command("cd samplerepo", 0))
        if name != "publish" and any("../store" in line for line in examples_of(name)):
            page.run(Command('burgee publish --store "file://$PWD/../store"', 0))
        for line in BEFORE.get(name, ()):
            page.run(Command(line, 0))
        for number, line in enumerate(examples_of(name)):
            page.run(Command(line, number))


@pytest.mark.parametrize(
    "wrong", ["burgee validate nowhere", "burgee history --limit 5", "burgee evaluate new-chekout --entity ada"]
)
def test_a_wrong_example_would_fail(wrong: str, tmp_path: Path) -> None:
    with Page(tmp_path / "page") as page:
        page.hold_samplerepo()
        page.run(Command("cd samplerepo", 0))
        with pytest.raises(AssertionError, match="exit code 2"):
            page.run(Command(wrong, 1))


def test_results_go_to_standard_output_and_errors_to_standard_error(tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(WRONG)
    wrong = said("validate", tmp_path)
    assert (wrong.returncode, "features.yaml:3:" in wrong.stdout, "error" in wrong.stderr) == (1, True, False)
    missing = said("validate", tmp_path / "nowhere")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.startswith("error: no folder at ")
    unpublished = said("status", "--store", tmp_path.as_uri())
    assert (unpublished.returncode, unpublished.stdout) == (3, "")
    assert unpublished.stderr.count("\n") == 1


def test_a_reader_that_stops_early_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([str(BURGEE), "schema"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=SECONDS)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_closed_streams_get_no_traceback(tmp_path: Path) -> None:
    assert "no flag files below" in in_bash("burgee validate | head -1", tmp_path).stdout
    closed = in_bash("burgee schema >&-", tmp_path)
    assert (closed.returncode, closed.stderr) == (0, "")
    assert in_bash("burgee validate nowhere >&- 2>&-", tmp_path).returncode == 2


def test_a_current_folder_that_is_gone_gets_no_traceback(tmp_path: Path) -> None:
    done = in_bash("mkdir gone && cd gone && rmdir ../gone && burgee validate", tmp_path)
    assert (done.returncode, done.stderr) == (3, "error: the current folder is no longer there\n")


def test_a_terminal_of_little_alphabet_gets_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(features("a", percentage=100))
    asked = ("evaluate", "a", "--entity", "u", "--source", tmp_path, "--explain")
    assert "\\u2713 rollout 1" in said(*asked, environ={"PYTHONIOENCODING": "latin-1"}).stdout
    assert "✓ rollout 1" in said(*asked, environ={"LC_ALL": "C"}).stdout


def test_ctrl_c_ends_with_130_and_no_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen([str(BURGEE), "status", "--store", url], stderr=subprocess.PIPE, text=True)
        silent.settimeout(SECONDS)
        accepted, _ = silent.accept()
        with accepted:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors.strip()) == (130, "")


def test_colours_are_for_terminals_that_were_not_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(WRONG)
    for arguments in (("validate", tmp_path), ("build", tmp_path), ("validate", tmp_path / "nowhere")):
        assert RED in on_a_terminal(*arguments)
        assert "\x1b" not in on_a_terminal(*arguments, environ={"NO_COLOR": "1"})
        piped = said(*arguments)
        assert "\x1b" not in piped.stdout + piped.stderr
    assert RED in on_a_terminal("validate", tmp_path, environ={"NO_COLOR": ""})


def test_short_work_shows_no_progress(tmp_path: Path) -> None:
    assert "\x1b[K" not in on_a_terminal("validate", tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return a_work_tree(tmp_path / "shop", files(features("a"), features("a")))


def test_a_store_behind_a_web_server_is_read_as_the_folder_is(shop: Path, tmp_path: Path) -> None:
    folder = (tmp_path / "store").as_uri()
    assert said("publish", shop, "--store", folder).returncode == 0
    commit(shop, {"flags/production/features.yaml": features("a", "b")})
    assert said("publish", shop, "--store", folder).returncode == 0
    with static_files(tmp_path / "store") as url:
        for arguments in (("history", "production", "--json"), ("diff", "production@1", "production@2", "--json")):
            assert json.loads(said(*arguments, "--store", url).stdout) == json.loads(
                said(*arguments, "--store", folder).stdout
            )
        status = json.loads(said("status", "--store", url, "--json").stdout)
        assert [entry["revision"] for entry in status["environments"]] == [2, 1]
        assert said("evaluate", "b", "--entity", "u", "-e", "production", "--store", url).stdout == "false\n"


@pytest.mark.parametrize(
    ("shell", "words", "place", "offered"),
    [
        ("bash", "burgee va", "1", "plain,validate\n"),
        ("bash", "burgee validate -e ", "3", "plain,staging\nplain,production\n"),
        ("bash", "burgee validate --environment pr", "3", "plain,production\n"),
        ("bash", "burgee history ", "2", "plain,staging\nplain,production\n"),
        ("bash", "burgee verify pr", "2", "plain,production\n"),
        ("bash", "burgee show ", "2", "plain,staging@active\nplain,production@active\n"),
        ("bash", "burgee show production@a", "2", "plain,production@active\n"),
        ("bash", "burgee validate fl", "2", "dir,fl\n"),
        ("bash", "burgee publish --al", "2", "plain,--allow-removal\n"),
        ("bash", "burgee bundle copy ../bu", "3", "file,../bu\n"),
        ("bash", "burgee bundle copy a ../bu", "4", "file,../bu\n"),
        ("bash", "burgee bundle unpack ../bu", "3", "file,../bu\n"),
        ("bash", "burgee bundle unpack a ../bu", "4", "dir,../bu\n"),
        ("zsh", "burgee diff HEAD -e pr", "4", "plain\nproduction\n_\n"),
        ("fish", "burgee evaluate a -e ", "pr", "plain,production\n"),
    ],
)
def test_completion_offers_commands_options_folders_and_environments(
    shop: Path, shell: str, words: str, place: str, offered: str
) -> None:
    environ = {"_BURGEE_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": place}
    completed = said(cwd=shop, environ=environ)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert [line.strip() for line in completed.stdout.splitlines()] == offered.splitlines()


@pytest.mark.parametrize("project", [None, "version: [", PROJECT.replace("default", "defalt")])
def test_completion_is_silent_without_a_good_project_file(tmp_path: Path, project: str | None) -> None:
    if project:
        (tmp_path / "burgee.yaml").write_text(project)
    environ = {"_BURGEE_COMPLETE": "bash_complete", "COMP_WORDS": "burgee build -e ", "COMP_CWORD": "3"}
    completed = said(cwd=tmp_path, environ=environ)
    assert (completed.returncode, completed.stdout.strip(), completed.stderr) == (0, "", "")


def test_the_script_for_bash_completes_in_bash(shop: Path) -> None:
    script = (
        'eval "$(burgee completion bash)"; COMP_WORDS=(burgee validate -e p); COMP_CWORD=3; '
        '_burgee_completion burgee; echo "${COMPREPLY[@]}"'
    )
    completed = in_bash(script, shop)
    assert (completed.stdout, completed.stderr) == ("production\n", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_for_other_shells_ask_this_command(shell: str) -> None:
    assert f"_BURGEE_COMPLETE={shell}_complete" in said("completion", shell).stdout


@pytest.mark.parametrize("brought", [(), ("click",), ("click", "yaml", "pydantic")])
def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path, brought: tuple[str, ...]) -> None:
    """Other packages bring some of what the extra does: click comes with Flask."""
    for name in brought:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    start = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'shared')!r}, {str(tmp_path)!r}]; sys.argv = ['burgee', 'status']; "
        "from burgee.cli.entry import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("burgee: the command line is not installed (")
    assert done.stderr.endswith("missing); install it with the extra `cli`, in a checkout: pip install '.[cli]'\n")
    assert not any(f" {name}," in done.stderr for name in brought)
