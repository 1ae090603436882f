"""Every command in-process: what it prints where, its JSON, its exit code, and one message for each mistake."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from burgee.cli.main import run
from tests.publishing import PROJECT, features, files
from tests.servers.git_cli import a_work_tree, commit, git

DIGEST_LENGTH = 71
WRONG = 'version: "1.4"\nflags:\n  - {key: a, name: a, type: NO_SUCH_TYPE}\n'
WARNED = 'version: "1.4"\nsegments:\n  - {key: unused, name: unused, match_type: ALL_MATCH_TYPE}\n'


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code in (0, 1), self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Shop:
    """A repository of two commits that were both published, and a change that was not committed."""

    folder: Path
    store: str


Burgee = Callable[..., Said]


@pytest.fixture
def burgee(capsys: pytest.CaptureFixture[str]) -> Burgee:
    def burgee(*arguments: object) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return burgee


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    top = tmp_path_factory.mktemp("cli")
    folder = a_work_tree(top / "shop", files(features("a", "b"), features("a", "b")))
    store = (top / "store").as_uri()
    for percentage in (20, 30):
        assert run(["publish", str(folder), "--store", store]) == 0
        commit(folder, {"flags/production/features.yaml": features("a", "b", "c", percentage=percentage)})
    (folder / "flags/production/features.yaml").write_text(features("b", "c", percentage=30))
    return Shop(folder, store)


@pytest.fixture
def shop(made: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Nobody may change what several tests use."""
    monkeypatch.chdir(made.folder)
    return made


def refused(said: Said, code: int, *words: str) -> None:
    """One message on standard error, and nothing on standard output."""
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert (said.code, said.out, len(errors)) == (code, "", 1), said
    assert all(word in errors[0] for word in words), said.err
    assert not errors[0].endswith("."), said.err


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


def test_wrong_files_end_with_1_and_every_problem_of_every_environment(burgee: Burgee, tmp_path: Path) -> None:
    folder = a_work_tree(tmp_path / "shop", files(WRONG, WRONG))
    said = burgee("validate", folder)
    assert (said.code, said.out.count("error: ")) == (1, 2)
    assert said.err == "checked staging (1 file), production (1 file)\n"
    built = burgee("build", folder)
    assert (built.code, built.out, built.err.count("error: ")) == (1, "", 2)
    diffed = burgee("diff", folder, folder, "-e", "staging")
    assert (diffed.code, diffed.out) == (1, "")
    assert diffed.err.startswith(f"the files of environment 'staging' at {folder} are wrong:\n")
    assert burgee("evaluate", "a", "--entity", "u", "--source", folder).code == 1
    published = burgee("publish", folder, "--store", "memory://wrong")
    assert (published.code, published.out.count("not released, 1 error")) == (1, 2)


def test_a_wrong_project_file_is_a_problem_like_any_other(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "burgee.yaml").write_text("version: 9\nenvironments: {a: {}}\n")
    assert burgee("validate", tmp_path).out.startswith("burgee.yaml:1:10: error: ")
    assert [problem["file"] for problem in burgee("validate", tmp_path, "--json").json] == ["burgee.yaml"]
    assert burgee("build", tmp_path).code == 1


def test_warnings_end_with_0_and_when_strict_with_1(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(WARNED)
    assert burgee("validate", tmp_path).code == 0
    assert burgee("validate", tmp_path, "--strict").code == 1


def test_a_flipt_repository_without_project_file_is_one_environment(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(features("a", percentage=100))
    said = burgee("validate", tmp_path)
    assert (said.code, said.out) == (0, "0 errors, 0 warnings\n")
    assert f"{tmp_path} has no burgee.yaml: its flag files are taken as one environment, 'default'" in said.err
    assert "checked default (1 file)" in said.err
    assert burgee("evaluate", "a", "--entity", "u", "--source", tmp_path).out == "true\n"
    assert [built["environment"] for built in burgee("build", tmp_path, "--json").json] == ["default"]


def test_a_folder_below_the_project_file_says_where_that_one_is(burgee: Burgee, shop: Shop) -> None:
    assert f"(there is one in {shop.folder.resolve()})" in burgee("validate", "flags").err


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a\0b\xff", 1),
        (b"\xff\xfe\0", 1),
        (b"[" * 100_000, 1),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" * 3, 1),
        (b"", 0),
        (b'version: "1.4"\nflags: []\n' + b"# " + b"x" * 10_000_000, 0),
    ],
    ids=["binary", "utf-16", "deep", "aliases", "empty", "10 MB"],
)
def test_a_hostile_file_gets_a_bounded_answer(burgee: Burgee, tmp_path: Path, content: bytes, code: int) -> None:
    (tmp_path / "features.yaml").write_bytes(content)
    said = burgee("validate", tmp_path)
    assert said.code == code
    assert len(said.out) < 2000


