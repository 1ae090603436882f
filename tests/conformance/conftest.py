"""Clouds that several of these modules write to, each for as long as a module runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from burgee.store.remote import RemoteObjects
from tests.servers.clouds import Clouds, clouds
from tests.servers.faulty import faulty
from tests.servers.wires import WIRES, Relayed
from tests.writing import HASTY


@pytest.fixture(scope="module")
def servers() -> Iterator[Clouds]:
    """None of them yet."""
    with clouds() as started:
        yield started


@pytest.fixture(params=sorted(WIRES))
def relayed(request: pytest.FixtureRequest, tmp_path: Path, servers: Clouds) -> Iterator[Relayed]:
    """Each cloud with a relay before it; the prefix has the name of the test's own folder."""
    cloud = WIRES[request.param]
    with faulty(cloud.origin(servers)) as relay:
        yield Relayed(cloud, servers, relay, f"/{tmp_path.name}")


@pytest.fixture
def objects(relayed: Relayed) -> RemoteObjects:
    """Objects behind the relay."""
    return relayed.objects(HASTY, origin=relayed.relay.url)


@pytest.fixture
def another(relayed: Relayed) -> RemoteObjects:
    """The same objects, of somebody with no relay before them."""
    return relayed.objects(HASTY)
