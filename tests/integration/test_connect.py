"""`burgee connect` against the hosts: one hook however often it is run, with the secret from where it is kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import Burgee, burgee
from tests.servers.forge import TOKEN, Forge, forge
from tests.servers.moto import moto

__all__ = ["burgee"]
pytestmark = pytest.mark.integration
URL = "https://flags.example.org/"
SECRET = "the secret of the webhook"


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    monkeypatch.setenv("BURGEE_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("BURGEE_WEBHOOK_SECRET", SECRET)
    with forge() as running:
        yield running


def options(running: Forge, kind: str = "github") -> tuple[str, ...]:
    return (
        "--url",
        URL,
        "--repository",
        "https://git.example.org/acme/flags",
        "--host",
        kind,
        "--api",
        running.api(kind),
    )


def test_a_hook_is_created_and_then_updated(running: Forge, burgee: Burgee) -> None:
    planned = burgee("connect", *options(running), "--dry-run")
    assert planned.out == f"would create a hook of https://git.example.org/acme/flags: pushes are told to {URL}\n"
    assert (planned.err, running.hooks["github"]) == ("", [])
    created = burgee("connect", *options(running))
    assert created.out == f"created hook 1 of https://git.example.org/acme/flags: pushes are told to {URL}\n"
    assert "Push a commit" in created.err
    assert burgee("connect", *options(running)).out.startswith("updated hook 1 of ")
    assert burgee("connect", *options(running), "--dry-run").out.startswith("would update hook 1 of ")
    assert [hook["config"]["secret"] for hook in running.hooks["github"]] == [SECRET]


def test_the_json_is_for_machines(running: Forge, burgee: Burgee) -> None:
    assert burgee("connect", *options(running, "bitbucket"), "--json").json == {
        "id": "{1-0}",
        "action": "created",
        "url": URL,
        "repository": "https://git.example.org/acme/flags",
        "others": [],
        "signed": True,
        "dry_run": False,
    }


def test_settings_name_the_host(running: Forge, burgee: Burgee, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURGEE_REPOSITORY", "https://git.example.org/acme/flags")
    monkeypatch.setenv("BURGEE_GIT_HOST", "gitea")
    monkeypatch.setenv("BURGEE_GIT_API", running.api("gitea"))
    assert burgee("connect", "--url", URL).code == 0
    assert len(running.hooks["gitea"]) == 1


def test_what_a_person_may_want_to_mend_is_said(running: Forge, burgee: Burgee) -> None:
    running.signs = False
    burgee("connect", *options(running, "gitlab"))
    running.hooks["gitlab"].append({**running.hooks["gitlab"][0], "id": 2})
    said = burgee("connect", *options(running, "gitlab"))
    assert "told by hook 2 too: remove it" in said.err
    assert "does not sign what it sends" in said.err


def test_a_secret_comes_from_a_file_or_from_standard_input(
    running: Forge, burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("the secret of the file\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("the secret of the input\n"))
    for given in (str(file), "-"):
        said = burgee("connect", *options(running), "--secret-file", given)
        assert said.code == 0 and "the secret of" not in said.out + said.err
        (hook,) = running.hooks["github"]
        assert hook["config"]["secret"] == ("the secret of the input" if given == "-" else "the secret of the file")


def test_a_secret_comes_from_aws_secrets_manager(
    running: Forge, burgee: Burgee, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto() as aws:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        secrets = aws.client("secretsmanager")
        full = secrets.create_secret(Name="hook", SecretString="the secret of AWS\n")["ARN"]
        empty = secrets.create_secret(Name="empty")["ARN"]
        assert burgee("connect", *options(running), "--secret-arn", full).code == 0
        refused = burgee("connect", *options(running), "--secret-arn", empty)
    assert (refused.code, "holds a secret of 0 characters" in refused.err) == (2, True)
    assert running.hooks["github"][0]["config"]["secret"] == "the secret of AWS"


def test_a_host_that_refuses_is_told_with_the_right_that_is_missing(running: Forge, burgee: Burgee) -> None:
    running.lacking = {"hooks"}
    said = burgee("connect", *options(running))
    assert said.code == 3
    assert "the token needs 'Webhooks: write' (fine-grained) or admin:repo_hook (classic)" in said.err
    assert TOKEN not in said.err and SECRET not in said.err
