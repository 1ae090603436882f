"""The Terraform configuration for AWS: its form, what it plans, what it refuses; and what a policy scan says of all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.moto import moto
from tests.servers.terraform import (
    INFRASTRUCTURE,
    Terraform,
    TerraformFailed,
    a_copy_of,
    placeholder_packages,
    unavailable,
)

pytestmark = pytest.mark.integration
MODULES = sorted({file.parent for file in INFRASTRUCTURE.glob("**/main.tf") if ".terraform" not in file.parts})
FILES = ("main.tf", "outputs.tf", "variables.tf", "versions.tf")
FUNCTIONS = ("webhook", "publish", "evaluate", "evaluate-verify")
_SCAN_SECONDS = 120


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """The root for AWS, initialised; whatever it asks, an emulator answers."""
    folder = tmp_path_factory.mktemp("terraform")
    packages = placeholder_packages(folder / "packages", *FUNCTIONS)
    with moto() as aws:
        terraform = a_copy_of("aws", folder / "infra", aws.environ())
        if reason := unavailable(terraform):
            pytest.skip(reason)
        terraform.give(packages=str(packages), emulated=True)
        yield terraform


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(INFRASTRUCTURE).as_posix())
def test_a_module_has_four_files_and_says_what_its_variables_and_outputs_are(module: Path) -> None:
    assert sorted(file.name for file in module.glob("*.tf")) == list(FILES)
    for file, wanted in (("variables.tf", ("type", "description")), ("outputs.tf", ("description",))):
        text = (module / file).read_text("utf-8")
        for kind, name, body in re.findall(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', text, re.DOTALL | re.MULTILINE):
            for word in wanted:
                assert re.search(rf"^  {word} +=", body, re.MULTILINE), f"{kind} {name} has no {word}"


def test_it_is_written_as_terraform_writes_it(terraform: Terraform) -> None:
    assert terraform.format_differences() == ""


def test_it_is_valid(terraform: Terraform) -> None:
    terraform.validate()


@pytest.mark.slow
def test_what_its_own_tests_say_holds(terraform: Terraform) -> None:
    assert re.search(r"Success! \d+ passed, 0 failed\.", terraform.test())


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"repository": "git@git.example.org:acme/flags.git"}, "repository is an https URL without credentials"),
        ({"client_tokens": ["my client token"]}, "The token itself does not belong here"),
        ({"packages": "elsewhere"}, "make the packages with `make package`"),
    ],
    ids=["repository", "client_tokens", "packages"],
)
def test_a_wrong_variable_is_refused_with_what_to_do(
    terraform: Terraform, tmp_path: Path, variables: dict[str, object], message: str
) -> None:
    wrong = _beside(terraform, tmp_path)
    wrong.give(**{"region": "eu-central-1", "repository": "https://git.example.org/acme/flags.git", **variables})
    with pytest.raises(TerraformFailed) as refusal:
        wrong.changes()
    assert message in " ".join(str(refusal.value).split())


def test_a_zip_that_the_manifest_does_not_speak_of_is_refused(terraform: Terraform, tmp_path: Path) -> None:
    packages = placeholder_packages(tmp_path / "packages", *FUNCTIONS)
    (packages / "publish.zip").write_bytes(b"another zip")
    torn = _beside(terraform, tmp_path)
    torn.give(region="eu-central-1", repository="https://git.example.org/acme/flags.git", packages=str(packages))
    with pytest.raises(TerraformFailed) as refusal:
        torn.changes()
    assert "publish.zip is not the zip that manifest.json speaks of" in " ".join(str(refusal.value).split())


def test_keys_without_the_package_that_verifies_are_refused(terraform: Terraform, tmp_path: Path) -> None:
    old = placeholder_packages(tmp_path / "packages", "webhook", "publish", "evaluate")
    keys = {"verify_keys": ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]}
    without = _beside(terraform, tmp_path)
    repository = "https://git.example.org/acme/flags.git"
    without.give(region="eu-central-1", repository=repository, packages=str(old), evaluation=keys)
    with pytest.raises(TerraformFailed) as refusal:
        without.changes()
    assert "need the package evaluate-verify" in " ".join(str(refusal.value).split())


def test_every_line_of_the_example_can_be_set(terraform: Terraform, tmp_path: Path) -> None:
    example = _beside(terraform, tmp_path)
    text = (INFRASTRUCTURE / "aws" / "terraform.tfvars.example").read_text("utf-8")
    (example.root / "terraform.tfvars").write_text(re.sub(r"^#(?! )|^#(?=  )", "", text, flags=re.MULTILINE), "utf-8")
    planned = example.changes()
    assert "undeclared" not in planned
    assert '"shop-flags-evaluate"' in planned


def test_a_policy_scan_finds_nothing_that_is_not_explained(tmp_path: Path) -> None:
    checkov = _find_checkov()
    if checkov is None:
        pytest.skip("needs checkov, which `make test` installs in an environment of its own")
    root = a_copy_of("aws", tmp_path / "infra", {}).root.parent
    command = (checkov, "--directory", str(root), "--framework", "terraform", "--compact", "--quiet", "--skip-download")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BC_", "CKV_"))}
    scan = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=_SCAN_SECONDS)
    assert scan.returncode == 0, scan.stdout + scan.stderr
    assert re.search(r"Passed checks: [1-9]\d+, Failed checks: 0", scan.stdout), scan.stdout + scan.stderr


def test_every_exception_from_the_scan_gives_its_reason() -> None:
    exceptions = [
        line.strip()
        for module in MODULES
        for line in (module / "main.tf").read_text("utf-8").splitlines()
        if "checkov" in line
    ]
    assert exceptions
    explained = r"#checkov:skip=CKV2?_(AWS|AZURE|GCP)_\d+: \w.{15,}"
    assert [line for line in exceptions if not re.fullmatch(explained, line)] == []


def _beside(terraform: Terraform, folder: Path) -> Terraform:
    """A copy of an initialised root, with what was given to it."""
    shutil.copytree(terraform.root.parent, folder / "infra", symlinks=True)
    return Terraform(folder / "infra" / terraform.root.name, terraform.environ)


def _find_checkov() -> str | None:
    """The command of `.venv/scan`, for its requirements and ours exclude one another, or the machine's own."""
    own = Path(sys.prefix) / "scan" / "bin" / "checkov"
    return str(own) if own.exists() else shutil.which("checkov")
