"""`burgee connect`: have a Git host tell burgee of pushes."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import click

from ...control.secrets import open_secrets
from ...core.errors import ConfigurationError
from ...core.signature import whsec_key
from ...git.address import identity_of, is_foreign, is_remote
from ...git.host import KINDS, Connection, GitHost, Hook, credentials_of, kind_of, open_host
from ...settings import SHORTEST_SECRET, Settings, has_origin
from ..options import example, json_option
from ..output import note, show_json
from ..places import repository_at
from ..stores import settings


@click.command(
    "connect",
    epilog=example("burgee connect --url https://flags.example.org/ --secret-file ../secret --dry-run"),
)
@click.option("--url", metavar="URL", required=True, help="Where pushes are to be told: the URL of the webhook.")
@click.option(
    "--repository", metavar="URL", help="The repository (default: BURGEE_REPOSITORY, else the origin of the one here)."
)
@click.option(
    "--host",
    "kind",
    type=click.Choice(KINDS),
    help="What kind of Git host it is at, if its name does not say so (default: BURGEE_GIT_HOST).",
)
@click.option("--api", metavar="URL", help="Its API, if it is not where such hosts have it (default: BURGEE_GIT_API).")
@click.option(
    "--secret-file", metavar="PATH", help="The file with the webhook's secret; - reads it from standard input."
)
@click.option("--secret-arn", metavar="ARN", help="The secret of AWS Secrets Manager that holds it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, change nothing at the host.")
@json_option
def command(
    url: str,
    repository: str | None,
    kind: str | None,
    api: str | None,
    secret_file: str | None,
    secret_arn: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Have a Git host tell burgee of pushes: create the webhook there, or update the one with this URL.

    BURGEE_GIT_TOKEN is the token. It needs, at GitHub, 'Webhooks: write' (fine-grained) or admin:repo_hook (classic);
    at GitLab the scope api; at Gitea and Forgejo write:repository; at Bitbucket repository and webhook. The secret is
    the one that the webhook has; BURGEE_WEBHOOK_SECRET holds it if no option says where it is.

    With --json: {id, action, url, repository, others, signed, dry_run}; action is created or updated, others are hooks
    with the same URL, and signed is whether the host signs what it sends, null when that is not known.
    """
    said = settings()
    _check_url(url)
    address = _address(repository or said.repository)
    with closing(_host_of(address, kind or said.git_host, api or said.git_api, said.token)) as host:
        secret = _secret(secret_file, secret_arn, said)
        connection = host.connect(Hook(url, secret, whsec_key(secret)), dry_run=dry_run)
    if as_json:
        _show_json(connection, url, address, dry_run=dry_run)
        return
    click.echo(_line(connection, url, address, dry_run=dry_run))
    _advise(connection, dry_run=dry_run)


def _check_url(url: str) -> None:
    if not has_origin(url):
        raise ConfigurationError(f"--url takes a URL such as https://flags.example.org/, got {url!r}")


def _address(given: str | None) -> str:
    """The address of the repository at its host. Raises ConfigurationError for one that is on this machine alone."""
    address = given or "."
    if is_remote(address) or is_foreign(address):
        return address
    identity = repository_at(address).identity
    if not is_remote(identity):
        raise ConfigurationError(f"the repository at {address} has no remote named origin; give --repository URL")
    return identity


def _host_of(address: str, kind: str | None, api: str | None, token: str | None) -> GitHost:
    if kind is None and kind_of(address) is None:
        raise ConfigurationError(
            f"what kind of host the repository is at cannot be told; give --host ({', '.join(KINDS)})"
        )
    if credentials_of(address, token) is None:
        raise ConfigurationError("no token for the Git host; set BURGEE_GIT_TOKEN")
    host = open_host(address, kind=kind, api=api, token=token, environ=os.environ)
    assert host is not None
    return host


def _secret(file: str | None, arn: str | None, said: Settings) -> str:
    """The secret, from the one place that was named. Raises ConfigurationError without one, or for one that is weak."""
    if file and arn:
        raise ConfigurationError("--secret-file and --secret-arn both say where the secret is; give one of them")
    if not (file or arn):
        if said.webhook_secret is None:
            raise ConfigurationError(
                "no secret for the webhook; give --secret-file or --secret-arn, or set BURGEE_WEBHOOK_SECRET"
            )
        return str(said.webhook_secret)
    found = _read(file) if file else open_secrets(os.environ)(arn or "")
    secret = (found or "").strip()
    if len(secret) < SHORTEST_SECRET or not secret.isprintable():
        raise ConfigurationError(
            f"{file or arn} holds a secret of {len(secret)} characters, "
            f"wanted at least {SHORTEST_SECRET}, all printable"
        )
    return secret


def _read(file: str) -> str:
    try:
        if file != "-":
            return Path(file).read_text(encoding="utf-8")
        if sys.stdin.isatty():
            return str(click.prompt("secret", hide_input=True, err=True))
        return sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the secret from {file}: {error}") from error


def _show_json(connection: Connection, url: str, address: str, *, dry_run: bool) -> None:
    show_json(
        {
            "id": connection.id,
            "action": connection.action,
            "url": url,
            "repository": identity_of(address),
            "others": list(connection.others),
            "signed": connection.signed,
            "dry_run": dry_run,
        }
    )


def _line(connection: Connection, url: str, address: str, *, dry_run: bool) -> str:
    if dry_run:
        what = "would create a hook" if connection.id is None else f"would update hook {connection.id}"
    else:
        what = f"{connection.action} hook {connection.id}"
    return f"{what} of {identity_of(address)}: pushes are told to {url}"


def _advise(connection: Connection, *, dry_run: bool) -> None:
    if connection.others:
        others = ", ".join(connection.others)
        note(f"The same URL is told by hook {others} too: remove it at the host, or every push is told more than once.")
    if connection.signed is False:
        note("This GitLab does not sign what it sends, so it sends the secret along; newer ones sign.")
    if not dry_run:
        note("Push a commit, and the host's list of deliveries shows what came of it.")
