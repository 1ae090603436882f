"""`burgee token` in-process: tokens are made once, entries are listed, and a server lets in what was made."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from burgee.bundle.digest import digest_of
from burgee.serve.auth import Gate
from burgee.serve.tokens import read_tokens
from tests.commands import Burgee, Said, refused
from tests.serving import Served


def made(said: Said) -> tuple[str, str]:
    """The token and the entry that `create` printed."""
    assert said.code == 0, said.err
    first, second = said.out.splitlines()
    return first.removeprefix("token  "), second.removeprefix("entry  ")


def test_a_token_is_long_and_recognisable_and_its_entry_holds_the_digest_alone(burgee: Burgee) -> None:
    tokens = [made(burgee("token", "create")) for _ in range(3)]
    assert len({token for token, _ in tokens}) == 3
    for token, entry in tokens:
        assert token.startswith("bgt_") and token[4:].isalnum() and len(token) == 36
        assert entry == digest_of(token.encode())


def test_a_token_that_was_made_is_let_in_for_its_scopes(burgee: Burgee, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token, entry = made(
        burgee("token", "create", "-e", "staging", "-n", "default", "--expires", "2099-01-01", "--file", file)
    )
    assert entry.endswith(" staging/default expires=2099-01-01T00:00:00Z")
    served = Served(gate=Gate(read_tokens(file.read_text(), "file")))
    headers = {"authorization": f"Bearer {token}"}
    assert served.call("POST", "/evaluate/v1/boolean", {"flagKey": "bool"}, headers=headers).status == 200
    body = {"flagKey": "bool", "environmentKey": "production"}
    assert served.call("POST", "/evaluate/v1/boolean", body, headers=headers).status == 403


def test_scopes_are_each_namespace_in_each_environment(burgee: Burgee) -> None:
    _, entry = made(burgee("token", "create", "-e", "qa", "-e", "staging", "-n", "a", "-n", "b"))
    assert entry.split()[1:] == ["qa/a", "qa/b", "staging/a", "staging/b"]
    assert made(burgee("token", "create", "-n", "a"))[1].split()[1:] == ["*/a"]


def test_a_file_of_tokens_is_made_for_its_owner_alone_and_added_to(burgee: Burgee, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    first = made(burgee("token", "create", "--file", file))[1]
    assert file.stat().st_mode & 0o077 == 0
    file.write_text(f"# ours\n{first}")
    second = made(burgee("token", "create", "--file", file))[1]
    assert file.read_text() == f"# ours\n{first}\n{second}\n"


def test_a_file_of_comments_alone_is_added_to(burgee: Burgee, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# Who may ask\n\n")
    entry = burgee("token", "create", "--file", str(file), "--json").json["entry"]
    assert file.read_text() == f"# Who may ask\n\n{entry}\n"


def test_a_file_that_is_wrong_is_not_added_to(burgee: Burgee, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("nonsense\n")
    refused(burgee("token", "create", "--file", file), 2, f"{file}:1: ")
    assert file.read_text() == "nonsense\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "--expires", "soon"), ("--expires", "90d", "'soon'")),
        (("create", "--expires", "2020-01-01"), ("which is over",)),
        (("create", "--expires", "0d"), ("which is over",)),
        (("create", "-e", "Production"), ("'Production'", "a-z")),
        (("create", "-n", "a/b"), ("'a/b'",)),
        (("create", "--file", "nowhere/tokens"), ("cannot add to nowhere/tokens",)),
        (("list",), ("no tokens", "--file", "BURGEE_TOKENS")),
        (("list", "--file", "nowhere"), ("cannot read nowhere",)),
        (("nope",), ("no such command 'nope'", "see burgee token --help")),
        (("create", "--nope"), ("no such option", "see burgee token create --help")),
    ],
)
def test_a_mistake_ends_with_2_and_one_message(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(burgee("token", *arguments), 2, *words)


def test_alone_it_shows_its_help(burgee: Burgee) -> None:
    said = burgee("token")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: burgee token")


def test_the_json_of_create_and_list_is_for_machines(burgee: Burgee, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    created = burgee("token", "create", "-e", "qa", "--expires", "12h", "--file", file, "--json").json
    assert set(created) == {"token", "entry", "file"} and created["file"] == str(file)
    (listed,) = burgee("token", "list", "--file", file, "--json").json
    assert listed["digest"] == digest_of(created["token"].encode())
    assert (listed["scopes"], listed["from"]) == (["qa/*"], str(file))
    assert listed["expires_at"].endswith(".000Z")


def test_entries_are_listed_from_both_variables(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tokens"
    entries = [made(burgee("token", "create", *more))[1] for more in ((), ("-e", "qa"))]
    file.write_text(f"{entries[1]} expires=2020-01-01\n")
    monkeypatch.setenv("BURGEE_TOKENS", entries[0])
    monkeypatch.setenv("BURGEE_TOKENS_FILE", str(file))
    lines = burgee("token", "list").out.splitlines()
    assert lines[0].split() == ["DIGEST", "FOR", "EXPIRES", "FROM"]
    assert lines[1].split()[1:] == ["everything", "never", "BURGEE_TOKENS"]
    assert lines[2].split()[1:] == ["qa/*", "2020-01-01T00:00:00.000Z", "(over)", str(file)]


@pytest.mark.parametrize(
    ("present", "ends", "code", "says"),
    [(True, "", 0, "everything"), (False, "", 1, "is not known"), (True, " expires=2020-01-01", 1, "has expired")],
)
def test_a_token_is_checked_as_a_server_would(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: bool, ends: str, code: int, says: str
) -> None:
    file = tmp_path / "tokens"
    token, entry = made(burgee("token", "create"))
    file.write_text(f"{entry}{ends}\n" if present else f"{digest_of(b'other')}\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{token}\n"))
    said = burgee("token", "check", "--file", file)
    assert said.code == code
    assert says in said.out + said.err
    assert token not in said.out + said.err


def test_the_json_of_check_lists_the_entries_that_let_it_in(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tokens"
    token, _ = made(burgee("token", "create", "--file", file))
    results: list[Any] = []
    for text in (token, "bgt_other"):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        results.append(json.loads(burgee("token", "check", "--file", file, "--json").out))
    assert [len(found) for found in results] == [1, 0]
