"""Services that send what they answer drop by drop: publishers leave them in time, whatever they were asked."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic

import pytest

from burgee.core.errors import StoreError
from burgee.store.azblob import open_azblob
from burgee.store.gs import open_gs
from burgee.store.pace import Pace
from burgee.store.registry import open_registry
from burgee.store.remote import RemoteObjects
from burgee.store.s3 import open_s3
from tests.servers.moto import ANYBODY

pytestmark = pytest.mark.integration

# As long as a test may take; the server would drip for hours.
_PATIENCE = 5.0
_PACE = Pace(connect=1.0, answer=1.0, tries=1, whole=0.3)
_HEADERS = (
    'Content-Type: application/json\r\nETag: "1"\r\nx-goog-generation: 1\r\nContent-Length: 2000000\r\n'
    "Content-Range: bytes 0-1999999/2000000\r\n\r\n"
)


@contextmanager
def a_dripping_service(status: str = "200 OK") -> Iterator[str]:
    """A server that answers every request with one byte each moment; its host and port."""
    over = Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(f"HTTP/1.1 {status}\r\n{_HEADERS}".encode())
            while not over.wait(0.02):
                connection.sendall(b" ")

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while not over.is_set():
                Thread(target=drip, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def s3(host: str) -> RemoteObjects:
    return open_s3(f"s3://flags?endpoint=http://{host}", ANYBODY.environ() | {"AWS_REGION": "eu-west-1"}, pace=_PACE)


def azblob(host: str) -> RemoteObjects:
    return open_azblob(f"azblob://acme/flags?endpoint=http://{host}/acme", {"AZURE_STORAGE_KEY": "a2V5"}, pace=_PACE)


def gs(host: str) -> RemoteObjects:
    return open_gs(f"gs://flags?endpoint=http://{host}", {}, pace=_PACE)


def write(objects: RemoteObjects) -> object:
    return objects.put_new("a", b"{}", content_type="application/json", cache_control="no-cache")


def left_in_time(call: Callable[[], object]) -> str:
    """What is said of a service that is left."""
    began = monotonic()
    with pytest.raises(StoreError) as raised:
        call()
    assert monotonic() - began < _PATIENCE
    return str(raised.value)


@pytest.mark.parametrize("status", ["200 OK", "500 Oh", "404 Not Found"])
@pytest.mark.parametrize("verb", [lambda objects: objects.get("a"), lambda objects: objects.list(""), write])
@pytest.mark.parametrize("open_objects", [s3, azblob, gs])
def test_objects_are_not_waited_for_longer_than_the_pace_says(
    open_objects: Callable[[str], RemoteObjects], verb: Callable[[RemoteObjects], object], status: str
) -> None:
    with a_dripping_service(status) as host:
        left_in_time(lambda: verb(open_objects(host)))


def test_a_registry_is_not_waited_for_longer_than_the_pace_says() -> None:
    with a_dripping_service() as host:
        registry = open_registry(f"oci://{host}/acme/flags", {}, pace=_PACE)
        for call in (registry.tags, lambda: registry.get_manifest("production")):
            assert re.search(r"in time|not whole after 0\.3 s", left_in_time(call))


def test_where_a_registry_leads_to_is_left_in_time_too() -> None:
    with a_dripping_service("307 Temporary Redirect\r\nLocation: /elsewhere") as host:
        registry = open_registry(f"oci://{host}/acme/flags", {}, pace=_PACE)
        left_in_time(lambda: registry.get_manifest("production"))
