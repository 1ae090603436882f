"""What a team lives through with burgee on AWS, in steps of which each one shows that the next may be believed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Timer

from tests.e2e.aws.cloud import TTL_SECONDS, Cloud, started, told
from tests.e2e.aws.keys import give_key, sign_again, try_forgeries
from tests.e2e.aws.rights import try_rights
from tests.e2e.aws.team import KILL_SWITCH, Step, Team
from tests.e2e.clients.program import Program
from tests.events import github_headers, github_push
from tests.servers.git_cli import git

TRIES = 5
_EXTRA = "flags/staging/extra.features.yaml"
_EXTRA_LIVE = "flags/production/extra.features.yaml"
_KILLS = 8
# What a publish of samplerepo takes, roughly, its start included: moments to kill it are spread over that.
_PUBLISH_SECONDS = 1.6


class Story(Team):
    """The steps of one team."""

    def before(self) -> Iterator[Step]:
        """What is done with the rights of the person who deploys."""
        yield "a key is made in KMS, and its public one is what evaluate believes", lambda: give_key(self)
        yield "terraform init and apply", self.apply
        yield "a second plan changes nothing", self.plan_again
        yield "what was made is what was described", self.read_back
        yield "the Git token is put into its secret", self.put_token

    def after(self) -> Iterator[Step]:
        """What the functions do, each with exactly the rights that its role has."""
        yield "a stranger's event is refused", self.refuse_stranger
        yield "a signed push lands in the queue", lambda: self.deliver(self.repository_tip())
        yield "publish works the queue: the release is in the bucket", self.publish_first
        yield "the commit is told", self.read_statuses
        yield "evaluate answers those who have the token", self.evaluate
        yield "flipt-client reads the bucket", self.read_bucket
        yield "a change is pushed and seen", self.change
        yield "files that are wrong are told to their commit, and change nothing", self.push_mistake
        yield "the timer finds what no event told", self.tick
        yield "publish is killed at any moment, and pushes are published in order and once", self.kill_publish
        yield "no role may do more than its work", self.try_rights
        yield "whoever writes to the bucket is believed by nobody", lambda: try_forgeries(self)
        yield "publish builds on no such head, until a person has signed it", lambda: sign_again(self)
        yield "production is rolled back, pushes wait, and it goes on", self.roll_back
        yield "the store breaks: the last good release answers, after a crash too", self.break_store
        yield "the Git host is down: the push ends with the dead letters, and comes back", self.lose_host

    def end(self) -> Iterator[Step]:
        """What is left at the end."""
        yield "terraform destroy leaves nothing", self.destroy

    # What is done with the rights of the person who deploys

    def apply(self) -> None:
        self.cloud.terraform.init()
        self.cloud.terraform.apply()
        self.cloud.moto.keep_messages()
        self.say(f"{len(self.cloud.terraform.resources())} resources")

    def plan_again(self) -> None:
        assert self.cloud.terraform.changes() == ""

    def read_back(self) -> None:
        bucket, amazon = self.cloud.outputs["bucket"], self.cloud.asked_by_person
        s3, sqs = amazon("s3"), amazon("sqs")
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        assert all("Expiration" not in rule or "blobs" not in told(rule.get("Filter")) for rule in rules)
        queue = sqs.get_queue_attributes(QueueUrl=self.cloud.outputs["queue_url"], AttributeNames=["All"])["Attributes"]
        assert queue["FifoQueue"] == "true" and json.loads(queue["RedrivePolicy"])["maxReceiveCount"] in (TRIES, "5")
        for name in ("webhook", "publish", "evaluate"):
            deployed = self.cloud.deployed(name)
            self.say(f"{deployed['FunctionName']}: {deployed['Runtime']}, {deployed['CodeSize'] // 1000} kB")
        mappings = amazon("lambda").list_event_source_mappings()["EventSourceMappings"]
        assert [mapping["FunctionResponseTypes"] for mapping in mappings] == [["ReportBatchItemFailures"]]

    def put_token(self) -> None:
        from tests.servers.forge import TOKEN

        arn = self.cloud.outputs["git_token_secret_arn"]
        self.cloud.asked_by_person("secretsmanager").put_secret_value(SecretId=arn, SecretString=TOKEN)

    # What the functions do

    def refuse_stranger(self) -> None:
        body = github_push(repository=self.cloud.repository.url)
        status, said = self.post("webhook", "/", body, github_headers(body, secret="not-the-secret-of-it"))
        assert status == 401 and self.cloud.waiting() == 0, said
        status, said = self.post("evaluate", "/evaluate/v1/boolean", b'{"flagKey":"card-payments","entityId":"u"}', {})
        assert status == 401, said

    def publish_first(self) -> None:
        polled = self.work()
        assert len(polled.deleted) == 1 and not polled.returned, self.log("publish")
        index = json.loads(self.read_object("environments/index.json"))
        assert set(index["environments"]) == {"staging", "production"}
        assert self.revision("production") == 1
        assert "Published" in self.log("publish"), "no metric was written"

    def read_statuses(self) -> None:
        written = self.cloud.forge.statuses(self.repository_tip())
        assert [(one.context, one.state) for one in written] == [
            ("burgee/staging", "success"),
            ("burgee/production", "success"),
        ], self.log("publish")
        self.say(written[1].description)

    def evaluate(self) -> None:
        assert self.answer("card-payments") is True
        status, said = self.ask("/ofrep/v1/evaluate/flags/checkout-button", {"context": {"targetingKey": "u"}})
        assert status == 200 and said["variant"], said

    def read_bucket(self) -> None:
        """Nobody's credentials: moto cannot judge such requests while it judges others, so rights are not checked."""
        url = f"{self.cloud.moto.url}/{self.cloud.outputs['bucket']}/environments/production"
        with self.cloud.moto.relaxed():
            program = Program([sys.executable, "-m", "tests.e2e.clients.flipt_engine", "polling"])
            try:
                program.ask({"do": "open", "url": url, "environment": "production"})
                question = {"kind": "boolean", "flag": "card-payments", "entity": "u", "context": {}}
                (answer,) = program.ask({"do": "evaluate", "questions": [question]})["answers"]
            finally:
                program.stop()
        assert answer["value"] is True, answer

    def change(self) -> None:
        assert self.answer("card-payments") is True
        self.deliver(self.switch_cards(on=False))
        began = time.monotonic()
        self.work()
        assert self.revision("production") == 2 and self.revision("staging") == 1
        self.wait_for(lambda: self.answer("card-payments") is False)
        self.say(f"answered {time.monotonic() - began:.1f} s after the event was in the queue, TTL {TTL_SECONDS} s")

    def push_mistake(self) -> None:
        good = self.cloud.repository.read(KILL_SWITCH)
        wrong = self.cloud.repository.push({KILL_SWITCH: good.replace("internal-staff", "internal-stuff", 1)})
        self.deliver(wrong)
        self.work()
        states = {one.context: one for one in self.cloud.forge.statuses(wrong)}
        assert states["burgee/production"].state == "failure" and states["burgee/staging"].state == "success"
        assert KILL_SWITCH in states["burgee/production"].description
        self.say(states["burgee/production"].description)
        assert self.revision("production") == 2 and self.cloud.waiting() == 0
        self.cloud.repository.push({KILL_SWITCH: good})

    def tick(self) -> None:
        self.cloud.repository.push({_EXTRA: _extra("tick")})
        self.send_tick("2026-11-22T12:00:00Z", times=2)
        before = self.revision("staging")
        self.work()
        assert self.revision("staging") == before + 1

    def kill_publish(self) -> None:
        """SIGKILL, at moments that are spread over the time that a publish takes; the messages come back."""
        first, killed = self.revision("staging"), 0
        for number in range(_KILLS):
            self.deliver(self.cloud.repository.push({_EXTRA: _extra(number)}), quiet=True)
            moment = Timer(number * _PUBLISH_SECONDS / _KILLS, self.cloud.functions["publish"].kill)
            moment.start()
            polled = self.cloud.poller.run_once()
            moment.join()
            killed += polled.error is not None
            self.cloud.poller.bring_back(polled)
            while self.cloud.waiting():
                self.work()
            namespaces = self.release("staging")["namespaces"]
            assert f"extra-{number}" in namespaces, f"push {number} was accepted and is not published: {namespaces}"
        # One release for each push: what was released before the kill is not released again after it.
        assert self.revision("staging") == first + _KILLS
        self.say(f"{killed} of {_KILLS} publishes were killed")

    def try_rights(self) -> None:
        self.say(f"{try_rights(self.cloud, self._blob())} calls refused")

    def _blob(self) -> str:
        listed = self.cloud.client("s3", "publish").list_objects_v2(
            Bucket=self.cloud.outputs["bucket"], Prefix="blobs/"
        )
        return str(listed["Contents"][0]["Key"])

    def roll_back(self) -> None:
        """By the command line of a person; the reason is what those read whose pushes wait."""
        before, store = self.revision("production"), self.cloud.outputs["store"]
        arguments = ("--reason", "cards are refused", "--store", store)
        self.say(self.burgee("rollback", "production", *arguments, **self.cloud.signing).splitlines()[0])
        self.wait_for(lambda: self.answer("card-payments") is False)
        assert self.status()["revision"] == self.revision("production") == before + 1

        waiting = self.cloud.repository.push({_EXTRA_LIVE: _extra("live")})
        self.deliver(waiting)
        self.work()
        queued = self.last_status(waiting, "production")
        assert queued.state == "pending" and "cards are refused" in queued.description, queued
        self.say(queued.description)
        assert self.revision("production") == before + 1 and self.answer("card-payments") is False

        said = self.burgee("resume", "production", "--store", store, **self.cloud.signing)
        assert waiting[:12] in said, said
        self.send_tick("2026-11-22T12:05:00Z")
        self.work()
        self.wait_for(lambda: self.answer("card-payments") is True)
        assert self.last_status(waiting, "production").state == "success"
        assert "extra-live" in self.release("production")["namespaces"]
        assert self.is_fresh()

    def break_store(self) -> None:
        served = self.answer("card-payments")
        self.wait_for(self.is_kept)
        for fault in (self.cloud.between.answer_503, self.cloud.between.cut):
            fault()
            time.sleep(TTL_SECONDS)
            assert self.answer("card-payments") is served
            self.cloud.functions["evaluate"].kill()
            assert self.answer("card-payments") is served, self.log("evaluate")
            assert self.status()["stale"], self.log("evaluate")
            assert "burgee: stale" in self._log_after_a_second("evaluate")
            self.cloud.between.mend()
            self.wait_for(self.is_fresh)

    def _log_after_a_second(self, function: str) -> str:
        time.sleep(1.1)
        self.answer("card-payments")
        return self.log(function)

    def lose_host(self) -> None:
        self.cloud.repository.push({_EXTRA: _extra("lost")})
        commit = self.repository_tip()
        served = self.cloud.folder / "served" / "flags.git"
        away = served.rename(served.with_name("away.git"))
        self.deliver(commit)
        for _ in range(TRIES):
            polled = self.work()
            self.cloud.poller.bring_back(polled)
        assert self.cloud.waiting() == 0 and self.cloud.waiting("dead_letter_url") == 1, self.log("publish")
        assert self.cloud.forge.statuses(commit)[-1].state == "error"
        away.rename(served)
        queues = {"BURGEE_QUEUE": "queue_url", "BURGEE_DEAD_LETTERS": "dead_letter_url"}
        variables = {name: self.cloud.outputs[output] for name, output in queues.items()}
        self.say(self.burgee("redrive", "--dry-run", **variables).splitlines()[-1])
        assert "1 message moved back" in self.burgee("redrive", **variables)
        before = self.revision("staging")
        self.work()
        assert self.revision("staging") == before + 1
        assert self.cloud.waiting() == self.cloud.waiting("dead_letter_url") == 0

    # The end

    def destroy(self) -> None:
        self.cloud.terraform.destroy()
        assert self.cloud.terraform.resources() == []
        amazon = self.cloud.asked_by_person
        assert amazon("s3").list_buckets()["Buckets"] == []
        assert amazon("lambda").list_functions()["Functions"] == []
        assert amazon("iam").list_roles()["Roles"] == []
        assert amazon("sqs").list_queues().get("QueueUrls", []) == []
        assert amazon("secretsmanager").list_secrets()["SecretList"] == []
        assert amazon("scheduler").list_schedules()["Schedules"] == []
        assert amazon("cloudwatch").describe_alarms()["MetricAlarms"] == []
        assert amazon("logs").describe_log_groups()["logGroups"] == []

    # For people who want to look around

    def stay(self) -> None:
        """Deliver what is pushed and work the queue until Ctrl-C, as the Git host and Lambda's poller do."""
        repository, urls = self.cloud.repository, self.cloud.urls
        bare = self.cloud.folder / "served" / "flags.git"
        self.say(f"git clone {bare}, change flags, push")
        self.say(f"evaluate: {urls['evaluate']}, token {self.cloud.secret('client_token_secret_arn')}")
        self.say(f"webhook: {urls['webhook']}, for what has the URL {repository.url}")
        self.say(f"store: {self.cloud.outputs['store']}&endpoint={self.cloud.moto.url}")
        self.say("Ctrl-C goes on to the end")
        told = git(bare, "rev-parse", "main")
        with suppress(KeyboardInterrupt):
            while True:
                tip = git(bare, "rev-parse", "main")
                if tip != told:
                    told = tip
                    self.deliver(tip)
                for message in self.work().deleted:
                    self.say(f"worked: {message['Body']}")
                time.sleep(0.5)


def _extra(name: object) -> str:
    """A file with a namespace that no release had yet."""
    return f'version: "1.4"\nnamespace: extra-{name}\n'


def tell(cloud: Cloud, *, say: Callable[[str], object], stay: bool = False) -> None:
    """Live through all of it; `say` is given a line for each step, with the seconds it took, and what it found.

    With `stay` it waits before the end, until it is interrupted.
    """
    story = Story(cloud, lambda line: say(f"      {line}"))
    _run(story.before(), say)
    with started(cloud):
        with cloud.moto.enforcing():
            _run(story.after(), say)
        if stay:
            story.stay()
    _run(story.end(), say)


def _run(steps: Iterator[Step], say: Callable[[str], object]) -> None:
    for title, step in steps:
        began = time.monotonic()
        step()
        say(f"{time.monotonic() - began:5.1f} s  {title}")
