"""Publishing from real repositories: level-triggered, isolated, guarded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from burgee.core.errors import Denied, InvalidFiles, RefusedError
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Publisher
from burgee.deliver.receipt import Receipt
from burgee.git.repository import open_repository
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.publishing import PROJECT, a_rim, features, files, publish_once, revisions
from tests.servers.git_cli import a_bare_clone, a_work_tree, commit, git
from tests.servers.git_http import git_server

BOTH = files(features("a", "b"), features("a", "b"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return a_work_tree(tmp_path / "flags", BOTH)


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects("memory://publish")


def outcomes(receipts: Mapping[str, Receipt]) -> dict[str, str]:
    return {name: receipt.outcome for name, receipt in receipts.items()}


def listed(objects: MemoryObjects) -> list[str]:
    """The environments in the store's index."""
    found = ObjectStore(objects).read_index()
    return sorted(found[0].environments, reverse=True) if found else []


def test_a_commit_becomes_a_release_in_every_environment(repository: Path, objects: MemoryObjects) -> None:
    receipts = publish_once(repository, objects)
    assert outcomes(receipts) == {"staging": "published", "production": "published"}
    assert receipts["staging"].commit == git(repository, "rev-parse", "HEAD")


def test_a_bare_repository_is_published_without_a_work_tree(
    repository: Path, objects: MemoryObjects, tmp_path: Path
) -> None:
    bare = a_bare_clone(repository, tmp_path / "flags.git")
    assert outcomes(publish_once(bare, objects)) == {"staging": "published", "production": "published"}


def test_what_is_not_committed_is_not_published(repository: Path, objects: MemoryObjects) -> None:
    publish_once(repository, objects)
    (repository / "flags/staging/features.yaml").write_text(features("a", "b", "c"))
    assert outcomes(publish_once(repository, objects)) == {"staging": "unchanged", "production": "unchanged"}


def test_only_the_environment_whose_flags_changed_gets_a_release(repository: Path, objects: MemoryObjects) -> None:
    publish_once(repository, objects)
    commit(repository, {"flags/staging/features.yaml": features("a", "b", percentage=20)})
    assert outcomes(publish_once(repository, objects)) == {"staging": "published", "production": "unchanged"}


def test_formatting_that_means_nothing_makes_no_release(repository: Path, objects: MemoryObjects) -> None:
    publish_once(repository, objects)
    commit(repository, {"flags/staging/features.yaml": "# hello\n" + features("b", "a")})
    assert publish_once(repository, objects)["staging"].outcome == "unchanged"


def test_one_environments_mistakes_hold_no_other_release_back(repository: Path, objects: MemoryObjects) -> None:
    publish_once(repository, objects)
    commit(repository, files("flags: [{key: a}]\n", features("a", "b", "c")))
    receipts = publish_once(repository, objects)
    assert outcomes(receipts) == {"staging": "invalid", "production": "published"}
    (problem,) = (problem for problem in receipts["staging"].problems if problem.severity == "error")
    assert (problem.file, problem.line) == ("flags/staging/features.yaml", 1)


def test_ignored_paths_are_not_read_at_all(repository: Path, objects: MemoryObjects) -> None:
    project = PROJECT.replace("flags/staging}", "flags/staging, ignore: ['drafts/**']}")
    commit(repository, {"burgee.yaml": project, "flags/staging/drafts/features.yaml": "not: [flags"})
    assert publish_once(repository, objects)["staging"].outcome == "published"


def test_a_dry_run_says_what_would_be_released_and_writes_nothing(repository: Path, objects: MemoryObjects) -> None:
    receipts = publish_once(repository, objects, dry_run=True)
    assert outcomes(receipts) == {"staging": "planned", "production": "planned"}
    assert list(objects.list("")) == []


def test_the_same_flags_have_one_digest_in_every_environment(repository: Path, objects: MemoryObjects) -> None:
    receipts = publish_once(repository, objects)
    staging, production = receipts["staging"].release, receipts["production"].release
    assert staging and production and staging.bundle == production.bundle


