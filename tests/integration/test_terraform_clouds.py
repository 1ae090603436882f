"""Terraform itself over the configurations for Azure and Google Cloud, with providers that have the real ones' types.

No cloud answers: what is proven is the form of everything that is written, that expressions come to what they should,
and that what was applied is what a second plan expects.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.provider_types import installed
from tests.servers.terraform import (
    INFRASTRUCTURE,
    Terraform,
    TerraformFailed,
    a_copy_of,
    find_terraform,
    placeholder_packages,
)
from tests.servers.terraform_provider import providers
from tests.terraform_blocks import used_by

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not installed(), reason="needs the providers' types, which `make test` installs by npm"),
    pytest.mark.skipif(find_terraform() is None, reason="needs terraform 1.11 or newer"),
]
FUNCTIONS = ("webhook", "publish", "evaluate", "evaluate-verify")
_NEEDED = {
    "azure": {"subscription": "00000000-0000-0000-0000-000000000000", "location": "westeurope"},
    "gcp": {"project": "acme-flags", "region": "europe-west1"},
}
_REPOSITORY = "https://github.com/acme/flags.git"
_AZ = '#!/bin/sh\necho "$@" >> "$AZ_LOG"\n'


@dataclass(frozen=True, slots=True)
class Root:
    """The root of a cloud, initialised; `said_to_az` is the file that holds what its command line was told."""

    cloud: str
    terraform: Terraform
    packages: Path
    said_to_az: Path

    def beside(self, folder: Path, **variables: Any) -> Root:
        """A copy with what was given to it, and other variables."""
        shutil.copytree(self.terraform.root.parent, folder / "infra", symlinks=True)
        log = folder / "az.log"
        environ = {**self.terraform.environ, "AZ_LOG": str(log)}
        copy = Root(self.cloud, Terraform(folder / "infra" / self.cloud, environ), self.packages, log)
        copy.terraform.give(**variables)
        return copy


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    with _root("azure", tmp_path_factory.mktemp("azure")) as root:
        yield root


@pytest.fixture(scope="module")
def gcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    with _root("gcp", tmp_path_factory.mktemp("gcp")) as root:
        yield root


@pytest.fixture(params=["azure", "gcp"])
def root(request: pytest.FixtureRequest) -> Root:
    either: Root = request.getfixturevalue(request.param)
    return either


@contextmanager
def _root(cloud: str, folder: Path) -> Iterator[Root]:
    commands = folder / "bin"
    commands.mkdir()
    (commands / "az").write_text(_AZ)
    (commands / "az").chmod(0o755)
    modules = [
        INFRASTRUCTURE / cloud,
        *(file.parent for file in (INFRASTRUCTURE / "modules" / cloud).glob("*/main.tf")),
    ]
    packages = placeholder_packages(folder / "packages", *FUNCTIONS)
    with providers(used_by(modules)) as environ:
        path = f"{commands}:/usr/local/bin:/usr/bin:/bin"
        terraform = a_copy_of(cloud, folder / "infra", {**environ, "PATH": path, "AZ_LOG": str(folder / "az.log")})
        terraform.init()
        terraform.give(packages=str(packages), repository=_REPOSITORY, **_NEEDED[cloud])
        yield Root(cloud, terraform, packages, folder / "az.log")


def test_it_is_valid(root: Root) -> None:
    root.terraform.validate()


def test_it_is_applied_once_and_taken_away_whole(root: Root, tmp_path: Path) -> None:
    made = root.beside(tmp_path, force_destroy=True)
    made.terraform.apply()
    assert made.terraform.changes() == ""
    outputs = made.terraform.outputs()
    assert outputs["webhook_url"].startswith("https://burgee-webhook")
    assert outputs["webhook_url"] in outputs["next_steps"] and outputs["store"] in outputs["next_steps"]
    made.terraform.destroy()
    assert made.terraform.resources() == []


def test_another_package_is_another_deployment_of_that_function_alone(root: Root, tmp_path: Path) -> None:
    packages = placeholder_packages(tmp_path / "packages", *FUNCTIONS)
    made = root.beside(tmp_path, packages=str(packages))
    made.terraform.apply()
    _replace(packages, "publish", b"another zip")
    changed = re.findall(r"^  # (\S+) (?:will|must) be", made.terraform.changes(), re.MULTILINE)
    assert changed and all('module.function["publish"]' in address for address in changed)


def test_the_secrets_that_are_made_are_not_in_the_state(root: Root, tmp_path: Path) -> None:
    made = root.beside(tmp_path, client_tokens=["sha256:" + "0" * 64])
    made.terraform.apply()
    state = json.loads((made.terraform.root / "terraform.tfstate").read_text("utf-8"))
    kinds = {resource["type"] for resource in state["resources"]}
    assert "random_password" not in kinds
    values = [
        instance["attributes"]
        for resource in state["resources"]
        if resource["type"] in ("azurerm_key_vault_secret", "google_secret_manager_secret_version")
        for instance in resource["instances"]
    ]
    assert len(values) == 2
    assert all(value.get("value_wo", value.get("secret_data_wo")) is None for value in values)


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
    root: Root, tmp_path: Path, variables: dict[str, object], message: str
) -> None:
    with pytest.raises(TerraformFailed) as refusal:
        root.beside(tmp_path, **variables).terraform.changes()
    assert message in " ".join(str(refusal.value).split())


def test_a_zip_that_the_manifest_does_not_speak_of_is_refused(root: Root, tmp_path: Path) -> None:
    packages = placeholder_packages(tmp_path / "packages", *FUNCTIONS)
    (packages / "publish.zip").write_bytes(b"another zip")
    with pytest.raises(TerraformFailed) as refusal:
        root.beside(tmp_path, packages=str(packages)).terraform.apply()
    assert "publish.zip is not the zip that manifest.json speaks of" in " ".join(str(refusal.value).split())


def test_every_line_of_the_example_can_be_set(root: Root, tmp_path: Path) -> None:
    example = root.beside(tmp_path).terraform
    text = (INFRASTRUCTURE / root.cloud / "terraform.tfvars.example").read_text("utf-8")
    (example.root / "terraform.tfvars").write_text(re.sub(r"^#(?! )|^#(?=  )", "", text, flags=re.MULTILINE), "utf-8")
    planned = example.changes()
    assert "undeclared" not in planned
    assert '"shop-flags-evaluate' in planned


def test_what_its_own_tests_say_holds(root: Root) -> None:
    assert re.search(r"Success! [1-9]\d* passed, 0 failed\.", root.terraform.test())


def test_a_public_store_is_asked_for_by_name(root: Root, tmp_path: Path) -> None:
    assert root.terraform.changes().count("allUsers") == (2 if root.cloud == "gcp" else 0)
    public = root.beside(tmp_path, **{"azure": {"public_container": True}, "gcp": {"public_bucket": True}}[root.cloud])
    public.terraform.apply()
    assert public.terraform.outputs()["snapshots_url"].endswith("/environments")


# What the types refuse


@pytest.mark.parametrize(
    ("file", "right", "wrong", "message"),
    [
        ("gcp/queue", "ack_deadline_seconds", "ack_deadline", 'argument named "ack_deadline" is not expected'),
        ("gcp/queue", "  retry_policy {", "  retries {", 'Blocks of type "retries" are not expected'),
        ("gcp/bucket", "num_newer_versions         = 10", 'num_newer_versions = "ten"', "a number is required"),
        ("azure/store", "  account_tier             = ", "  # ", 'argument "account_tier" is required'),
        ("azure/function", "identity[0].principal_id", "identity[0].principal", 'attribute named "principal"'),
    ],
)
def test_what_the_provider_does_not_have_is_refused(
    request: pytest.FixtureRequest, tmp_path: Path, file: str, right: str, wrong: str, message: str
) -> None:
    root: Root = request.getfixturevalue(file.partition("/")[0])
    broken = root.beside(tmp_path).terraform
    path = broken.root.parent / "modules" / file / "main.tf"
    text = path.read_text("utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), "utf-8")
    with pytest.raises(TerraformFailed) as refusal:
        broken.validate()
    assert message in " ".join(str(refusal.value).split())


# Azure's own


def test_az_has_references_read_and_hands_each_package_over(azure: Root, tmp_path: Path) -> None:
    made = azure.beside(tmp_path)
    made.terraform.apply()
    said = made.said_to_az.read_text("utf-8").splitlines()
    handed = [line for line in said if line.startswith("functionapp deployment source config-zip")]
    assert sorted(line.rpartition("/")[2] for line in handed) == ["evaluate.zip", "publish.zip", "webhook.zip"]
    assert sum("/config/configreferences/appsettings/refresh" in line for line in said) == len(handed)
    for name in ("evaluate", "publish", "webhook"):
        (line,) = (line for line in handed if line.endswith(f"{azure.packages}/{name}.zip"))
        assert f"--name burgee-{name}-" in line and "--resource-group burgee " in line


def test_what_verifies_is_handed_over_when_keys_are_named(azure: Root, tmp_path: Path) -> None:
    made = azure.beside(tmp_path, evaluation={"verify_keys": ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]})
    made.terraform.apply()
    (line,) = (line for line in made.said_to_az.read_text("utf-8").splitlines() if "--name burgee-evaluate-" in line)
    assert line.endswith(f"{azure.packages}/evaluate-verify.zip")


def test_another_rotation_has_its_reader_look_again(azure: Root, tmp_path: Path) -> None:
    made = azure.beside(tmp_path)
    made.terraform.apply()
    made.said_to_az.unlink()
    made.terraform.give(rotations={"git_token": 2})
    made.terraform.apply()
    said = made.said_to_az.read_text("utf-8")
    assert "burgee-publish-" in said and "burgee-webhook-" not in said


def test_nothing_is_handed_over_when_somebody_else_does(azure: Root, tmp_path: Path) -> None:
    made = azure.beside(tmp_path, deploys=False)
    made.terraform.apply()
    assert not made.said_to_az.exists()


def test_releases_are_not_destroyed_without_having_been_asked(azure: Root, tmp_path: Path) -> None:
    made = azure.beside(tmp_path)
    made.terraform.apply()
    before = made.terraform.resources()
    with pytest.raises(TerraformFailed) as refusal:
        made.terraform.destroy()
    assert "set force_destroy = true and apply that before" in " ".join(str(refusal.value).split())
    assert made.terraform.resources() == before


def _replace(packages: Path, name: str, content: bytes) -> None:
    """Another zip of that name, which the manifest speaks of."""
    (packages / f"{name}.zip").write_bytes(content)
    manifest = json.loads((packages / "manifest.json").read_text("utf-8"))
    manifest["functions"][name]["sha256"] = hashlib.sha256(content).hexdigest()
    (packages / "manifest.json").write_text(json.dumps(manifest), "utf-8")
