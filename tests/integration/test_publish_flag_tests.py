"""Flag tests at a publish: what fails is said, and where the environment requires tests nothing is released."""

from __future__ import annotations

from pathlib import Path

import pytest

from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.publishing import PROJECT, features, files, publish_once, revisions
from tests.servers.git_cli import a_work_tree, commit

TESTED = "version: 1\ntests:\n- flag: a\n  shares:\n  - {expect: 10}\n"
BROKEN = "version: 1\ntests:\n- flag: a\n  shares:\n  - {expect: 10, tolerence: 1}\n"


def a_repository(folder: Path, *, tests: str) -> Path:
    """Two environments, of which staging treats its tests as `tests` says; both have one that passes."""
    project = PROJECT.replace("directory: flags/staging", f"directory: flags/staging, tests: {tests}")
    made = files(features("a"), features("a"), project)
    return a_work_tree(folder, {**made, "flags/staging/a.test.yaml": TESTED, "flags/production/a.test.yaml": TESTED})


def a_change(percentage: int) -> dict[str, str]:
    """Both environments give flag `a` to another share."""
    changed = features("a", percentage=percentage)
    return {f"flags/{name}/features.yaml": changed for name in ("staging", "production")}


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects("memory://tested")


def test_flags_whose_tests_pass_are_released_without_a_word(tmp_path: Path, objects: MemoryObjects) -> None:
    receipts = publish_once(a_repository(tmp_path / "flags", tests="require"), objects)
    assert [(receipt.outcome, receipt.problems) for receipt in receipts.values()] == [("published", ())] * 2


def test_a_failing_test_holds_back_only_the_environment_that_requires_it(
    tmp_path: Path, objects: MemoryObjects
) -> None:
    repository = a_repository(tmp_path / "flags", tests="require")
    publish_once(repository, objects)
    commit(repository, a_change(20))
    receipts = publish_once(repository, objects)
    assert {name: receipt.outcome for name, receipt in receipts.items()} == {
        "staging": "invalid",
        "production": "published",
    }
    assert [(str(problem), problem.severity) for receipt in receipts.values() for problem in receipt.problems] == [
        (
            f"flags/{name}/a.test.yaml:5:5: a shares: wanted 10 % true, got 80 % false, 20 % true: counted over every "
            "bucket",
            severity,
        )
        for name, severity in (("staging", "error"), ("production", "warning"))
    ]
    assert [revisions(ObjectStore(objects), name) for name in receipts] == [[1], [2, 1]]


def test_a_test_that_follows_its_flag_lets_the_release_through(tmp_path: Path, objects: MemoryObjects) -> None:
    repository = a_repository(tmp_path / "flags", tests="require")
    publish_once(repository, objects)
    commit(repository, a_change(20) | {"flags/staging/a.test.yaml": TESTED.replace("10", "20")})
    assert publish_once(repository, objects)["staging"].outcome == "published"


def test_a_mistake_in_a_test_file_is_a_failing_test(tmp_path: Path, objects: MemoryObjects) -> None:
    repository = a_repository(tmp_path / "flags", tests="require")
    commit(repository, {"flags/staging/a.test.yaml": BROKEN})
    receipt = publish_once(repository, objects)["staging"]
    assert (receipt.outcome, [problem.code for problem in receipt.problems]) == ("invalid", ["unknown-field"])


def test_tests_that_are_ignored_say_nothing(tmp_path: Path, objects: MemoryObjects) -> None:
    repository = a_repository(tmp_path / "flags", tests="ignore")
    commit(repository, {"flags/staging/a.test.yaml": BROKEN})
    receipt = publish_once(repository, objects)["staging"]
    assert (receipt.outcome, receipt.problems) == ("published", ())


def test_tests_alone_make_no_release(tmp_path: Path, objects: MemoryObjects) -> None:
    repository = a_repository(tmp_path / "flags", tests="require")
    publish_once(repository, objects)
    commit(repository, {"flags/staging/b.test.yaml": TESTED})
    assert publish_once(repository, objects)["staging"].outcome == "unchanged"
