"""`burgee diff` in-process: what is compared with what, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Burgee, Shop
from tests.publishing import PROJECT


def test_between_commits_every_environment_is_compared(burgee: Burgee, shop: Shop) -> None:
    said = burgee("diff", "HEAD~1", "HEAD")
    assert said.out == (
        "staging: no changes\n"
        "production: 3 changes\n"
        "  ~ flag default/a: rollout 1: 20% -> true => 30% -> true\n"
        "  ~ flag default/b: rollout 1: 20% -> true => 30% -> true\n"
        "  ~ flag default/c: rollout 1: 20% -> true => 30% -> true\n"
    )
    assert (said.code, said.err) == (0, "")


def test_between_a_commit_and_the_folder_what_is_not_committed_counts(burgee: Burgee, shop: Shop) -> None:
    expected = "staging: no changes\nproduction: 1 change\n  - flag default/a\n"
    assert burgee("diff", "HEAD", ".").out == expected
    assert burgee("diff", "HEAD").out == expected
    assert burgee("diff", "main", shop.folder).out == expected
    assert burgee("diff", "HEAD", ".", "-e", "staging").out == "staging: no changes\n"


def test_between_releases_of_one_environment(burgee: Burgee, shop: Shop) -> None:
    said = burgee("diff", "production@1", "production@2", "--store", shop.store)
    assert said.out == (
        "production: 3 changes\n"
        "  ~ flag default/a: rollout 1: 10% -> true => 20% -> true\n"
        "  ~ flag default/b: rollout 1: 10% -> true => 20% -> true\n"
        "  + flag default/c\n"
    )


def test_between_releases_of_two_environments_both_are_named(burgee: Burgee, shop: Shop) -> None:
    said = burgee("diff", "staging@1", "production@2", "--store", shop.store)
    assert said.out.startswith("staging (staging@1) -> production (production@2): 3 changes\n")


@pytest.mark.parametrize("place", [".", "HEAD"])
def test_a_release_is_compared_with_its_own_environment_on_the_other_side(
    burgee: Burgee, shop: Shop, place: str
) -> None:
    forth = burgee("diff", "staging@1", place, "--store", shop.store)
    assert (forth.code, forth.out) == (0, "staging: no changes\n")
    back = burgee("diff", place, "production@2", "--store", shop.store)
    assert back.out.startswith("production: ")
    assert "  ~ flag default/b: rollout 1: 30% -> true => 20% -> true\n" in back.out


def test_a_release_is_compared_with_another_environment_that_is_named(burgee: Burgee, shop: Shop) -> None:
    said = burgee("diff", "staging@1", ".", "-e", "production", "--store", shop.store)
    assert said.out.startswith("staging (staging@1) -> production (.): ")


def test_an_environment_that_one_side_does_not_have_counts_as_added_or_removed(
    burgee: Burgee, shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "burgee.yaml").write_text(PROJECT.splitlines()[0] + "\nenvironments: {staging: {directory: flags}}\n")
    removed = burgee("diff", ".", tmp_path)
    missing = f"production ({tmp_path} does not have it): 3 changes\n"
    assert f"{missing}  - namespace default\n  - flag default/b\n  - flag default/c\n" in removed.out
    added = burgee("diff", tmp_path, ".", "-e", "production")
    assert added.out == missing + "  + namespace default\n  + flag default/b\n  + flag default/c\n"
    release = burgee("diff", "production@1", tmp_path, "--store", shop.store)
    assert release.out.startswith(missing)


def test_differences_end_with_0_unless_the_exit_code_is_asked_for(burgee: Burgee, shop: Shop) -> None:
    assert burgee("diff", "HEAD", ".").code == 0
    assert burgee("diff", "HEAD", ".", "--exit-code").code == 1
    assert burgee("diff", "HEAD", "HEAD", "--exit-code").code == 0
