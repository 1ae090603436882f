"""The real git command, as a person uses it: in a folder, with settings of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRON = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "LC_ALL": "C",
}


def git(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
    """What git prints. Raises AssertionError with its words when it fails."""
    done = attempt(folder, *arguments, environ=environ)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def attempt(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A finished git command, whatever its status."""
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=ENVIRON | dict(environ or {}),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        timeout=60,
    )


def a_work_tree(folder: Path, files: Mapping[str, str], *, branch: str = "main") -> Path:
    """A new repository with one commit of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    commit(folder, files)
    return folder


def commit(folder: Path, files: Mapping[str, str], *, message: str = "Change files") -> str:
    """Write the files and commit everything; the id of the commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def a_bare_clone(folder: Path, bare: Path) -> Path:
    """A bare repository with the history of another."""
    git(folder, "clone", "--quiet", "--bare", str(folder), str(bare))
    git(bare, "config", "http.receivepack", "true")
    git(bare, "config", "uploadpack.allowReachableSHA1InWant", "true")
    return bare
