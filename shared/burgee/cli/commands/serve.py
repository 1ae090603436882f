"""`burgee serve`: the evaluate API from any store."""

from __future__ import annotations

import click

from ...host.listener import Options
from ...host.serving import serve_store
from ...serve.auth import token_digests
from ..options import example
from ..places import settings, store_address


@click.command("serve", epilog=example("BURGEE_AUTH=none burgee serve --store file:///tmp/flags --port 8080"))
@click.option("--store", "store_url", metavar="URL", help="The store to read, also http(s):// (default: BURGEE_STORE).")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on (default: PORT, else 8080).")
def command(store_url: str | None, host: str, port: int | None) -> None:
    """Serve evaluation from a store, looking at it every BURGEE_TTL seconds.

    Refuses to start without client tokens (BURGEE_TOKENS) unless BURGEE_AUTH=none is said.
    """
    said = settings()
    serve_store(
        store_url or store_address(None),
        said,
        digests=token_digests(said),
        options=Options(host=host, port=said.port if port is None else port),
        say=click.echo,
    )
