"""The servers that play clouds, each started when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from .azurite import Azurite, azurite
from .gcs import Gcs, gcs
from .moto import Moto, moto
from .registry import Running, registry

# The bucket, or the container, that each has from its start.
BUCKET = "acme-flags"


class Clouds:
    """Servers with one empty place for objects each; asking for one may skip the test, where it is not installed."""

    def __init__(self, servers: ExitStack) -> None:
        self._servers = servers

    @cached_property
    def aws(self) -> Moto:
        """An Amazon of our own."""
        running = self._servers.enter_context(moto())
        running.make_bucket(BUCKET)
        return running

    @cached_property
    def azure(self) -> Azurite:
        """An Azure of our own."""
        running = self._servers.enter_context(azurite())
        running.make_container(BUCKET)
        return running

    @cached_property
    def google(self) -> Gcs:
        """A Google Cloud of our own."""
        running = self._servers.enter_context(gcs())
        running.make_bucket(BUCKET)
        return running

    @cached_property
    def oci(self) -> Running:
        """A registry for everybody."""
        folder = self._servers.enter_context(TemporaryDirectory(prefix="burgee-"))
        return self._servers.enter_context(registry(Path(folder, "registry")))

    def writes(self, url: str, key: str) -> int | None:
        """How many writes of an object its server did by its own log; None where there is no server."""
        scheme, _, place = url.partition("://")
        name = f"{place.partition(f'{BUCKET}/')[2]}/{key}"
        match scheme:
            case "s3":
                return self.aws.writes(BUCKET, name)
            case "azblob":
                return self.azure.writes(BUCKET, name)
            case "gs":
                return len(self.google.writes(name))
        return None


@contextmanager
def clouds() -> Iterator[Clouds]:
    """None of them yet; those that were started end with the context."""
    with ExitStack() as servers:
        yield Clouds(servers)
