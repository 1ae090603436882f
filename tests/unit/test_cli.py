"""Mistakes on the command line and in settings: one message for each, which says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Burgee, Shop, refused
from tests.publishing import features, files
from tests.servers.git_cli import a_work_tree, git

MISTAKES = [
    ((), ()),
    (("valdate",), ("no such command 'valdate'", "did you mean 'validate'?", "see burgee --help")),
    (("validate", "--nope"), ("no such option", "see burgee validate --help")),
    (("validate", "nowhere"), ("no folder at nowhere",)),
    (("validate", "burgee.yaml"), ("no folder at burgee.yaml", "it is a file")),
    (("validate", "-e", "nope"), ("no environment 'nope'", "staging, production")),
    (("validate", "--format", "xml"), ("'xml'", "sarif")),
    (("build", "-e", "nope"), ("no environment 'nope'",)),
    (("build", "--commit", "nope"), ("'nope'", "it has main")),
    (("build", "--commit", "HEAD~9"), ("HEAD~9",)),
    (("build", "--commit", "HEAD..main"), ("HEAD..main",)),
    (("build", "--output", "burgee.yaml"), ("it is a file",)),
    (("diff",), ("FROM",)),
    (("diff", "nope"), ("'nope' is no folder, no release such as production@12 and no commit",)),
    (("diff", "HEAD", "-e", "nope"), ("neither HEAD nor . has an environment 'nope'", "staging, production")),
    (("diff", "production@1"), ("no store", "--store", "BURGEE_STORE")),
    (("diff", "production@9", "--store", "STORE"), ("'production' has releases 1 to 2", "not 9")),
    (("diff", "production@0", "--store", "STORE"), ("not 0",)),
    (("diff", "nope@1", "--store", "STORE"), ("no environment 'nope'", "production, staging")),
    (("diff", "production@1", "-e", "nope", "--store", "STORE"), ("no environment 'nope'",)),
    (("diff", "production@1", "production@2", "-e", "staging", "--store", "STORE"), ("leave out -e staging",)),
    (("publish",), ("no store", "--store", "BURGEE_STORE", "burgee dev")),
    (("publish", "nowhere", "--store", "STORE"), ("no folder at nowhere",)),
    (("publish", "burgee.yaml", "--store", "STORE"), ("it is a file",)),
    (("publish", "git@example.com:a/b", "--store", "STORE"), ("use https",)),
    (("publish", "-e", "nope", "--store", "STORE"), ("no environment 'nope'", "staging, production")),
    (("publish", "--config-ref", "nope", "--store", "STORE"), ("no branch 'nope'", "it has main")),
    (("publish", "--config-ref", "nope", "-e", "staging", "--store", "STORE"), ("no branch 'nope'",)),
    (("publish", "--store", "rubbish"), ("a URL such as file:///", "'rubbish'")),
    (("publish", "--store", "gs://b"), ("wanted a bucket and a prefix",)),
    (("publish", "--store", "https://example.com"), ("not published to",)),
    (("evaluate", "a"), ("--entity",)),
    (("evaluate", "aa", "--entity", "u"), ("no flag 'aa'", "did you mean 'a'?")),
    (("evaluate", "a", "--entity", "u", "-n", "nope"), ("no namespace 'nope'", "default")),
    (("evaluate", "a", "--entity", "u", "-e", "nope"), ("no environment 'nope'",)),
    (("evaluate", "a", "--entity", "u", "-e", "nope", "--store", "STORE"), ("no environment 'nope'", "staging")),
    (("evaluate", "a", "--entity", "u", "--context", "plan"), ("NAME=VALUE", "'plan'")),
    (("evaluate", "a", "--entity", "u", "--context", "=pro"), ("NAME=VALUE", "'=pro'")),
    (("evaluate", "a", "--entity", "\udcff"), ("UTF-8",)),
    (("evaluate", "a", "--entity", "u", "--source", ".", "--store", "STORE"), ("instead of --source",)),
    (("evaluate", "a", "--entity", "u", "--revision", "1"), ("no store", "--store")),
    (("evaluate", "a", "--entity", "u", "--revision", "9", "--store", "STORE"), ("releases 1 to 1", "not 9")),
    (("evaluate", "a", "--entity", "u", "--revision", "1", "--commit", "HEAD", "--store", "STORE"), ("give one",)),
    (("evaluate", "a", "--entity", "u", "--commit", "abcdef0", "--store", "STORE"), ("no release of 'staging'",)),
    (("evaluate", "a", "--entity", "u", "--commit", "no-such", "--store", "STORE"), ("'no-such' is no commit",)),
    (("evaluate", "a", "--entity", "u", "--digest", "abcdef0", "--store", "STORE"), ("sha256: and 64",)),
    (("evaluate", "a", "--entity", "u", "--digest", "sha256:0000000", "--store", "STORE"), ("sha256:0000000",)),
    (("evaluate", "a", "--entity", "u", "--at", "yesterday"), ("--at", "'yesterday'")),
    (("evaluate", "a", "--entity", "u", "--at", "-300d", "--store", "STORE"), ("no active release at", "release 1")),
    (("history", "--flag", "aa", "--store", "STORE"), ("no release of 'staging' has a flag 'aa'", "mean 'a'?")),
    (("history", "--flag", "a", "-n", "defualt", "--store", "STORE"), ("it has default", "did you mean 'default'?")),
    (("history", "prodution", "--store", "STORE"), ("no environment 'prodution'", "did you mean 'production'?")),
    (("history", "staging", "-e", "production", "--store", "STORE"), ("two environments",)),
    (("hold", "--reason", "x", "--store", "STORE"), ("missing argument 'ENVIRONMENT'",)),
    (("resume", "staging", "-e", "production", "--store", "STORE"), ("two environments",)),
    (("key", "sign", "--store", "STORE"), ("missing argument 'ENVIRONMENT...'",)),
    (("key", "sign", "staging", "-e", "production", "--store", "STORE"), ("name environments in one way",)),
    (("publish", "production", "--store", "STORE"), ("no folder at production", "-e production")),
    (("validate", "production"), ("no folder at production", "-e production")),
    (("validate", "-e", "stagin"), ("did you mean 'staging'?",)),
    (("publish", "-e", "stagin", "--store", "STORE"), ("did you mean 'staging'?",)),
    (("diff", "HEAD", "-e", "stagin"), ("did you mean 'staging'?",)),
    (("show", "production", "--store", "STORE"), ("production@active",)),
    (("completion",), ("Choose from: bash, zsh, fish; see burgee completion --help",)),
    (("history", "--since", "last week", "--store", "STORE"), ("--since", "'last week'")),
    (("show", "nope@1", "--store", "STORE"), ("no environment 'nope'", "production, staging")),
    (("show", "9", "--store", "STORE"), ("'staging' has releases 1 to 1", "not 9")),
    (("show", "main", "--store", "STORE"), ("a release is named by a number", "'main'")),
    (("show", "production@1", "-e", "staging", "--store", "STORE"), ("leave out -e staging",)),
    (("verify", "Production", "--store", "STORE"), ("production@42", "'Production'")),
    (("verify", "production@9", "--store", "STORE"), ("releases 1 to 2, not 9",)),
    (("verify", "nope", "--store", "STORE"), ("environment 'nope' has no releases",)),
    (("diff", "production@-300d", "--store", "STORE"), ("'production' had no active release at",)),
    (("evaluate", "a", "--entity", "u", "--store", "ftp://x"), ("'ftp'",)),
    (("history", "nope", "--store", "STORE"), ("no environment 'nope'", "production, staging")),
    (("history", "--limit", "0", "--store", "STORE"), ("--limit",)),
    (("status",), ("no store", "--store", "BURGEE_STORE")),
    (("status", "--store", "file://host/x"), ("three slashes",)),
    (("dev", "nowhere"), ("no folder at nowhere",)),
    (("serve", "--store", "STORE"), ("no client tokens", "BURGEE_TOKENS", "BURGEE_AUTH=none")),
    (("serve", "--store", "STORE", "--port", "65536"), ("--port",)),
    (("schema", "nope"), ("'nope'",)),
    (("completion", "tcsh"), ("'tcsh'", "bash")),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda given: " ".join(given) if given else "none")
def test_a_mistake_on_the_command_line_ends_with_2_and_one_message(
    burgee: Burgee, shop: Shop, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    said = burgee(*(shop.store if argument == "STORE" else argument for argument in arguments))
    if arguments:
        refused(said, 2, *words)
    else:
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("Usage: burgee")


@pytest.mark.parametrize(
    ("variable", "value", "arguments"),
    [
        ("BURGEE_TTL", "soon", ("status",)),
        ("BURGEE_AUTH", "maybe", ("serve",)),
        ("BURGEE_TOKENS", "secret", ("serve",)),
        ("PORT", "http", ("dev", ".")),
        ("BURGEE_STORE", "rubbish", ("status",)),
        ("BURGEE_STORE", "rubbish", ("publish",)),
        ("BURGEE_ENVIRONMENT", "../x", ("serve",)),
        ("BURGEE_REPOSITORY", "nowhere", ("publish", "--store", "memory://cli")),
        ("BURGEE_DIR", "/dev/null", ("dev", ".")),
        ("BURGEE_CONFIG_REF", "nope", ("publish", "--store", "memory://cli")),
    ],
)
def test_a_wrong_setting_ends_with_2_and_is_named(
    burgee: Burgee,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv(variable, value)
    refused(burgee(*arguments), 2, value if variable != "BURGEE_TOKENS" else variable)


def test_a_setting_that_a_command_does_not_need_may_be_wrong(
    burgee: Burgee, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BURGEE_TTL", "soon")
    assert burgee("validate").code == 0


def test_a_folder_that_is_no_repository_ends_with_2(burgee: Burgee, tmp_path: Path) -> None:
    for arguments in (("publish", tmp_path, "--store", "memory://none"), ("build", tmp_path, "--commit", "HEAD")):
        refused(burgee(*arguments), 2, "no Git repository at")


def test_a_repository_without_commits_ends_with_2(burgee: Burgee, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for arguments in (("publish", tmp_path, "--store", "memory://none"), ("build", tmp_path, "--commit", "HEAD")):
        refused(burgee(*arguments), 2, "it has no commits yet")


def test_a_detached_head_is_published_once_the_branch_is_named(burgee: Burgee, tmp_path: Path) -> None:
    folder = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))
    git(folder, "checkout", "--quiet", "--detach")
    store = (tmp_path / "store").as_uri()
    refused(burgee("publish", folder, "--store", store), 2, "detached", "--config-ref", "BURGEE_CONFIG_REF")
    assert burgee("publish", folder, "--store", store, "--config-ref", "main").code == 0


def test_a_path_that_is_not_there_is_not_the_repository_above_it(burgee: Burgee, shop: Shop) -> None:
    refused(burgee("publish", "flags/nowhere", "--store", "memory://above"), 2, "no folder at flags/nowhere")
    assert burgee("publish", "flags", "--store", "memory://above").code == 0


def test_an_unknown_environment_leaves_the_store_untouched(burgee: Burgee, shop: Shop, tmp_path: Path) -> None:
    refused(burgee("publish", "-e", "nope", "--store", (tmp_path / "store").as_uri()), 2, "'nope'")
    assert not (tmp_path / "store").exists()
