"""Terraform for Azure and Google Cloud, compared with the types that were generated from the providers' own schemas."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provider_types import NoSuchType, data_type, installed, provider_version, resource_type
from tests.servers.terraform import INFRASTRUCTURE
from tests.terraform_blocks import Module, findings

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not installed(), reason="needs the providers' types, which `make test` installs by npm"),
]
CLOUDS = ("azure", "gcp")
FOLDERS = sorted(
    file.parent
    for cloud in CLOUDS
    for file in (INFRASTRUCTURE / cloud / "main.tf", *(INFRASTRUCTURE / "modules" / cloud).glob("*/main.tf"))
)
_A_TOPIC = 'resource "google_pubsub_topic" "flags" {\n  name = "flags"\n}\n'
_A_TIMER = """\
module "timer" {
  source  = "../modules/gcp/timer"
  name    = "a"
  region  = "b"
  topic   = "c"
  minutes = 5
}
"""
# A variable's own validation is no use of it.
_CHECKED = """\
variable "NAME" {
  type = string

  validation {
    condition     = var.NAME != ""
    error_message = "it is empty"
  }
}
"""


def a_module(text: str, folder: Path = INFRASTRUCTURE) -> Module:
    return Module(folder, {"main.tf": text})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(INFRASTRUCTURE).as_posix())
def test_every_block_and_reference_is_one_that_the_provider_has(folder: Path) -> None:
    assert findings(Module(folder)) == []


def test_there_is_something_to_compare() -> None:
    compared = {block.type for folder in FOLDERS for block in Module(folder).blocks}
    assert len(compared) > 40
    assert {"azurerm_function_app_flex_consumption", "google_cloudfunctions2_function", "azurerm", "google"} <= compared


@pytest.mark.parametrize(("provider", "constraint"), [("azurerm", ">= 4.55"), ("google", ">= 6.50")])
def test_the_oldest_version_that_is_allowed_is_the_one_that_was_compared(provider: str, constraint: str) -> None:
    assert provider_version(provider).startswith(constraint.removeprefix(">= "))
    files = [folder / "versions.tf" for folder in FOLDERS if provider in (folder / "versions.tf").read_text("utf-8")]
    assert files and all(f'version = "{constraint}, <' in file.read_text("utf-8") for file in files)


# The types


def test_types_say_what_has_to_be_written_and_what_is_given() -> None:
    function = resource_type("google_cloudfunctions2_function")
    assert function.required == {"name", "location"}
    service = function.blocks["service_config"]
    assert (service.kind, service.many) == ("list", False)
    assert service.block.attributes["uri"].computed and not service.block.attributes["uri"].optional
    assert service.block.blocks["secret_environment_variables"].block.required == {
        "key",
        "project_id",
        "secret",
        "version",
    }


def test_types_tell_lists_sets_maps_and_objects() -> None:
    flex = resource_type("azurerm_function_app_flex_consumption")
    assert flex.attributes["app_settings"].type == ["map", "string"]
    assert flex.attributes["outbound_ip_address_list"].type == ["list", "string"]
    assert flex.attributes["site_credential"].type == ["list", ["object", {"name": "string", "password": "string"}]]
    assert resource_type("azurerm_role_definition").blocks["permissions"].block.attributes["data_actions"].type == [
        "set",
        "string",
    ]
    assert data_type("google_project").attributes["number"].type == "string"


def test_a_resource_that_the_provider_does_not_have_has_no_type() -> None:
    with pytest.raises(NoSuchType, match=r"google 6\.50\.0 has no pubsub-tropic"):
        resource_type("google_pubsub_tropic")


# What is wrong is found


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('resource "google_pubsub_tropic" "x" {}', "google_pubsub_tropic.x: google 6.50.0 has no pubsub-tropic"),
        ('resource "google_pubsub_topic" "x" {}', "google_pubsub_topic.x: wanted name, it is missing"),
        (_A_TOPIC.replace("}", "  lables = {}\n}"), "flags: wanted no argument lables, it has none"),
        (_A_TOPIC.replace("}", "  effective_labels = {}\n}"), "effective_labels is given by the provider"),
        (_A_TOPIC.replace("}", "  labels {\n  }\n}"), "flags: wanted no block labels, it is an argument"),
        (_A_TOPIC.replace("}", "  schema_settings = {}\n}"), "wanted no argument schema_settings, it is a block"),
        (_A_TOPIC.replace("}", "  schema_settings {\n  }\n}"), "flags.schema_settings: wanted schema, it is missing"),
        (_A_TOPIC.replace("}", '  schema_settings {\n    shcema = "a"\n  }\n}'), "wanted no argument shcema"),
        (
            'resource "google_secret_manager_secret" "x" {\n  secret_id = "x"\n}',
            "google_secret_manager_secret.x: wanted replication, it is missing",
        ),
        (
            'resource "azurerm_storage_account" "x" {\n  dynamic "blob_property" {\n    for_each = []\n'
            "    content {\n    }\n  }\n}",
            "azurerm_storage_account.x: wanted no block blob_property",
        ),
        ('data "google_project" "x" {\n  projekt = "a"\n}', "data.google_project.x: wanted no argument projekt"),
        ('provider "google" {\n  projekt = "a"\n}', "provider.google: wanted no argument projekt"),
        ('provider "azurerm" {\n  features {\n    keyvault {\n    }\n  }\n}', "features: wanted no block keyvault"),
        (
            'resource "google_cloudfunctions2_function" "x" {\n  name = "x"\n  location = "y"\n  service_config {\n'
            "  }\n  service_config {\n  }\n}",
            "wanted one block service_config, there are 2",
        ),
    ],
)
def test_a_wrong_block_is_found(text: str, finding: str) -> None:
    assert any(finding in found for found in findings(a_module(text)))


@pytest.mark.parametrize(
    ("expression", "finding"),
    [
        ("google_pubsub_topic.flags.url", "google_pubsub_topic.flags.url: it has no url"),
        ("google_pubsub_topic.flag.id", "google_pubsub_topic.flag.id: there is no resource google_pubsub_topic.flag"),
        ("data.google_project.this.number", "there is no data google_project.this"),
        ("google_pubsub_topic.flags.schema_settings[0].schemas", "it has no schemas"),
        ("var.nobody", "var.nobody: it is not declared"),
        ("local.nobody", "local.nobody: it is not declared"),
        ("module.nobody.name", "module.nobody: there is none"),
        ("module.timer.massage", "module.timer: it has no output massage"),
    ],
)
def test_a_wrong_reference_is_found(expression: str, finding: str) -> None:
    def said(value: str) -> list[str]:
        text = f'{_A_TOPIC}{_A_TIMER}output "x" {{\n  value = "a ${{{value}}}"\n}}'
        return findings(a_module(text, INFRASTRUCTURE / "gcp"))

    assert said("google_pubsub_topic.flags.id") == []
    assert any(finding in found for found in said(expression))


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('module "x" {\n  source = "../modules/gcp/timer"\n}', "module.x: wanted minutes, it is missing"),
        ('module "x" {\n  source = "../modules/gcp/timer"\n  hours = 1\n}', "module.x: it has no variable hours"),
        ('variable "unused" {\n  type = string\n}', "var.unused: nobody uses it"),
        (_CHECKED.replace("NAME", "unused"), "var.unused: nobody uses it"),
        ("locals {\n  unused = 1\n}", "local.unused: nobody uses it"),
    ],
)
def test_a_wrong_call_and_what_nobody_uses_is_found(text: str, finding: str) -> None:
    assert finding in findings(a_module(text, INFRASTRUCTURE / "gcp"))
