"""The control plane's packages: they start with nothing else, of what is pinned, for the machine that they are for."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen
from zipfile import ZipFile

import pytest
from functions.packing.clouds import CLOUDS
from functions.packing.requirements import PINNED, WANTED
from functions.packing.target import ARCHITECTURES, Target
from functions.packing.wheels import files_of, is_left_out

from burgee.core.errors import Unavailable
from burgee.settings import read_settings
from tests.checkouts import pinned
from tests.packages import ARCHITECTURE, PYTHON, ROOT, extracted, packaged, said_by
from tests.servers import azure_functions, functions_framework

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


@pytest.mark.slow
def test_functions_of_the_control_plane_start_with_nothing_but_their_packages(heavy: Path) -> None:
    region = {"AWS_REGION": "eu-central-1", "POWERTOOLS_METRICS_NAMESPACE": "burgee"}
    script = "import main; print(callable(main.handler))"
    for name in ("webhook", "publish"):
        assert said_by(extracted(heavy / f"{name}.zip"), script, **region) == "True\n"


@pytest.mark.slow
def test_clients_of_the_services_that_functions_call_work_without_the_other_services(heavy: Path) -> None:
    script = (
        "import boto3\n"
        "for name in ('s3', 'kms', 'sqs', 'secretsmanager', 'sts'): boto3.client(name, region_name='eu-central-1')\n"
        "print(boto3.client('sqs', region_name='eu-central-1').meta.endpoint_url)"
    )
    for name in ("webhook", "publish"):
        assert said_by(extracted(heavy / f"{name}.zip"), script) == "https://sqs.eu-central-1.amazonaws.com\n"


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
    assert said_by(extracted(heavy / "publish.zip"), script) == "all\n"


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
