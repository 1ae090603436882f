"""The command group: commands are imported when they are run, and every error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

import click
from click.shell_completion import shell_complete

from .. import __version__
from ..author.report import text_report
from ..core.errors import BurgeeError, InvalidFiles
from .output import complain, escape_what_cannot_be_shown, wants_color

COMMANDS = {
    "init": "Write burgee.yaml and a first flag.",
    "validate": "Check flag files and say every problem.",
    "test": "Run the flag tests beside the flags.",
    "build": "Compile flag files to bundles and say their digests.",
    "diff": "Say what changed between folders, commits or releases.",
    "ci": "Comment on a pull request what it changes, and for whom.",
    "publish": "Release what the repository says to a store.",
    "rollback": "Go back to an earlier release, and hold it there.",
    "hold": "Let pushes and the timer release nothing for now.",
    "freeze": "Keep an environment as it is, until an instant.",
    "resume": "End a hold or a freeze.",
    "bundle": "Copy, list and unpack bundles: registries, stores, folders.",
    "evaluate": "Evaluate a flag and, if asked, explain the answer.",
    "history": "List the releases of an environment.",
    "show": "Show a release in full.",
    "verify": "Prove every byte of a store, or name what is wrong.",
    "status": "Say what each environment of a store serves.",
    "dev": "Serve a folder: Git, evaluation and publishing in one process.",
    "serve": "Serve evaluation from any store.",
    "simulate": "Measure how far thousands of readers flip together.",
    "connect": "Have a Git host tell burgee of pushes.",
    "doctor": "Check that a store can be published to, or read.",
    "redrive": "Move pushes that could not be published back into the queue.",
    "token": "Make client tokens, and say what is known of them.",
    "key": "Make keys to sign releases with, and show them.",
    "schema": "Print a JSON Schema for editors.",
    "completion": "Print a completion script for a shell.",
}
COMPLETE = "_BURGEE_COMPLETE"
# As shells count what a signal ended: Ctrl-C, and a pipe whose reader has gone.
_INTERRUPTED, _BROKEN_PIPE = 130, 141


class Commands(click.Group):
    """A group that imports a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".commands.{cmd_name}", __package__).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if ctx.resilient_parsing or args[0] in COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        near = get_close_matches(args[0], COMMANDS, n=1)
        raise click.UsageError(
            f"no such command {args[0]!r}" + "".join(f" (did you mean {one!r}?)" for one in near), ctx
        )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, prog_name="burgee")
@click.pass_context
def burgee(context: click.Context) -> None:
    """A Git repository as a feature-flag service, without a server to run.

    \b
    Exit codes: 0 done; 1 the files are wrong, a guard refused, or a hold or
    freeze queued the release; 2 usage; 3 store or network.
    Variables such as BURGEE_STORE are listed in docs/configuration.md.
    The examples of commands work at the top of a clone of samplerepo.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code."""
    escape_what_cannot_be_shown()
    try:
        if instruction := os.environ.get(COMPLETE):
            return shell_complete(burgee, {}, "burgee", COMPLETE, instruction)
        code = _run(list(arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:
        # Not foreseen by any room, as a disk that is full or a current folder that is gone.
        complain(_fault(error))
        return BurgeeError.exit_code
    return code


def _run(arguments: list[str]) -> int:
    color = None if wants_color() else False
    try:
        with burgee.make_context("burgee", arguments, color=color) as context:
            burgee.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        complain(_usage(error))
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
        return _INTERRUPTED
    except InvalidFiles as error:
        color = wants_color(err=True)
        click.echo(text_report(error.problems, colour=color), nl=False, err=True, color=color)
        return error.exit_code
    except BurgeeError as error:
        complain(str(error))
        return error.exit_code
    return 0


def _fault(error: OSError) -> str:
    if error.filename:
        return f"{error.filename}: {error.strerror}"
    return "the current folder is no longer there" if isinstance(error, FileNotFoundError) else str(error)


def _usage(error: click.UsageError) -> str:
    """Click's sentence as ours: one line, lower case, and where help is."""
    said = " ".join(error.format_message().split()).rstrip(".")
    return f"{said[:1].lower()}{said[1:]}; see {error.ctx.command_path if error.ctx else 'burgee'} --help"
