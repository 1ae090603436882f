"""Commands over stores in-process: what they say of those that are wrong, empty, broken or away."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from burgee.cli.instants import to_the_second
from tests.commands import WRONG, Burgee, Shop, refused
from tests.publishing import PROJECT, features, files
from tests.servers.git_cli import a_work_tree, commit


def test_a_guard_that_refuses_ends_with_1(burgee: Burgee, shop: Shop, tmp_path: Path) -> None:
    other = a_work_tree(tmp_path / "other", files(features("a"), features("a")))
    refused(burgee("publish", other, "--store", shop.store), 1, "belongs to repository", "--adopt")
    removed = a_work_tree(tmp_path / "removed", files(features("a", "b", "c"), features("a")))
    store = (tmp_path / "store").as_uri()
    assert burgee("publish", removed, "--store", store).code == 0
    commit(removed, {"flags/staging/features.yaml": features("a")})
    said = burgee("publish", removed, "--store", store)
    assert (said.code, "staging: refused" in said.out, "production: unchanged" in said.out) == (1, True, True)
    assert burgee("publish", removed, "--store", store, "--allow-removal").code == 0


def test_a_store_that_is_a_file_ends_with_2(burgee: Burgee, shop: Shop) -> None:
    url = (shop.folder / "burgee.yaml").as_uri()
    for command in ("status", "history", "publish", "serve"):
        refused(burgee(command, "--store", url), 2, "is a file, wanted a folder", "--store")


def test_a_store_nobody_may_write_to_ends_with_3(burgee: Burgee, shop: Shop) -> None:
    refused(burgee("publish", "--store", "file:///proc/burgee-flags"), 3, "cannot write", "file:///proc/burgee-flags")
    refused(burgee("build", "--output", "/proc/burgee-flags"), 3, "cannot write")


def test_nothing_published_yet_ends_with_3_and_says_what_to_do(burgee: Burgee, shop: Shop, tmp_path: Path) -> None:
    store = tmp_path.as_uri()
    for command in (("status",), ("history",), ("history", "production"), ("diff", "production@1")):
        refused(burgee(*command, "--store", store), 3, f"nothing has been published to store {store} yet", "publish")
    refused(burgee("evaluate", "a", "--entity", "u", "--store", store), 3, "nothing has been published")


def test_an_environment_without_releases_is_an_empty_history(burgee: Burgee, tmp_path: Path) -> None:
    folder = a_work_tree(tmp_path / "shop", files(features("a"), WRONG))
    store = (tmp_path / "store").as_uri()
    assert burgee("publish", folder, "--store", store).code == 1
    said = burgee("history", "production", "--store", store)
    assert (said.code, said.out) == (0, "")
    assert "environment 'production' has no releases" in said.err
    assert burgee("history", "production", "--store", store, "--json").json == []
    listed = burgee("status", "--store", store)
    assert (listed.code, "production         -         no release" in listed.out) == (0, True)
    refused(burgee("diff", "production@1", "--store", store), 2, "no releases yet")


HEADS = [
    ("", "not JSON"),
    ("{", "not JSON"),
    ("[1]", "not a JSON object"),
    ('{"format":1}', "lacks a field"),
    ('{"format":2}', "a newer burgee wrote it"),
]


@pytest.mark.parametrize(("head", "words"), HEADS)
def test_a_broken_or_newer_head_ends_with_3(burgee: Burgee, shop: Shop, tmp_path: Path, head: str, words: str) -> None:
    store = a_copy_of(shop, tmp_path)
    (tmp_path / "store/environments/production/head.json").write_text(head)
    refused(burgee("history", "production", "--store", store), 3, words)
    refused(burgee("diff", "production@1", "--store", store), 3, words)
    refused(burgee("evaluate", "a", "--entity", "u", "-e", "production", "--store", store), 3, words)
    published = burgee("publish", "--store", store)
    assert (published.code, "production: failed" in published.out, "staging: unchanged" in published.out) == (
        3,
        True,
        True,
    )


def test_one_environments_broken_head_does_not_hide_the_others(burgee: Burgee, shop: Shop, tmp_path: Path) -> None:
    store = a_copy_of(shop, tmp_path)
    (tmp_path / "store/environments/production/head.json").write_text("{")
    said = burgee("status", "--store", store)
    assert said.code == 3
    assert "production         -         unreadable" in said.out
    assert "staging (default)  1" in said.out
    assert "error: environment 'production': environments/production/head.json in " in said.err


def test_a_broken_log_ends_with_3(burgee: Burgee, shop: Shop, tmp_path: Path) -> None:
    store = a_copy_of(shop, tmp_path)
    releases = tmp_path / "store/environments/production/releases"
    shutil.copy(releases / "0000000002.json", releases / "0000000001.json")
    refused(burgee("history", "production", "--store", store), 3, "0000000001.json")
    assert burgee("history", "production", "--store", store, "--limit", "1").code == 0


def test_a_missing_blob_ends_with_3(burgee: Burgee, shop: Shop, tmp_path: Path) -> None:
    store = a_copy_of(shop, tmp_path)
    shutil.rmtree(tmp_path / "store/blobs")
    refused(burgee("diff", "production@1", "--store", store), 3, "no object blobs/sha256/")
    refused(burgee("evaluate", "a", "--entity", "u", "--store", store), 3, "no object blobs/sha256/")


def a_copy_of(shop: Shop, tmp_path: Path) -> str:
    shutil.copytree(shop.store.removeprefix("file://"), tmp_path / "store")
    return (tmp_path / "store").as_uri()


def test_a_store_or_repository_that_refuses_connections_ends_with_3(burgee: Burgee, shop: Shop) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        for command in (("status",), ("history",), ("diff", "production@1"), ("evaluate", "a", "--entity", "u")):
            refused(burgee(*command, "--store", url), 3, url)
        refused(burgee("publish", url, "--store", "memory://refuses"), 3, url)


def test_a_pending_release_is_shown_with_its_instant(burgee: Burgee, tmp_path: Path) -> None:
    project = PROJECT.replace("directory: flags/production", "directory: flags/production, activation_delay: 2m")
    folder = a_work_tree(tmp_path / "shop", files(features("a"), features("a"), project))
    store = (tmp_path / "store").as_uri()
    assert burgee("publish", folder, "--store", store).code == 0
    status = burgee("status", "--store", store).out.splitlines()
    (entry,) = burgee("history", "production", "--store", store, "--json").json
    published, instant = (to_the_second(entry[name]) for name in ("published_at", "activates_at"))
    assert status[2].split() == ["production", "-", "no", "release", "-", "-", "1", "at", instant]
    history = burgee("history", "production", "--store", store).out.splitlines()[1]
    assert history.split()[:5] == ["1", "pending", "publish", published, instant]


def test_publish_says_first_which_store_it_uses_and_why(
    burgee: Burgee, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = (tmp_path / "store").as_uri()
    assert burgee("publish", "--store", store, "--dry-run").err == f"store {store} (--store)\n"
    monkeypatch.setenv("BURGEE_DIR", str(tmp_path))
    (tmp_path / "store").mkdir()
    assert burgee("publish", "--dry-run").err == f"store {store} (the store of `burgee dev`)\n"
    monkeypatch.setenv("BURGEE_STORE", "memory://said")
    assert burgee("publish", "--dry-run").err == "store memory://said (BURGEE_STORE)\n"


def two_releases(burgee: Burgee, folder: Path) -> str:
    """The URL of a store in which each environment has two releases."""
    work, store = a_work_tree(folder / "work", files(features("a"), features("a"))), (folder / "log").as_uri()
    assert burgee("publish", work, "--store", store).code == 0
    both = {f"flags/{name}/features.yaml": features("a", percentage=50) for name in ("staging", "production")}
    commit(work, both)
    assert burgee("publish", work, "--store", store).code == 0
    return store


def test_an_environment_may_be_named_by_an_option_wherever_it_is_an_argument(burgee: Burgee, shop: Shop) -> None:
    store = ("--store", shop.store)
    for command in (("history",), ("verify",)):
        by_option = burgee(*command, "-e", "production", *store)
        assert by_option.code == 0, by_option.err
        assert by_option.out == burgee(*command, "production", *store).out
        assert by_option.out == burgee(*command, "production", "-e", "production", *store).out
    assert "production: 2 of 2" in burgee("verify", "production@1", "-e", "production", *store).out


def test_moves_take_an_environment_by_an_option_too(burgee: Burgee, tmp_path: Path) -> None:
    store = ("--store", two_releases(burgee, tmp_path))
    for command in ("hold", "resume", "freeze", "resume", "rollback"):
        reason = () if command == "resume" else ("--reason", "a test")
        said = burgee(command, "-e", "production", *reason, *store)
        assert (said.code, "production" in said.out) == (0, True), said


def test_a_history_without_releases_of_a_flag_that_was_there_is_no_mistake(burgee: Burgee, shop: Shop) -> None:
    """Published before, and as it was since then."""
    said = burgee("history", "production", "--flag", "a", "--since", "0s", "--store", shop.store)
    assert (said.code, said.out) == (0, ""), said
    assert "changed flag 'a'" in said.err


def test_the_log_says_why_a_freeze_was_broken_by_a_rollback(burgee: Burgee, tmp_path: Path) -> None:
    store = ("--store", two_releases(burgee, tmp_path))
    assert burgee("freeze", "production", "--reason", "black friday", *store).code == 0
    back = ("--reason", "checkout errors", "--by", "ann", "--break-glass", "it burns")
    assert burgee("rollback", "production", *back, *store).code == 0
    wanted = "by ann: checkout errors: in spite of freeze: it burns"
    assert wanted in burgee("history", "production", *store).out
    assert wanted in burgee("show", "production@active", *store).out


def test_what_is_pending_is_cancelled_by_going_back_to_what_is_active(burgee: Burgee, tmp_path: Path) -> None:
    url = two_releases(burgee, tmp_path)
    store = ("-e", "production", "--store", url)
    commit(tmp_path / "work", {"flags/production/features.yaml": features("a", percentage=70)})
    assert burgee("publish", tmp_path / "work", "--at", "3d", *store).code == 0
    assert burgee("rollback", "--to", "2", "--reason", "not this week", *store).code == 0
    _, production = sorted(
        burgee("status", "--store", url, "--json").json["environments"],
        key=lambda one: one["environment"] == "production",
    )
    assert (production["revision"], production["pending"], production["hold"]["by"] != "") == (4, [], True)
    assert burgee("history", "production", "--store", url, "--json").json[1]["state"] == "overtaken"
