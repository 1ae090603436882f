"""Deployment packages: the same bytes everywhere, and what cannot be made is refused."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from functions.packing.clouds import CLOUDS

from tests.checkouts import SMALL, a_checkout, a_function, pinned
from tests.packages import NO_WHEELS, PYTHON, ROOT, package, packaged

PYTHONS = CLOUDS["aws"].pythons


@pytest.mark.parametrize("cloud", ["azure", "gcp"])
def test_the_same_checkout_gives_the_same_bytes_for_every_cloud(tmp_path: Path, cloud: str) -> None:
    made: list[dict[str, bytes]] = []
    for name, backwards in (("here", False), ("there", True)):
        root, output = a_checkout(tmp_path / name, backwards=backwards), tmp_path / f"{name}-packages"
        packaged(root, output, "--function=evaluate", cloud=cloud, PYTHONHASHSEED=str(len(made)))
        made.append({path.name: path.read_bytes() for path in output.iterdir()})
    assert set(made[0]) == {"evaluate.zip", "manifest.json"} and made[0] == made[1]


def test_the_same_checkout_gives_the_same_bytes_whatever_its_folder_clock_rights_and_order(tmp_path: Path) -> None:
    made: list[dict[str, bytes]] = []
    for name, backwards in (("here", False), ("there", True)):
        root = a_checkout(tmp_path / name, backwards=backwards)
        a_function(root, "small", "import burgee.core.errors\n", pinned("webhook")[SMALL] + "\n")
        output = tmp_path / f"{name}-packages"
        packaged(root, output, "--function=evaluate", "--function=small", PYTHONHASHSEED=str(len(made)))
        made.append({path.name: path.read_bytes() for path in output.iterdir()})
    assert set(made[0]) == {"evaluate.zip", "small.zip", "manifest.json"}
    assert made[0] == made[1]


def test_the_manifest_says_what_the_zips_are(light: Path) -> None:
    manifest = json.loads((light.parent / "manifest.json").read_bytes())
    content = light.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert manifest.pop("functions") == {
        "evaluate": {"zip": "evaluate.zip", "sha256": digest, "size": len(content), "handler": "main.handler"}
    }
    assert (manifest["format"], manifest["python"], manifest["architecture"]) == (1, "3.13", "arm64")


@pytest.mark.parametrize(
    ("cloud", "python", "architecture", "handler"),
    [
        ("aws", "3.13", "arm64", "main.handler"),
        ("azure", "3.12", "x86_64", "function_app.app"),
        ("gcp", "3.13", "x86_64", "main.handler"),
    ],
)
def test_each_cloud_has_its_own_python_processor_and_entry(
    lights: dict[str, Path], cloud: str, python: str, architecture: str, handler: str
) -> None:
    manifest = json.loads((lights[cloud].parent / "manifest.json").read_bytes())
    assert (manifest["python"], manifest["architecture"]) == (python, architecture)
    assert manifest["functions"]["evaluate"]["handler"] == handler


def test_a_wheel_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    root = a_checkout(tmp_path / "checkout")
    requirement = pinned("webhook")[SMALL].split()[0]
    a_function(root, "small", "", f"{requirement} --hash=sha256:{'0' * 64}\n")
    done = package(root, tmp_path / "made", "--function=small")
    if NO_WHEELS in done.stderr:
        pytest.skip(f"wheels cannot be had here: {done.stderr.strip().splitlines()[-1]}")
    assert (done.returncode, "a wheel is not the one that is pinned" in done.stderr) == (3, True), done.stderr
    assert SMALL in done.stderr and not (tmp_path / "made" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--python=3.9", "invalid choice: '3.9'"),
        ("--architecture=mips", "invalid choice: 'mips'"),
        ("--function=evaluat", "no function 'evaluat' in functions/aws; known: evaluate, "),
        ("--bytecode=no-such-python", "cannot run 'no-such-python' to make bytecode"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, option: str, says: str) -> None:
    done = package(ROOT, tmp_path, option)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("cloud", "option", "says"),
    [
        ("azure", "--python=3.13", "functions of azure are for Python 3.11, 3.12 on x86_64"),
        ("azure", "--architecture=arm64", "wanted Python 3.12 on arm64"),
        ("gcp", "--architecture=arm64", "functions of gcp are for Python 3.11, 3.12, 3.13 on x86_64"),
        ("gcp", f"--bytecode={sys.executable}", "functions of gcp start from sources; leave out --bytecode"),
    ],
)
def test_what_a_cloud_does_not_have_is_refused(tmp_path: Path, cloud: str, option: str, says: str) -> None:
    done = package(ROOT, tmp_path, option, cloud=cloud)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = package(ROOT, tmp_path / "file", "--function=evaluate")
    assert (done.returncode, done.stderr.startswith("package.py: "), "Traceback" in done.stderr) == (3, True, False)


def test_bytecode_of_another_python_is_refused(tmp_path: Path) -> None:
    other = next(python for python in PYTHONS if python != PYTHON)
    done = package(ROOT, tmp_path, "--function=evaluate", f"--python={other}", f"--bytecode={sys.executable}")
    assert done.returncode == 2
    assert f"wanted bytecode of Python {other}" in done.stderr and f"it is Python {PYTHON}" in done.stderr


def test_without_zopfli_it_says_what_to_install(tmp_path: Path) -> None:
    script = [str(ROOT / "functions" / "package.py"), "aws", "--function=evaluate", f"--output={tmp_path}"]
    done = subprocess.run([sys.executable, "-I", "-S", *script], capture_output=True, text=True, check=False)
    assert (done.returncode, "pip install zopfli" in done.stderr) == (2, True), done.stderr


def test_a_function_gets_what_it_reaches_and_not_what_only_type_checkers_see(tmp_path: Path) -> None:
    root = a_checkout(tmp_path / "checkout")
    late = "def handler(event, context):\n    from burgee.core import visible\n"
    types = "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from burgee.core.model import Flag\n"
    a_function(root, "small", late + types)
    packaged(root, tmp_path, "--function=small")
    names = ZipFile(tmp_path / "small.zip").namelist()
    assert names == ["burgee/__init__.py", "burgee/core/__init__.py", "burgee/core/visible.py", "main.py"]


def test_an_import_of_a_module_that_is_not_there_is_refused(tmp_path: Path) -> None:
    root = a_checkout(tmp_path / "checkout")
    a_function(root, "small", "from burgee.core.wishes import all_of_them\n")
    done = package(root, tmp_path, "--function=small")
    assert (done.returncode, "imports burgee.core.wishes, and there is no such module" in done.stderr) == (2, True)
