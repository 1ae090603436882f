"""`burgee dev`: the whole of burgee on one machine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ...host.dev import Dev, run_dev
from ..options import Folder, example
from ..stores import settings


@click.command("dev", epilog=example("burgee dev . --port 8080 --dir ../state"))
@click.argument("folder", metavar="REPO_FOLDER", type=Folder())
@click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), help="The port to listen on (default: PORT, else 8080)."
)
@click.option(
    "--dir",
    "directory",
    type=Folder(may_come=True),
    help="Where state is kept: the hosted repository and the store (default: BURGEE_DIR, else .burgee).",
)
@click.option("--watch", is_flag=True, help="A saved file becomes a commit, and a push updates the folder.")
def command(folder: str, port: int | None, directory: str | None, watch: bool) -> None:
    """Serve a folder as a Git repository, publish every push, and answer evaluations, all on one local port.

    A push that introduces mistakes is rejected with every problem. Listens on 127.0.0.1 only; Ctrl-C stops it, and the
    next start goes on with the same release log.
    """
    said = settings()
    run_dev(
        Dev(
            folder=Path(folder).resolve(),
            directory=Path(directory or said.directory).absolute(),
            port=said.port if port is None else port,
            watch=watch,
            allowed_mirrors=said.allowed_mirrors,
            cors_origins=said.cors_origins,
        ),
        say=click.echo,
        environ=os.environ,
    )
