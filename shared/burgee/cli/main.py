"""The command group: commands are imported when they are run, and every error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from .. import __version__
from ..author.report import text_report
from ..core.errors import BurgeeError, InvalidFiles
from .output import complain, wants_color

COMMANDS = {
    "init": "Write burgee.yaml and a first flag.",
    "validate": "Check flag files and say every problem.",
    "build": "Compile flag files to bundles and say their digests.",
    "diff": "Say what changed between folders, commits or releases.",
    "publish": "Release what the repository says to a store.",
    "evaluate": "Evaluate a flag and, if asked, explain the answer.",
    "history": "List the releases of an environment.",
    "status": "Say what each environment of a store serves.",
    "dev": "Serve a folder: Git, evaluation and publishing in one process.",
    "serve": "Serve evaluation from any store.",
    "schema": "Print a JSON Schema for editors.",
    "completion": "Print a completion script for a shell.",
}


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
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(error.message.rstrip(".") + _did_you_mean(args[0]), ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="burgee")
def burgee() -> None:
    """A Git repository as a feature-flag service and promotion pipeline.

    \b
    Exit codes: 0 done, 1 the files are wrong, 2 usage, 3 store or network.
    Variables such as BURGEE_STORE are listed in docs/configuration.md.
    """


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code."""
    color = False if os.environ.get("NO_COLOR") else None
    try:
        burgee.main(list(arguments), prog_name="burgee", standalone_mode=False, color=color)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2
    except click.Abort:
        return 130
    except InvalidFiles as error:
        click.echo(text_report(error.problems, colour=wants_color(err=True)), nl=False, err=True)
        return error.exit_code
    except BurgeeError as error:
        complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _did_you_mean(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
