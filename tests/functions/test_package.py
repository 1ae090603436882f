"""Deployment packages: the same bytes everywhere, nothing in them that is not needed, and all that is."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from functions.packing.archive import archive
from functions.packing.clouds import CLOUDS
from functions.packing.functions import LEFT_OUT
from functions.packing.requirements import PINNED, WANTED
from functions.packing.stripped import stripped
from functions.packing.target import ARCHITECTURES, Target
from functions.packing.wheels import files_of, is_left_out

from burgee.core.errors import Unavailable
from burgee.settings import read_settings
from burgee.sign.port import Signer
from burgee.sign.signing import signed_head
from burgee.store.opening import open_store
from tests.architecture.test_imports import LIGHT
from tests.fakes.signers import Ed25519InMemory
from tests.functions.test_aws_evaluate import a_store
from tests.packages import ARCHITECTURE, NO_WHEELS, PYTHON, ROOT, package, packaged
from tests.servers import azure_functions, functions_framework
from tests.unit.test_function_url import an_event

SOURCES = sorted((ROOT / "shared" / "burgee").rglob("*.py"))
LARGEST_EVALUATE = 100_000
PYTHONS = CLOUDS["aws"].pythons
# Functions with packages of their own, by cloud and name.
PINNING = [(path.parent.parent.name, path.parent.name) for path in sorted((ROOT / "functions").glob(f"*/*/{PINNED}"))]
# What the control plane is told, none of which is asked for anything.
CONTROL = {
    "BURGEE_STORE": "file:///nowhere",
    "BURGEE_REPOSITORY": "https://git.example.org/acme/flags",
    "BURGEE_WEBHOOK_SECRET": "a-secret-of-the-webhook",
    "BURGEE_QUEUE": "https://acme.queue.core.windows.net/work",
    "BURGEE_DEAD_LETTERS": "https://acme.queue.core.windows.net/work-poison",
}
OURS = Ed25519InMemory(1)
KEY = OURS.public_key().text
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
def lights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The packages of each cloud's evaluate function, as they are deployed by default."""
    made = {}
    for cloud in CLOUDS:
        folder = tmp_path_factory.mktemp(f"evaluate-{cloud}")
        packaged(ROOT, folder, "--function=evaluate", cloud=cloud)
        made[cloud] = folder / "evaluate.zip"
    return made


@pytest.fixture(scope="module")
def light(lights: dict[str, Path]) -> Path:
    """That of AWS."""
    return lights["aws"]


@pytest.fixture
def heavy(packages: Path) -> Path:
    """The packages with wheels in them, for the machine that tests run on."""
    return packages


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


OTHERS = {"aws": {"main.py"}, "azure": {"function_app.py", "host.json"}, "gcp": {"main.py", PINNED}}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_evaluate_holds_its_entry_and_light_rooms_and_nothing_else(lights: dict[str, Path], cloud: str) -> None:
    names = set(ZipFile(lights[cloud]).namelist())
    rooms = {"burgee/__init__.py", "burgee/settings.py"}
    assert [name for name in names - rooms - OTHERS[cloud] if name.split("/")[1] not in LIGHT] == []
    assert names >= rooms | OTHERS[cloud]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_evaluate_leaves_out_what_verifies_and_names_the_package_that_does(
    tmp_path: Path, lights: dict[str, Path], cloud: str
) -> None:
    assert LEFT_OUT["evaluate"] & set(ZipFile(lights[cloud]).namelist()) == set()
    if cloud == "aws":
        variables = {"BURGEE_STORE": a_store(tmp_path), "BURGEE_AUTH": "none", "BURGEE_VERIFY_KEYS": KEY}
        script = f"import sys; sys.path.insert(0, {str(lights[cloud])!r}); import main"
        command = [sys.executable, "-ISBc", script]
        done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=False)
        assert done.returncode != 0 and "deploy the package evaluate-verify" in done.stderr