def test_a_repository_without_project_file_is_told_how_to_get_one(tmp_path: Path, objects: MemoryObjects) -> None:
    bare = a_work_tree(tmp_path / "plain", {"features.yaml": features("a")})
    with pytest.raises(InvalidFiles) as caught:
        publish_once(bare, objects)
    assert "burgee init" in caught.value.problems[0].hint


def test_the_project_file_is_read_from_the_config_ref_alone(repository: Path, objects: MemoryObjects) -> None:
    git(repository, "branch", "config")
    commit(repository, {"burgee.yaml": PROJECT.replace("flags/production", "flags/staging/rogue")})
    assert publish_once(repository, objects, config_ref="config")["production"].outcome == "published"
    assert publish_once(repository, objects)["production"].outcome == "refused"


def test_an_environment_follows_its_own_branch(repository: Path, objects: MemoryObjects) -> None:
    commit(repository, {"burgee.yaml": PROJECT.replace("{directory: flags/prod", "{ref: live, directory: flags/prod")})
    git(repository, "branch", "live")
    publish_once(repository, objects)
    commit(repository, {"flags/production/features.yaml": features("a", "b", "not-live-yet")})
    assert publish_once(repository, objects)["production"].outcome == "unchanged"
    git(repository, "branch", "-f", "live", "main")
    assert publish_once(repository, objects)["production"].outcome == "published"


def test_a_branch_that_does_not_exist_fails_its_environment_alone(repository: Path, objects: MemoryObjects) -> None:
    commit(repository, {"burgee.yaml": PROJECT.replace("{directory: flags/prod", "{ref: mian, directory: flags/prod")})
    receipts = publish_once(repository, objects)
    assert outcomes(receipts) == {"staging": "published", "production": "failed"}
    assert "main" in receipts["production"].message


def test_a_store_belongs_to_one_repository(repository: Path, objects: MemoryObjects, tmp_path: Path) -> None:
    publish_once(repository, objects)
    other = a_work_tree(tmp_path / "other", BOTH)
    with pytest.raises(RefusedError, match=r"belongs to repository.*--adopt"):
        publish_once(other, objects)
    assert outcomes(publish_once(other, objects, adopt=True)) == {"staging": "unchanged", "production": "unchanged"}


def test_a_typo_in_the_directory_does_not_empty_an_environment(repository: Path, objects: MemoryObjects) -> None:
    publish_once(repository, objects)
    commit(repository, {"burgee.yaml": PROJECT.replace("flags/production", "flag/production")})
    receipt = publish_once(repository, objects)["production"]
    assert receipt.outcome == "refused" and "--allow-removal" in receipt.message
    assert publish_once(repository, objects, allow_removal=True)["production"].outcome == "published"


def test_an_environment_that_leaves_the_project_stays_readable_until_removal_is_allowed(
    repository: Path, objects: MemoryObjects
) -> None:
    publish_once(repository, objects)
    commit(repository, {"burgee.yaml": "version: 1\nenvironments: {staging: {directory: flags/staging}}\n"})
    assert publish_once(repository, objects)["production"].outcome == "refused"
    assert listed(objects) == ["staging", "production"]
    publish_once(repository, objects, allow_removal=True)
    assert listed(objects) == ["staging"]


def test_mirrors_have_to_be_allowed_by_the_deployment(repository: Path, objects: MemoryObjects) -> None:
    mirrored = PROJECT.replace("flags/production}", "flags/production, mirrors: ['s3://other/flags']}")
    commit(repository, {"burgee.yaml": mirrored})
    receipts = publish_once(repository, objects, allowed_mirrors=("s3://acme-*",))
    assert outcomes(receipts) == {"staging": "published", "production": "refused"}
    assert "BURGEE_ALLOWED_MIRRORS" in receipts["production"].message


def test_duplicated_lost_and_reordered_events_end_at_the_tip(repository: Path, objects: MemoryObjects) -> None:
    publish_once(repository, objects)
    for percentage in (20, 30, 40):
        commit(repository, {"flags/staging/features.yaml": features("a", "b", percentage=percentage)})
    tip = git(repository, "rev-parse", "HEAD")
    for _event in range(3):
        receipt = publish_once(repository, objects)["staging"]
    store = ObjectStore(objects)
    assert receipt.outcome == "unchanged"
    assert revisions(store, "staging") == [2, 1]
    head = store.read_head("staging")
    assert head is not None and head[0].last.release.source.commit == tip


