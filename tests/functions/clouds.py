"""The functions of each cloud as that cloud runs them, so far as it can be had here, and one way to ask all of them.

AWS: Amazon's runtime client behind a function URL, and moto's SQS. Azure: a real `FunctionApp` in a host of our own,
and Azurite's queues. Google Cloud: functions-framework itself, and a Pub/Sub of our own.
"""

from __future__ import annotations

import sysconfig
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from azure.storage.queue import QueueClient

from burgee.queue.opening import open_queue
from burgee.queue.port import Message, Queue
from tests.servers import azure_functions, functions_framework, lambdas
from tests.servers.azurite import Azurite
from tests.servers.clouds import BUCKET
from tests.servers.dev import wait_for
from tests.servers.gcs import Gcs
from tests.servers.lambda_sources import Polled, Poller, front
from tests.servers.moto import Moto
from tests.servers.pubsub import PubSubService

FUNCTIONS = Path(__file__).parents[2] / "functions"
# Where functions that are run from their sources find burgee and what they import beside it.
PATHS = f"{FUNCTIONS.parent / 'shared'}:{sysconfig.get_path('purelib')}"
TICK = '{"format":1,"cause":"timer","tick":"2026-11-22T20:00:00Z"}'
_numbers = count()


@dataclass(frozen=True, slots=True)
class Place:
    """A queue and its dead letters, by their URLs, and the variables of who may use them."""

    queue_url: str
    dead_url: str
    environ: Mapping[str, str]

    @property
    def queue(self) -> Queue:
        return open_queue(self.queue_url, environ=self.environ)

    @property
    def dead(self) -> Queue:
        return open_queue(self.dead_url, environ=self.environ)

    def variables(self) -> dict[str, str]:
        """What a function is told."""
        return {"BURGEE_QUEUE": self.queue_url, "BURGEE_DEAD_LETTERS": self.dead_url, **self.environ}

    def dead_letters(self) -> list[Message]:
        """What lies with the dead letters, and can be seen again only later."""
        return [received.message for received in self.dead.receive()]


@dataclass(frozen=True, slots=True)
class Work:
    """A publish function and what hands it messages.

    `run` hands over all that is due, each message once; `let_pass` makes due what was postponed by ten seconds; `tick`
    is what the deployment's timer does; `waiting` counts messages, also those that are not due.
    """

    place: Place
    run: Callable[[], object]
    let_pass: Callable[[], object]
    tick: Callable[[], object]
    waiting: Callable[[], int | None]
    log: Callable[[], str]


class Cloud(Protocol):
    """One of them."""

    def store(self, prefix: str) -> dict[str, str]:
        """The variables that name a store of its own, and let who has them use it."""

    def place(self) -> Place:
        """A queue of its own, with nothing in it."""

    def serves(
        self, function: str, folder: Path, environ: Mapping[str, str], *, package: Path | None = None
    ) -> AbstractContextManager[str]:
        """The URL of an HTTP function, without a slash at its end; of its sources, or of a zip."""

    def works(self, place: Place, folder: Path, environ: Mapping[str, str]) -> AbstractContextManager[Work]:
        """The publish function."""


@dataclass(frozen=True, slots=True)
class Aws:
    moto: Moto

    def store(self, prefix: str) -> dict[str, str]:
        return {"BURGEE_STORE": f"s3://{BUCKET}/{prefix}", **self.moto.environ()}

    def place(self) -> Place:
        number = next(_numbers)
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "600"}
        sqs = self.moto.client("sqs")
        work, dead = (
            sqs.create_queue(QueueName=f"{name}-{number}.fifo", Attributes=attributes)["QueueUrl"]
            for name in ("work", "dead")
        )
        return Place(work, dead, self.moto.environ())

    @contextmanager
    def serves(
        self, function: str, folder: Path, environ: Mapping[str, str], *, package: Path | None = None
    ) -> Iterator[str]:
        sources = {} if package else {"PYTHONPATH": PATHS}
        with (
            lambdas.running(package or FUNCTIONS / "aws" / function, environ={**sources, **environ}) as running,
            front(running) as url,
        ):
            yield url.rstrip("/")

    @contextmanager
    def works(self, place: Place, folder: Path, environ: Mapping[str, str]) -> Iterator[Work]:
        told = {"PYTHONPATH": PATHS, "POWERTOOLS_METRICS_NAMESPACE": "burgee", **place.variables(), **environ}
        with lambdas.running(FUNCTIONS / "aws" / "publish", environ=told) as running:
            poller = Poller(self.moto.client("sqs"), place.queue_url, running)
            failed: list[Polled] = []

            def run() -> None:
                polled = poller.run_once()
                assert polled.error is None, polled.error
                if polled.returned:
                    failed.append(polled)

            yield Work(
                place,
                run,
                let_pass=lambda: poller.bring_back(failed[-1]),
                tick=lambda: place.queue.send(Message(TICK, "timer", "tick")),
                waiting=place.queue.count,
                log=running.log,
            )


