"""Servers that several of these modules talk to, each for as long as a module runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.azurite import Azurite, azurite
from tests.servers.gcs import Gcs, gcs
from tests.servers.moto import Moto, moto

BUCKET = "acme-flags"


@pytest.fixture(scope="module")
def aws() -> Iterator[Moto]:
    """An Amazon of our own."""
    with moto() as running:
        yield running


@pytest.fixture
def server(aws: Moto) -> Moto:
    """The same with an empty bucket and nothing else in it."""
    aws.reset()
    aws.make_bucket(BUCKET)
    return aws


@pytest.fixture(scope="module")
def azure() -> Iterator[Azurite]:
    """An Azure of our own."""
    with azurite() as running:
        yield running


@pytest.fixture
def storage(azure: Azurite) -> Azurite:
    """The same with an empty container."""
    azure.empty_container(BUCKET)
    return azure


@pytest.fixture(scope="module")
def google() -> Iterator[Gcs]:
    """A Google Cloud of our own."""
    with gcs() as running:
        yield running


@pytest.fixture
def gs(google: Gcs) -> Gcs:
    """The same with an empty bucket and nothing else in it."""
    google.reset()
    google.make_bucket(BUCKET)
    return google
