"""Any instant can be asked again: from the store alone, and without it once it was asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from time import time

import pytest

from burgee.bundle.head import decode_head
from burgee.bundle.index import Index, Listed
from burgee.cli.main import run
from burgee.core.instant import format_instant
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.builders import a_boolean_flag, a_document, a_threshold
from tests.commands import Said, in_process
from tests.fakes.publisher import publish
from tests.places import ENVIRONMENT
from tests.publishing import features, files
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.static import static_files

MINUTE_MS = 60_000


@dataclass
class Shop:
    """A repository with three commits, of which the second was not published alone, and a store with two releases."""

    folder: Path
    store: Path
    commits: list[str]
    capsys: pytest.CaptureFixture[str]

    def ask(self, *arguments: str) -> Said:
        return in_process(self.capsys)(*arguments)

    def evaluate(self, *arguments: str, url: str | None = None) -> Said:
        fixed = ("evaluate", "a", "--entity", "user-3", "-e", "production", "--store", url or self.store.as_uri())
        return self.ask(*fixed, *arguments)

    def published_at(self, revision: int) -> str:
        listed = json.loads(self.ask("history", "production", "--store", self.store.as_uri(), "--json").out)
        return next(str(each["published_at"]) for each in listed if each["revision"] == revision)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    monkeypatch.setenv("BURGEE_CACHE", str(tmp_path / "cache"))
    folder = a_work_tree(tmp_path / "shop", files(features("a"), features("a", percentage=0)))
    commits = [commit(folder, {"note.txt": "1"})]
    store = tmp_path / "store"
    assert run(["publish", str(folder), "--store", store.as_uri()]) == 0
    commits.append(commit(folder, {"flags/production/features.yaml": features("a", percentage=50)}))
    commits.append(commit(folder, {"flags/production/features.yaml": features("a", percentage=100)}))
    assert run(["publish", str(folder), "--store", store.as_uri()]) == 0
    monkeypatch.chdir(folder)
    return Shop(folder, store, commits, capsys)


def asked_in_every_way(shop: Shop, url: str) -> list[Said]:
    """The first release and the second one, by all that names them."""
    first = json.loads(shop.ask("show", "production@1", "--store", url, "--json").out)
    ways = [
        ["--revision", "1"],
        ["--at", shop.published_at(1)],
        ["--commit", shop.commits[0]],
        ["--commit", shop.commits[0][:7]],
        ["--commit", "HEAD~2"],
        ["--digest", first["release"]],
        ["--digest", first["bundle"][:20]],
        ["--revision", "2"],
        ["--commit", "HEAD"],
    ]
    return [shop.evaluate(*way, "--json", url=url) for way in ways]


def test_a_release_is_asked_by_number_instant_commit_and_digest(shop: Shop) -> None:
    answers = [json.loads(said.out) for said in asked_in_every_way(shop, shop.store.as_uri())]
    assert [(each["revision"], each["enabled"]) for each in answers] == [(1, False)] * 7 + [(2, True)] * 2
    assert {each["at"] for each in answers[:7]} == {shop.published_at(1)}
    assert [each["commit"] for each in answers[6:8]] == [shop.commits[0], shop.commits[2]]


def test_what_was_asked_once_is_answered_the_same_when_the_store_is_gone(shop: Shop) -> None:
    with static_files(shop.store) as url:
        before = asked_in_every_way(shop, url)
    after = asked_in_every_way(shop, url)
    assert [said.out for said in after] == [said.out for said in before]
    assert all("from what was kept of it at 20" in said.err for said in after)
    listed = shop.ask("history", "production", "--store", url)
    assert (listed.code, listed.out.count("\n")) == (0, 3)


def test_of_what_came_after_the_last_look_nothing_is_said_without_the_store(shop: Shop) -> None:
    with static_files(shop.store) as url:
        assert shop.evaluate("--revision", "2", url=url).code == 0
    later = format_instant(int((time() + 60) * 1000))
    said = shop.evaluate("--at", later, url=url)
    assert (said.code, said.out) == (3, "")
    assert "what is kept of the store is of 20" in said.err and f"wanted {later}" in said.err
    assert shop.evaluate("--at", shop.published_at(2), url=url).out == "true\n"


def test_without_a_cache_there_is_no_answer_without_the_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURGEE_CACHE", "off")
    with static_files(shop.store) as url:
        assert shop.evaluate("--revision", "1", url=url).out == "false\n"
    assert shop.evaluate("--revision", "1", url=url).code == 3


def test_a_commit_that_was_never_released_is_told_with_those_beside_it(shop: Shop) -> None:
    said = shop.evaluate("--commit", shop.commits[1])
    assert said.code == 2
    assert f"no release of 'production' was made from commit {shop.commits[1]}" in said.err
    assert "(release 1)" in said.err or "(release 2)" in said.err


def test_a_step_of_a_schedule_is_evaluated_at_its_instant(tmp_path: Path, shop: Shop) -> None:
    now = int(time() * 1000)
    steps = [{"at": format_instant(now - 5 * MINUTE_MS), "percentage": 100, "rollout": 1}]
    schedule = {"burgee.schedule": json.dumps(steps, separators=(",", ":"))}
    flag = {**a_boolean_flag("a", a_threshold(0)), "metadata": schedule}
    folder = tmp_path / "scheduled"
    store = ObjectStore(FileObjects(folder))
    publish(store, {"default": a_document([flag]).content}, at=now - 10 * MINUTE_MS, environment=ENVIRONMENT)
    store.swap_index(Index("https://example.org/flags", {ENVIRONMENT: Listed("main", True)}), None)
    answers = [shop.evaluate("--at", at, url=folder.as_uri()).out for at in ("-9m", "-6m", "-4m", "3d")]
    assert answers == ["false\n", "false\n", "true\n", "true\n"]
    changed = shop.ask("diff", "production@-6m", "production@-4m", "--store", folder.as_uri())
    assert "rollout 1: 0% -> true => 100% -> true" in changed.out


def test_places_of_a_diff_are_instants_commits_and_what_is_active(shop: Shop) -> None:
    store = ("--store", shop.store.as_uri())
    changed = "flag default/a: rollout 1: 0% -> true => 100% -> true"
    ways = [
        (f"production@{shop.published_at(1)}", "production@active"),
        ("production@1", "production@-0s"),
        (f"production@{shop.commits[0][:9]}", "HEAD"),
    ]
    for old, new in ways:
        assert changed in shop.ask("diff", old, new, *store).out


@pytest.mark.parametrize(
    ("arguments", "answer"), [(("--at", "{}"), "false"), (("--revision", "1"), "false"), (("--commit", "{}"), "false")]
)
def test_the_store_that_the_variable_names_is_asked_for_what_has_been(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str], answer: str
) -> None:
    monkeypatch.setenv("BURGEE_STORE", shop.store.as_uri())
    option, value = arguments
    value = value.format(shop.published_at(1) if option == "--at" else shop.commits[0])
    said = shop.ask("evaluate", "a", "--entity", "user-3", "-e", "production", option, value)
    assert said.out == f"{answer}\n"
    assert said.err == f"store {shop.store.as_uri()} (BURGEE_STORE), release 1\n"


def test_files_are_asked_where_they_are_meant_and_that_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    then = shop.published_at(1)
    asked = ("evaluate", "a", "--entity", "user-3", "-e", "production")
    of_files = shop.ask(*asked, "--at", then)
    assert (of_files.out, of_files.err) == ("true\n", "the files of this folder\n")
    monkeypatch.setenv("BURGEE_STORE", shop.store.as_uri())
    of_source = shop.ask(*asked, "--at", then, "--source", ".", "--commit", "HEAD~1")
    assert of_source.err == "the files of . at HEAD~1\n"
    assert shop.ask(*asked).err == ""


def test_history_of_a_flag_says_what_changed_and_leaves_out_what_did_not(shop: Shop) -> None:
    store = ("--store", shop.store.as_uri())
    listed = json.loads(shop.ask("history", "production", "--flag", "a", "--json", *store).out)
    assert [(each["revision"], each["changes"][0]["action"]) for each in listed] == [(2, "changed"), (1, "added")]
    assert shop.ask("history", "staging", "--flag", "nope", *store).out == ""
    assert "rollout 1: 0%" in shop.ask("history", "production", "--flag", "a", "--since", "1h", *store).out
    assert json.loads(shop.ask("history", "production", "--since", "0s", "--json", *store).out) == []


def test_show_tells_all_of_a_release(shop: Shop) -> None:
    store = ("--store", shop.store.as_uri())
    shown = json.loads(shop.ask("show", "production@2", "--json", *store).out)
    assert (shown["revision"], shown["state"], shown["before"]) == (2, "active", 1)
    assert [change["key"] for change in shown["changes"]] == ["a"]
    assert [document["namespace"] for document in shown["documents"]] == ["default"]
    text = shop.ask("show", "-e", "production", *store).out
    assert text.startswith("production release 2, active\n")
    assert f"commit     {shop.commits[2]} of " in text
    assert text.endswith("1 change against release 1\n  ~ flag default/a: rollout 1: 0% -> true => 100% -> true\n")


def test_a_damaged_store_is_named_and_ends_with_1(shop: Shop) -> None:
    head = decode_head((shop.store / "environments/production/head.json").read_bytes())
    digest, _ = head.last.release.namespaces["default"]
    blob = shop.store / "blobs/sha256" / digest.removeprefix("sha256:")
    assert shop.ask("verify", "--store", shop.store.as_uri()).code == 0
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes().replace(b"100", b"101"))
    said = shop.ask("verify", "--store", shop.store.as_uri())
    assert said.code == 1
    assert f"blobs/sha256/{blob.name} is changed: wanted {digest}, found sha256:" in said.out
    with static_files(shop.store) as url:
        (fault,) = json.loads(shop.ask("verify", "production", "--store", url, "--json").out)["faults"]
        assert (fault["key"], fault["kind"]) == (f"blobs/sha256/{blob.name}", "changed")
    assert shop.ask("verify", "production", "--store", url).code == 3
