"""`burgee completion`: a completion script for a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ..options import example


@click.command("completion", epilog=example('eval "$(burgee completion bash)"'))
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> None:
    """Print a completion script; put its evaluation into your shell's start file.

    It completes commands, options, folders and the environments of burgee.yaml. In fish, say
    `burgee completion fish | source`.
    """
    from ..main import COMPLETE, burgee

    completion = get_completion_class(shell)
    assert completion is not None, "click knows these three shells"
    click.echo(completion(burgee, {}, "burgee", COMPLETE).source())
