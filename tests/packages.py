"""The deployment packages of the functions, made as a person makes them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
NO_WHEELS = "pip found no way"
_SECONDS = 900


def package(
    root: Path, output: Path, *options: str, cloud: str = "aws", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Make packages of the functions of a checkout."""
    command = [sys.executable, str(root / "functions" / "package.py"), cloud, f"--output={output}", *options]
    environ = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=_SECONDS, check=False)


def packaged(root: Path, output: Path, *options: str, cloud: str = "aws", **variables: str) -> dict[str, Any]:
    """The manifest of packages; skips where wheels cannot be had."""
    done = package(root, output, *options, cloud=cloud, **variables)
    if NO_WHEELS in done.stderr:
        pytest.skip(f"wheels cannot be had here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    manifest: dict[str, Any] = json.loads((output / "manifest.json").read_bytes())
    return manifest


def evaluate_packages(output: Path) -> Path:
    """A folder with `evaluate.zip` of each cloud in a folder of its own."""
    for cloud in ("aws", "azure", "gcp"):
        command = [sys.executable, str(ROOT / "functions" / "package.py"), cloud, "--function=evaluate"]
        command += [f"--output={output / cloud}", "--python=3.11"]
        subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
    return output


def packaged_for_this_machine(output: Path) -> Path:
    """All functions, for the Python and the processor that tests run on; skips where that cannot be."""
    if platform.system() != "Linux":
        pytest.skip(f"packages are for Linux, and this is {platform.system()}")
    packaged(ROOT, output, f"--python={PYTHON}", f"--architecture={ARCHITECTURE}")
    return output


def said_by(folder: Path, script: str, given: str = "", **variables: str) -> str:
    """What a script prints in a process that finds an extracted package and the standard library, and nothing else."""
    start = f"import sys; sys.path.insert(0, {str(folder)!r})\n{script}"
    command = [sys.executable, "-I", "-S", "-B", "-c", start]
    done = subprocess.run(command, input=given, capture_output=True, text=True, env=variables, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def extracted(zipped: Path) -> Path:
    """The folder beside a package that has what is in it."""
    folder = zipped.with_suffix("")
    ZipFile(zipped).extractall(folder)
    return folder
