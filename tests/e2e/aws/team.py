"""What a team does on AWS again and again: it pushes, the queue is worked, and somebody asks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from tests.e2e.aws.cloud import ROOT, TTL_SECONDS, Cloud, clean_environ
from tests.events import github_headers, github_push
from tests.servers.git_cli import git
from tests.servers.lambda_sources import Polled

# What a function URL says when its function raised.
_FAULT = 502
KILL_SWITCH = "flags/production/features.yaml"
Step = tuple[str, Callable[[], object]]


@dataclass
class Team:
    """People and programs around one cloud. `say` shows what was found."""

    cloud: Cloud
    say: Callable[[str], object]

    def repository_tip(self) -> str:
        return git(self.cloud.repository.clone, "rev-parse", "HEAD")

    def switch_cards(self, *, on: bool) -> str:
        """Push the kill switch of production in that position; the commit's id."""
        text = self.cloud.repository.read(KILL_SWITCH)
        key = text.index("key: card-payments")
        before, after = f"enabled: {str(not on).lower()}", f"enabled: {str(on).lower()}"
        return self.cloud.repository.push({KILL_SWITCH: text[:key] + text[key:].replace(before, after, 1)})

    def deliver(self, commit: str, *, quiet: bool = False) -> None:
        """Tell the webhook of a push, as GitHub does."""
        body = github_push(
            "refs/heads/main", commit, self.cloud.repository.url.removesuffix(".git"), pushed_at=int(time.time())
        )
        headers = github_headers(body, secret=self.cloud.secret("webhook_secret_arn"), delivery=f"d-{time.time_ns()}")
        began = time.perf_counter()
        status, said = self.post("webhook", "/", body, headers)
        assert (status, said["outcome"]) == (202, "queued"), f"{said} {self.log('webhook')}"
        if not quiet:
            self.say(f"{status} {said['outcome']} in {(time.perf_counter() - began) * 1000:.0f} ms")
        assert self.cloud.waiting() == 1

    def send_tick(self, instant: str, *, times: int = 1) -> None:
        """What the schedule sends, as it stands in the account, with the instant that Amazon puts in."""
        target = self._schedule()
        for _ in range(times):
            self.cloud.asked_by_person("sqs").send_message(
                QueueUrl=self.cloud.outputs["queue_url"],
                MessageBody=target["Input"].replace("<aws.scheduler.scheduled-time>", instant),
                MessageGroupId=target["SqsParameters"]["MessageGroupId"],
            )
        # The same tick twice is one message.
        assert self.cloud.waiting() == 1

    def work(self) -> Polled:
        """A round of Lambda's poller."""
        polled = self.cloud.poller.run_once()
        assert polled.error is None, f"{polled.error}\n{self.log('publish')}"
        return polled

    def last_status(self, commit: str, environment: str) -> Any:
        """The last status of a commit for an environment."""
        written = [one for one in self.cloud.forge.statuses(commit) if one.context == f"burgee/{environment}"]
        assert written, self.log("publish")
        return written[-1]

    def answer(self, flag: str) -> object:
        """What evaluate says of a boolean flag in production."""
        asked = {"environmentKey": "production", "flagKey": flag, "entityId": "u"}
        status, said = self.ask("/evaluate/v1/boolean", asked)
        assert status == 200, f"{status} {said}\n{self.log('evaluate')}"
        return said["enabled"]

    def status(self) -> dict[str, Any]:
        """What evaluate says of itself and production."""
        status, said = self.ask("/status", None)
        (production,) = [one for one in said["environments"] if one["environment"] == "production"]
        assert status == 200, said
        return dict(production)

    def is_fresh(self) -> bool:
        production = self.status()
        self.answer("card-payments")
        return not production["stale"] and production["error"] is None

    def is_kept(self) -> bool:
        """Whether evaluate, which is asked here, has the last release of production on its disk."""
        # It is kept by the first answer after a second.
        self.answer("card-payments")
        kept = self.cloud.folder / "tmp-evaluate" / "environments" / "production" / "head.json"
        return kept.is_file() and bool(json.loads(kept.read_bytes())["revision"] == self.revision("production"))

    def revision(self, environment: str) -> int:
        head = json.loads(self.read_object(f"environments/{environment}/head.json"))
        return int(head["revision"])

    def release(self, environment: str) -> dict[str, Any]:
        """The last release."""
        head = json.loads(self.read_object(f"environments/{environment}/head.json"))
        release: dict[str, Any] = json.loads(head["releases"][-1]["payload"])
        return release

    def read_object(self, key: str) -> bytes:
        s3 = self.cloud.client("s3", "evaluate")
        content: bytes = s3.get_object(Bucket=self.cloud.outputs["bucket"], Key=key)["Body"].read()
        return content

    def ask(self, path: str, fields: dict[str, Any] | None) -> tuple[int, Any]:
        headers = {
            "authorization": f"Bearer {self.cloud.secret('client_token_secret_arn')}",
            "content-type": "application/json",
        }
        return self.post("evaluate", path, json.dumps(fields).encode() if fields is not None else None, headers)

    def post(self, function: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        method = "GET" if body is None else "POST"
        answer = urllib3.request(method, self.cloud.urls[function] + path, body=body, headers=headers, timeout=60)
        assert answer.status != _FAULT, self.log(function)
        return answer.status, answer.json()

    def log(self, function: str) -> str:
        return self.cloud.functions[function].log()

    def wait_for(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20 * TTL_SECONDS
        while not happened():
            assert time.monotonic() < deadline, self.log("evaluate")
            time.sleep(0.1)

    def burgee(self, *arguments: str, **variables: str) -> str:
        """What the command line says to a person who may do everything; all of it when it fails."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("burgee")), *arguments],
            cwd=ROOT,
            env=clean_environ() | self.cloud.moto.environ(self.cloud.person) | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"burgee {' '.join(arguments)}: {done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def _schedule(self) -> dict[str, Any]:
        """Where the schedule sends to. Moto takes no signature of the questions for it, so rights are not checked."""
        scheduler = self.cloud.asked_by_person("scheduler")
        with self.cloud.moto.relaxed():
            (schedule,) = scheduler.list_schedules()["Schedules"]
            asked = scheduler.get_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])
        target: dict[str, Any] = asked["Target"]
        return target
