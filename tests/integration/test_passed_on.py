"""What people do to an environment by the command line reaches mirrors, and readers that are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from burgee.bundle.head import Head
from burgee.cli.main import run
from burgee.core.instant import format_instant
from burgee.fetch.clock import SystemClock
from burgee.store.opening import open_store
from tests.publishing import features, files
from tests.servers.deliveries import deliveries
from tests.servers.git_cli import a_work_tree, commit


class Shop:
    """A repository with a store and a mirror beside it, worked on by the command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.repository = a_work_tree(folder / "shop", files(features("a"), features("a")))
        self.store, self.mirror = (folder / "store").as_uri(), (folder / "mirror").as_uri()
        self.capsys = capsys

    def asked(self, *arguments: str) -> tuple[str, str]:
        """What a command says, on both streams."""
        code = run([*arguments, "--store", self.store])
        said = self.capsys.readouterr()
        assert code == 0, said.err
        return said.out, said.err

    def change(self, percentage: int) -> None:
        commit(self.repository, {"flags/staging/features.yaml": features("a", percentage=percentage)})

    def heads(self) -> list[Head]:
        """That of the store, and that of the mirror."""
        found = [open_store(url).read_head("staging") for url in (self.store, self.mirror)]
        return [each.head for each in found if each]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    shop = Shop(tmp_path, capsys)
    monkeypatch.chdir(shop.repository)
    monkeypatch.setenv("BURGEE_MIRRORS", shop.mirror)
    shop.asked("publish")
    return shop


@pytest.mark.parametrize("move", ["hold", "freeze"])
def test_a_mirror_says_so_too_at_once_and_no_more_when_it_is_over(shop: Shop, move: str) -> None:
    _, said = shop.asked(move, "staging", "--reason", "a load test")
    assert f"mirror {shop.mirror} has release 1" in said
    store, mirror = shop.heads()
    assert store == mirror and (mirror.hold or mirror.freeze)["reason"] == "a load test"
    out, _ = shop.asked("resume", "staging", "--json")
    assert [each["revision"] for each in json.loads(out)["mirrors"]] == [1]
    store, mirror = shop.heads()
    assert store == mirror and not (mirror.hold or mirror.freeze)


def test_readers_are_told_of_the_release_that_a_freeze_makes_and_of_none_where_it_makes_none(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.change(50)
    shop.asked("publish", "--at", format_instant(SystemClock.wall() + 3_600_000))
    with deliveries() as hook:
        monkeypatch.setenv("BURGEE_REFRESH_URLS", hook.url)
        monkeypatch.setenv("BURGEE_REFRESH_SECRET", "s" * 40)
        shop.asked("freeze", "staging", "--reason", "black friday")
        told: list[Any] = [json.loads(each.body) for each in hook.wait()]
        shop.asked("resume", "staging")
        shop.asked("freeze", "staging", "--reason", "cyber monday")
    assert told == [{"environment": "staging", "revision": 3}]
    assert len(hook.received) == 1
    assert [head.revision for head in shop.heads()] == [3, 3]


def test_a_mirror_that_fails_is_a_warning(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken").write_text("a file, where a folder should be")
    monkeypatch.setenv("BURGEE_MIRRORS", (tmp_path / "broken").as_uri())
    _, said = shop.asked("hold", "staging", "--reason", "a load test")
    assert "warning: mirror file://" in said and "does not have it, the next publish tries again" in said


def test_what_a_head_says_of_itself_moves_no_cursor(shop: Shop) -> None:
    evil = "\x1b[2Jgone\u202e"
    store = open_store(shop.store)
    found = store.read_head("staging")
    assert found is not None
    waiting = {"commit": evil, "bundle": "", "since": "", "why": ""}
    store.swap_head(found.head._replace(freeze={"by": evil, "reason": evil}, waiting=waiting), found.etag)
    said = "".join(shop.asked("resume", "staging"))
    assert said.count("\\x1b[2Jgone\\u202e") == 3 and not set("\x1b\u202e") & set(said)
