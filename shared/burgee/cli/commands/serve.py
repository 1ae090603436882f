"""`burgee serve`: the evaluate API from any store."""

from __future__ import annotations

import os

import click

from ...host.listener import Options
from ...host.serving import serve_store
from ..options import example, store_option
from ..output import note
from ..stores import chosen_store, settings


@click.command("serve", epilog=example('BURGEE_AUTH=none burgee serve --store "file://$PWD/../store" --port 8080'))
@store_option
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), help="The port to listen on (default: PORT, else 8080)."
)
def command(store_url: str | None, host: str, port: int | None) -> None:
    """Serve evaluation from a store, which may be behind http(s) or in S3, looking at it every BURGEE_TTL seconds.

    Refuses to start without client tokens (BURGEE_TOKENS, BURGEE_TOKENS_FILE) unless BURGEE_AUTH=none is said.
    """
    said = settings()
    serve_store(
        chosen_store(store_url).url,
        said,
        environ=os.environ,
        options=Options(host=host, port=said.port if port is None else port),
        say=click.echo,
        complain=note,
    )
