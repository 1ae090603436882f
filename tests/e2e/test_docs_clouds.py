"""What the pages on Azure and on Google Cloud name exists: what needs an account is compared with the code instead."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from burgee.cli.main import COMMANDS
from burgee.control import publishing, webhook
from burgee.settings import VARIABLES
from tests.e2e.docs_runner import ROOT
from tests.e2e.test_docs import first_column, options_of, page_text
from tests.e2e.test_docs_aws import _COMMAND, _ROOTS, blocks, code, counted_metrics, named_in_cells

CLOUDS = ("azure", "gcp")
_TERRAFORM = ROOT / "infra/terraform"

pytestmark = pytest.mark.parametrize("cloud", CLOUDS)


def declared(cloud: str, kind: str) -> dict[str, str]:
    """The bodies of variables or outputs of the deployment."""
    text = (_TERRAFORM / cloud / f"{kind}s.tf").read_text()
    return dict(re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL))


def written(cloud: str) -> str:
    """All Terraform of the cloud."""
    files = (*(_TERRAFORM / cloud).glob("*.tf"), *(_TERRAFORM / "modules" / cloud).glob("*/*.tf"))
    return "\n".join(file.read_text() for file in sorted(files))


def section(cloud: str, heading: str) -> str:
    """The part of a page below a heading, up to the next one."""
    return re.split(r"^#+ ", page_text(f"{cloud}.md").partition(f" {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


# Commands


def test_every_command_option_setting_target_and_path_exists(cloud: str) -> None:
    lines = list(code(f"{cloud}.md"))
    for match in (match for line in lines for match in _COMMAND.finditer(line)):
        assert match["name"] in COMMANDS, match[0]
        options = re.findall(r"(?<=\s)--[a-z][a-z-]*", re.sub(r'"\$\([^)]*\)"', "", match["rest"]))
        assert set(options) <= options_of(match["name"]), match[0]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for line in lines for target in re.findall(r"^\s*make ([a-z-]+)", line)} <= targets
    known = {variable for variable, _read, _default in VARIABLES.values()}
    assert {name for line in lines for name in re.findall(r"\bBURGEE_\w+", line)} <= known
    paths = {line for line in lines if line.startswith(_ROOTS) and " " not in line}
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_the_folder_that_commands_are_given_in_holds_what_they_take(cloud: str) -> None:
    (first,) = [block for block in blocks(f"{cloud}.md", "bash") if "terraform.tfvars.example" in block]
    folder = re.search(r"cd (\S+)", first)
    assert folder and (ROOT / folder[1] / "terraform.tfvars.example").is_file()
    assert folder[1].endswith(cloud) and f"'.[cli,{cloud}]'" in first


# Terraform


def test_the_table_of_settings_has_every_variable_with_its_default(cloud: str) -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`|required) \|", section(cloud, "Settings"), re.MULTILINE))
    assert listed == {name: _default(body) for name, body in declared(cloud, "variable").items()}


def _default(body: str) -> str:
    found = re.search(r"^  default +=\s(.*)$", body, re.MULTILINE)
    return found[1].strip() if found else ""


def test_what_the_table_says_of_parts_of_settings_is_what_is_declared(cloud: str) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `\{\}` \| (.*) \|$", section(cloud, "Settings"), re.MULTILINE))
    for name, body in declared(cloud, "variable").items():
        parts = dict(re.findall(r"^    (\w+) += optional\(\w+(?:\([^)]*\))?(?:, ([^)]+))?\)", body, re.MULTILINE))
        if parts:
            said = dict(re.findall(r"`([a-z_]+)`(?: \((\d+)\))?", rows[name]))
            assert set(parts) == set(said) - {"evaluate"}, name
            assert {part: value for part, value in said.items() if value}.items() <= parts.items(), name


def test_the_table_of_outputs_has_every_output(cloud: str) -> None:
    table = section(cloud, "Settings").partition("| Output |")[2].partition("\n\n")[0]
    assert named_in_cells(table, 0) == set(declared(cloud, "output"))


def test_every_output_and_every_line_of_settings_that_is_used_exists(cloud: str) -> None:
    text = page_text(f"{cloud}.md")
    used = set(re.findall(r"terraform output -raw (\w+)", text))
    assert used and used <= set(declared(cloud, "output"))
    variables = declared(cloud, "variable")
    assigned = {
        name for block in blocks(f"{cloud}.md", "hcl") for name in re.findall(r"^ *(\w+) +=", block, re.MULTILINE)
    }
    assigned |= set(re.findall(r"`(\w+) = [^`]+`", text))
    assert assigned and assigned <= set(variables)
    dotted = set(re.findall(r"\b(publishing|evaluation|store|rotations)\.(\w+)", text))
    assert {(name, part) for name, part in dotted if f"    {part} " not in variables[name]} == set()


def test_the_table_of_alarms_has_every_alarm(cloud: str) -> None:
    text = (_TERRAFORM / f"modules/{cloud}/alarms/main.tf").read_text()
    alarms = re.findall(r"^    ([a-z-]+) = \{$", text, re.MULTILINE)
    assert alarms and first_column(section(cloud, "Alarms")) == set(alarms)


def test_the_tables_of_rights_name_every_role_and_every_action_that_is_given(cloud: str) -> None:
    said = section(cloud, "Who may do what")
    text = written(cloud)
    if cloud == "gcp":
        given = set(re.findall(r'"(roles/[\w.]+)"', text)) | set(re.findall(r'"(storage\.objects\.\w+)"', text))
        assert set(re.findall(r"`(roles/[\w.]+|storage\.[\w.]+)`", said)) == given
        return
    built_in = set(re.findall(r'role(?:_definition)?_name += "([^"]+)"', text))
    assert set(re.findall(r"^\| [^|]+ \| ((?:Storage|Key) [\w ]+) \|", said, re.MULTILINE)) == built_in
    own = set(re.findall(r'name +=\s+"\$\{var\.role_prefix\} ([^"]+)"', text))
    assert named_in_cells(said.partition("| Role |")[2], 0) == own
    actions = {action.replace("queues/messages", "messages") for action in _actions(text)}
    assert named_in_cells(said.partition("| Role |")[2], 1) == actions


def _actions(text: str) -> set[str]:
    scopes = {"blobs": "blobs", "queues": "queues"}
    return {
        f"{scopes[scope]}/{action}" for scope, action in re.findall(r'"\$\{local\.(blobs|queues)\}/([\w/]+)"', text)
    }


def test_the_versions_that_were_compared_are_those_that_the_page_names(cloud: str) -> None:
    (version,) = set(re.findall(r'hashicorp/(?:azurerm|google)"\s+version = ">= ([\d.]+), ', written(cloud)))
    assert f"provider {version} has" in page_text(f"{cloud}.md")
    assert f"from\n{version} on" in page_text(f"{cloud}.md") or f"from {version} on" in page_text(f"{cloud}.md")


# Code


def test_metrics_that_are_named_are_counted(cloud: str) -> None:
    named = set(re.findall(r"`(Published|[A-Z][a-z]+[A-Z]\w+)`", section(cloud, "Logs")))
    assert named == counted_metrics()


def test_the_limits_of_events_are_those_of_the_code(cloud: str) -> None:
    assert f"| {webhook.LARGEST_EVENT // 1024 // 1024} MiB, then 413" in section(cloud, "Limits")
    if cloud == "azure":
        pauses = [publishing.FIRST_PAUSE_SECONDS << tried for tried in range(4)]
        assert "pauses of {}, {}, {} and {} seconds".format(*pauses) in section(cloud, "Limits")


# Costs


def test_the_costs_are_what_the_program_prints(cloud: str) -> None:
    (program,) = [block for block in blocks(f"{cloud}.md", "python") if "HOURS" in block]
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed in blocks(f"{cloud}.md", "text")


def test_the_requests_of_a_tick_are_those_that_are_counted_for_the_page_on_aws(cloud: str) -> None:
    counted = r"(\d+ \* GET \+ \d+ \* PUT)"
    assert set(re.findall(rf"ticks \* \({counted}", page_text("aws.md"))) == set(
        re.findall(counted, page_text(f"{cloud}.md"))
    )


def test_the_page_says_what_was_never_proven(cloud: str) -> None:
    text = " ".join(page_text(f"{cloud}.md").split())
    assert "Nobody has applied this Terraform to a real" in text
    assert "not even planned with the real provider" in text
    readme = " ".join((_TERRAFORM / cloud / "README.md").read_text().split())
    assert "Nobody has applied this to a real" in readme and f"docs/{cloud}.md" in readme


def test_the_tests_that_the_readme_names_are_there(cloud: str) -> None:
    named = re.findall(r"pytest (\S+?\.py)", (_TERRAFORM / cloud / "README.md").read_text())
    assert named and all(Path(ROOT / name).is_file() for name in named)