@pytest.mark.parametrize("cloud", CLOUDS)
def test_nothing_of_a_writer_is_in_evaluate(lights: dict[str, Path], cloud: str) -> None:
    text = b"".join(map(ZipFile(lights[cloud]).read, ZipFile(lights[cloud]).namelist()))
    assert b"def decode_head(" in text and b"def encode_head(" not in text


@pytest.mark.parametrize("cloud", CLOUDS)
def test_evaluate_is_small(lights: dict[str, Path], cloud: str) -> None:
    size = lights[cloud].stat().st_size
    assert size <= LARGEST_EVALUATE, f"evaluate.zip of {cloud} has {size:,} bytes"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_evaluate_reads_every_store_that_its_variables_can_name(lights: dict[str, Path], cloud: str) -> None:
    schemes = ("file", "http", "s3")
    assert {f"burgee/fetch/{scheme}.py" for scheme in schemes} <= set(ZipFile(lights[cloud]).namelist())


@pytest.mark.integration
def test_evaluate_of_azure_answers_with_nothing_but_its_package(tmp_path: Path, lights: dict[str, Path]) -> None:
    environ = {"BURGEE_STORE": a_store(tmp_path), "BURGEE_AUTH": "none"}
    with azure_functions.running(lights["azure"], tmp_path / "log", environ=environ) as app:
        assert is_on(app.url)


@pytest.mark.integration
def test_evaluate_of_google_cloud_answers_with_nothing_but_its_package(tmp_path: Path, lights: dict[str, Path]) -> None:
    environ = {"BURGEE_STORE": a_store(tmp_path), "BURGEE_AUTH": "none"}
    installed = sysconfig.get_path("purelib")
    with functions_framework.running(lights["gcp"], tmp_path / "log", environ=environ, paths=installed) as service:
        assert is_on(service.url)


def is_on(url: str) -> bool:
    """What the function at a URL says of the flag `on`."""
    body = b'{"flagKey":"on","entityId":"u"}'
    with urlopen(Request(f"{url}/evaluate/v1/boolean", body, method="POST"), timeout=30) as response:
        return json.loads(response.read())["enabled"] is True


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
@pytest.mark.parametrize(("signer", "status"), [(OURS, 200), (Ed25519InMemory(9), 503)], ids=["ours", "another"])
def test_the_form_that_verifies_believes_signatures_with_nothing_but_its_package(
    tmp_path: Path, heavy: Path, signer: Signer, status: int
) -> None:
    store = open_store(a_store(tmp_path))
    found = store.read_head("staging")
    assert found is not None
    in_an_hour = int(time() * 1000) + 3_600_000
    store.swap_head(signed_head(found.head, [signer], expires_at=in_an_hour), found.etag)
    event = an_event("POST", "/evaluate/v1/boolean", '{"flagKey":"on","entityId":"u"}')
    script = "import json, main; print(json.dumps(main.handler(json.load(sys.stdin), None)))"
    told = {"BURGEE_STORE": store.url, "BURGEE_AUTH": "none", "BURGEE_ENVIRONMENT": "staging"}
    package = extracted(heavy / "evaluate-verify.zip")
    result = json.loads(run(package, script, json.dumps(event), **told, BURGEE_VERIFY_KEYS=KEY))
    assert result["statusCode"] == status


