"""The evaluate function's packages: small, nothing in them that is not needed, and all that is."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from time import time
from urllib.request import Request, urlopen
from zipfile import ZipFile

import pytest
from functions.packing.clouds import CLOUDS
from functions.packing.functions import LEFT_OUT
from functions.packing.requirements import PINNED

from burgee.sign.port import Signer
from burgee.sign.signing import signed_head
from burgee.store.opening import open_store
from tests.architecture.test_imports import LIGHT
from tests.fakes.signers import Ed25519InMemory
from tests.functions.test_aws_evaluate import a_store
from tests.packages import PYTHON, ROOT, extracted, packaged, said_by
from tests.servers import azure_functions, functions_framework
from tests.unit.test_function_url import an_event

LARGEST_EVALUATE = 100_000
OURS = Ed25519InMemory(1)
KEY = OURS.public_key().text
# What is beside burgee in each.
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
    said = said_by(folder, script, json.dumps(event), BURGEE_STORE=a_store(tmp_path), BURGEE_AUTH="none")
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
    result = json.loads(said_by(package, script, json.dumps(event), **told, BURGEE_VERIFY_KEYS=KEY))
    assert result["statusCode"] == status


@pytest.mark.slow
def test_the_form_that_verifies_is_the_same_function_with_what_verifies(heavy: Path) -> None:
    names = {name: set(ZipFile(heavy / f"{name}.zip").namelist()) for name in ("evaluate", "evaluate-verify")}
    more = names["evaluate-verify"] - names["evaluate"]
    assert names["evaluate"] <= names["evaluate-verify"] and LEFT_OUT["evaluate"] <= more
    others = {path.split("/")[0].partition("-")[0].partition(".")[0] for path in more - LEFT_OUT["evaluate"]}
    assert others == {"_cffi_backend", "cffi", "cryptography", "pycparser"}
