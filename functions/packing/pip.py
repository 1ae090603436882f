"""pip, which is asked for wheels of another machine than this one."""

from __future__ import annotations

import subprocess
import sys

from burgee.core.errors import ConfigurationError, DigestMismatch, Unavailable


def run_pip(*arguments: str, wanted: str) -> None:
    """Run pip of this Python; `wanted` says what for.

    Raises ConfigurationError when there is no pip, DigestMismatch when a wheel is not the one that was pinned, and
    Unavailable with pip's own words for everything else.
    """
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.returncode:
        return
    if "No module named pip" in done.stderr:
        raise ConfigurationError(f"{wanted} needs pip, which {sys.executable} does not have")
    said = "\n".join(line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING"))
    if "DO NOT MATCH THE HASHES" in said:
        raise DigestMismatch(f"{wanted}: a wheel is not the one that is pinned; do not use it:\n{said}")
    raise Unavailable(f"{wanted}: pip found no way:\n{said}")
