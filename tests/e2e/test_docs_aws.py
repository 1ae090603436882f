"""What the pages on AWS and on security name exists: what needs an account to run is compared with the code instead."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest

from burgee.author import finding, globs, ignore, read, strict_json, yaml_events
from burgee.cli.main import COMMANDS
from burgee.control import publishing, secrets, webhook
from burgee.core import signature
from burgee.deliver.publish import publish
from burgee.fetch import port
from burgee.git import http, tree
from burgee.serve.keeping import STALE
from burgee.settings import VARIABLES
from burgee.store.memory import MemoryObjects
from tests.e2e.docs_runner import ROOT
from tests.e2e.test_docs import first_column, options_of, page_text, section_of
from tests.fakes.objects import FaultyObjects
from tests.publishing import a_publisher
from tests.servers.git_cli import a_work_tree, commit

PAGES = ("aws.md", "security.md")
_TERRAFORM = ROOT / "infra/terraform"
_ROOTS = ("docs/", "functions/", "infra/", "shared/", "tests/", "samplerepo/")
_BLOCK = re.compile(r"^ *```(?P<mark>\w+)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_IN_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_COMMAND = re.compile(r"burgee (?P<name>[a-z]+)(?P<rest>(?:\"\$\([^)]*\)\"|[^|&;\n])*)")


def blocks(page: str, mark: str) -> list[str]:
    return [block["body"] for block in _BLOCK.finditer(page_text(page)) if block["mark"] == mark]


def code(page: str) -> Iterator[str]:
    """What a page says in code, by the line and by the word."""
    yield from _IN_CODE.findall(re.sub(r"```.*?```", "", page_text(page), flags=re.DOTALL))
    for mark in ("bash", "hcl"):
        for block in blocks(page, mark):
            yield from block.splitlines()


def declared(kind: str) -> dict[str, str]:
    """The bodies of variables or outputs of the deployment."""
    text = (_TERRAFORM / "aws" / f"{kind}s.tf").read_text()
    return dict(re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL))


def named_in_cells(markdown: str, column: int) -> set[str]:
    rows = (line.split("|") for line in markdown.splitlines() if line.startswith("|"))
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[column + 1])}


# Commands


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_of_burgee_exists(page: str) -> None:
    for match in (match for line in code(page) for match in _COMMAND.finditer(line)):
        assert match["name"] in COMMANDS, match[0]
        options = re.findall(r"(?<=\s)--[a-z][a-z-]*", re.sub(r'"\$\([^)]*\)"', "", match["rest"]))
        assert set(options) <= options_of(match["name"]), match[0]


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for line in code(page) for target in re.findall(r"^\s*make ([a-z-]+)", line)}
    assert named and named <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_exists(page: str) -> None:
    known = {variable for variable, _read, _default in VARIABLES.values()}
    named = {name for line in code(page) for name in re.findall(r"\bBURGEE_\w+", line)}
    assert {name.removesuffix("_ARN") for name in named} <= known


@pytest.mark.parametrize("page", PAGES)
def test_every_path_exists(page: str) -> None:
    named = {line for line in code(page) if line.startswith(_ROOTS) and " " not in line}
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_the_folder_that_commands_are_given_in_holds_what_they_take() -> None:
    (first,) = [block for block in blocks("aws.md", "bash") if "terraform.tfvars.example" in block]
    folder = re.search(r"cd (\S+)", first)
    assert folder and (ROOT / folder[1] / "terraform.tfvars.example").is_file()
    assert "aws" in re.search(r"pip install '\.\[([\w,]+)\]'", first)[1].split(",")  # type: ignore[index]


# Terraform


def test_the_table_of_settings_has_every_variable_with_its_default() -> None:
    section = page_text("aws.md").partition("### Settings\n")[2].partition("\n| Output |")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`|required) \|", section, re.MULTILINE))
    defaults = {name: _default(body) for name, body in declared("variable").items()}
    assert listed == defaults


def _default(body: str) -> str:
    found = re.search(r"^  default +=\s(.*)$", body, re.MULTILINE)
    return found[1].strip() if found else ""


def test_what_the_table_says_of_parts_of_settings_is_what_is_declared() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `\{\}` \| (.*) \|$", page_text("aws.md"), re.MULTILINE))
    for name, body in declared("variable").items():
        parts = dict(re.findall(r"^    (\w+) += optional\(\w+(?:\([^)]*\))?(?:, ([^)]+))?\)", body, re.MULTILINE))
        if not parts:
            continue
        said = dict(re.findall(r"`([a-z_]+)`(?: \((\d+)\))?", rows[name]))
        assert set(parts) == set(said) - {"evaluate"}, name
        assert {part: value for part, value in said.items() if value}.items() <= parts.items(), name


def test_the_table_of_outputs_has_every_output() -> None:
    table = page_text("aws.md").partition("| Output |")[2].partition("\n\n")[0]
    assert named_in_cells(table, 0) == set(declared("output"))


def test_every_output_and_every_line_of_settings_that_is_used_exists() -> None:
    text = page_text("aws.md")
    used = set(re.findall(r"terraform output -raw (\w+)", text))
    assert used and used <= set(declared("output"))
    assigned = {name for block in blocks("aws.md", "hcl") for name in re.findall(r"^ *(\w+) +=", block, re.MULTILINE)}
    assigned |= set(re.findall(r"`(\w+) = [^`]+`", text))
    assert assigned and assigned <= set(declared("variable"))
    dotted = set(re.findall(r"\b(publishing|evaluation|store|rotations)\.(\w+)", text))
    assert {(name, part) for name, part in dotted if f"    {part} " not in declared("variable")[name]} == set()


def test_the_table_of_alarms_has_every_alarm() -> None:
    text = (_TERRAFORM / "modules/aws/alarms/main.tf").read_text()
    alarms = re.findall(r"^    ([a-z-]+) = \{$", text, re.MULTILINE)
    section = page_text("aws.md").partition("### Alarms\n")[2].partition("###")[0]
    assert alarms and first_column(section) == set(alarms)


def test_the_table_of_rights_is_what_roles_are_given() -> None:
    table: dict[str, Counter[str]] = {}
    for row in re.findall(r"^\| (`\w+`|the timer) \| (.*?) \|", page_text("security.md"), re.MULTILINE):
        table.setdefault(row[0].strip("`"), Counter()).update(re.findall(r"`(\w+:\w+)`", row[1]))
    assert table == {**dict(_rights_of_functions()), "the timer": Counter(["sqs:SendMessage"])}
    assert 'Action = ["sqs:SendMessage"]' in (_TERRAFORM / "modules/aws/timer/main.tf").read_text()


def _rights_of_functions() -> Iterator[tuple[str, Counter[str]]]:
    text = (_TERRAFORM / "aws/main.tf").read_text()
    for name, body in re.findall(r"^    (\w+) = \{\n(.*?)^    \}$", text, re.MULTILINE | re.DOTALL):
        actions = re.findall(r"actions +=\s+\[(.*?)\]", body, re.DOTALL)
        yield name, Counter(re.findall(r'"([\w:]+)"', " ".join(actions)))


# Code


def test_metrics_and_log_lines_that_are_named_are_written() -> None:
    section = page_text("aws.md").partition("### Logs\n")[2].partition("###")[0]
    sources = "".join(Path(module.__file__ or "").read_text() for module in (publishing, webhook, secrets))
    messages = {name for name in named_in_cells(section, 0) if name != "message"}
    assert messages == set(re.findall(r'say\("([a-z ,\']+)"', sources)) | {"job done", "job failed"}
    fields = named_in_cells(section, 1) - {"burgee"}
    assert {name for name in fields if f'"{name}": ' not in sources} == set()
    metrics = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+|Published)`", page_text("aws.md")))
    assert metrics == {*counted_metrics(), "EvaluateStale"}
    assert f"`{STALE}`" in section


def counted_metrics() -> set[str]:
    """The names under which the publish function counts."""
    source = Path(publishing.__file__).read_text()
    return {*publishing._METRICS.values(), *re.findall(r'\.count\("(\w+)"\)', source)}


def test_the_limits_of_a_repository_are_those_of_the_code() -> None:
    table = section_of(page_text("security.md"), "A hostile repository")
    said = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE))
    mebibyte = 1024 * 1024
    assert {
        "Flag file, `burgee.yaml`, index": f"{read.LARGEST_FILE // mebibyte} MiB",
        "Files, and levels of folders": f"{tree.MOST_ENTRIES:,} and {tree.DEEPEST}",
        "Values that YAML aliases repeat, in a file": f"{yaml_events.LARGEST_EXPANSION:,}",
        "Documents in a file, and levels of nesting": f"{yaml_events.MOST_DOCUMENTS:,} and {strict_json.DEEPEST}",
        "Problems told of a file": f"{finding.MOST_FINDINGS:,}",
        "Patterns in `ignore`, and their length": f"{ignore.MOST_PATTERNS} of {ignore.LONGEST_PATTERN} characters",
        "Patterns in an index, and their length": f"{ignore.MOST_PATTERNS} of {globs.LONGEST_PATTERN:,} characters",
        "Document, as readers take it": f"{port.MAX_BYTES // mebibyte} MiB",
    }.items() <= said.items()
    assert said["Fetch"].startswith(f"{http.LARGEST_PACK // mebibyte} MiB, {http.FETCH_SECONDS:.0f} seconds")


def test_the_limits_of_events_are_those_of_the_code() -> None:
    assert f"| {webhook.LARGEST_EVENT // 1024 // 1024} MiB, then 413" in page_text("aws.md")
    assert f"its last {webhook._REMEMBERED:,} " in page_text("security.md")
    assert (webhook.OLDEST_MS, signature.TOLERANCE_SECONDS) == (24 * 3_600_000, 5 * 60)
    pauses = [publishing.FIRST_PAUSE_SECONDS << tried for tried in range(4)]
    assert "pauses of {}, {}, {} and {} seconds".format(*pauses) in page_text("aws.md")


# Costs


def test_the_costs_are_what_the_program_prints() -> None:
    (program,) = [block for block in blocks("aws.md", "python") if "GB_SECOND" in block]
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed in blocks("aws.md", "text")


def test_the_requests_of_a_tick_and_of_a_release_are_those_of_the_program(tmp_path: Path) -> None:
    copytree(ROOT / "samplerepo", tmp_path / "work", ignore=lambda *_: ["__pycache__", ".burgee"])
    repository = a_work_tree(tmp_path / "work", {})
    objects = FaultyObjects(MemoryObjects(f"memory://{tmp_path}"))
    publisher = a_publisher(repository, objects)
    publish(publisher)
    idle = _requests(objects, lambda: publish(publisher))
    changed = "flags/production/features.yaml"
    text = (repository / changed).read_text()
    commit(repository, {changed: text.replace("percentage: 10", "percentage: 30", 1)})
    release = _requests(objects, lambda: publish(publisher))
    page = page_text("aws.md")
    assert "ticks * ({} * GET + {} * PUT)".format(*idle) in page
    # The webhook looks at the index besides.
    assert f"{release[0] + 1} * GET + {release[1]} * PUT" in page
    assert "{} GETs and {} PUTs or LISTs".format(*idle) in page and "{} and {}".format(*release) in page


def _requests(objects: FaultyObjects, act: Callable[[], object]) -> tuple[int, int]:
    """How many were GETs, and how many cost as much as PUTs."""
    objects.calls.clear()
    act()
    counted = Counter(verb for verb, _key in objects.calls)
    return counted["get"], sum(counted.values()) - counted["get"]
