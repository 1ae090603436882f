"""`burgee test` in-process: what it prints, its reports, its exit codes; and what validate says of flag tests."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.commands import Burgee
from tests.publishing import PROJECT, features, files
from tests.servers.git_cli import a_work_tree, commit

RIGHT = "version: 1\ntests:\n- flag: checkout\n  shares:\n  - {expect: 10}\n"
WRONG = "version: 1\ntests:\n- flag: checkout\n  shares:\n  - {name: all of them, expect: 100}\n"
SAID = "checkout shares (all of them): wanted 100 % true, got 90 % false, 10 % true: counted over every bucket"


def a_folder(folder: Path, *, staging: str = "", production: str = "", project: str = PROJECT) -> Path:
    """A folder with a flag `checkout` in two environments, on for ten of a hundred, and the tests of each."""
    made = dict(files(features("checkout"), features("checkout"), project))
    tests = {"flags/staging/a.test.yaml": staging, "flags/production/a.test.yaml": production}
    for name, text in (made | {name: text for name, text in tests.items() if text}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_tests_that_pass_are_counted(tmp_path: Path, burgee: Burgee) -> None:
    said = burgee("test", a_folder(tmp_path, staging=RIGHT, production=RIGHT))
    assert (said.code, said.out, said.err) == (0, "staging: 1 passed\nproduction: 1 passed\n", "")


def test_a_case_that_fails_is_one_line_with_its_place(tmp_path: Path, burgee: Burgee) -> None:
    said = burgee("test", a_folder(tmp_path, staging=RIGHT, production=WRONG))
    assert said.code == 1
    assert said.out.splitlines() == [
        f"flags/production/a.test.yaml:5:5: failed in production: {SAID}",
        "staging: 1 passed",
        "production: 1 of 1 failed",
    ]


def test_one_environment_can_be_chosen(tmp_path: Path, burgee: Burgee) -> None:
    folder = a_folder(tmp_path, staging=RIGHT, production=WRONG)
    assert burgee("test", folder, "-e", "staging").out == "staging: 1 passed\n"


def test_one_flag_can_be_chosen(tmp_path: Path, burgee: Burgee) -> None:
    both = RIGHT + "- flag: other\n  cases: [{expect: true}]\n"
    folder = a_folder(tmp_path, staging=both)
    assert burgee("test", folder, "--flag", "checkout").code == 0
    assert burgee("test", folder, "--flag", "other").code == 1


def test_a_flag_without_tests_is_a_mistake_with_a_suggestion(tmp_path: Path, burgee: Burgee) -> None:
    said = burgee("test", a_folder(tmp_path, staging=RIGHT), "--flag", "chekout")
    assert (said.code, said.err) == (2, "error: no test of flag 'chekout'; did you mean 'checkout'?\n")


def test_a_folder_without_tests_is_told_how_to_begin(tmp_path: Path, burgee: Burgee) -> None:
    said = burgee("test", a_folder(tmp_path))
    assert (said.code, said.out) == (0, "")
    assert "write files that end in .test.yaml" in said.err


def test_mistakes_in_tests_and_in_flags_are_problems(tmp_path: Path, burgee: Burgee) -> None:
    folder = a_folder(tmp_path, staging="version: 1\ntests: [{flag: a}]\n", production=RIGHT)
    (folder / "flags/production/features.yaml").write_text("flags: x\n")
    said = burgee("test", folder)
    assert said.code == 1
    assert "flags/staging/a.test.yaml:2:9: error: wanted a flag's test to have 'cases'" in said.out
    assert "flags/production/features.yaml:1:8: error: wanted a list as 'flags'" in said.out


def test_a_wrong_project_file_is_a_problem(tmp_path: Path, burgee: Burgee) -> None:
    said = burgee("test", a_folder(tmp_path, staging=RIGHT, project="version: 2\n"), "--json")
    assert (said.code, said.json["problems"][0]["file"]) == (1, "burgee.yaml")


def test_json_has_every_verdict(tmp_path: Path, burgee: Burgee) -> None:
    said = burgee("test", a_folder(tmp_path, staging=RIGHT, production=WRONG), "--json", "--at", "2026-12-01T09:00:00Z")
    assert (said.code, said.json["passed"], said.json["failed"], said.json["problems"]) == (1, 1, 1, [])
    first, second = said.json["results"]
    assert (first["environment"], first["line"], first["passed"]) == ("staging", 5, True)
    assert second == {
        "environment": "production",
        "file": "flags/production/a.test.yaml",
        "line": 5,
        "column": 5,
        "namespace": "default",
        "flag": "checkout",
        "title": "shares (all of them)",
        "at": "2026-12-01T09:00:00.000Z",
        "passed": False,
        "expected": "100 % true",
        "got": "90 % false, 10 % true",
        "why": "counted over every bucket",
        "hint": "",
    }


def test_a_report_for_ci_systems_has_every_verdict(tmp_path: Path, burgee: Burgee) -> None:
    folder = a_folder(tmp_path, staging=RIGHT.replace("{expect", '{name: "a\\x07<b>", expect'), production=WRONG)
    (folder / "flags/staging/b.test.yaml").write_text("tests: []\n")
    assert burgee("test", folder, "--junit", tmp_path / "report.xml").code == 1
    top = ElementTree.parse(tmp_path / "report.xml").getroot()
    suites = [(suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in top]
    assert suites == [
        ("staging: flags/staging/a.test.yaml", "1", "0", "0"),
        ("production: flags/production/a.test.yaml", "1", "1", "0"),
        ("problems", "1", "0", "1"),
    ]
    names = [case.get("name") for case in top.iter("testcase")]
    assert names == ["checkout shares (a\\x07<b>)", "checkout shares (all of them)", "missing-field"]
    assert [failure.get("message") for failure in top.iter("failure")] == [SAID]


def test_a_commit_is_tested_as_it_is(tmp_path: Path, burgee: Burgee) -> None:
    folder = a_work_tree(tmp_path / "repository", {"README.md": ""})
    a_folder(folder, staging=WRONG)
    wrong = commit(folder, {})
    (folder / "flags/staging/a.test.yaml").write_text(RIGHT)
    assert burgee("test", folder).code == 0
    assert burgee("test", folder, "--commit", wrong).code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "tomorrow"), "--at is an instant with its zone"),
        (("--at", "9999-12-31T23:59:59-23:00"), "--at is an instant in the years 0000 to 9999 of UTC"),
        (("--watch", "--json"), "--watch follows a folder and prints text"),
        (("-e", "stagin"), "has no environment 'stagin', it has staging, production"),
    ],
)
def test_usage_mistakes_end_with_two(tmp_path: Path, burgee: Burgee, arguments: tuple[str, ...], said: str) -> None:
    found = burgee("test", a_folder(tmp_path, staging=RIGHT), *arguments)
    assert found.code == 2
    assert said in found.err


@pytest.mark.parametrize("instant", ["2h", "-3d", "2026-12-01T09:00Z", "2026-12-01T09:00:00+01:00"])
def test_the_instant_is_said_as_other_commands_take_it(tmp_path: Path, burgee: Burgee, instant: str) -> None:
    assert burgee("test", a_folder(tmp_path, staging=RIGHT), "--at", instant).code == 0


@pytest.mark.parametrize(("tests", "code", "severity"), [("require", 1, "error"), ("warn", 0, "warning")])
def test_validate_says_of_failing_tests_what_a_publish_would(
    tmp_path: Path, burgee: Burgee, tests: str, code: int, severity: str
) -> None:
    project = PROJECT.replace("directory: flags/staging", f"directory: flags/staging, tests: {tests}")
    said = burgee("validate", a_folder(tmp_path, staging=WRONG, project=project), "--json")
    assert said.code == code
    assert [(problem["code"], problem["severity"]) for problem in said.json] == [("flag-test-failed", severity)]


def test_validate_leaves_tests_alone_that_are_ignored(tmp_path: Path, burgee: Burgee) -> None:
    project = PROJECT.replace("directory: flags/staging", "directory: flags/staging, tests: ignore")
    assert burgee("validate", a_folder(tmp_path, staging=WRONG, project=project), "--json").json == []


def test_test_files_are_never_read_as_flags(tmp_path: Path, burgee: Burgee) -> None:
    folder = a_folder(tmp_path, staging=RIGHT)
    (folder / "flags/staging/.flipt.yml").write_text('version: "1.0"\ninclude: ["**.yaml"]\n')
    said = burgee("validate", folder, "--json")
    assert (said.code, said.json) == (0, [])