@dataclass(frozen=True, slots=True)
class Azure:
    azurite: Azurite

    def store(self, prefix: str) -> dict[str, str]:
        return {"BURGEE_STORE": self.azurite.store_url(BUCKET, prefix), **self.azurite.environ()}

    def place(self) -> Place:
        work = f"{self.azurite.queue_url}/work-{next(_numbers)}"
        dead = f"{work}-poison"
        for url in (work, dead):
            with self.client(url) as client:
                client.create_queue()
        return Place(work, dead, self.azurite.environ())

    def client(self, url: str) -> QueueClient:
        """Microsoft's own client of a queue."""
        return QueueClient.from_queue_url(url, credential=self.azurite.key, retry_total=0)

    @contextmanager
    def serves(
        self, function: str, folder: Path, environ: Mapping[str, str], *, package: Path | None = None
    ) -> Iterator[str]:
        place, log = package or FUNCTIONS / "azure" / function, folder / f"{function}.log"
        with azure_functions.running(place, log, environ=environ, paths=PATHS) as app:
            yield app.url

    @contextmanager
    def works(self, place: Place, folder: Path, environ: Mapping[str, str]) -> Iterator[Work]:
        server = self.azurite.queue_url
        connection = f"AccountName={self.azurite.account};AccountKey={self.azurite.key};QueueEndpoint={server}"
        told = {
            "BurgeeQueue": f"DefaultEndpointsProtocol=http;{connection}",
            "RECONCILE_SCHEDULE": "0 */5 * * * *",
            "AzureFunctionsJobHost__extensions__queues__maxDequeueCount": environ.get("BURGEE_TRIES", "5"),
            **place.variables(),
            **environ,
        }
        log = folder / "publish.log"
        with (
            azure_functions.running(FUNCTIONS / "azure" / "publish", log, environ=told, paths=PATHS) as app,
            self.client(place.queue_url) as client,
        ):

            def run() -> None:
                while app.poll("publish") != "empty":
                    pass

            yield Work(
                place,
                run,
                # Nobody can make it due but who has received it.
                let_pass=lambda: wait_for(client.peek_messages, 20),
                tick=lambda: app.tick("reconcile"),
                waiting=place.queue.count,
                log=log.read_text,
            )


@dataclass(frozen=True, slots=True)
class Gcp:
    pubsub: PubSubService
    gcs: Gcs | None = None

    def store(self, prefix: str) -> dict[str, str]:
        assert self.gcs, "there is no place for objects"
        return {"BURGEE_STORE": f"gs://{BUCKET}/{prefix}", **self.gcs.environ()}

    def place(self) -> Place:
        number = next(_numbers)
        dead = self.pubsub.subscribe(f"dead-{number}", f"dead-{number}")
        # It counts what it has tried, as Terraform makes it.
        work = self.pubsub.subscribe(f"work-{number}", f"work-{number}", dead_letters=f"dead-{number}")
        return Place(work, dead, self.pubsub.environ())

    @contextmanager
    def serves(
        self, function: str, folder: Path, environ: Mapping[str, str], *, package: Path | None = None
    ) -> Iterator[str]:
        place, log = package or FUNCTIONS / "gcp" / function, folder / f"{function}.log"
        # What the platform installs of `requirements.txt`; a zip brings burgee itself.
        paths = sysconfig.get_path("purelib") if package else PATHS
        with functions_framework.running(place, log, environ=environ, paths=paths) as service:
            yield service.url

    @contextmanager
    def works(self, place: Place, folder: Path, environ: Mapping[str, str]) -> Iterator[Work]:
        name = place.queue_url.rpartition("=")[2]
        log = folder / "publish.log"
        told = {**place.variables(), **environ}
        with functions_framework.running(FUNCTIONS / "gcp" / "publish", log, environ=told, paths=PATHS) as service:
            self.pubsub.subscriptions[name].push_url = service.url
            yield Work(
                place,
                run=lambda: self.pubsub.push(name),
                let_pass=lambda: self.pubsub.advance(10),
                # Cloud Scheduler names neither attributes nor an ordering key.
                tick=lambda: self.pubsub.publish(name, b64encode(TICK.encode()).decode()),
                waiting=lambda: len(self.pubsub.bodies(name)),
                log=log.read_text,
            )
