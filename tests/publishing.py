"""Publishing in tests: a real Git repository, a store, and a rim that a test can hold in its hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from burgee.bundle.head import Head
from burgee.deliver.built import Built
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Means, Options, Publisher, Rim
from burgee.deliver.receipt import Receipt
from burgee.deliver.sealing import Sealing
from burgee.git.repository import open_repository
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from burgee.store.port import Objects, Store
from tests.fakes.clock import VirtualClock
from tests.servers.git_cli import a_work_tree

PROJECT = """\
version: 1
environments:
  staging: {default: true, directory: flags/staging}
  production: {directory: flags/production}
"""
ONLY_PRODUCTION = "version: 1\nenvironments:\n  production: {directory: flags}\n"


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


class Production:
    """A repository whose only environment is `production`, a store, keys, and a clock that moves when it is told to."""

    def __init__(self, folder: Path, flags: str) -> None:
        content = {"burgee.yaml": ONLY_PRODUCTION, "flags/features.yaml": flags}
        self.repository = a_work_tree(folder / "flags", content)
        self.objects = MemoryObjects("memory://production")
        self.store = ObjectStore(self.objects)
        self.clock = VirtualClock()
        self.rim = a_rim(self.clock)
        self.sealing = Sealing()

    @property
    def means(self) -> Means:
        return Means(self.store, self.rim, self.sealing)

    def publish(self, **options: Any) -> Receipt:
        """Publish what the repository says: the receipt of its first environment."""
        with open_repository(self.repository) as opened:
            return publish(Publisher(opened, self.store, self.rim, Options(**options), sealing=self.sealing))[0]

    @property
    def head(self) -> Head:
        found = self.store.read_head("production")
        assert found is not None
        return found.head


def revisions(store: Store, environment: str) -> list[int]:
    """The numbers in an environment's log, checked along the hash chain, newest first."""
    from burgee.deliver.log import entries

    found = store.read_head(environment)
    return [entry.release.revision for entry in entries(store, found[0])] if found else []
