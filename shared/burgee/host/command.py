"""The git command: found and checked once, and run without what a user's environment could change about it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ConfigurationError, GitFailed
from ..git.names import line_text

OLDEST = (2, 32)
_VERSION = re.compile(rb"git version (\d+)\.(\d+)")
_SECONDS = 600.0
_KEPT = ("PATH", "TMPDIR", "SSL_CERT_FILE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_USERS_OWN = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_CONFIG = "[safe]\n\tdirectory = *\n"


@dataclass(frozen=True, slots=True)
class Git:
    """The git command and the user's environment, of which the commands see only a safe part."""

    program: str
    version: tuple[int, int]
    environ: Mapping[str, str]


def find_git(environ: Mapping[str, str]) -> Git:
    """The git on the PATH of `environ`. Raises ConfigurationError when there is none, or one older than OLDEST."""
    program = shutil.which("git", path=environ.get("PATH"))
    if program is None:
        raise ConfigurationError("hosting needs the git command and PATH has none; install git 2.32 or newer")
    answer = subprocess.run([program, "--version"], capture_output=True, check=False, timeout=30).stdout
    match = _VERSION.match(answer)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version < OLDEST:
        found = line_text(answer.strip()) or "no version"
        raise ConfigurationError(f"hosting needs git 2.32 or newer and {program} says {found!r}; upgrade it")
    return Git(program, version, dict(environ))


def safe_environment(git: Git, home: Path) -> dict[str, str]:
    """The environment of a git command: no system or user configuration, no prompts, `home` as its home.

    Git refuses repositories of another owner (a volume mounted into a container has one); the configuration that is
    written to `home` lifts that, for commands that burgee runs alone.
    """
    config = home / ".gitconfig"
    if not config.is_file() or config.read_text() != _CONFIG:
        home.mkdir(parents=True, exist_ok=True)
        config.write_text(_CONFIG)
    return {name: git.environ[name] for name in _KEPT if name in git.environ} | {
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(home),
        "LC_ALL": "C",
    }


def run_git(
    git: Git,
    *arguments: str,
    bare: Path,
    folder: Path | None = None,
    extra: Mapping[str, str] | None = None,
    content: bytes = b"",
) -> bytes:
    """What a git command in a bare repository prints; `folder` is its work tree, if it needs one.

    Raises GitFailed with the command's own words.
    """
    environ = safe_environment(git, bare.parent) | {"GIT_DIR": str(bare)} | dict(extra or {})
    if folder is not None:
        environ["GIT_WORK_TREE"] = str(folder)
    return _run([git.program, *arguments], environ, folder or bare, content)


def ask_work_tree(git: Git, *arguments: str, folder: Path, home: Path) -> bytes:
    """What a git command prints in the user's own work tree. Raises GitFailed with the command's own words."""
    return _run([git.program, *arguments], safe_environment(git, home), folder, b"")


def user_setting(git: Git, name: str, folder: Path) -> str | None:
    """A setting of the user's own git configuration, as `user.name`, or None."""
    command = [git.program, "-C", str(folder), "config", "--get", name]
    environ = {key: value for key, value in git.environ.items() if not key.startswith("GIT_") or key in _USERS_OWN}
    answer = subprocess.run(command, env=environ, capture_output=True, check=False, timeout=30)
    return answer.stdout.decode("utf-8", "replace").strip() or None


def _run(command: list[str], environ: Mapping[str, str], folder: Path, content: bytes) -> bytes:
    try:
        done = subprocess.run(
            command, env=environ, cwd=folder, input=content, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise GitFailed(f"git {command[1]} in {folder} took more than {_SECONDS:.0f} seconds; try again") from error
    except OSError as error:
        raise GitFailed(f"git {command[1]} in {folder} could not start: {error.strerror}") from error
    if done.returncode != 0:
        said = line_text(done.stderr.strip()[-500:]) or f"it ended with status {done.returncode}"
        raise GitFailed(f"git {command[1]} in {folder} failed: {said}")
    return done.stdout