@pytest.mark.slow
def test_the_form_that_verifies_is_the_same_function_with_what_verifies(heavy: Path) -> None:
    names = {name: set(ZipFile(heavy / f"{name}.zip").namelist()) for name in ("evaluate", "evaluate-verify")}
    more = names["evaluate-verify"] - names["evaluate"]
    assert names["evaluate"] <= names["evaluate-verify"] and LEFT_OUT["evaluate"] <= more
    others = {path.split("/")[0].partition("-")[0].partition(".")[0] for path in more - LEFT_OUT["evaluate"]}
    assert others == {"_cffi_backend", "cffi", "cryptography", "pycparser"}


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
    # What is for another cloud says at its opening which package it needs, and this one does not bring it.
    script = (
        "import importlib\n"
        f"for name in {modules!r}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        if error.name.partition('.')[0] not in ('azure', 'google', 'oras', 'requests'): raise\n"
        "print('all')"
    )
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
@pytest.mark.integration
def test_the_control_plane_of_azure_starts_with_nothing_but_its_packages(tmp_path: Path) -> None:
    if ARCHITECTURE != "x86_64":
        pytest.skip(f"functions of Azure are for x86_64, and this is {ARCHITECTURE}")
    packaged(ROOT, tmp_path, "--function=webhook", "--function=publish", f"--python={PYTHON}", cloud="azure")
    for name in ("webhook", "publish"):
        with azure_functions.running(tmp_path / f"{name}.zip", tmp_path / f"{name}.log", environ=CONTROL) as app:
            assert app.url
    again = azure_functions.running(tmp_path / "webhook.zip", tmp_path / "again.log", environ=CONTROL)
    with again as app, pytest.raises(HTTPError, match="405"):
        urlopen(app.url, timeout=30)
    names = ZipFile(tmp_path / "publish.zip").namelist()
    packages = ".python_packages/lib/site-packages/"
    assert {name.split("/")[0] for name in names} == {"burgee", "function_app.py", "host.json", ".python_packages"}
    assert f"{packages}azure/identity/__init__.py" in names and f"{packages}azure/__init__.py" not in names


@pytest.mark.integration
def test_the_control_plane_of_google_cloud_starts_with_what_its_requirements_name(tmp_path: Path) -> None:
    packaged(ROOT, tmp_path, "--function=webhook", "--function=publish", cloud="gcp")
    environ = {**CONTROL, "BURGEE_QUEUE": "pubsub://acme/work", "BURGEE_DEAD_LETTERS": "pubsub://acme/dead"}
    installed = sysconfig.get_path("purelib")
    for name in ("webhook", "publish"):
        zipped, log = tmp_path / f"{name}.zip", tmp_path / f"{name}.log"
        running = functions_framework.running(zipped, log, environ=environ, paths=installed)
        # A webhook takes POST alone, and what is called by Pub/Sub has no other route.
        with running as service, pytest.raises(HTTPError, match="405"):
            urlopen(service.url, timeout=30)
        names = ZipFile(zipped).namelist()
        assert {path.split("/")[0] for path in names} == {"burgee", "main.py", PINNED}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cloud", "target"), [(name, target) for name, cloud in CLOUDS.items() for target in cloud.targets], ids=str
)
def test_what_is_compiled_is_for_the_target_and_not_for_this_machine(cloud: str, target: Target) -> None:
    try:
        files = files_of(ROOT / "functions" / cloud / "publish" / PINNED, target)
    except Unavailable as error:
        pytest.skip(f"wheels cannot be had here: {str(error).splitlines()[-1]}")
    libraries = {path.split("/")[0]: path for path in files if path.endswith(".so")}
    assert {"pydantic_core", "yaml"} <= set(libraries)
    # Some work with every Python since one, and say so.
    kinds = (f".cpython-{target.python.replace('.', '')}-{ARCHITECTURES[target.architecture]}-linux-gnu.so", ".abi3.so")
    assert [path for path in libraries.values() if not path.endswith(kinds)] == []


@pytest.mark.parametrize(("cloud", "function"), PINNING)
def test_what_is_pinned_is_what_burgee_is_tested_with(cloud: str, function: str) -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text().lower().replace("_", "-").splitlines()
    for name, block in pinned(function, cloud).items():
        requirement, *hashes = block.split()
        assert requirement in lines, name
        assert hashes and all(text.startswith("--hash=sha256:") for text in hashes)
    wanted = (ROOT / "functions" / cloud / function / WANTED).read_text().lower().split("\n")
    assert {line for line in wanted if line and not line.startswith("#")} <= set(pinned(function, cloud))