def test_a_force_push_to_older_flags_is_a_new_release(repository: Path, objects: MemoryObjects) -> None:
    publish_once(repository, objects)
    commit(repository, {"flags/staging/features.yaml": features("a", "b", percentage=20)})
    publish_once(repository, objects)
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    receipt = publish_once(repository, objects)["staging"]
    assert receipt.release is not None
    assert (receipt.outcome, receipt.release.revision) == ("published", 3)


def test_a_symbolic_link_among_the_flags_is_a_clear_error(repository: Path, objects: MemoryObjects) -> None:
    (repository / "flags/staging/extra").mkdir()
    (repository / "flags/staging/extra/features.yaml").symlink_to("/etc/passwd")
    commit(repository, {})
    receipt = publish_once(repository, objects)["staging"]
    assert receipt.outcome == "invalid"
    assert any(problem.code == "symlink-skipped" for problem in receipt.problems)


def test_a_repository_on_a_server_is_published_with_a_token(
    repository: Path, objects: MemoryObjects, tmp_path: Path
) -> None:
    a_bare_clone(repository, tmp_path / "served" / "flags.git")
    with git_server(tmp_path / "served", token="s3cret") as server:
        with open_repository(f"{server.url}/flags.git", token="s3cret") as remote:
            published = publish(Publisher(remote, ObjectStore(objects), a_rim()))
            again = publish(Publisher(remote, ObjectStore(objects), a_rim()))
        with open_repository(f"{server.url}/flags.git", token="wrong") as refused, pytest.raises(Denied) as caught:
            publish(Publisher(refused, ObjectStore(objects), a_rim()))
    assert [receipt.outcome for receipt in published] == ["published", "published"]
    assert [receipt.outcome for receipt in again] == ["unchanged", "unchanged"]
    assert "wrong" not in str(caught.value)


def test_a_store_is_not_handed_over_by_a_publish_that_releases_nothing(
    repository: Path, objects: MemoryObjects, tmp_path: Path
) -> None:
    publish_once(repository, objects)
    other = a_work_tree(tmp_path / "other", files(features("x"), features("x")))
    assert outcomes(publish_once(other, objects, adopt=True)) == {"staging": "refused", "production": "refused"}
    assert outcomes(publish_once(repository, objects)) == {"staging": "unchanged", "production": "unchanged"}


def test_the_default_moves_only_to_an_environment_that_has_a_release(repository: Path, objects: MemoryObjects) -> None:
    publish_once(repository, objects)
    project = PROJECT.replace("default: true, ", "") + "  qa: {default: true, directory: flags/qa}\n"
    commit(repository, {"burgee.yaml": project, "flags/qa/features.yaml": "flags: [{key: broken}]\n"})
    publish_once(repository, objects)
    assert default_of(objects) == "staging"
    commit(repository, {"flags/qa/features.yaml": features("a")})
    publish_once(repository, objects)
    assert default_of(objects) == "qa"


def default_of(objects: MemoryObjects) -> str | None:
    found = ObjectStore(objects).read_index()
    return found[0].default if found else None


def test_an_index_file_that_is_a_symbolic_link_is_a_clear_error(repository: Path, objects: MemoryObjects) -> None:
    (repository / "flags/staging/real.yml").write_text("version: '1.0'\ninclude: [features.yaml]\n")
    (repository / "flags/staging/.flipt.yml").symlink_to("real.yml")
    commit(repository, {})
    receipt = publish_once(repository, objects)["staging"]
    assert [problem.file for problem in receipt.problems] == ["flags/staging/.flipt.yml"]


def test_a_namespace_key_too_long_for_a_file_name_is_a_clear_error(repository: Path, objects: MemoryObjects) -> None:
    commit(repository, {"flags/staging/features.yaml": f"namespace: {'n' * 300}\n"})
    receipt = publish_once(repository, objects)["staging"]
    assert (receipt.outcome, receipt.problems[0].code) == ("invalid", "namespace-too-long")
