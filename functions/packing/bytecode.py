"""Packages that hold bytecode in place of sources: functions begin sooner, and tracebacks have no lines of code."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from burgee.core.errors import ConfigurationError

# Beside a source its bytecode would be in __pycache__; where there is no source it has the module's place.
_SCRIPT = """\
import os, py_compile, sys
root, wanted = sys.argv[1:]
version = "{0.major}.{0.minor}".format(sys.version_info)
if version != wanted:
    sys.exit("it is Python " + version)
for folder, _, names in sorted(os.walk(root)):
    for name in sorted(names):
        path = os.path.join(folder, name)
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        shown = os.path.relpath(path, root)
        py_compile.compile(path, path + "c", shown, doraise=True, optimize=0, invalidation_mode=unchecked)
"""


def compiled(files: Mapping[str, bytes], *, interpreter: str, python: str) -> dict[str, bytes]:
    """The files with bytecode in place of each source, made by an interpreter of version `python`.

    Raises ConfigurationError when that is of another version, cannot be run, or does not accept a source.
    """
    sources = {path: content for path, content in files.items() if path.endswith(".py")}
    with TemporaryDirectory(prefix="burgee-") as folder:
        for path, content in sources.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        _compile_all(folder, interpreter, python)
        bytecode = {f"{path}c": Path(folder, f"{path}c").read_bytes() for path in sources}
    return {path: content for path, content in files.items() if path not in sources} | bytecode


def _compile_all(folder: str, interpreter: str, python: str) -> None:
    # Sets in bytecode are in the order that the seed of hashes gives them.
    environ = {**os.environ, "PYTHONHASHSEED": "0"}
    command = [interpreter, "-s", "-S", "-c", _SCRIPT, folder, python]
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ConfigurationError(f"cannot run {interpreter!r} to make bytecode: {error}") from error
    if done.returncode:
        said = done.stderr.strip()
        raise ConfigurationError(f"wanted bytecode of Python {python}, {interpreter} does not make it: {said}")
