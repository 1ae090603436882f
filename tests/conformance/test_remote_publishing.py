"""Publishing from a Git repository to every cloud: readers follow, publishers race, and faults do no harm."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from burgee.fetch.live import Live
from burgee.fetch.opening import open_fetcher
from burgee.store.objects import ObjectStore
from burgee.store.remote import RemoteObjects
from tests.fakes.clock import VirtualClock
from tests.publishing import features, files, publish_once, revisions
from tests.servers.dev import burgee
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.wires import Relayed
from tests.writing import HASTY

pytestmark = pytest.mark.integration

PUBLISHERS = 4


def test_a_repository_is_published_and_readers_follow(relayed: Relayed, tmp_path: Path) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", percentage=0), features("a", percentage=100)))
    url, environ = relayed.store_url(), relayed.server.environ()
    said = environ | {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "BURGEE_STORE": url}
    first = burgee(said, "publish", str(shop))
    assert (first.returncode, first.stderr) == (0, f"store {relayed.url} (BURGEE_STORE)\n")
    clock = VirtualClock()
    live = Live(open_fetcher(url, environ), "staging", ttl_ms=1_000, clock=clock, random=lambda: 0.5)
    assert live.current().release.revision == 1
    commit(shop, {"flags/staging/features.yaml": features("a", percentage=100)})
    second = burgee(said, "publish", str(shop), "--json")
    assert [each["outcome"] for each in json.loads(second.stdout)] == ["published", "unchanged"]
    clock.advance(2_000)
    assert live.current().release.revision == 2
    shown = burgee(said, "history", "staging", "--json")
    assert [each["revision"] for each in json.loads(shown.stdout)] == [2, 1]
    assert burgee(said, "evaluate", "a", "--entity", "u", "--store", url).stdout == "true\n"
    assert burgee(said, "publish", str(shop)).returncode == 0


def test_of_publishers_that_race_one_makes_the_release_and_the_log_stays_a_chain(
    relayed: Relayed, another: RemoteObjects, tmp_path: Path
) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))
    harms = [relayed.cloud.harm("broken", arrives=True), relayed.cloud.harm("beside")]
    for number in range(3):
        commit(shop, {"flags/staging/features.yaml": features("a", percentage=11 + number)})
        relayed.next(*harms * PUBLISHERS)
        places = [relayed.objects(HASTY, origin=relayed.relay.url) for _ in range(PUBLISHERS)]
        with ThreadPoolExecutor(PUBLISHERS) as pool:
            receipts = list(pool.map(partial(publish_once, shop), places))
        outcomes = sorted(each["staging"].outcome for each in receipts)
        assert outcomes == ["published", "unchanged", "unchanged", "unchanged"]
    store = ObjectStore(another)
    assert revisions(store, "staging") == [3, 2, 1]
    assert revisions(store, "production") == [1]


def test_a_publish_through_a_slow_and_broken_cloud_is_whole(
    relayed: Relayed, objects: RemoteObjects, another: RemoteObjects, tmp_path: Path
) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", "b"), features("a")))
    harm = relayed.cloud.harm
    turns = cycle([None, harm("busy"), None, harm("broken", arrives=True), None, harm("cut", arrives=True)])
    relayed.relay.always = lambda asked: next(turns)
    receipts = publish_once(shop, objects)
    assert {receipt.outcome for receipt in receipts.values()} == {"published"}
    store = ObjectStore(another)
    assert revisions(store, "staging") == revisions(store, "production") == [1]
