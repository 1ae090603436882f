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
from .clouds import CLOUDS, Cloud
from .functions import Function, functions_of
from .mentioned import mentioned_only
from .reached import reached_from
from .requirements import PINNED, WANTED, renew
from .shortened import shortened
from .stripped import stripped
from .target import ARCHITECTURES, Target
from .wheels import files_of

ROOT = Path(__file__).resolve().parents[2]
_MANIFEST = "manifest.json"
_PYTHONS = sorted({python for cloud in CLOUDS.values() for python in cloud.pythons})
_SOURCES = ROOT / "shared"


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; 0 or the exit code of what went wrong."""
    asked = _parser().parse_args(arguments)
    try:
        cloud = CLOUDS[asked.cloud]
        functions = _functions(cloud, asked.function)
        if asked.renew:
            _renew(cloud, functions)
            return 0
        target = cloud.target(asked.python, asked.architecture)
        _package(cloud, functions, target, asked.output, asked.bytecode)
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
    pythons = ", ".join(f"{cloud.name}: {cloud.python}" for cloud in CLOUDS.values())
    processors = ", ".join(f"{cloud.name}: {cloud.architectures[0]}" for cloud in CLOUDS.values())
    parser.add_argument("--python", choices=_PYTHONS, help=f"Python that the functions run on [{pythons}]")
    parser.add_argument("--architecture", choices=ARCHITECTURES, help=f"their processor [{processors}]")
    parser.add_argument("--output", type=Path, metavar="DIR", help="[functions/build/CLOUD]")
    parser.add_argument("--function", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument(
        "--bytecode",
        metavar="PYTHON",
        help="an interpreter of version --python; packages (AWS alone) then hold its bytecode in place of sources: "
        "functions begin sooner, tracebacks have no lines of code, and the bytes depend on that interpreter too",
    )
    parser.add_argument(
        "--renew", action="store_true", help=f"instead, write each {PINNED} anew from {WANTED} and .ci/constraints.txt"
    )
    return parser


def _functions(cloud: Cloud, names: Sequence[str] | None) -> list[Function]:
    known = functions_of(cloud, ROOT)
    for name in names or ():
        if name not in known:
            raise ConfigurationError(f"no function {name!r} in functions/{cloud.name}; known: {', '.join(known)}")
    return [function for name, function in known.items() if not names or name in names]


def _renew(cloud: Cloud, functions: Sequence[Function]) -> None:
    for function in functions:
        if (function.folder / WANTED).is_file():
            _say(f"{function.name}: asking what its packages need")
            renew(function.folder, cloud, ROOT)


def _package(
    cloud: Cloud, functions: Sequence[Function], target: Target, output: Path | None, interpreter: str | None
) -> None:
    if interpreter and not cloud.bytecode:
        raise ConfigurationError(f"functions of {cloud.name} start from sources; leave out --bytecode")
    folder = output or ROOT / "functions" / "build" / cloud.name
    folder.mkdir(parents=True, exist_ok=True)
    made = _made_before(folder / _MANIFEST, target)
    for function in functions:
        began = perf_counter()
        _say(f"{function.name}: {target}")
        files = _files(cloud, function, target)
        if interpreter:
            files = compiled(files, interpreter=interpreter, python=target.python)
        content = archive(files)
        made[function.name] = _write(folder / f"{function.name}.zip", content, cloud.handler)
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


def _files(cloud: Cloud, function: Function, target: Target) -> dict[str, bytes]:
    """What a function's package holds: its entry, the modules that it reaches, and packages if it needs any."""
    own = _own(cloud, function)
    others = {name: (function.beside / name).read_bytes() for name in cloud.beside}
    requirements = function.folder / PINNED
    if not requirements.is_file():
        return own | others
    if cloud.packages is None:
        pins = [line for line in requirements.read_bytes().splitlines(keepends=True) if not line.startswith(b"#")]
        return own | others | {PINNED: b"".join(pins)}
    packages = {cloud.packages + path: content for path, content in files_of(requirements, target).items()}
    return packages | own | others


def _own(cloud: Cloud, function: Function) -> dict[str, bytes]:
    """The entry and burgee's modules; where those are of light rooms alone, no letter too many: it begins at once."""
    reached = reached_from(function.entry, _SOURCES, without=function.left_out)
    own = {path: file.read_bytes() for path, file in reached.items()} | {cloud.entry: function.entry.read_bytes()}
    # Those of other rooms are known by the one thing that light rooms go without, and that reads annotations.
    if any(b"dataclasses" in content for content in own.values()):
        return own
    own = mentioned_only({path: stripped(content) for path, content in own.items()}, entry=cloud.entry)
    return {path: shortened(content) for path, content in own.items()}


def _write(path: Path, content: bytes, handler: str) -> dict[str, Any]:
    _replace(path, content)
    digest = hashlib.sha256(content).hexdigest()
    return {"zip": path.name, "sha256": digest, "size": len(content), "handler": handler}


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
