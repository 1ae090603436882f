"""Publishing in tests: a real Git repository, a store, and a rim that a test can hold in its hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from burgee.deliver.built import Built
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Options, Publisher, Rim
from burgee.deliver.receipt import Receipt
from burgee.git.repository import open_repository
from burgee.store.objects import ObjectStore
from burgee.store.port import Objects, Store
from tests.fakes.clock import VirtualClock

PROJECT = """\
version: 1
environments:
  staging: {default: true, directory: flags/staging}
  production: {directory: flags/production}
"""


def features(*flags: str, percentage: int = 10) -> str:
    """A flag file with boolean flags of these keys, each on for a percentage."""
    text = 'version: "1.4"\nflags:\n'
    for key in flags:
        text += f"  - key: {key}\n    name: {key}\n    type: BOOLEAN_FLAG_TYPE\n    rollouts:\n"
        text += f"      - threshold: {{percentage: {percentage}, value: true}}\n"
    return text


def files(staging: str, production: str, project: str = PROJECT) -> Mapping[str, str]:
    return {
        "burgee.yaml": project,
        "flags/staging/features.yaml": staging,
        "flags/production/features.yaml": production,
    }


def a_rim(clock: VirtualClock | None = None) -> Rim:
    """A rim whose waiting takes no time; every look at the clock finds it a millisecond later."""
    clock = clock or VirtualClock()

    def now() -> int:
        clock.advance(1)
        return clock.wall()

    return Rim(now=now, monotonic=clock.monotonic, random=Random(7).random, sleep=lambda seconds: None)


def a_publisher(repository: Path, objects: Objects, **options: Any) -> Publisher:
    return Publisher(open_repository(repository), ObjectStore(objects), a_rim(), Options(**options), built=Built())


def publish_once(repository: Path, objects: Objects, **options: Any) -> dict[str, Receipt]:
    """Publish what the repository says; receipts by environment."""
    with open_repository(repository) as opened:
        receipts = publish(Publisher(opened, ObjectStore(objects), a_rim(), Options(**options)))
    return {receipt.environment: receipt for receipt in receipts}


def revisions(store: Store, environment: str) -> list[int]:
    """The numbers in an environment's log, checked along the hash chain, newest first."""
    from burgee.deliver.log import entries

    found = store.read_head(environment)
    return [entry.release.revision for entry in entries(store, found[0])] if found else []
