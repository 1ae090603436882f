"""The files of a function's packages, out of the wheels that its requirements pin."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from burgee.core.errors import ConfigurationError

from .pip import run_pip
from .target import Target

# Paths that are left out, `*` is any text, and why.
LEFT_OUT = {
    "*.dist-info/RECORD": "a list of files that is no longer true",
    "*.dist-info/WHEEL": "for installers",
    "*.dist-info/entry_points.txt": "for installers; there are no commands here",
    "*.dist-info/top_level.txt": "for installers",
    "*.pyc": "bytecode of another machine",
    "*.pyi": "for type checkers",
    "*/py.typed": "for type checkers",
    "*/tests/*": "tests",
    "aws_lambda_powertools/event_handler/*": "routers; burgee routes by itself",
    "boto3/data/*": "what `boto3.resource` makes; burgee asks by clients",
    "boto3/examples/*": "documentation",
    "botocore/data/*/*": "services that burgee does not call",
    "dulwich/__main__.py": "a command",
    "dulwich/cli.py": "a command",
    "pydantic/mypy.py": "for type checkers",
    "pydantic/v1/*": "models of pydantic 1, of which burgee has none",
    "urllib3/contrib/emscripten/*": "for browsers",
}
# What of it stays all the same: the services that functions call, and who they are.
STAYS = tuple(f"botocore/data/{service}/*" for service in ("s3", "secretsmanager", "kms", "sqs", "sts"))

_FOLDERS = ("purelib", "platlib")


def files_of(requirements: Path, target: Target) -> dict[str, bytes]:
    """Contents by their paths in a package, without what no function needs.

    Raises what `run_pip` raises, and ConfigurationError for two packages that bring the same file.
    """
    files: dict[str, bytes] = {}
    with TemporaryDirectory(prefix="burgee-") as folder:
        options = ("--no-deps", "--require-hashes", *target.pip_options)
        wanted = f"packages of {requirements} for {target}"
        run_pip("download", *options, f"--dest={folder}", f"--requirement={requirements}", wanted=wanted)
        for wheel in sorted(Path(folder).iterdir()):
            for path, content in _unpacked(wheel):
                if files.setdefault(path, content) != content:
                    raise ConfigurationError(f"{wheel.name} brings {path}, and so does another of {requirements}")
    return files


def _unpacked(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """What an installer would put among the packages; scripts and headers it would put elsewhere."""
    with ZipFile(wheel) as zipped:
        for info in zipped.infolist():
            top, _, rest = info.filename.partition("/")
            path = info.filename
            if top.endswith(".data"):
                folder, _, path = rest.partition("/")
                if folder not in _FOLDERS:
                    continue
            if not info.is_dir() and not is_left_out(path):
                yield path, zipped.read(info)


def is_left_out(path: str) -> bool:
    """Whether a path of a wheel does not come into packages."""
    return not any(fnmatchcase(path, kept) for kept in STAYS) and any(fnmatchcase(path, out) for out in LEFT_OUT)
