"""Deployment packages: the same bytes everywhere, nothing in them that is not needed, and all that is."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from functions.packing.archive import archive
from functions.packing.requirements import PINNED, WANTED
from functions.packing.stripped import stripped
from functions.packing.target import ARCHITECTURES, PYTHONS, TARGETS, Target
from functions.packing.wheels import files_of, is_left_out

from burgee.core.errors import Unavailable
from tests.architecture.test_imports import LIGHT
from tests.functions.test_aws_evaluate import a_store
from tests.packages import NO_WHEELS, PYTHON, ROOT, package, packaged
from tests.unit.test_function_url import an_event

SOURCES = sorted((ROOT / "shared" / "burgee").rglob("*.py"))
LARGEST_EVALUATE = 100_000
# Any small package without others, as the webhook's requirements pin it.
SMALL = "jmespath"


def a_checkout(folder: Path, *, backwards: bool = False) -> Path:
    """A copy of what packages are made from; `backwards` has other times, rights and order of directories."""
    files = [*SOURCES, *sorted((ROOT / "functions").rglob("*.py")), *sorted((ROOT / "functions").rglob(PINNED))]
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


def pinned(function: str) -> dict[str, str]:
    """The lines that pin each package of a function."""
    text = (ROOT / "functions" / "aws" / function / PINNED).read_text()
    blocks = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return {block.partition("==")[0]: block for block in blocks.splitlines()}


def run(folder: Path, script: str, given: str = "", **variables: str) -> str:
    """What a script prints in a process that finds an extracted package and the standard library, and nothing else."""
    start = f"import sys; sys.path.insert(0, {str(folder)!r})\n{script}"
    command = [sys.executable, "-I", "-S", "-B", "-c", start]
    done = subprocess.run(command, input=given, capture_output=True, text=True, env=variables, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def extracted(zipped: Path) -> Path:
    folder = zipped.with_suffix("")
    ZipFile(zipped).extractall(folder)
    return folder


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the evaluate function, as it is deployed by default."""
    folder = tmp_path_factory.mktemp("evaluate")
    packaged(ROOT, folder, "--function=evaluate")
    return folder / "evaluate.zip"


@pytest.fixture
def heavy(packages: Path) -> Path:
    """The packages with wheels in them, for the machine that tests run on."""
    return packages


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


def test_evaluate_holds_its_entry_and_light_rooms_and_nothing_else(light: Path) -> None:
    rooms = {"burgee/__init__.py", "burgee/settings.py", "main.py"}
    strange = [name for name in ZipFile(light).namelist() if name not in rooms and name.split("/")[1] not in LIGHT]
    assert strange == []


def test_evaluate_is_small(light: Path) -> None:
    size = light.stat().st_size
    assert size <= LARGEST_EVALUATE, f"evaluate.zip has {size:,} bytes"


def test_evaluate_reads_every_store_that_its_variables_can_name(light: Path) -> None:
    assert {f"burgee/fetch/{scheme}.py" for scheme in ("file", "http", "s3")} <= set(ZipFile(light).namelist())


@pytest.mark.parametrize("bytecode", [False, True])
def test_evaluate_answers_with_nothing_but_its_package(tmp_path: Path, light: Path, *, bytecode: bool) -> None:
    if bytecode:
        options = (f"--python={PYTHON}", f"--bytecode={sys.executable}")
        packaged(ROOT, tmp_path / "made", "--function=evaluate", *options)
        light = tmp_path / "made" / "evaluate.zip"
    folder = extracted(light)
    assert any(folder.rglob("*.py")) is not bytecode
    event = an_event("POST", "/evaluate/v1/boolean", '{"flagKey":"on","entityId":"u"}')
    script = "import json, main; print(json.dumps(main.handler(json.load(sys.stdin), None)))"
    said = run(folder, script, json.dumps(event), BURGEE_STORE=a_store(tmp_path), BURGEE_AUTH="none")
    result = json.loads(said)
    assert (result["statusCode"], json.loads(result["body"])["enabled"]) == (200, True)


@pytest.mark.slow
def test_functions_of_the_control_plane_start_with_nothing_but_their_packages(heavy: Path) -> None:
    region = {"AWS_REGION": "eu-central-1", "POWERTOOLS_METRICS_NAMESPACE": "burgee"}
    for name in ("webhook", "publish"):
        assert run(extracted(heavy / f"{name}.zip"), "import main; print(callable(main.handler))", **region) == "True\n"


@pytest.mark.slow
def test_clients_of_the_services_that_functions_call_work_without_the_other_services(heavy: Path) -> None:
    script = (
        "import boto3\n"
        "for name in ('s3', 'sqs', 'secretsmanager', 'sts'): boto3.client(name, region_name='eu-central-1')\n"
        "print(boto3.client('sqs', region_name='eu-central-1').meta.endpoint_url)"
    )
    for name in ("webhook", "publish"):
        assert run(extracted(heavy / f"{name}.zip"), script) == "https://sqs.eu-central-1.amazonaws.com\n"


