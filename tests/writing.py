"""Writing to objects behind a network in tests: with a pace that takes no time, and what a refused verb says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from burgee.core.errors import BurgeeError
from burgee.store.pace import Pace
from burgee.store.remote import RemoteObjects

KEY = "environments/staging/head.json"
# As burgee is, save that a test has no time.
HASTY = Pace(first=0.01, longest=0.05)
# Where a server may be silent.
IMPATIENT = replace(HASTY, answer=0.5)


def put(objects: RemoteObjects, content: bytes = b"content", key: str = KEY) -> str:
    return objects.put_new(key, content, content_type="application/json", cache_control="no-cache")


def swap(objects: RemoteObjects, content: bytes, expected: str | None, key: str = KEY) -> str:
    return objects.swap(key, content, expected=expected, content_type="application/json", cache_control="no-cache")


def get_it(objects: RemoteObjects) -> object:
    return objects.get(KEY)


def list_all(objects: RemoteObjects) -> list[str]:
    return list(objects.list(""))


def said_of(objects: RemoteObjects, verb: Callable[[RemoteObjects], object] = put) -> str:
    """What a verb that has to fail says, after the name of its class."""
    with pytest.raises(BurgeeError) as raised:
        verb(objects)
    return f"{type(raised.value).__name__}: {raised.value}"
