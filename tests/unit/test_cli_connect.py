"""`burgee connect` before it asks a host: what is wrong is said in one line, and no secret is an argument."""

from __future__ import annotations

import io
from pathlib import Path

import click
import pytest

from burgee.cli.commands.connect import command
from tests.commands import Burgee, Said
from tests.servers.git_cli import a_work_tree, git

URL = ("--url", "https://flags.example.org/")
GITHUB = ("--repository", "https://github.com/acme/flags")


def refused(said: Said) -> str:
    """The one line that says why nothing was asked."""
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1), said.err
    return said.err


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURGEE_GIT_TOKEN", "tok3n-of-ann")


def test_a_host_without_a_token_is_not_asked(burgee: Burgee, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BURGEE_GIT_TOKEN")
    assert "set BURGEE_GIT_TOKEN" in refused(burgee("connect", *URL, *GITHUB))


def test_a_host_of_ones_own_is_to_be_named(burgee: Burgee) -> None:
    said = refused(burgee("connect", *URL, "--repository", "https://git.example.org/acme/flags"))
    assert "give --host (github, gitlab, gitea, forgejo, bitbucket)" in said


@pytest.mark.parametrize("url", ["flags.example.org", "ftp://flags.example.org/", "https://", "https://x:port/"])
def test_a_webhook_is_a_url(burgee: Burgee, url: str) -> None:
    assert "--url takes a URL" in refused(burgee("connect", "--url", url, *GITHUB))


def test_the_secret_is_to_be_somewhere(burgee: Burgee) -> None:
    assert "give --secret-file or --secret-arn, or set BURGEE_WEBHOOK_SECRET" in refused(
        burgee("connect", *URL, *GITHUB)
    )


def test_the_secret_is_in_one_place(burgee: Burgee) -> None:
    both = ("--secret-file", "-", "--secret-arn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:hook")
    assert "give one of them" in refused(burgee("connect", *URL, *GITHUB, *both))


@pytest.mark.parametrize("content", ["", "short\n", "long enough it is,\x00 but not a text"])
def test_a_secret_that_is_weak_is_refused_and_not_shown(burgee: Burgee, tmp_path: Path, content: str) -> None:
    file = tmp_path / "secret"
    file.write_text(content)
    said = refused(burgee("connect", *URL, *GITHUB, "--secret-file", file))
    assert "wanted at least 16, all printable" in said and "short" not in said and "enough" not in said


def test_a_weak_secret_of_standard_input_is_refused_too(burgee: Burgee, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "- holds a secret of 5 characters" in refused(burgee("connect", *URL, *GITHUB, "--secret-file", "-"))


def test_a_file_that_is_not_there_is_said(burgee: Burgee, tmp_path: Path) -> None:
    assert "cannot read the secret" in refused(burgee("connect", *URL, *GITHUB, "--secret-file", tmp_path / "none"))


def test_what_is_no_arn_is_said(burgee: Burgee) -> None:
    assert "wanted the ARN of a secret" in refused(burgee("connect", *URL, *GITHUB, "--secret-arn", "hook"))


def test_a_repository_without_an_origin_is_said(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = a_work_tree(tmp_path / "work", {"a.yaml": "a\n"})
    monkeypatch.chdir(work)
    assert "has no remote named origin" in refused(burgee("connect", *URL))
    git(work, "remote", "add", "origin", "git@github.com:acme/flags.git")
    assert "no secret for the webhook" in refused(burgee("connect", *URL))


def test_kinds_of_hosts_complete() -> None:
    (option,) = [parameter for parameter in command.params if parameter.name == "kind"]
    assert isinstance(option.type, click.Choice)
    context = click.Context(command)
    assert [item.value for item in option.type.shell_complete(context, option, "git")] == ["github", "gitlab", "gitea"]
