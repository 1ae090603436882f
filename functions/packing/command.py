"""The command line: which functions, for which target, to which folder; and the manifest that Terraform reads."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import burgee
from burgee.core.errors import BurgeeError, ConfigurationError

from .archive import archive
from .bytecode import compiled
from .reached import reached_from
from .requirements import PINNED, WANTED, renew
from .stripped import stripped
from .target import ARCHITECTURES, PYTHONS, Target
from .wheels import files_of

ROOT = Path(__file__).resolve().parents[2]
CLOUDS = ("aws",)
_ENTRY = "main.py"
_MANIFEST = "manifest.json"
_HANDLER = "main.handler"
_SOURCES = ROOT / "shared"


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; 0 or the exit code of what went wrong."""
    asked = _parser().parse_args(arguments)
    try:
        functions = _functions(asked.cloud, asked.function)
        if asked.renew:
            _renew(functions)
            return 0
        _package(functions, Target(asked.python, asked.architecture), asked.output, asked.bytecode)
    except KeyboardInterrupt:
        return 130
    except BurgeeError as error:
        print(f"package.py: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        # A folder or a file of this machine; the error names it.
        print(f"package.py: {error}", file=sys.stderr)
        return 3
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="package.py",
        description="Make deployment packages of functions, as zips, and manifest.json, which Terraform reads.",
        epilog="The same checkout gives the same bytes on every machine; needs zopfli: pip install zopfli",
    )
    parser.add_argument("cloud", choices=CLOUDS)
    parser.add_argument("--python", choices=PYTHONS, default="3.13", help="Python that the functions run on [3.13]")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="arm64", help="their processor [arm64]")
    parser.add_argument("--output", type=Path, metavar="DIR", help="[functions/build/CLOUD]")
    parser.add_argument("--function", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument(
        "--bytecode",
        metavar="PYTHON",
        help="an interpreter of version --python; packages then hold its bytecode in place of sources: functions begin "
        "sooner, tracebacks have no lines of code, and the bytes depend on that interpreter too",
    )
    parser.add_argument(
        "--renew", action="store_true", help=f"instead, write each {PINNED} anew from {WANTED} and .ci/constraints.txt"
    )
    return parser


def _functions(cloud: str, names: Sequence[str] | None) -> list[Path]:
    known = {entry.parent.name: entry.parent for entry in sorted((ROOT / "functions" / cloud).glob(f"*/{_ENTRY}"))}
    for name in names or ():
        if name not in known:
            raise ConfigurationError(f"no function {name!r} in functions/{cloud}; known: {', '.join(known)}")
    return [folder for name, folder in known.items() if not names or name in names]


def _renew(functions: Sequence[Path]) -> None:
    for function in functions:
        if (function / WANTED).is_file():
            _say(f"{function.name}: asking what its packages need")
            renew(function, ROOT)


def _package(functions: Sequence[Path], target: Target, output: Path | None, interpreter: str | None) -> None:
    folder = output or ROOT / "functions" / "build" / functions[0].parent.name
    folder.mkdir(parents=True, exist_ok=True)
    made = _made_before(folder / _MANIFEST, target)
    for function in functions:
        began = perf_counter()
        _say(f"{function.name}: {target}")
        files = _files(function, target)
        if interpreter:
            files = compiled(files, interpreter=interpreter, python=target.python)
        content = archive(files)
        made[function.name] = _write(folder / f"{function.name}.zip", content)
        _say(f"{function.name}: {len(files)} files, {len(content):,} bytes, {perf_counter() - began:.1f} s")
    manifest = {
        "format": 1,
        "version": burgee.__version__,
        "python": target.python,
        "architecture": target.architecture,
        "functions": made,
    }
    _replace(folder / _MANIFEST, json.dumps(manifest, indent=2).encode() + b"\n")
    _say(f"wrote {folder / _MANIFEST}")


def _made_before(manifest: Path, target: Target) -> dict[str, Any]:
    """The functions that a manifest for this target has already; those that are made now take their places."""
    try:
        before = json.loads(manifest.read_bytes())
        same = (before["python"], before["architecture"]) == (target.python, target.architecture)
        return dict(before["functions"]) if same and before["version"] == burgee.__version__ else {}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _files(function: Path, target: Target) -> dict[str, bytes]:
    """What a function's package holds: its entry, the modules that it reaches, and packages if it needs any.

    One that needs none is stripped: all that it holds is burgee's, and it has to begin at once.
    """
    entry = function / _ENTRY
    own = {path: file.read_bytes() for path, file in reached_from(entry, _SOURCES).items()}
    own[_ENTRY] = entry.read_bytes()
    requirements = function / PINNED
    if not requirements.is_file():
        return {path: stripped(content) for path, content in own.items()}
    return files_of(requirements, target) | own


def _write(path: Path, content: bytes) -> dict[str, Any]:
    _replace(path, content)
    digest = hashlib.sha256(content).hexdigest()
    return {"zip": path.name, "sha256": digest, "size": len(content), "handler": _HANDLER}


def _replace(path: Path, content: bytes) -> None:
    """All of it at once, so that nobody deploys half a package."""
    new = path.with_name(f"{path.name}.new")
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def _say(line: str) -> None:
    print(line, flush=True)
