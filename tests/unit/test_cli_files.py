"""Commands over flag files in-process: what is said of wrong, odd and hostile ones, and what init writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import WRONG, Burgee, Shop, refused
from tests.publishing import features, files
from tests.servers.git_cli import a_work_tree, git

WARNED = 'version: "1.4"\nsegments:\n  - {key: unused, name: unused, match_type: ALL_MATCH_TYPE}\n'


def test_wrong_files_end_with_1_and_every_problem_of_every_environment(burgee: Burgee, tmp_path: Path) -> None:
    folder = a_work_tree(tmp_path / "shop", files(WRONG, WRONG))
    said = burgee("validate", folder)
    assert (said.code, said.out.count("error: ")) == (1, 2)
    assert said.err == "checked staging (1 file), production (1 file)\n"
    built = burgee("build", folder)
    assert (built.code, built.out, built.err.count("error: ")) == (1, "", 2)
    diffed = burgee("diff", folder, folder, "-e", "staging")
    assert (diffed.code, diffed.out) == (1, "")
    assert diffed.err.startswith(f"the files of environment 'staging' at {folder} are wrong:\n")
    assert burgee("evaluate", "a", "--entity", "u", "--source", folder).code == 1
    published = burgee("publish", folder, "--store", "memory://wrong")
    assert (published.code, published.out.count("not released, 1 error")) == (1, 2)


def test_a_wrong_project_file_is_a_problem_like_any_other(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "burgee.yaml").write_text("version: 9\nenvironments: {a: {}}\n")
    assert burgee("validate", tmp_path).out.startswith("burgee.yaml:1:10: error: ")
    assert [problem["file"] for problem in burgee("validate", tmp_path, "--json").json] == ["burgee.yaml"]
    assert burgee("build", tmp_path).code == 1


def test_warnings_end_with_0_and_when_strict_with_1(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(WARNED)
    assert burgee("validate", tmp_path).code == 0
    assert burgee("validate", tmp_path, "--strict").code == 1


def test_a_flipt_repository_without_project_file_is_one_environment(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(features("a", percentage=100))
    said = burgee("validate", tmp_path)
    assert (said.code, said.out) == (0, "0 errors, 0 warnings\n")
    assert f"{tmp_path} has no burgee.yaml: its flag files are taken as one environment, 'default'" in said.err
    assert "checked default (1 file)" in said.err
    assert burgee("evaluate", "a", "--entity", "u", "--source", tmp_path).out == "true\n"
    assert [built["environment"] for built in burgee("build", tmp_path, "--json").json] == ["default"]


def test_a_folder_below_the_project_file_says_where_that_one_is(burgee: Burgee, shop: Shop) -> None:
    assert f"(there is one in {shop.folder.resolve()})" in burgee("validate", "flags").err


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a\0b\xff", 1),
        (b"\xff\xfe\0", 1),
        (b"[" * 100_000, 1),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" * 3, 1),
        (b"", 0),
        (b'version: "1.4"\nflags: []\n' + b"# " + b"x" * 10_000_000, 0),
    ],
    ids=["binary", "utf-16", "deep", "aliases", "empty", "10 MB"],
)
def test_a_hostile_file_gets_a_bounded_answer(burgee: Burgee, tmp_path: Path, content: bytes, code: int) -> None:
    (tmp_path / "features.yaml").write_bytes(content)
    said = burgee("validate", tmp_path)
    assert said.code == code
    assert len(said.out) < 2000


def test_symbolic_links_are_said_and_not_followed(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(features("a"))
    folder = tmp_path / "flags"
    folder.mkdir()
    (folder / "features.yaml").symlink_to(tmp_path / "secret")
    (folder / "loop").symlink_to(folder)
    said = burgee("validate", folder)
    assert said.code == 1
    assert "features.yaml:0:0: error: wanted a flags file, got a symbolic link" in said.out


def test_validate_also_speaks_sarif_and_annotations(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(WRONG)
    assert burgee("validate", tmp_path, "--format", "sarif").json["version"] == "2.1.0"
    assert burgee("validate", tmp_path, "--format", "github").out.startswith("::error file=features.yaml,line=3,")


def test_what_init_writes_is_right_and_is_not_written_twice(burgee: Burgee, tmp_path: Path) -> None:
    folder = tmp_path / "my-flags"
    said = burgee("init", folder)
    assert said.out.splitlines()[0] == f"wrote {folder}/burgee.yaml"
    assert burgee("validate", folder, "--strict").out == "0 errors, 0 warnings\n"
    again = burgee("init", folder)
    refused(again, 2, "is there already; nothing was written")


def test_init_leaves_flag_files_alone_and_lets_one_environment_read_them(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team/features.yaml").write_text(features("mine"))
    said = burgee("init", tmp_path, "--json").json
    assert said == {"written": [f"{tmp_path}/burgee.yaml"], "left_alone": []}
    assert "mine" not in burgee("validate", tmp_path, "--strict").out
    assert burgee("evaluate", "mine", "--entity", "x", "--source", tmp_path).code == 0


def test_init_names_the_branch_that_the_repository_is_on(burgee: Burgee, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk")
    burgee("init", tmp_path)
    assert (tmp_path / "burgee.yaml").read_text().count("ref: trunk") == 2


def test_validate_names_the_flags_with_a_schedule_beside_the_result(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(
        "flags:\n  - key: sale\n    name: Sale\n    type: BOOLEAN_FLAG_TYPE\n"
        "    metadata: {burgee.schedule: [{at: 2026-12-01T09:00:00Z, enabled: true}]}\n"
    )
    said = burgee("validate", tmp_path, "--strict")
    assert (said.code, said.out) == (0, "0 errors, 0 warnings\n")
    assert "default: with a schedule: sale\n" in said.err
    assert "docs/schedules.md" in said.err
    assert burgee("validate", tmp_path, "--json").json == []