def test_symbolic_links_are_said_and_not_followed(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(features("a"))
    folder = tmp_path / "flags"
    folder.mkdir()
    (folder / "features.yaml").symlink_to(tmp_path / "secret")
    (folder / "loop").symlink_to(folder)
    said = burgee("validate", folder)
    assert said.code == 1
    assert "features.yaml:0:0: error: wanted a flags file, got a symbolic link" in said.out


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


PROBLEM = {"file", "line", "column", "path", "severity", "code", "message", "hint"}
CHANGE = {"namespace", "kind", "key", "action", "details"}


def test_the_json_of_validate_lists_problems(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(WRONG)
    said = burgee("validate", tmp_path, "--json")
    assert said.code == 1
    assert [set(problem) for problem in said.json] == [PROBLEM]
    (tmp_path / "features.yaml").write_text("")
    assert burgee("validate", tmp_path, "--json").json == []


def test_validate_also_speaks_sarif_and_annotations(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(WRONG)
    assert burgee("validate", tmp_path, "--format", "sarif").json["version"] == "2.1.0"
    assert burgee("validate", tmp_path, "--format", "github").out.startswith("::error file=features.yaml,line=3,")


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


def test_a_pending_release_is_shown_with_its_instant(burgee: Burgee, tmp_path: Path) -> None:
    project = PROJECT.replace("directory: flags/production", "directory: flags/production, activation_delay: 2m")
    folder = a_work_tree(tmp_path / "shop", files(features("a"), features("a"), project))
    store = (tmp_path / "store").as_uri()
    assert burgee("publish", folder, "--store", store).code == 0
    status = burgee("status", "--store", store).out.splitlines()
    (entry,) = burgee("history", "production", "--store", store, "--json").json
    assert status[2].split() == ["production", "-", "no", "release", "-", "-", "1", "at", entry["activates_at"]]
    history = burgee("history", "production", "--store", store).out.splitlines()[1]
    assert history.split()[:5] == ["1", "pending", "publish", entry["published_at"], entry["activates_at"]]


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


def test_what_init_writes_is_right_and_is_not_written_twice(burgee: Burgee, tmp_path: Path) -> None:
    folder = tmp_path / "my-flags"
    said = burgee("init", folder)
    assert said.out.splitlines()[0] == f"wrote {folder}/burgee.yaml"
    assert burgee("validate", folder, "--strict").out == "0 errors, 0 warnings\n"
    again = burgee("init", folder)
    refused(again, 2, "is there already; nothing was written")


def test_init_leaves_flag_files_alone_and_lets_one_environment_read_them(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team/features.yaml").write_text(features("mine"))
    said = burgee("init", tmp_path, "--json").json
    assert said == {"written": [f"{tmp_path}/burgee.yaml"], "left_alone": []}
    assert "mine" not in burgee("validate", tmp_path, "--strict").out
    assert burgee("evaluate", "mine", "--entity", "x", "--source", tmp_path).code == 0


def test_init_names_the_branch_that_the_repository_is_on(burgee: Burgee, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk")
    burgee("init", tmp_path)
    assert (tmp_path / "burgee.yaml").read_text().count("ref: trunk") == 2


def test_json_holds_any_text(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(features("a", percentage=100).replace("name: a", "name: é✓"))
    said = burgee("evaluate", "a", "--entity", "日本語", "--source", tmp_path, "--json")
    assert said.out.isascii()
    assert said.json["enabled"] is True


def test_validate_names_the_flags_with_a_schedule_beside_the_result(burgee: Burgee, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text(
        "flags:\n  - key: sale\n    name: Sale\n    type: BOOLEAN_FLAG_TYPE\n"
        "    metadata: {burgee.schedule: [{at: 2026-12-01T09:00:00Z, enabled: true}]}\n"
    )
    said = burgee("validate", tmp_path, "--strict")
    assert (said.code, said.out) == (0, "0 errors, 0 warnings\n")
    assert "default: with a schedule: sale\n" in said.err
    assert "docs/schedules.md" in said.err
    assert burgee("validate", tmp_path, "--json").json == []
