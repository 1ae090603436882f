"""`burgee ci`: what jobs of a Git host do with burgee."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import click

from ...core.errors import ConfigurationError, InvalidRequest
from ...fetch.clock import SystemClock
from ...git.address import identity_of
from ...git.host import KINDS, GitHost, credentials_of, kind_of, open_host
from ...impact.markdown import markdown
from ..comparing import Asked, compared, comparisons, samples_of
from ..merge_requests import Job, job_of
from ..options import contexts_option, environment_option, example, store_option
from ..output import note
from ..places import place_at
from ..stores import UnknownName, settings

# Hidden where the comment is read, and how it is found again.
MARK = "<!-- burgee: what changes for whom -->"


@click.group("ci", epilog=example("burgee ci comment HEAD . --dry-run"))
def command() -> None:
    """Say what a change of the flags does, in jobs that a Git host runs for a pull or merge request."""


@command.command("comment", epilog=example("burgee ci comment HEAD . --dry-run"))
@click.argument("base", required=False)
@click.argument("head", default=".")
@environment_option("default: every one")
@store_option
@contexts_option
@click.option("--request", metavar="N", type=click.IntRange(1), help="The number of the request (default: the job's).")
@click.option("--repository", metavar="URL", help="Its repository (default: the job's, else BURGEE_REPOSITORY).")
@click.option(
    "--host",
    "kind",
    type=click.Choice(KINDS),
    help="What kind of Git host it is at (default: the job's, else BURGEE_GIT_HOST, else by its name).",
)
@click.option(
    "--api", metavar="URL", help="Its API (default: the job's, else BURGEE_GIT_API, else where hosts have it)."
)
@click.option("--dry-run", is_flag=True, help="Print the comment, ask no host and write nothing.")
def comment(
    base: str | None,
    head: str,
    environment: str | None,
    store_url: str | None,
    contexts: str | None,
    request: int | None,
    repository: str | None,
    kind: str | None,
    api: str | None,
    dry_run: bool,
) -> None:
    """Comment on a pull or merge request what it changes and for whom, and keep that one comment up to date.

    BASE and HEAD are two states, as `burgee diff` takes them. BASE is the commit that the job's request is to be
    merged into if left out, HEAD the present folder. In GitHub Actions, GitLab CI and the Actions of Gitea and Forgejo
    the job says what the request is. Elsewhere --repository and --request do.

    The token is BURGEE_GIT_TOKEN, else GITHUB_TOKEN or GITLAB_TOKEN of the job. It needs, at GitHub, 'Pull requests:
    write'; at GitLab the scope api; at Gitea and Forgejo write:issue and read:user.

    In GitHub Actions it is written to the summary of the job as well.
    """
    job = job_of(os.environ)
    text = _text(_base(base, job), head, environment, store_url, contexts)
    if dry_run:
        click.echo(text, nl=False)
        return
    if job.summary:
        _append(job.summary, text)
    number = _number(request, job)
    said = settings()
    address = repository or job.repository or said.repository
    with closing(
        _host_of(address, kind or job.kind or said.git_host, api or job.api or said.git_api, said.token or job.token)
    ) as host:
        written = host.write_comment(number, MARK, text)
    click.echo(f"{written.action} comment {written.id} on request {number} of {identity_of(address or '')}")


def _text(
    base: tuple[str, bool], head: str, environment: str | None, store_url: str | None, contexts: str | None
) -> str:
    old, is_of_job = base
    try:
        before = place_at(old, store_url)
    except UnknownName as error:
        hint = (
            "; have the job fetch it (fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 at GitLab)" if is_of_job else ""
        )
        raise UnknownName(f"{error}{hint}") from error
    asked = Asked(SystemClock.wall(), samples_of(contexts))
    found = comparisons(before, place_at(head, store_url), environment, asked)
    return markdown([compared(comparison) for comparison in found])


def _base(given: str | None, job: Job) -> tuple[str, bool]:
    """What to compare with, and whether the job said so."""
    if given or job.base:
        return (given, False) if given else (str(job.base), True)
    raise InvalidRequest(
        "this is no job of a pull or merge request that says what it began at; name BASE, as origin/main"
    )


def _number(given: int | None, job: Job) -> int:
    number = given or job.request
    if number is None:
        raise InvalidRequest(
            "this is no job of a pull or merge request, so there is nothing to comment on; give --request N, "
            "or run it `on: pull_request` (GitHub) or in merge request pipelines (GitLab)"
        )
    return number


def _host_of(address: str | None, kind: str | None, api: str | None, token: str | None) -> GitHost:
    if not address:
        raise ConfigurationError("which repository the request is in cannot be told; give --repository URL")
    if kind is None and kind_of(address) is None:
        raise ConfigurationError(
            f"what kind of host the repository is at cannot be told; give --host ({', '.join(KINDS)})"
        )
    if credentials_of(address, token) is None:
        raise ConfigurationError("no token for the Git host; set BURGEE_GIT_TOKEN, or give the job GITHUB_TOKEN")
    host = open_host(address, kind=kind, api=api, token=token, environ=os.environ)
    assert host is not None
    return host


def _append(path: str, text: str) -> None:
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        # It is said once more in the comment, which is what was asked for.
        note(f"cannot write the summary of the job (GITHUB_STEP_SUMMARY) to {path}: {error.strerror}")
