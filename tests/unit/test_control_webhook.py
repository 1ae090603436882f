"""The webhook: who is believed, what is put into the queue, what is left out, and what is refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from burgee.bundle.index import Index, Listed
from burgee.control.job import decode_job
from burgee.control.webhook import LARGEST_EVENT, MOST_JOBS, OLDEST_MS, Deployment, Webhook
from burgee.core.errors import Denied, NotFound, StoreError, Unavailable
from burgee.queue.port import Message
from burgee.serve.message import Request, Response
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from tests.events import (
    COMMIT,
    GONE,
    HOSTS,
    REPOSITORY,
    SECRET,
    a_request,
    bitbucket_headers,
    bitbucket_push,
    code,
    github_headers,
    github_push,
    signed_gitlab_headers,
)
from tests.fakes.clock import VirtualClock
from tests.fakes.queue import MemoryQueue

NOW = 1_700_000_000_000


class Scene:
    """A webhook over a queue and a store in memory, whose environments follow `main` and `release`."""

    def __init__(self, *, config_ref: str | None = None, published: bool = True) -> None:
        self.clock = VirtualClock(wall=NOW)
        self.queue = MemoryQueue(self.clock)
        self.lines: list[str] = []
        store = ObjectStore(MemoryObjects())
        if published:
            listed = {"staging": Listed("main", True), "production": Listed("release", False)}
            store.swap_index(Index(REPOSITORY, listed), None)
        self.webhook = Webhook(
            secret=SECRET,
            deployment=Deployment(REPOSITORY, config_ref),
            queue=self.queue,
            store=store,
            now=self.clock.wall,
            say=lambda line, fields: self.lines.append(f"{line} {dict(fields)}"),
        )

    def ask(self, request: Request) -> tuple[int, dict[str, Any]]:
        response: Response = self.webhook(request)
        return response.status, json.loads(response.body)

    def push(self, body: bytes, delivery: str = "d-1") -> tuple[int, dict[str, Any]]:
        return self.ask(a_request(github_headers(body, delivery=delivery), body))


@pytest.mark.parametrize("host", HOSTS)
def test_a_signed_push_of_every_host_is_queued_with_its_ref_and_commit(host: str) -> None:
    scene = Scene()
    make, sign = HOSTS[host]
    body = make()
    status, said = scene.ask(a_request(sign(body), body))
    assert (status, said["outcome"], said["refs"]) == (202, "queued", ["refs/heads/main"])
    (message,) = scene.queue.messages
    job = decode_job(message.body)
    assert (job.cause, job.ref, job.commit) == ("push", "refs/heads/main", COMMIT)
    assert job.delivery == message.deduplication == f"{host.split()[0]}:d-1"
    assert message.group == Deployment(REPOSITORY).group


@pytest.mark.parametrize("host", HOSTS)
def test_an_event_under_another_secret_is_refused_and_not_read(host: str) -> None:
    scene = Scene()
    _, sign = HOSTS[host]
    status, said = scene.ask(a_request(sign(b"{", secret="another-secret-altogether"), b"{"))
    assert status == 401 and scene.queue.messages == []
    assert "secret" in said["error"]


@pytest.mark.parametrize("host", [host for host in HOSTS if host != "gitlab"])
def test_a_body_that_was_changed_on_the_way_is_refused(host: str) -> None:
    scene = Scene()
    make, sign = HOSTS[host]
    body = make()
    assert scene.ask(a_request(sign(body), body + b" "))[0] == 401
    assert scene.queue.messages == []


@pytest.mark.parametrize("host", HOSTS)
def test_an_event_without_a_signature_is_refused(host: str) -> None:
    make, sign = HOSTS[host]
    body = make()
    proofs = ("signature", "token")
    headers = {name: value for name, value in sign(body).items() if not any(proof in name for proof in proofs)}
    assert Scene().ask(a_request(headers, body))[0] == 401


def test_what_no_host_sends_is_refused() -> None:
    status, said = Scene().ask(a_request({"x-hub-signature-256": f"sha256={code(b'{}')}"}, b"{}"))
    assert status == 400 and "x-github-event" in said["error"]
    assert Scene().ask(a_request({}, b"", method="GET"))[0] == 405


def test_gitlab_signatures_hold_for_five_minutes_and_two_keys_may_sign() -> None:
    make, _ = HOSTS["gitlab signed"]
    body = make()
    late = signed_gitlab_headers(body, seconds=NOW // 1000 - 301)
    assert Scene().ask(a_request(late, body))[0] == 401
    headers = signed_gitlab_headers(body)
    rotated = {**headers, "webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}
    assert Scene().ask(a_request(rotated, body))[0] == 202
    for wrong in ({"webhook-timestamp": "soon"}, {"webhook-id": "other"}, {"webhook-signature": ""}):
        assert Scene().ask(a_request({**headers, **wrong}, body))[0] == 401


def test_a_form_as_github_sends_it_by_default_is_read() -> None:
    scene = Scene()
    body = urlencode({"payload": github_push().decode()}).encode()
    headers = {**github_headers(body), "content-type": "application/x-www-form-urlencoded"}
    assert scene.ask(a_request(headers, body))[1]["outcome"] == "queued"


def test_refs_that_nobody_follows_are_left_out() -> None:
    for ref in ("refs/heads/feature", "refs/heads/main2", "refs/pull/7/head"):
        scene = Scene()
        status, said = scene.push(github_push(ref))
        assert (status, said["outcome"]) == (202, "ignored") and ref in said["reason"]
        assert scene.queue.messages == []


def test_refs_of_environments_and_the_one_of_burgee_yaml_are_followed() -> None:
    assert Scene().push(github_push("refs/heads/release"))[1]["outcome"] == "queued"
    assert Scene().push(github_push("refs/tags/release"))[1]["outcome"] == "queued"
    settings = github_push("refs/heads/settings")
    assert Scene().push(settings)[1]["outcome"] == "ignored"
    assert Scene(config_ref="settings").push(settings)[1]["outcome"] == "queued"
    assert Scene().push(github_push("refs/heads/trunk", default_branch="trunk"))[1]["outcome"] == "queued"


def test_before_the_first_publish_every_push_is_taken() -> None:
    assert Scene(published=False).push(github_push("refs/heads/feature"))[1]["outcome"] == "queued"


def test_a_store_that_cannot_be_read_loses_no_push() -> None:
    scene = Scene()

    class Broken(MemoryObjects):
        def get(self, key: str) -> Any:
            raise Unavailable("the store is down")

    broken = Webhook(
        SECRET, Deployment(REPOSITORY), scene.queue, ObjectStore(Broken()), scene.clock.wall, scene.webhook.say
    )
    body = github_push("refs/heads/feature")
    assert broken(a_request(github_headers(body), body)).status == 202
    assert len(scene.queue.messages) == 1 and "the store is down" in scene.lines[0]


def test_several_branches_of_one_push_are_jobs_of_their_own() -> None:
    scene = Scene(config_ref="main")
    body = bitbucket_push("main", "feature", "release")
    status, said = scene.ask(a_request(bitbucket_headers(body), body))
    assert (status, said["refs"]) == (202, ["refs/heads/main", "refs/heads/release"])
    assert [message.deduplication for message in scene.queue.messages] == ["bitbucket:d-1", "bitbucket:d-1:1"]


def test_a_push_of_ten_thousand_branches_is_a_handful_of_jobs() -> None:
    scene = Scene(published=False)
    body = bitbucket_push(*(f"branch-{number}" for number in range(10_000)))
    status, said = scene.ask(a_request(bitbucket_headers(body), body))
    assert status == 202 and len(said["refs"]) == len(scene.queue.messages) == MOST_JOBS


def test_odd_names_of_branches_are_names() -> None:
    for name in ("feature/\U0001f469\u200d\U0001f4bb", "no\u00a0break", "é"):
        scene = Scene(published=False)
        assert scene.push(github_push(f"refs/heads/{name}"))[1]["refs"] == [f"refs/heads/{name}"]


def test_a_deleted_branch_that_is_followed_is_a_job_without_a_commit() -> None:
    scene = Scene()
    scene.push(github_push("refs/heads/release", GONE))
    assert decode_job(scene.queue.messages[0].body).commit is None
    body = bitbucket_push("release", commit=None)
    scene.ask(a_request(bitbucket_headers(body), body))
    assert decode_job(scene.queue.messages[1].body).commit is None


def test_events_of_other_repositories_are_left_out() -> None:
    scene = Scene()
    status, said = scene.push(github_push(repository="https://git.example.org/acme/other"))
    assert (status, said["outcome"]) == (202, "ignored") and "acme/other" in said["reason"]
    assert scene.push(github_push(repository="https://GIT.example.org/ACME/Flags"))[1]["outcome"] == "queued"


def test_events_that_are_no_push_are_left_out() -> None:
    scene = Scene()
    body = json.dumps({"zen": "Keep it simple"}).encode()
    status, said = scene.ask(a_request(github_headers(body, event="ping"), body))
    assert (status, said["outcome"]) == (202, "ignored") and "ping" in said["reason"]


def test_a_delivery_that_comes_again_is_queued_once() -> None:
    scene = Scene()
    body = github_push()
    assert scene.push(body)[1]["outcome"] == "queued"
    status, said = scene.push(body)
    assert (status, said["outcome"]) == (202, "ignored") and "already" in said["reason"]
    assert len(scene.queue.messages) == 1


def test_the_same_event_under_another_id_is_refused() -> None:
    scene = Scene()
    body = github_push()
    scene.push(body)
    status, said = scene.push(body, delivery="d-2")
    assert status == 409 and "github:d-1" in said["error"]
    assert len(scene.queue.messages) == 1


def test_an_event_that_was_not_queued_may_come_again() -> None:
    scene = Scene()
    body = github_push()
    scene.queue.fault = Unavailable("the queue is down")
    assert scene.push(body)[0] == 503
    assert scene.push(body)[1]["outcome"] == "queued"


@pytest.mark.parametrize("fault", [NotFound("no such queue"), Denied("no right"), Unavailable("down")])
def test_a_queue_that_does_not_take_it_is_a_fault_of_ours_and_the_event_may_come_again(fault: StoreError) -> None:
    scene = Scene()
    scene.queue.fault = fault
    status, said = scene.push(github_push())
    assert status == 503 and str(fault) in said["error"]


def test_an_event_whose_repository_has_no_address_is_left_out() -> None:
    status, said = Scene().push(github_push(clone_url="https://[", html_url="http://", ssh_url="::"))
    assert (status, said["outcome"]) == (202, "ignored")


def test_gitlabs_events_are_known_by_the_id_that_is_signed_or_else_by_the_one_that_retries_keep() -> None:
    make, sign = HOSTS["gitlab"]
    scene, body = Scene(), make()
    headers = {**sign(body), "idempotency-key": "kept"}
    assert scene.ask(a_request(headers, body))[1]["delivery"] == "gitlab:kept"
    signed = {**signed_gitlab_headers(body, delivery="signed"), "idempotency-key": "other"}
    assert scene.ask(a_request(signed, body))[1]["delivery"] == "gitlab:signed"


def test_an_event_long_after_its_push_is_refused() -> None:
    scene = Scene()
    old = (NOW - OLDEST_MS) // 1000 - 1
    assert scene.push(github_push(pushed_at=old))[0] == 409
    assert scene.push(github_push(pushed_at=old + 2), delivery="d-2")[0] == 202
    assert scene.push(github_push(pushed_at="2023-11-14T22:13:20Z"), delivery="d-3")[0] == 202


def test_an_oversized_event_is_refused_before_it_is_looked_at() -> None:
    body = b"x" * (LARGEST_EVENT + 1)
    status, said = Scene().ask(a_request({}, body))
    assert status == 413 and str(LARGEST_EVENT) in said["error"]


@pytest.mark.parametrize(
    "commit", ["../../../../user/repos", "main", "1f" * 19, "1F" * 21, "1f" * 20 + "/", "é" * 40, 7, None]
)
@pytest.mark.parametrize("host", HOSTS)
def test_what_is_no_commit_never_gets_to_where_addresses_are_made_of_it(host: str, commit: Any) -> None:
    make, sign = HOSTS[host]
    body = make().replace(json.dumps(COMMIT).encode(), json.dumps(commit).encode())
    scene = Scene()
    assert scene.ask(a_request(sign(body), body))[0] == 400 and scene.queue.messages == []


BAD = [b"", b"{", b"[]", b"null", b'{"ref": 1}', b'{"ref": "refs/heads/main"}', b"[" * 100_000]


@pytest.mark.parametrize(
    "body",
    [*BAD, github_push("refs/heads/\n"), github_push("refs/heads/\ud800"), b'{"ref":"a","after":"b","repository":[]}'],
)
@pytest.mark.parametrize("host", HOSTS)
def test_a_signed_event_that_is_not_what_hosts_send_is_an_error_of_the_sender(host: str, body: bytes) -> None:
    _, sign = HOSTS[host]
    status, said = Scene().ask(a_request(sign(body), body))
    assert status == 400, said


@pytest.mark.parametrize("delivery", ["", "x" * 200, "a b", "é", "\x00"])
def test_odd_delivery_ids_become_names_that_a_queue_takes(delivery: str) -> None:
    scene = Scene()
    assert scene.push(github_push(), delivery=delivery)[0] == 202
    (message,) = scene.queue.messages
    assert message.deduplication.isascii() and len(message.deduplication) <= 128 and " " not in message.deduplication


def test_the_group_is_what_terraform_computes_from_the_url() -> None:
    from hashlib import sha256

    assert Deployment(REPOSITORY).group == sha256(REPOSITORY.encode()).hexdigest()


def test_a_message_is_sent_before_the_event_is_answered() -> None:
    scene = Scene()
    sent: list[Message] = []
    scene.queue.before_send = lambda: sent.extend(scene.queue.messages)
    assert scene.push(github_push())[0] == 202
    assert sent == [] and len(scene.queue.messages) == 1
