"""`burgee token`: make client tokens, and say what is known of them."""

from __future__ import annotations

import os
import secrets
import string
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ...author.durations import parse_duration
from ...bundle.digest import digest_of
from ...core.dates import parse_server_date
from ...core.errors import ConfigurationError
from ...core.instant import format_instant
from ...deliver.receipt import short
from ...fetch.clock import SystemClock
from ...serve.scopes import ANY, EVERYTHING, Scopes
from ...serve.tokens import HISTORY, Token, read_scope, read_tokens, tokens_of
from ..options import environment_names, example, json_option
from ..output import complain, note, show_json, show_table
from ..stores import settings

PREFIX = "bgt_"
# 190 bits in letters and digits, which a double click selects and no shell or URL gives another meaning.
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 32
_DAY_MS = 86_400_000

file_option = click.option(
    "--file", "file", metavar="PATH", type=click.Path(dir_okay=False), help="The file of tokens."
)


@click.group("token", invoke_without_command=True, epilog=example("burgee token create --environment production"))
@click.pass_context
def command(context: click.Context) -> None:
    """Make client tokens, and say what is known of them.

    A server knows a token by its entry alone: its digest, what it is for and when it ends. Entries are listed in
    BURGEE_TOKENS, with commas between, or in BURGEE_TOKENS_FILE, one on each line.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


@command.command(
    "create", epilog=example("burgee token create --environment production --namespace checkout --expires 90d")
)
@click.option(
    "--environment",
    "-e",
    "environments",
    metavar="NAME",
    multiple=True,
    shell_complete=environment_names,
    help="An environment it is for; as often as needed (default: all).",
)
@click.option(
    "--namespace",
    "-n",
    "namespaces",
    metavar="KEY",
    multiple=True,
    help="A namespace it is for, in each of these environments; as often as needed (default: all).",
)
@click.option("--history", is_flag=True, help="It may also ask what was answered before, with ?at=.")
@click.option(
    "--expires", metavar="WHEN", help="When it ends: a date, an instant, or a time from now such as 90d or 12h."
)
@click.option(
    "--file", "file", metavar="PATH", type=click.Path(dir_okay=False), help="Add the entry to this file of tokens too."
)
@json_option
def create(
    environments: Sequence[str],
    namespaces: Sequence[str],
    history: bool,
    expires: str | None,
    file: str | None,
    as_json: bool,
) -> None:
    """Make a token and print it, this once, with the entry by which servers know it.

    With --json: {token, entry, file}.
    """
    expires_at = None if expires is None else _instant(expires, SystemClock.wall())
    secret = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    entry = str(Token(digest_of(secret.encode()), _scopes(environments, namespaces), expires_at, history))
    if file is not None:
        _append(Path(file), entry)
    if as_json:
        show_json({"token": secret, "entry": entry, "file": file})
        return
    click.echo(f"token  {secret}\nentry  {entry}")
    where = f"The entry is in {file} now" if file else "The entry belongs into BURGEE_TOKENS or BURGEE_TOKENS_FILE"
    note(f"The token is shown this once, for its client. {where}.")
    if not (environments or namespaces):
        note("It is for every environment and namespace; --environment and --namespace make it one for some.")


@command.command("list", epilog=example("burgee token list --file ../tokens"))
@file_option
@json_option
def list_tokens(file: str | None, as_json: bool) -> None:
    """List the entries of a file, else those of BURGEE_TOKENS and BURGEE_TOKENS_FILE.

    With --json: a list of {digest, scopes, history, expires_at, from}; no scopes are everything.
    """
    found = list(_configured(file))
    if as_json:
        show_json([_fields(token, place) for token, place in found])
        return
    now = SystemClock.wall()
    show_table(("DIGEST", "FOR", "EXPIRES", "FROM"), [_row(token, place, now) for token, place in found])


@command.command("check", epilog=example("burgee token check --file ../tokens < token.txt"))
@file_option
@json_option
def check(file: str | None, as_json: bool) -> None:
    """Say what a token is for, as a server with these entries would know it; the token is read from standard input.

    Exits with 1 when it would not be let in. With --json: [{digest, scopes, history, expires_at, from}], empty then.
    """
    secret = click.prompt("token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    digest, now = digest_of(secret.strip().encode("utf-8", "replace")), SystemClock.wall()
    listed = [(token, place) for token, place in _configured(file) if token.digest == digest]
    valid = [(token, place) for token, place in listed if token.expires_at is None or now < token.expires_at]
    if as_json:
        show_json([_fields(token, place) for token, place in valid])
    elif valid:
        show_table(("DIGEST", "FOR", "EXPIRES", "FROM"), [_row(token, place, now) for token, place in valid])
    if not valid:
        complain(f"the token {'has expired' if listed else 'is not known'}: a server would not let it in")
        raise click.exceptions.Exit(1)


def _scopes(environments: Sequence[str], namespaces: Sequence[str]) -> Scopes:
    """Each namespace in each environment. Raises ConfigurationError for names that cannot be."""
    scopes = []
    for environment in environments or (ANY,):
        for namespace in namespaces or (ANY,):
            scope = read_scope(f"{environment}/{namespace}")
            if scope is None:
                raise ConfigurationError(
                    f"no environment and namespace are named {environment!r} and {namespace!r}; wanted an environment "
                    "of a-z, 0-9 and '-', and a namespace of letters, digits, '-', '_' and ','; * is any"
                )
            scopes.append(scope)
    return Scopes(scopes)


def _instant(text: str, now: int) -> int:
    """The instant that a text names or that is so long from now. Raises ConfigurationError unless it is to come."""
    nanos = parse_server_date(text)
    instant = (now + _duration(text)) // 1000 * 1000 if nanos is None else nanos // 1_000_000
    if instant <= now:
        raise ConfigurationError(f"--expires {text} is {format_instant(instant)}, which is over")
    return instant


def _duration(text: str) -> int:
    try:
        if text.endswith("d") and text[:-1].isdecimal() and len(text) <= 6:
            return int(text[:-1]) * _DAY_MS
        return parse_duration(text)
    except ValueError:
        raise ConfigurationError(
            f"--expires takes a date, an instant or a time from now, such as 2027-06-30, 2027-06-30T12:00:00Z, 90d "
            f"or 12h, got {text!r}"
        ) from None


def _append(path: Path, entry: str) -> None:
    """Add a line to a file that only its owner may read. Raises ConfigurationError for one that is wrong already."""
    try:
        before = path.read_bytes() if path.exists() else b""
        # Comments alone are what a file of no tokens yet may have.
        if any(line.partition("#")[0].strip() for line in before.decode().splitlines()):
            read_tokens(before.decode(), str(path))
        newline = b"\n" if before and not before.endswith(b"\n") else b""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            # One write, so that a server that reads at this moment sees all of the line or nothing.
            os.write(descriptor, newline + entry.encode() + b"\n")
        finally:
            os.close(descriptor)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot add to {path}: {error}") from error


def _configured(file: str | None) -> Iterator[tuple[Token, str]]:
    """Each token with where it is listed. Raises ConfigurationError."""
    said = settings()
    if file is None:
        yield from ((token, "BURGEE_TOKENS") for token in tokens_of(said.tokens, "BURGEE_TOKENS"))
        file = said.tokens_file
    if file is None:
        if not said.tokens:
            raise ConfigurationError("no tokens: give --file, or set BURGEE_TOKENS or BURGEE_TOKENS_FILE")
        return
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {file}: {error}") from error
    yield from ((token, file) for token in read_tokens(text, file))


def _fields(token: Token, place: str) -> dict[str, object]:
    return {
        "digest": token.digest,
        "scopes": str(token.scopes).split(),
        "history": token.history,
        "expires_at": None if token.expires_at is None else format_instant(token.expires_at),
        "from": place,
    }


def _row(token: Token, place: str, now: int) -> tuple[str, ...]:
    scopes = "everything" if token.scopes == EVERYTHING else str(token.scopes)
    if token.history:
        scopes += f" {HISTORY}"
    if token.expires_at is None:
        return short(token.digest), scopes, "never", place
    over = " (over)" if token.expires_at <= now else ""
    return short(token.digest), scopes, format_instant(token.expires_at) + over, place
