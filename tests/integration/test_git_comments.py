"""Comments on pull and merge requests: one of ours, kept up to date, and nobody else's is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from burgee.core.errors import BurgeeError, Denied, InvalidRequest
from burgee.git.host import Comment as Written
from burgee.git.host import open_host
from tests.servers.forge import TOKEN, Forge, forge
from tests.servers.forge_comments import ANN, BOT, MALLORY, Comment

pytestmark = pytest.mark.integration
MARK = "<!-- burgee: a mark -->"
HOSTS = ("github", "gitlab", "gitea", "forgejo")
every_host = pytest.mark.parametrize("kind", HOSTS)


@pytest.fixture
def running() -> Iterator[Forge]:
    with forge() as running:
        yield running


def keep(running: Forge, kind: str, text: str, *, request: int = 7) -> Written:
    host = open_host("https://git.example.org/acme/flags", kind=kind, api=running.api(kind), token=TOKEN, environ={})
    assert host is not None
    with closing(host):
        return host.write_comment(request, MARK, text)


def bodies(running: Forge, kind: str) -> list[str]:
    return [comment.body for comment in running.comments[kind]]


@every_host
def test_a_comment_is_created_once_and_then_updated(running: Forge, kind: str) -> None:
    running.comments[kind] = [Comment(100, MALLORY, "Nice.")]
    made = keep(running, kind, "first")
    again = keep(running, kind, "second")
    assert (made.action, again) == ("created", Written(made.id, "updated"))
    assert bodies(running, kind) == ["Nice.", f"{MARK}\nsecond"]


@every_host
def test_a_comment_with_our_mark_by_somebody_else_is_not_ours(running: Forge, kind: str) -> None:
    running.comments[kind] = [Comment(100, MALLORY, f"{MARK}\nrisk none")]
    assert keep(running, kind, "risk high").action == "created"
    keep(running, kind, "risk higher")
    assert bodies(running, kind) == [f"{MARK}\nrisk none", f"{MARK}\nrisk higher"]


@every_host
def test_a_comment_of_ours_about_something_else_stays(running: Forge, kind: str) -> None:
    quoted = f"As I said:\n{MARK}\nrisk high"
    running.comments[kind] = [Comment(100, ANN, quoted)]
    keep(running, kind, "what changes")
    assert bodies(running, kind) == [quoted, f"{MARK}\nwhat changes"]


@every_host
def test_a_comment_on_a_later_page_is_found(running: Forge, kind: str) -> None:
    running.page = 2
    running.comments[kind] = [Comment(number, MALLORY, "more") for number in range(1, 6)]
    running.comments[kind].insert(0, Comment(0, ANN, f"{MARK}\nold"))
    assert keep(running, kind, "new").id == "0"
    assert bodies(running, kind)[0] == f"{MARK}\nnew"


@every_host
def test_of_two_jobs_at_once_one_comment_stays(running: Forge, kind: str) -> None:
    running.beside = lambda: running.comments[kind].append(Comment(50, ANN, f"{MARK}\nby the other job"))
    assert keep(running, kind, "by this job").id == "50"
    assert bodies(running, kind) == [f"{MARK}\nby this job"]


def test_the_job_of_github_cannot_ask_who_it_is_and_takes_comments_of_bots_for_its_own(running: Forge) -> None:
    running.lacking = {"user"}
    running.comments["github"] = [Comment(99, MALLORY, f"{MARK}\nrisk none"), Comment(100, BOT, f"{MARK}\nold")]
    assert keep(running, "github", "new") == Written("100", "updated")


def test_a_bot_of_gitlab_that_is_not_told_who_it_is_takes_no_comment_for_its_own(running: Forge) -> None:
    running.lacking = {"user"}
    running.comments["gitlab"] = [Comment(99, MALLORY, f"{MARK}\nrisk none")]
    assert keep(running, "gitlab", "new").action == "created"
    assert bodies(running, "gitlab")[0] == f"{MARK}\nrisk none"


@every_host
def test_a_request_that_is_not_there_is_said(running: Forge, kind: str) -> None:
    with pytest.raises(BurgeeError, match="found nothing"):
        keep(running, kind, "text", request=8)


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("github", "'Pull requests: write'"),
        ("gitlab", "scope 'api'"),
        ("gitea", "write:issue"),
        ("forgejo", "read:user"),
    ],
)
def test_the_right_that_is_missing_is_named(running: Forge, kind: str, right: str) -> None:
    running.lacking = {"comments"}
    with pytest.raises(Denied, match=right):
        keep(running, kind, "text")


def test_bitbucket_is_told_apart_with_what_to_do_instead(running: Forge) -> None:
    with pytest.raises(InvalidRequest, match="--dry-run"):
        keep(running, "bitbucket", "text")
    assert running.requests() == []


def test_a_fault_after_the_comment_was_created_creates_no_second(running: Forge) -> None:
    running.beside = lambda: running.fail()
    keep(running, "github", "text")
    assert sum(request.startswith("POST") for request in running.requests()) == 1
    assert len(running.comments["github"]) == 1
