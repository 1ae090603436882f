"""Where flags were before burgee, for the pages that show how they move: a registry and a bucket of Flipt v1's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from burgee.store.registry import open_registry
from tests.e2e.docs_runner import Command, Page
from tests.flipt_bundles import THE_SHOP, push
from tests.publishing import features
from tests.servers.moto import moto
from tests.servers.registry import registry

# As pages show it; a port of its own stands in its place.
_SHOWN_PORT = "8090"
_BUCKET = "old-flags"
_OBJECTS = {
    "staging/.flipt.yml": 'version: "1.0"\ninclude: ["*.features.yml"]\n',
    "staging/shop.features.yml": features("banner", percentage=50),
    "staging/drafts.yml": "not: flags\n",
}


@contextmanager
def old_places(page: Page, commands: Iterable[Command]) -> Iterator[None]:
    """The places that a page's commands name, with what Flipt's users had put there."""
    text = "\n".join(command.text for command in commands)
    with ExitStack() as stack:
        if "oci://" in text:
            _hold_registry(stack, page)
        if f"s3://{_BUCKET}" in text:
            _hold_bucket(stack, page)
        if "skopeo " in text and shutil.which("skopeo") is None:
            pytest.skip("skopeo is not installed: apt-get install skopeo")
        yield


def _hold_registry(stack: ExitStack, page: Page) -> None:
    running = stack.enter_context(registry(Path(page.folder) / "registry"))
    page.ports[_SHOWN_PORT] = running.host.rpartition(":")[2]
    push(open_registry(running.url("shop/flags"), {}), "prod", *THE_SHOP)


def _hold_bucket(stack: ExitStack, page: Page) -> None:
    amazon = stack.enter_context(moto())
    amazon.make_bucket(_BUCKET)
    for key, content in _OBJECTS.items():
        amazon.client().put_object(Bucket=_BUCKET, Key=key, Body=content.encode())
    page.environ.update(amazon.environ())
