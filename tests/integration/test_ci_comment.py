"""`burgee diff --impact` and `burgee ci comment`, in a repository, in jobs of Git hosts, and elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from burgee.cli.commands.ci import MARK
from tests.commands import Burgee, burgee
from tests.publishing import features, files
from tests.servers.forge import TOKEN, Forge, forge
from tests.servers.git_cli import a_work_tree, git

__all__ = ["burgee"]
pytestmark = pytest.mark.integration
PRODUCTION = "flags/production/features.yaml"
HOSTS = {"github": "github", "gitea": "gitea", "forgejo": "forgejo", "gitlab": "gitlab"}


@pytest.fixture
def running() -> Iterator[Forge]:
    with forge() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a change that is not committed: production's `a` goes from 10 % to 70 %."""
    for variable in ("GITHUB_ACTIONS", "GITLAB_CI", "BURGEE_GIT_TOKEN", "BURGEE_REPOSITORY", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(variable, raising=False)
    folder = a_work_tree(tmp_path / "shop", files(features("a", percentage=10), features("a", percentage=10)))
    (folder / PRODUCTION).write_text(features("a", percentage=70))
    monkeypatch.chdir(folder)
    return folder


def in_job(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def a_job(running: Forge, kind: str, shop: Path, *, event: object = None) -> dict[str, str]:
    """The variables of a job of that kind of host for request 7, which began at the first commit."""
    base = git(shop, "rev-parse", "HEAD")
    if kind == "gitlab":
        project = f"{running.url}/gitlab/acme/flags"
        return {
            "GITLAB_CI": "true",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
            "CI_MERGE_REQUEST_PROJECT_URL": project,
            "CI_PROJECT_URL": project.replace("acme", "somebody"),
            "CI_API_V4_URL": running.api(kind),
            "GITLAB_TOKEN": TOKEN,
        }
    path = shop.parent / "event.json"
    path.write_text(json.dumps(event or {"pull_request": {"number": 7, "base": {"sha": base}}}))
    return {
        "GITHUB_ACTIONS": "true",
        **({f"{kind.upper()}_ACTIONS": "true"} if kind != "github" else {}),
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_REPOSITORY": "acme/flags",
        "GITHUB_SERVER_URL": f"{running.url}/{kind}",
        "GITHUB_API_URL": running.api(kind),
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_STEP_SUMMARY": str(shop.parent / "summary.md"),
    }


def test_the_impact_is_said_below_the_changes(burgee: Burgee, shop: Path) -> None:
    said = burgee("diff", "HEAD", "--impact")
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith(
        "  impact: risk high: 1 flag answers otherwise\n"
        "  default/a (changed): risk high\n"
        "    because everybody: 60 % of entities get another answer\n"
        "    everybody: 60 %: false -> true\n"
    ), said.out


def test_samples_are_looked_at_and_shown_in_every_form(burgee: Burgee, shop: Path) -> None:
    (shop / "samples.jsonl").write_text("".join(f'{{"entity": "user-{number}"}}\n' for number in range(50)))
    found = burgee("diff", "HEAD", "--contexts", "samples.jsonl", "--json").json[1]["impact"]
    changed = found["contexts"]["changed"]
    assert 20 < changed < 40 and len(found["flags"][0]["now"]["contexts"]["shown"]) == 10
    for form in ((), ("--markdown",)):
        shown = burgee("diff", "HEAD", "--contexts", "samples.jsonl", *form).out
        assert f"{changed} of 50 contexts get another answer" in shown
        assert "user-" in shown


def test_without_impact_json_stays_as_it_was(burgee: Burgee, shop: Path) -> None:
    assert [set(each) for each in burgee("diff", "HEAD", "--json").json] == [{"old", "new", "changes"}] * 2


def test_markdown_without_impact_lists_the_changes(burgee: Burgee, shop: Path) -> None:
    assert burgee("diff", "HEAD", "--markdown").out == (
        "## burgee: what changes\n\n"
        "- `staging` from `HEAD` to `.`: no changes\n"
        "- `production` from `HEAD` to `.`: 1 change\n\n"
        "### `production`\n\n"
        "- `~ flag default/a: rollout 1: 10% -> true => 70% -> true`\n"
    )


def test_a_changed_profile_is_an_impact_without_changes_of_files(burgee: Burgee, shop: Path) -> None:
    git(shop, "checkout", "--quiet", ".")
    project = (shop / "burgee.yaml").read_text()
    (shop / "burgee.yaml").write_text(
        project.replace("directory: flags/production", "directory: flags/production, profile: C+/client")
    )
    found = burgee("diff", "HEAD", "--impact", "--json").json[1]["impact"]
    assert found["profiles"] == ["C/server", "C+/client"]
    assert [flag["action"] for flag in found["flags"]] == ["affected"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diff", "HEAD", "--json", "--markdown"), "give one of them"),
        (("diff", "HEAD", "--contexts", "nowhere.jsonl"), "cannot read contexts from nowhere.jsonl"),
        (("diff", "HEAD", "--contexts", "burgee.yaml"), "burgee.yaml:1: wanted a JSON object on each line"),
        (("ci", "comment"), "name BASE, as origin/main"),
        (("ci", "comment", "HEAD"), "give --request N"),
        (("ci", "comment", "HEAD", "--request", "7"), "give --repository URL"),
        (("ci", "comment", "HEAD", "--request", "7", "--repository", "https://git.example.org/a/b"), "give --host"),
        (("ci", "comment", "HEAD", "--request", "7", "--repository", "https://github.com/a/b"), "set BURGEE_GIT_TOKEN"),
        (("ci", "comment", "nowhere", "--dry-run"), "no folder"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    burgee: Burgee, shop: Path, arguments: tuple[str, ...], words: str
) -> None:
    said = burgee(*arguments)
    assert (said.code, said.out, said.err.count("error: ")) == (2, "", 1), said.err
    assert words in said.err


@pytest.mark.parametrize("kind", HOSTS)
def test_a_job_comments_on_its_request_and_updates_that_comment(
    burgee: Burgee, shop: Path, running: Forge, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    in_job(monkeypatch, a_job(running, kind, shop))
    said = burgee("ci", "comment")
    assert (said.code, said.out) == (
        0,
        f"created comment 101 on request 7 of {running.url}/{kind}/acme/flags\n",
    ), said.err
    (shop / PRODUCTION).write_text(features("a", percentage=15))
    assert burgee("ci", "comment").out.startswith("updated comment 101 ")
    (comment,) = running.comments[kind]
    assert comment.body.startswith(f"{MARK}\n## burgee: what changes for whom\n")
    assert "🟢 risk low: 1 flag answers otherwise" in comment.body


def test_the_summary_of_the_job_has_it_too_even_if_the_comment_is_denied(
    burgee: Burgee, shop: Path, running: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, a_job(running, "github", shop))
    running.lacking = {"comments"}
    said = burgee("ci", "comment")
    assert said.code == 3
    assert "'Pull requests: write'" in said.err
    assert TOKEN not in said.err
    assert "🔴 risk high" in (shop.parent / "summary.md").read_text()


def test_a_dry_run_prints_the_comment_and_asks_nobody(
    burgee: Burgee, shop: Path, running: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, a_job(running, "github", shop))
    assert (
        burgee("ci", "comment", "--dry-run").out
        == burgee("diff", git(shop, "rev-parse", "HEAD"), "--impact", "--markdown").out
    )
    assert running.requests() == []
    assert not (shop.parent / "summary.md").exists()


def test_outside_of_jobs_options_and_variables_say_where(
    burgee: Burgee, shop: Path, running: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, running.environ("gitlab"))
    assert burgee("ci", "comment", "HEAD", ".", "--request", 7).code == 0
    assert len(running.comments["gitlab"]) == 1


def test_a_commit_that_was_not_fetched_is_said_with_what_to_do(
    burgee: Burgee, shop: Path, running: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = {"pull_request": {"number": 7, "base": {"sha": "3f" * 20}}}
    in_job(monkeypatch, a_job(running, "github", shop, event=event))
    said = burgee("ci", "comment")
    assert said.code == 2
    assert "fetch-depth: 0" in said.err


def test_a_comment_on_a_pull_request_may_start_the_job_too(
    burgee: Burgee, shop: Path, running: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, a_job(running, "github", shop, event={"issue": {"number": 7, "pull_request": {}}}))
    assert "name BASE" in burgee("ci", "comment").err
    assert burgee("ci", "comment", "HEAD").code == 0


@pytest.mark.parametrize("event", [{"ref": "refs/heads/main"}, {"issue": {"number": 7}}, [], {"pull_request": []}])
def test_an_event_of_no_request_is_no_request(
    burgee: Burgee, shop: Path, running: Forge, monkeypatch: pytest.MonkeyPatch, event: object
) -> None:
    in_job(monkeypatch, a_job(running, "github", shop, event=event or {"x": 1}))
    assert "give --request N" in burgee("ci", "comment", "HEAD").err
    assert running.requests() == []


def test_an_event_that_cannot_be_read_is_a_mistake_of_the_job(
    burgee: Burgee, shop: Path, running: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, {**a_job(running, "github", shop), "GITHUB_EVENT_PATH": "nowhere.json"})
    assert "cannot read the event of the job" in burgee("ci", "comment").err
