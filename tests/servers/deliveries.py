"""A receiver of webhooks on loopback: it takes whatever comes, and keeps it as it came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from burgee.host.listener import Listener, Options
from burgee.serve.message import Request, Response

from .dev import wait_for


class Delivery(NamedTuple):
    """What a host sent; names of headers are in lower case, `body` is the raw bytes that it signed."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Deliveries:
    """A running receiver."""

    url: str = ""
    received: list[Delivery] = field(default_factory=list)

    def wait(self, count: int = 1) -> list[Delivery]:
        """The deliveries, once there are so many."""
        assert wait_for(lambda: len(self.received) >= count), self.received
        return list(self.received)


@contextmanager
def deliveries() -> Iterator[Deliveries]:
    """A receiver until the context ends."""
    running = Deliveries()

    def receive(request: Request) -> Response:
        running.received.append(Delivery(request.path, dict(request.headers), bytes(request.body)))
        return Response(202)

    with Listener(receive, options=Options(port=0)) as listener:
        running.url = f"{listener.url}/"
        yield running
