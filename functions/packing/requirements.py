"""requirements.txt of a function: its packages and theirs in turn, each with the hashes of the wheels it may be.

Hashes of all targets are in one file; pip takes the one of them that fits best.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from burgee.core.errors import ConfigurationError

from .clouds import Cloud
from .pip import run_pip
from .target import Target

PINNED = "requirements.txt"
WANTED = "requirements.in"
_CONSTRAINTS = Path(".ci", "constraints.txt")
_HEAD = """\
# The packages of this function and theirs in turn, with the hashes of their wheels for Python {pythons}
# on {architectures}. Made from {wanted} and the versions that burgee is tested with by:
#     python functions/package.py {cloud} --renew
"""
# By name: the version, and the hashes of its wheels.
_Pins = dict[str, tuple[str, set[str]]]


def renew(function: Path, cloud: Cloud, root: Path) -> None:
    """Write the requirements of a function of a cloud anew, with the versions that `root` is tested with.

    Raises what `run_pip` raises, and ConfigurationError on a newer Python than the oldest target has, or when targets
    need different versions.
    """
    oldest = min(cloud.pythons)
    if sys.version_info[:2] != tuple(map(int, oldest.split("."))):
        # pip reads conditions such as `python_version < "3.12"` for the Python that it runs on.
        raise ConfigurationError(f"requirements are renewed by Python {oldest}, of which packages need the most")
    pins: _Pins = {}
    for target in cloud.targets:
        for name, version, digest in _resolved(function / WANTED, root / _CONSTRAINTS, target):
            known, digests = pins.setdefault(name, (version, set()))
            if known != version:
                raise ConfigurationError(f"{name} is {version} for {target}, and {known} for another; pin one of them")
            digests.add(digest)
    (function / PINNED).write_text(_text(pins, cloud), encoding="utf-8")


def _resolved(wanted: Path, constraints: Path, target: Target) -> Iterator[tuple[str, str, str]]:
    """Name, version and SHA-256 of each wheel that pip would install."""
    with TemporaryDirectory(prefix="burgee-") as folder:
        report = Path(folder, "report.json")
        run_pip(
            *("install", "--dry-run", "--ignore-installed", f"--target={folder}", f"--report={report}"),
            *(f"--constraint={constraints}", f"--requirement={wanted}", *target.pip_options),
            wanted=f"packages of {wanted} for {target}",
        )
        for wheel in json.loads(report.read_bytes())["install"]:
            said: Mapping[str, Any] = wheel["metadata"]
            name = said["name"].lower().replace("_", "-").replace(".", "-")
            yield name, said["version"], wheel["download_info"]["archive_info"]["hashes"]["sha256"]


def _text(pins: _Pins, cloud: Cloud) -> str:
    pythons, architectures = ", ".join(cloud.pythons), " and ".join(cloud.architectures)
    head = _HEAD.format(pythons=pythons, architectures=architectures, wanted=WANTED, cloud=cloud.name)
    blocks = (
        " \\\n".join([f"{name}=={version}", *(f"    --hash=sha256:{digest}" for digest in sorted(digests))])
        for name, (version, digests) in sorted(pins.items())
    )
    return head + "\n".join(blocks) + "\n"