@pytest.mark.slow
def test_all_that_publish_holds_of_burgee_can_be_imported(heavy: Path) -> None:
    names = [name for name in ZipFile(heavy / "publish.zip").namelist() if name.startswith("burgee/")]
    modules = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in names]
    script = f"import importlib\nfor name in {modules!r}: importlib.import_module(name)\nprint('all')"
    assert run(extracted(heavy / "publish.zip"), script) == "all\n"


@pytest.mark.slow
def test_packages_keep_licences_and_leave_out_what_no_function_needs(heavy: Path) -> None:
    for name in ("webhook", "publish"):
        names = ZipFile(heavy / f"{name}.zip").namelist()
        assert [path for path in names if path.endswith((".pyc", "/RECORD", "/INSTALLER")) or is_left_out(path)] == []
        distributions = {path.split("/")[0] for path in names if ".dist-info/" in path}
        assert len(distributions) == len(pinned(name))
        for distribution in distributions:
            texts = [path for path in names if path.startswith(f"{distribution}/")]
            assert any("LICENSE" in path or "COPYING" in path for path in texts), distribution


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_what_is_compiled_is_for_the_target_and_not_for_this_machine(target: Target) -> None:
    try:
        files = files_of(ROOT / "functions" / "aws" / "publish" / PINNED, target)
    except Unavailable as error:
        pytest.skip(f"wheels cannot be had here: {str(error).splitlines()[-1]}")
    libraries = {path.split("/")[0]: path for path in files if path.endswith(".so")}
    assert {"pydantic_core", "yaml"} <= set(libraries)
    kind = f".cpython-{target.python.replace('.', '')}-{ARCHITECTURES[target.architecture]}-linux-gnu.so"
    assert [path for path in libraries.values() if not path.endswith(kind)] == []


def test_what_is_pinned_is_what_burgee_is_tested_with() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text().lower().replace("_", "-").splitlines()
    for function in ("webhook", "publish"):
        for name, block in pinned(function).items():
            requirement, *hashes = block.split()
            assert requirement in lines, f"{function}: {name}"
            assert hashes and all(text.startswith("--hash=sha256:") for text in hashes)
        wanted = (ROOT / "functions" / "aws" / function / WANTED).read_text().lower().split("\n")
        assert {line for line in wanted if line and not line.startswith("#")} <= set(pinned(function))


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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "shared").as_posix())
def test_stripped_sources_are_the_originals_without_docstrings_line_for_line(path: Path) -> None:
    source = path.read_bytes()
    assert list(shapes(ast.parse(stripped(source)))) == list(shapes(without_docstrings(ast.parse(source))))


def test_stripping_leaves_texts_that_are_no_docstrings() -> None:
    source = 'class Odd:\n    """Why."""  # and so\n\n\nOdd.__doc__ = """A # of  \n  lines."""  # é\nx = f"{1}#"  \n'
    assert stripped(source.encode()).decode() == (
        'class Odd:\n    pass\n\n\nOdd.__doc__ = """A # of  \n  lines."""\nx = f"{1}#"  \n'
    )


def test_an_archive_is_read_back_as_it_was_made(tmp_path: Path) -> None:
    files = {"b/é.txt": b"text " * 100, "a": b"", "c.gz": bytes(range(256))}
    (tmp_path / "made.zip").write_bytes(archive(files))
    with ZipFile(tmp_path / "made.zip") as zipped:
        assert zipped.testzip() is None
        assert {name: zipped.read(name) for name in zipped.namelist()} == files
        assert zipped.namelist() == sorted(files)
        methods = {info.filename: info.compress_type for info in zipped.infolist()}
        assert methods == {"a": ZIP_STORED, "b/é.txt": ZIP_DEFLATED, "c.gz": ZIP_STORED}
        for info in zipped.infolist():
            assert (info.date_time, info.create_system, info.extra) == ((1980, 1, 1, 0, 0, 0), 3, b"")
            assert info.external_attr >> 16 == 0o100644


def shapes(tree: ast.AST) -> Iterator[tuple[str, Any, Any, list[Any]]]:
    """Each node: what it is, where it begins and what it holds beside other nodes."""
    for node in ast.walk(tree):
        plain = [value for _, value in ast.iter_fields(node) if not isinstance(value, ast.AST | list)]
        children = [type(child).__name__ for child in ast.iter_child_nodes(node)]
        yield type(node).__name__, getattr(node, "lineno", 0), getattr(node, "col_offset", 0), [plain, children]


def without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is None:
                continue
            text = node.body.pop(0)
            if not node.body and not isinstance(node, ast.Module):
                node.body.append(ast.copy_location(ast.Pass(), text))
    return tree
