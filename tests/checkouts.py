"""A checkout of this repository as packages are made from it, and functions of other kinds in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from functions.packing.requirements import PINNED

from tests.packages import ROOT

SOURCES = sorted((ROOT / "shared" / "burgee").rglob("*.py"))
# Any small package without others, as the webhook's requirements pin it.
SMALL = "jmespath"


def a_checkout(folder: Path, *, backwards: bool = False) -> Path:
    """A copy of what packages are made from; `backwards` has other times, rights and order of directories."""
    functions = ROOT / "functions"
    beside = [path for name in (PINNED, "host.json") for path in sorted(functions.rglob(name))]
    files = [*SOURCES, *sorted(functions.rglob("*.py")), *beside]
    for number, path in enumerate(reversed(files) if backwards else files):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        if backwards:
            copy.chmod(0o700)
            os.utime(copy, (number, number))
    return folder


def a_function(root: Path, name: str, source: str, requirements: str | None = None) -> Path:
    """A function of a checkout."""
    folder = root / "functions" / "aws" / name
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(source)
    if requirements is not None:
        (folder / PINNED).write_text(requirements)
    return folder


def pinned(function: str, cloud: str = "aws") -> dict[str, str]:
    """The lines that pin each package of a function."""
    text = (ROOT / "functions" / cloud / function / PINNED).read_text()
    blocks = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return {block.partition("==")[0]: block for block in blocks.splitlines()}
