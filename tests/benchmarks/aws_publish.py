"""A push to samplerepo, from the webhook to the release in the bucket, by the functions that are deployed.

Git is on loopback, as are the queue and the bucket, and somebody polls the queue at once: what is measured is what the
functions do. Beside them is `burgee publish`, which does once what a job of a CI system would do for a push.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from burgee.bundle.keys import head
from tests.events import SECRET, github_headers, github_push
from tests.publishing import features
from tests.servers.git_cli import ENVIRON, a_bare_clone, a_work_tree, commit, git
from tests.servers.git_http import git_server
from tests.servers.lambda_events import url_event
from tests.servers.lambda_sources import Poller
from tests.servers.lambdas import Function, running
from tests.servers.moto import Moto

from .deployed import an_empty_function, moto_apart, packages
from .measure import Row, Table, side_by_side

_SAMPLE = Path(__file__).resolve().parents[2] / "samplerepo"
_COMMAND = Path(sys.executable).parent / "burgee"
_CHANGED = "flags/staging/bench/features.yaml"
_BUCKET = "acme-flags"
_FUNCTIONS, _CI = "functions", "command"
_BURGEE, _NOTHING = "burgee", "empty handler"


def run(rounds: int) -> list[Table]:
    """Milliseconds until the release is there, and until the host has the webhook's answer."""
    with ExitStack() as stack:
        bench = _Bench(stack)
        released = (
            side_by_side("processes that wait", rounds, {_BURGEE: bench.warm, "burgee publish": bench.by_command}),
            side_by_side("processes that start", rounds, {_BURGEE: bench.cold, "burgee publish": bench.by_command}),
        )
        answered: Row = side_by_side("one event", rounds * 5, {_BURGEE: bench.webhook, _NOTHING: bench.nothing})
    return [
        Table("a push that changes a flag of samplerepo, from its webhook to the release", "ms", released),
        Table("the webhook's answer to a push", "ms", (answered,)),
    ]


class _Bench:
    """A repository, the functions that publish it to one store, and another store for the command."""

    def __init__(self, stack: ExitStack) -> None:
        """What has to be ended is left to the stack."""
        enter = stack.enter_context
        self._turns = count(1)
        folder = Path(enter(TemporaryDirectory()))
        self._work = _a_repository(folder)
        self._bare = a_bare_clone(self._work, folder / "git" / "shop.git")
        self._repository = f"{enter(git_server(folder / 'git')).url}/shop"
        self._aws = enter(moto_apart())
        self._aws.make_bucket(_BUCKET)
        work, dead = (_a_queue(self._aws, name) for name in ("work.fifo", "dead.fifo"))
        self._environ = self._variables(work, dead)
        self._webhook, self._publish = (
            enter(running(package, environ=self._environ, name=name, timeout=120))
            for name, package in zip(("webhook", "publish"), packages(folder, "webhook", "publish"), strict=True)
        )
        self._nothing = enter(running(an_empty_function(folder / "empty"), environ=self._environ))
        self._poller = Poller(self._aws.client("sqs"), work, self._publish)
        # Both stores have their first release, and every process has answered once.
        self.warm()
        self.by_command()
        self.nothing()

    def warm(self) -> float:
        """By processes that have done it before."""
        pushed = self._push()
        started = perf_counter()
        self._tell(pushed)
        polled = self._poller.run_once()
        took = perf_counter() - started
        assert len(polled.deleted) == 1, (polled, self._publish.log())
        self._check_released(_FUNCTIONS, pushed)
        return took * 1000

    def cold(self) -> float:
        """By processes that have to be started for it."""
        self._webhook.stop()
        self._publish.stop()
        return self.warm()

    def by_command(self) -> float:
        """By the command, in a process of its own, as is all that it does."""
        pushed = self._push()
        store = f"s3://{_BUCKET}/{_CI}"
        environ = {**ENVIRON, **self._aws.environ(), "BURGEE_STORE": store}
        started = perf_counter()
        subprocess.run([_COMMAND, "publish", f"{self._repository}.git"], check=True, env=environ, capture_output=True)
        took = perf_counter() - started
        self._check_released(_CI, pushed)
        return took * 1000

    def webhook(self) -> float:
        """The answer alone. No such commit is there; to a publish that makes no difference."""
        return _milliseconds(self._webhook, self._event(sha256(str(next(self._turns)).encode()).hexdigest()[:40]), 202)

    def nothing(self) -> float:
        """A handler that does nothing with such an event."""
        return _milliseconds(self._nothing, self._event("1f" * 20), 200)

    def _variables(self, work: str, dead: str) -> Mapping[str, str]:
        return self._aws.environ(
            BURGEE_STORE=f"s3://{_BUCKET}/{_FUNCTIONS}",
            BURGEE_REPOSITORY=f"{self._repository}.git",
            BURGEE_QUEUE=work,
            BURGEE_DEAD_LETTERS=dead,
            BURGEE_WEBHOOK_SECRET=SECRET,
            POWERTOOLS_SERVICE_NAME="bench",
            POWERTOOLS_METRICS_NAMESPACE="bench",
        )

    def _push(self) -> str:
        """Push a commit that changes one flag; its id."""
        percentage = next(self._turns) % 100
        pushed = commit(self._work, {_CHANGED: features("bench", percentage=percentage)})
        git(self._work, "push", "--quiet", str(self._bare), "main")
        return pushed

    def _tell(self, pushed: str) -> None:
        _milliseconds(self._webhook, self._event(pushed), 202)

    def _event(self, pushed: str) -> dict[str, Any]:
        body = github_push(commit=pushed, repository=self._repository)
        return url_event("POST", "/", github_headers(body, delivery=f"push-{pushed}"), body)

    def _check_released(self, prefix: str, pushed: str) -> None:
        found = self._aws.client().get_object(Bucket=_BUCKET, Key=f"{prefix}/{head('staging')}")["Body"].read()
        payload = json.loads(json.loads(found)["releases"][-1]["payload"])
        assert payload["source"]["commit"] == pushed, (payload, pushed)


def _milliseconds(function: Function, event: dict[str, Any], status: int) -> float:
    started = perf_counter()
    result = function.invoke(event)
    took = perf_counter() - started
    assert result["statusCode"] == status, (result, function.log())
    return took * 1000


def _a_repository(folder: Path) -> Path:
    """A work tree with samplerepo as its first commit."""
    work = folder / "work"
    shutil.copytree(_SAMPLE, work)
    return a_work_tree(work, {})


def _a_queue(aws: Moto, name: str) -> str:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "600"}
    return str(aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
