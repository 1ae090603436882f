"""A store in the hands of an attacker, and a reader that has seen a good release there before."""

from __future__ import annotations

import pytest

from tests.fakes.attacked import Attacked, Kept


@pytest.fixture
def store() -> Attacked:
    attacked = Attacked()
    attacked.publish()
    return attacked


@pytest.fixture
def kept(store: Attacked) -> Kept:
    return Kept(store, store.reader())
