"""What is installed is what was tested: the built wheel holds every module and passes the fast tiers itself."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "shared" / "burgee"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with the back end that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    script = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return folder / done.stdout.split()[-1]


def test_the_wheel_holds_every_module_and_nothing_else(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {path.relative_to(SOURCES.parent).as_posix() for path in SOURCES.rglob("*.py")} | {"burgee/py.typed"}
    assert packed == wanted


def test_the_wheel_needs_nothing_unless_an_extra_is_asked_for(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    needs = [line for line in archive.read(name).decode().splitlines() if line.startswith("Requires-Dist:")]
    assert [line for line in needs if "extra ==" not in line] == []
    assert any("click" in line and "cli" in line for line in needs)


def test_the_fast_tiers_pass_on_the_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    origin = "import burgee, pathlib; print(pathlib.Path(burgee.__file__).parent.parent)"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    where = subprocess.run([sys.executable, "-c", origin], env=environ, capture_output=True, text=True, check=True)
    assert Path(where.stdout.strip()) == tmp_path
    tiers = ["tests/unit", "tests/conformance", "-m", "not integration"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tiers]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
