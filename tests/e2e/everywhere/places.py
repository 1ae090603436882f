"""Four stores, each behind a relay that can take it away, three clouds' functions on them, and a repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from burgee.store.opening import open_store
from burgee.store.port import Store
from tests.e2e.aws.cloud import Repository, a_repository
from tests.functions.clouds import Aws, Azure, Cloud, Gcp, Place, Work
from tests.servers.clouds import BUCKET, Clouds, clouds
from tests.servers.git_http import git_server
from tests.servers.moto import REGION
from tests.servers.outage import Between, between
from tests.servers.pubsub import PubSubService, pubsub

TTL_SECONDS = 0.5
SECRET = "a-secret-of-the-webhook"
# The store whose evaluate function runs on which cloud.
OF_CLOUD = {"s3": "aws", "azblob": "azure", "gs": "gcp"}
NAMES = ("s3", "azblob", "gs", "oci")


@dataclass
class Places:
    """Everything there is while the story runs; URLs of stores lead through the relays."""

    folder: Path
    servers: Clouds
    pubsub: PubSubService
    relays: Mapping[str, Between]
    repository: Repository
    packages: Path
    evaluates: dict[str, str] = field(default_factory=dict)

    @cached_property
    def urls(self) -> dict[str, str]:
        """The stores, the primary first."""
        relays = {name: relay.url for name, relay in self.relays.items()}
        return {
            "s3": f"s3://{BUCKET}/shop?region={REGION}&endpoint={relays['s3']}",
            "azblob": f"azblob://{self.servers.azure.account}/{BUCKET}/shop?endpoint={relays['azblob']}",
            "gs": f"gs://{BUCKET}/shop?endpoint={relays['gs']}",
            "oci": f"oci://registry.example.org/acme/flags?endpoint={relays['oci']}",
        }

    @cached_property
    def environ(self) -> dict[str, str]:
        """The variables of who may read and write all of them."""
        return {**self.servers.aws.environ(), **self.servers.azure.environ(), "GOOGLE_OAUTH_ACCESS_TOKEN": "anybody"}

    def store(self, name: str) -> Store:
        return open_store(self.urls[name], environ=self.environ, as_mirror=True)

    @cached_property
    def clouds(self) -> dict[str, Cloud]:
        return {"aws": Aws(self.servers.aws), "azure": Azure(self.servers.azure), "gcp": Gcp(self.pubsub)}

    @contextmanager
    def publishing(self, place: Place) -> Iterator[Work]:
        """AWS's publish function, which brings every release to all four places."""
        with self.clouds["aws"].works(place, self.folder, self.variables("s3")) as work:
            yield work

    @contextmanager
    def evaluating(self, name: str) -> Iterator[str]:
        """The URL of the evaluate function of the cloud that a store is in, from its zip; started anew."""
        cloud = OF_CLOUD[name]
        told = {"BURGEE_AUTH": "none", "BURGEE_TTL": str(TTL_SECONDS), **self.variables(name)}
        package = self.packages / cloud / "evaluate.zip"
        with self.clouds[cloud].serves("evaluate", self.folder, told, package=package) as url:
            yield url

    def variables(self, name: str) -> dict[str, str]:
        """Those of a deployment whose store is the one of that name; the others are its mirrors."""
        mirrors = [url for other, url in self.urls.items() if other != name]
        return {
            **self.environ,
            "BURGEE_STORE": self.urls[name],
            "BURGEE_MIRRORS": ",".join(mirrors),
            "BURGEE_REPOSITORY": self.repository.url,
            "BURGEE_WEBHOOK_SECRET": SECRET,
        }


@contextmanager
def places(folder: Path, packages: Path) -> Iterator[Places]:
    """The four stores, empty, and samplerepo behind a Git server; `packages` has each cloud's evaluate.zip."""
    with ExitStack() as stack:
        servers = stack.enter_context(clouds())
        behind = {
            "s3": servers.aws.url,
            "azblob": servers.azure.blob_url,
            "gs": servers.google.url,
            "oci": f"http://{servers.oci.host}",
        }
        relays = {name: stack.enter_context(between(url)) for name, url in behind.items()}
        (folder / "served").mkdir()
        git = stack.enter_context(git_server(folder / "served"))
        repository = a_repository(folder, f"{git.url}/flags.git")
        yield Places(folder, servers, stack.enter_context(pubsub()), relays, repository, packages)
