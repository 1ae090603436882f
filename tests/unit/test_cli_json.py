"""What each command says as JSON."""

from __future__ import annotations

from pathlib import Path

from tests.commands import WRONG, Burgee, Shop
from tests.publishing import features, files
from tests.servers.git_cli import a_work_tree

DIGEST_LENGTH = 71
PROBLEM = {"file", "line", "column", "path", "severity", "code", "message", "hint"}
CHANGE = {"namespace", "kind", "key", "action", "details"}


def test_the_json_of_validate_lists_problems(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(WRONG)
    said = burgee("validate", tmp_path, "--json")
    assert said.code == 1
    assert [set(problem) for problem in said.json] == [PROBLEM]
    (tmp_path / "features.yaml").write_text("")
    assert burgee("validate", tmp_path, "--json").json == []


def test_the_json_of_build_has_digests_and_sizes(burgee: Burgee, shop: Shop, tmp_path: Path) -> None:
    built = burgee("build", "--commit", "HEAD~1", "--output", tmp_path / "built", "--json").json
    assert [set(entry) for entry in built] == [{"environment", "bundle", "namespaces"}] * 2
    namespace = built[1]["namespaces"]["default"]
    assert (len(built[1]["bundle"]), len(namespace["digest"])) == (DIGEST_LENGTH, DIGEST_LENGTH)
    document = tmp_path / "built/blobs/sha256" / namespace["digest"].removeprefix("sha256:")
    assert document.stat().st_size == namespace["size"]
    released = burgee("history", "production", "--store", shop.store, "--json").json[0]
    assert released["bundle"] == built[1]["bundle"]


def test_the_json_of_diff_names_both_sides(burgee: Burgee, shop: Shop) -> None:
    (compared,) = burgee("diff", "production@1", ".", "--store", shop.store, "--json").json
    assert set(compared) == {"old", "new", "changes"}
    assert compared["old"] == {"place": "production@1", "environment": "production", "exists": True}
    assert compared["new"] == {"place": ".", "environment": "production", "exists": True}
    assert {frozenset(change) for change in compared["changes"]} == {frozenset(CHANGE)}
    assert [change["action"] for change in compared["changes"]] == ["removed", "changed", "added"]


def test_the_json_of_publish_is_a_receipt_for_each_environment(burgee: Burgee, shop: Shop, tmp_path: Path) -> None:
    said = burgee("publish", "--store", tmp_path.as_uri(), "--dry-run", "--json")
    assert [receipt["outcome"] for receipt in said.json] == ["planned", "planned"]
    assert set(said.json[0]) == {
        *("environment", "outcome", "revision", "bundle", "release", "commit", "published_at", "activates_at"),
        "safe_from",
        *("changes", "problems", "message", "warnings", "mirrors", "took_ms"),
    }
    assert {frozenset(change) for change in said.json[0]["changes"]} == {frozenset(CHANGE)}
    assert list(tmp_path.iterdir()) == []


def test_the_json_of_evaluate_says_what_was_answered_from(burgee: Burgee, shop: Shop) -> None:
    said = burgee("evaluate", "b", "--entity", "u", "-e", "production", "--store", shop.store, "--json").json
    kept = {"environment", "namespace", "profile", "flag_key", "reason", "segment_keys"}
    assert set(said) == {*kept, "enabled"}
    assert (said["environment"], said["profile"]) == ("production", "C/server")
    explained = burgee("evaluate", "b", "--entity", "u", "--explain", "--json").json
    assert set(explained) == {*kept, "enabled", "steps"}
    (step,) = explained["steps"]
    assert set(step) == {"kind", "place", "operator", "segments", "matched", "bucket", "shares", "outcome"}


def test_the_json_of_history_is_the_newest_first(burgee: Burgee, shop: Shop) -> None:
    listed = burgee("history", "production", "--store", shop.store, "--json").json
    assert [(entry["revision"], entry["state"]) for entry in listed] == [(2, "active"), (1, "past")]
    assert set(listed[0]) == {
        *("revision", "state", "kind", "release", "bundle", "profile", "source"),
        *("published_at", "activates_at", "active_from", "active_until", "explicit", "note", "previous"),
        "instances",
    }
    assert set(listed[0]["source"]) == {"repository", "ref", "commit", "committed_at", "author"}
    assert (listed[0]["active_until"], listed[1]["active_until"]) == (None, listed[0]["active_from"])
    assert listed[0]["source"]["committed_at"].endswith("Z")
    assert listed[0]["previous"] == listed[1]["release"]
    newest = burgee("history", "production", "--store", shop.store, "--limit", "1", "--json").json
    assert newest == listed[:1]


def test_the_json_of_status_has_the_same_fields_for_every_environment(
    burgee: Burgee, shop: Shop, tmp_path: Path
) -> None:
    fields = {
        *("environment", "default", "ref", "revision", "release", "bundle", "profile", "commit", "active_since"),
        *("pending", "hold", "freeze", "waiting", "expires_at", "error"),
    }
    said = burgee("status", "--store", shop.store, "--json").json
    assert set(said) == {"store", "repository", "environments", "mirrors"}
    assert [set(entry) for entry in said["environments"]] == [fields, fields]
    assert [(entry["environment"], entry["revision"]) for entry in said["environments"]] == [
        ("production", 2),
        ("staging", 1),
    ]
    folder = a_work_tree(tmp_path / "wrong", files(WRONG, WRONG))
    assert burgee("publish", folder, "--store", (tmp_path / "store").as_uri()).code == 1
    empty = burgee("status", "--store", (tmp_path / "store").as_uri(), "--json").json
    assert [set(entry) for entry in empty["environments"]] == [fields, fields]


def test_json_holds_any_text(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(features("a", percentage=100).replace("name: a", "name: é✓"))
    said = burgee("evaluate", "a", "--entity", "日本語", "--source", tmp_path, "--json")
    assert said.out.isascii()
    assert said.json["enabled"] is True
