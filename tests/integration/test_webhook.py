"""The webhook takes what a host really sends: a push at GitHub's emulator, with the signature that it made."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from burgee.bundle.index import Index, Listed
from burgee.control.job import decode_job
from burgee.control.webhook import Deployment, Webhook
from burgee.core.signature import whsec_key
from burgee.git.host import Hook, open_host
from burgee.serve.message import Request
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.events import SECRET
from tests.fakes.clock import VirtualClock
from tests.fakes.queue import MemoryQueue
from tests.servers import emulate as emulated
from tests.servers.deliveries import Delivery, deliveries
from tests.servers.emulate import emulate

ADDRESS = f"https://github.com/{emulated.REPOSITORY}"


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Delivery]:
    """A commit, and what the emulator delivered of its push to a hook that `connect` made."""
    if not emulated.PROGRAM.exists():
        pytest.skip("that needs the npm package emulate; `make test` installs it where there is npm")
    with emulate(tmp_path_factory.mktemp("emulate")) as github, deliveries() as receiver:
        host = open_host(ADDRESS, api=github.url, token=emulated.TOKEN, environ={})
        assert host is not None
        with closing(host):
            host.connect(Hook(receiver.url, SECRET, whsec_key(SECRET)))
        commit = github.push("flags/features.yaml", "version: '1.4'\n")
        (delivery,) = receiver.wait()
    return commit, delivery


def ask(delivery: Delivery, queue: MemoryQueue, *, secret: str = SECRET, follows: str = "main") -> int:
    """The status that a webhook answers with. The emulator's repository is where it runs, and not at GitHub."""
    address = json.loads(delivery.body)["repository"]["html_url"]
    store = ObjectStore(MemoryObjects())
    store.swap_index(Index(address, {"staging": Listed(follows, True)}), None)
    deployment = Deployment(address, follows)
    webhook = Webhook(secret, deployment, queue, store, VirtualClock().wall, lambda line, fields: None)
    status: int = webhook(Request("POST", "/", "", delivery.headers, delivery.body)).status
    return status


def test_a_push_at_the_emulator_is_queued_with_its_commit(pushed: tuple[str, Delivery]) -> None:
    commit, delivery = pushed
    queue = MemoryQueue()
    assert ask(delivery, queue) == 202
    (message,) = queue.messages
    job = decode_job(message.body)
    assert (job.cause, job.ref, job.commit) == ("push", "refs/heads/main", commit)


def test_the_same_delivery_is_refused_by_who_has_another_secret(pushed: tuple[str, Delivery]) -> None:
    queue = MemoryQueue()
    assert ask(pushed[1], queue, secret="another-secret-altogether") == 401 and queue.messages == []


def test_the_same_delivery_is_left_out_where_nobody_follows_its_branch(pushed: tuple[str, Delivery]) -> None:
    queue = MemoryQueue()
    assert ask(pushed[1], queue, follows="release") == 202 and queue.messages == []