def test_queues_are_left_to_the_function_before_the_host_takes_them_away() -> None:
    options = json.loads((ROOT / "functions" / "azure" / "publish" / "host.json").read_bytes())["extensions"]["queues"]
    assert options["maxDequeueCount"] == read_settings({}).tries
    assert (options["batchSize"], options["newBatchThreshold"], options["messageEncoding"]) == (1, 0, "none")


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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "shared").as_posix())
def test_stripped_sources_are_the_originals_without_docstrings_and_annotations_line_for_line(path: Path) -> None:
    source = path.read_bytes()
    assert list(shapes(ast.parse(stripped(source)))) == list(shapes(bare(ast.parse(source))))


def test_stripping_leaves_texts_that_are_no_docstrings() -> None:
    source = 'class Odd:\n    """Why."""  # and so\n\n\nOdd.text = """A # of  \n  lines."""  # é\nx = f"{1}#"  \n'
    assert stripped(source.encode()).decode() == (
        'class Odd:\n    pass\n\n\nOdd.text = """A # of  \n  lines."""\nx = f"{1}#"  \n'
    )


def test_stripping_takes_away_docstrings_that_are_given_later() -> None:
    source = 'Odd = namedtuple("Odd", "a")\nOdd.__doc__ = """What\nit is."""\nx = 1\n'
    assert stripped(source.encode()).decode() == 'Odd = namedtuple("Odd", "a")\n\n\nx = 1\n'


def test_stripping_takes_away_what_is_for_type_checkers_alone() -> None:
    source = (
        "from __future__ import annotations\n\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n    # why\n    import typing\n"
        "def f(é: dict[str,\n    int] = {}, *rest: int, **more: 'str') -> list[int]: return []\nx: int = 1\ny: int\n"
    )
    assert stripped(source.encode()).decode() == (
        "\n\n\n\n\n\ndef f(é = {}, *rest, **more) : return []\n\nx = 1\npass\n"
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


def shapes(tree: ast.AST) -> Iterator[tuple[str, int, Any, list[Any]]]:
    """Each node: what it is, in which line it is and what it holds beside other nodes."""
    for node in ast.walk(tree):
        plain = [value for _, value in ast.iter_fields(node) if not isinstance(value, ast.AST | list)]
        children = [type(child).__name__ for child in ast.iter_child_nodes(node)]
        yield type(node).__name__, getattr(node, "lineno", 0), plain, children


def bare(tree: ast.Module) -> ast.Module:
    """The tree without docstrings and what is for type checkers alone."""
    chosen = any(isinstance(node, ast.If) and is_for_checkers(node) and node.orelse for node in tree.body)
    tree.body = [
        node
        for node in tree.body
        if not is_docstring_given_later(node)
        and (not is_for_checkers(node) or (chosen and not isinstance(node, ast.ImportFrom) and not is_alone(node)))
    ]
    for node in ast.walk(tree):
        match node:
            case ast.arg():
                node.annotation = None
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                take_docstring(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                value[:] = map(without_annotation, value)
    return tree


def is_for_checkers(node: ast.stmt) -> bool:
    named = ast.unparse(node).startswith(("if TYPE_CHECKING:", "TYPE_CHECKING = False", "from __future__ import"))
    return named and isinstance(node, ast.If | ast.Assign | ast.ImportFrom)


def is_docstring_given_later(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ".__doc__ = " in ast.unparse(node).partition("(")[0]


def is_alone(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and not node.orelse


def take_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if ast.get_docstring(node, clean=False) is None:
        return
    text = node.body.pop(0)
    if not node.body and not isinstance(node, ast.Module):
        node.body.append(ast.copy_location(ast.Pass(), text))


def without_annotation(node: Any) -> Any:
    if not isinstance(node, ast.AnnAssign):
        return node
    if node.value is None:
        return ast.copy_location(ast.Pass(), node)
    return ast.copy_location(ast.Assign([node.target], node.value), node)
