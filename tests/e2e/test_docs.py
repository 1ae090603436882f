"""The documentation is true: its commands work, its links lead somewhere, and its tables agree with the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest

from burgee.author.project import project_schema
from burgee.cli.main import COMMANDS, burgee
from burgee.core.bucketing import limits
from burgee.core.model import PROFILES
from burgee.deliver.mirrors import SECONDS
from burgee.serve.app import App
from burgee.settings import VARIABLES
from tests.e2e.docs_places import old_places
from tests.e2e.docs_queues import a_dead_letter
from tests.e2e.docs_runner import ROOT, Command, Page, commands_of, matches
from tests.servers.forge import forge

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "samplerepo/README.md"])
RUN = [page for page in PAGES if page.parent in (ROOT / "docs", ROOT) and list(commands_of(page.read_text()))]
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_NO_CODES = {"utf-8-sig"}
_WORDS_THAT_ARE_CODES = {"syntax", "unreachable"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.integration
@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_every_command_of_a_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    commands = list(commands_of(page.read_text()))
    redrives = any(command.text.startswith("burgee redrive") for command in commands)
    with ExitStack() as stack:
        shown = stack.enter_context(Page(tmp_path / "page"))
        shown.know_host(stack.enter_context(forge()))
        if redrives:
            shown.queues = stack.enter_context(a_dead_letter())
        if page != ROOT / "README.md":  # which clones samplerepo
            shown.hold_samplerepo()
            shown.hold_legacy()
        stack.enter_context(old_places(shown, commands))
        for command in commands:
            shown.run(command)


@pytest.mark.integration
def test_the_shop_of_samplerepo_shows_what_burgee_dev_answers(tmp_path: Path) -> None:
    with Page(tmp_path / "page") as shown:
        shown.hold_samplerepo()
        shown.run(Command("burgee dev samplerepo --port 8080", 1))
        ask = "from flags import Flags, Visitor; from shop import KEYS, decide; import sys; "
        visitor = "Visitor('amira', {'plan': 'pro', 'email': 'amira@harbour.example'})"
        show = f"print(decide(Flags(sys.argv[1], 'production').evaluate(KEYS, {visitor})))"
        page = "Page(checkout='one page', ..., delivery='tomorrow', ...)\n"
        command = f'cd samplerepo/app && python -c "{ask}{show}" http://127.0.0.1:8080'
        shown.run(Command(command, 2, page))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = _FENCED.sub("", page.read_text())
    for match in _LINK.finditer(text):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            assert anchor in anchors(path.read_text()), f"{name_of(page)} links to {match['target']}"


def anchors(markdown: str) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_command_or_option_that_does_not_exist(page: Path) -> None:
    every = {option for name in COMMANDS for option in options_of(name)}
    for line in burgee_lines(page.read_text()):
        words = re.findall(r"(?<!\S)(?:burgee [a-z]+|--[a-z][a-z-]*)", line)
        names = [word.split()[1] for word in words if word.startswith("burgee ")]
        assert set(names) <= set(COMMANDS), f"{name_of(page)}: {line}"
        known = {option for name in names for option in options_of(name)} or every
        assert {word for word in words if word.startswith("--")} <= known, f"{name_of(page)}: {line}"


def burgee_lines(markdown: str) -> Iterator[str]:
    """What a page says in code about burgee: inline code that begins with its name or an option, and commands."""
    for code in _CODE.findall(_FENCED.sub("", markdown)):
        if code.startswith(("burgee ", "--")) and not code.startswith("burgee COMMAND"):
            yield code
    for command in commands_of(markdown):
        for line in command.text.splitlines():
            yield from re.findall(r"burgee [^|&;)]*", line)


def options_of(name: str) -> set[str]:
    command = burgee.get_command(click.Context(burgee), name)
    assert command is not None
    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    return {option for one in commands for parameter in one.params for option in parameter.opts} | {"--help"}


def test_the_cli_page_has_every_command_with_an_example_and_every_option() -> None:
    text = page_text("cli.md")
    for name in COMMANDS:
        section = re.search(rf"^## burgee {name}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section is not None, name
        assert "```console" in section[1], name
        for option in options_of(name) - {"--help", "--json"}:
            if option.startswith("--"):
                assert option in text, f"{name} {option}"


def test_the_configuration_page_lists_every_variable_and_every_field() -> None:
    text = page_text("configuration.md")
    listed = first_column(section_of(text, "Variables"))
    assert listed == {variable for variable, _read, _default in VARIABLES.values()} | {"NO_COLOR"}
    fields: dict[str, Any] = project_schema()["$defs"]["_EnvironmentModel"]["properties"]
    assert first_column(section_of(text, "burgee.yaml")) == set(fields)


def test_the_flags_page_lists_every_code_of_problems() -> None:
    text = page_text("flags.md")
    listed = first_column(section_of(text, "Errors")) | first_column(section_of(text, "Warnings"))
    codes, families = codes_in_the_code()
    assert codes - listed == set()
    assert {code for code in listed - codes if not any(family.fullmatch(code) for family in families)} == set()
    assert all(any(family.fullmatch(code) for code in listed) for family in families)


def codes_in_the_code() -> tuple[set[str], list[re.Pattern[str]]]:
    """The kebab-case texts of the rooms that find problems; and patterns for those that are put together."""
    codes: set[str] = set()
    families = []
    sources = [*ROOT.glob("shared/burgee/author/*.py"), ROOT / "shared/burgee/deliver/reading.py"]
    for node in (node for source in sources for node in ast.walk(ast.parse(source.read_text()))):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "[a-z]+" for part in node.values]
            if re.fullmatch(r"(\[a-z\]\+-[a-z-]+|[a-z]+-\[a-z\]\+)", "".join(map(str, parts))):
                families.append(re.compile("".join(map(str, parts))))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_code(node.value):
            codes.add(node.value)
    return codes - _NO_CODES, families


def _is_code(text: str) -> bool:
    return _KEBAB.fullmatch(text) is not None or text in _WORDS_THAT_ARE_CODES


def test_the_http_page_lists_every_endpoint() -> None:
    listed = {re.sub(r"\{\w+\}", "*", endpoint) for endpoint in first_column(page_text("http-api.md"), "GET /|POST /")}
    app = App(None)  # type: ignore[arg-type]  # nothing is asked of it
    routes = {**app._open, **app._guarded}
    assert listed == {f"{method} /{'/'.join(parts)}" for parts, methods in routes.items() for method in methods}


def test_the_compatibility_page_lists_every_profile() -> None:
    text = page_text("compatibility.md")
    assert all(f"`{profile}`" in text for profile in PROFILES)


def test_weights_fall_into_the_buckets_that_the_pages_say() -> None:
    row = re.compile(r"^\| ([\d.]+) and ([\d.]+) \| (\d+) and (\d+)[^|]* \| ([^|]+) \|$", re.MULTILINE)
    rows = row.findall(page_text("migrating-from-flipt-v1.md"))
    assert len(rows) == 3
    for first, second, *shares, by_v1 in rows:
        weights = [float(first), float(second)]
        assert shares_of(weights, "C") == tuple(map(int, shares))
        said = re.findall(r"\d+", by_v1)[:2] or shares
        assert shares_of(weights, "S1") == tuple(map(int, said))
    odd = [14.9, 85.1]
    assert "as for `14.9` and `85.1`" in " ".join(page_text("compatibility.md").split())
    assert shares_of(odd, "S1") == shares_of(odd, "C") != shares_of(odd, "S2")


def shares_of(weights: list[float], buckets: str) -> tuple[int, int]:
    """How many buckets each of two weights owns."""
    first, both = limits(weights, buckets)
    return first, both - first


def test_mirrors_are_waited_for_as_long_as_the_page_says() -> None:
    assert "in at most twenty seconds" in " ".join(page_text("stores.md").split())
    assert SECONDS == 20


def page_text(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def section_of(markdown: str, heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", markdown, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def first_column(markdown: str, begins: str = "") -> set[str]:
    """The code in the first cells of tables."""
    return set(re.findall(rf"^\| `((?:{begins})[^`]*)`", markdown, re.MULTILINE))


def test_an_ellipsis_stands_for_text_or_lines() -> None:
    assert matches("a ... c\n...\nlast\n", "a b c\nx\ny\nlast  \n")
    assert matches("...\n", "")
    assert not matches("a\n", "a\nb\n")


def test_a_page_is_read_as_commands_with_their_output() -> None:
    page = "x\n```console fails\n$ one\nout\n$ two\n```\n```sh\nthree\nfour\n```\n```yaml\n$ no\n```\n"
    found = [(command.text, command.expected, command.fails) for command in commands_of(page)]
    assert found == [("one", "out\n", False), ("two", None, True), ("three\nfour", None, False)]
