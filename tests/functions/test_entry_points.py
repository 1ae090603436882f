"""One suite over the functions of every cloud: what is asked over HTTP, what lies in queues, and what becomes of it."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from time import sleep, time
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

import pytest

from burgee.bundle.index import Index, Listed
from burgee.control.job import Job, decode_job, encode_job
from burgee.queue.port import Message
from burgee.serve.message import Request
from burgee.serve.opening import open_function
from burgee.settings import read_settings
from burgee.store.opening import open_store
from tests import events
from tests.builders import EVERYBODY, NO, YES, a_boolean_flag, a_document, a_flag, a_rule, a_threshold, a_variant
from tests.fakes.publisher import publish
from tests.functions.clouds import Aws, Azure, Cloud, Gcp, Place, Work
from tests.packages import evaluate_packages
from tests.publishing import features, files
from tests.servers.clouds import Clouds, clouds
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.pubsub import PubSubService, pubsub

pytestmark = pytest.mark.integration

ORIGIN = "https://shop.example.org"
TOKEN, OTHER = "of-everything", "of-production-alone"
CLOUDS: dict[str, Callable[[Clouds, PubSubService], Cloud]] = {
    "aws": lambda servers, pubsub: Aws(servers.aws),
    "azure": lambda servers, pubsub: Azure(servers.azure),
    "gcp": lambda servers, pubsub: Gcp(pubsub, servers.google),
}
# Of these each answer has its own.
VOLATILE = ("requestDurationMillis", "requestId", "timestamp")


class Answer(NamedTuple):
    """What came back; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> Any:
        return json.loads(self.body)


class Asked(NamedTuple):
    """What goes out; `path` is as on the wire."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = {}


def ask(url: str, asked: Asked) -> Answer:
    """The answer to exactly this; nothing is followed, added but a length, or unpacked."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request(*asked[:3], headers=dict(asked.headers))
        response = connection.getresponse()
        content, headers = response.read(), response.headers
        joined = {name.lower(): ", ".join(headers.get_all(name, [])) for name in headers}
        return Answer(response.status, joined, content)


def post(path: str, fields: Any, **headers: str) -> Asked:
    known = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked("POST", path, json.dumps(fields).encode(), {**known, **given})


def get(path: str, **headers: str) -> Asked:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked("GET", path, b"", {"authorization": f"Bearer {TOKEN}", **given})


def a_store(folder: Path, *, released: bool = True) -> str:
    """The URL of a store of two environments; `staging` has a release, with flags enough to be compressed."""
    url = (folder / "store").as_uri()
    store = open_store(url)
    listed = {"staging": Listed("main", True), "production": Listed("main", False)}
    store.swap_index(Index(events.REPOSITORY, listed), None)
    if released:
        variants = [a_variant("a", {"x": 1}), a_variant("b")]
        flags = [
            a_boolean_flag("on", enabled=True),
            a_boolean_flag("half", a_threshold(50)),
            a_flag("split", variants=variants, rules=[a_rule("yes", [("a", 50), ("b", 50)])]),
            *(a_boolean_flag(f"flag-{number}", a_threshold(number)) for number in range(40)),
        ]
        publish(store, {"default": a_document(flags, (YES, NO, EVERYBODY)).content}, at=int(time() * 1000) - 5000)
    return url


def variables(store: str, **more: str) -> dict[str, str]:
    """What evaluate is told in these tests."""
    tokens = f"{digest(TOKEN)}, {digest(OTHER)} production/*"
    return {"BURGEE_STORE": store, "BURGEE_TOKENS": tokens, "BURGEE_CORS_ORIGINS": ORIGIN, **more}


def digest(token: str) -> str:
    return "sha256:" + sha256(token.encode()).hexdigest()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Clouds, PubSubService]]:
    with clouds() as started, pubsub() as service:
        yield started, service


@pytest.fixture(scope="module", params=CLOUDS)
def cloud(request: pytest.FixtureRequest, servers: tuple[Clouds, PubSubService]) -> Cloud:
    return CLOUDS[request.param](*servers)


@pytest.fixture(scope="module")
def evaluates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of evaluate: what is left out of them or shortened there has to do without just as well."""
    return evaluate_packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def evaluate(cloud: Cloud, evaluates: Path) -> Path:
    """That of the cloud."""
    return evaluates / type(cloud).__name__.lower() / "evaluate.zip"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("functions")


# Evaluate


@pytest.fixture(scope="module")
def store(folder: Path) -> str:
    return a_store(folder)


@pytest.fixture(scope="module")
def url(cloud: Cloud, evaluate: Path, folder: Path, store: str) -> Iterator[str]:
    with cloud.serves("evaluate", folder, variables(store), package=evaluate) as url:
        yield url


@pytest.fixture(scope="module")
def here(store: str) -> Callable[[Asked], Answer]:
    """The same API without any cloud."""
    environ = variables(store)
    app, _ = open_function(read_settings(environ), environ, say=lambda line: None)

    def answered(asked: Asked) -> Answer:
        path, _, query = asked.path.partition("?")
        response = app(Request(asked.method, path, query, dict(asked.headers), asked.body))
        return Answer(response.status, dict(response.headers), response.body)

    return answered


BOOLEAN = {"namespaceKey": "default", "flagKey": "on", "entityId": "ü", "context": {"p": "y\u2028"}}
VARIANT = {**BOOLEAN, "flagKey": "split"}
SAME_EVERYWHERE = {
    "boolean": post("/evaluate/v1/boolean", BOOLEAN),
    "boolean that is off": post("/evaluate/v1/boolean", {**BOOLEAN, "flagKey": "half"}),
    "variant": post("/evaluate/v1/variant", VARIANT),
    "batch": post("/evaluate/v1/batch", {"requests": [BOOLEAN, VARIANT, {**BOOLEAN, "flagKey": "gone"}]}),
    "legacy": post("/api/v1/namespaces/default/evaluate", VARIANT),
    "another namespace": post("/evaluate/v1/boolean", {**BOOLEAN, "namespaceKey": "gone"}),
    "another environment": post("/evaluate/v1/boolean", BOOLEAN, x_flipt_environment="gone"),
    "no release yet": post("/evaluate/v1/boolean", BOOLEAN, x_flipt_environment="production"),
    "one flag": post("/ofrep/v1/evaluate/flags/on", {"context": {"targetingKey": "u"}}),
    "one flag with a slash": post("/ofrep/v1/evaluate/flags/a%2Fb", {"context": {"targetingKey": "u"}}),
    "one flag with two slashes": post("/ofrep/v1/evaluate/flags/a//b", {"context": {"targetingKey": "u"}}),
    "one flag in another script": post("/ofrep/v1/evaluate/flags/%C3%BC%20%25", {"context": {"targetingKey": "u"}}),
    "all flags": post("/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u"}}),
    "no targeting key": post("/ofrep/v1/evaluate/flags/split", {"context": {}}),
    "configuration": get("/ofrep/v1/configuration"),
    "snapshot": get("/internal/v1/evaluation/snapshot/namespace/default"),
    "snapshot by environment": get("/client/v2/environments/staging/namespaces/default/snapshot"),
    "flags": get("/api/v1/namespaces/default/flags?limit=3&pageToken="),
    "a flag": get("/api/v1/namespaces/default/flags/on"),
    "healthz": Asked("GET", "/healthz"),
    "readyz": Asked("GET", "/readyz"),
    "front": Asked("GET", "/"),
    "two slashes first": post("//evaluate/v1/boolean", BOOLEAN),
    "a slash last": post("/evaluate/v1/boolean/", BOOLEAN),
    "unknown path": get("/api/v2/unknown"),
    "unknown mount": Asked("GET", "/wp-login.php"),
    "another method": get("/evaluate/v1/boolean"),
    "no JSON": Asked("POST", "/evaluate/v1/boolean", b"{", {"authorization": f"Bearer {TOKEN}"}),
    "binary": Asked("POST", "/evaluate/v1/boolean", bytes(range(256)), {"authorization": f"Bearer {TOKEN}"}),
    "no body": Asked("POST", "/evaluate/v1/boolean", b"", {"authorization": f"Bearer {TOKEN}"}),
    "no object": Asked("POST", "/evaluate/v1/boolean", b"[]", {"authorization": f"Bearer {TOKEN}"}),
    "no token": Asked("POST", "/evaluate/v1/boolean", json.dumps(BOOLEAN).encode()),
    "a wrong token": post("/evaluate/v1/boolean", BOOLEAN, authorization="Bearer wrong"),
    "a token out of scope": post(
        "/evaluate/v1/boolean", BOOLEAN, authorization=f"Bearer {OTHER}", x_flipt_environment="staging"
    ),
    "delete": Asked("DELETE", "/evaluate/v1/boolean", b"", {"authorization": f"Bearer {TOKEN}"}),
    "options without an origin": Asked("OPTIONS", "/evaluate/v1/boolean"),
}


@pytest.mark.parametrize("asked", SAME_EVERYWHERE.values(), ids=list(SAME_EVERYWHERE))
def test_what_a_cloud_answers_is_what_burgee_answers_without_it(
    url: str, here: Callable[[Asked], Answer], asked: Asked
) -> None:
    path, separator, query = asked.path.partition("?")
    wanted = here(asked._replace(path=unquote(path) + separator + query))
    got = ask(url, asked)
    assert (got.status, steady(got.body)) == (wanted.status, steady(wanted.body))
    for name in ("etag", "www-authenticate", "location", "cache-control", "burgee-revision"):
        assert got.headers.get(name) == wanted.headers.get(name), name
    # Clouds name a type where there is no body to have one.
    assert got.headers.get("content-type") == wanted.headers.get("content-type") or not wanted.body


def steady(body: bytes) -> Any:
    """JSON without what is of one answer alone; other bodies as they are."""
    try:
        fields = json.loads(body)
    except ValueError:
        return body
    return without(fields)


def without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without(held) for name, held in value.items() if name not in VOLATILE}
    return [without(held) for held in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (Asked("POST", "/evaluate/v1/boolean", json.dumps(BOOLEAN).encode()), 401),
        (post("/evaluate/v1/boolean", BOOLEAN, authorization="Bearer wrong"), 401),
        (
            post("/evaluate/v1/boolean", BOOLEAN, authorization=f"Bearer {OTHER}", x_flipt_environment="staging"),
            403,
        ),
        (post("/evaluate/v1/boolean", BOOLEAN, x_flipt_environment="production"), 503),
        (post("/evaluate/v1/boolean", BOOLEAN), 200),
    ],
)
def test_who_may_ask_and_what_there_is_decide_the_status(url: str, asked: Asked, status: int) -> None:
    answer = ask(url, asked)
    assert answer.status == status
    assert ("retry-after" in answer.headers) is (status == 503)


def test_what_has_not_changed_is_304_without_a_body(url: str) -> None:
    for asked in (
        post("/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u"}}),
        get("/internal/v1/evaluation/snapshot/namespace/default"),
    ):
        first = ask(url, asked)
        again = ask(url, asked._replace(headers={**asked.headers, "if-none-match": first.headers["etag"]}))
        assert (first.status, again.status, again.body) == (200, 304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        # A cache that takes headers over from a 304 must not come to hold plain text.
        assert again.headers.get("content-type", "application/json") == "application/json"


def test_answers_are_compressed_for_who_takes_that(url: str) -> None:
    asked = get("/internal/v1/evaluation/snapshot/namespace/default")
    plain, packed = ask(url, asked), ask(url, asked._replace(headers={**asked.headers, "accept-encoding": "gzip"}))
    assert packed.headers["content-encoding"] == "gzip" and len(packed.body) < len(plain.body)
    assert gzip.decompress(packed.body) == plain.body
    assert "accept-encoding" in packed.headers["vary"]


def test_head_is_get_without_a_body(url: str) -> None:
    asked = get("/internal/v1/evaluation/snapshot/namespace/default")
    whole, head = ask(url, asked), ask(url, asked._replace(method="HEAD"))
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", whole.headers["etag"])


def test_pages_of_listed_origins_may_ask_and_others_may_not(url: str) -> None:
    wanted = {"access-control-request-method": "POST", "access-control-request-headers": "x-flipt-environment"}
    for origin, granted in ((ORIGIN, True), ("https://elsewhere.example.org", False)):
        preflight = ask(url, Asked("OPTIONS", "/evaluate/v1/boolean", b"", {"origin": origin, **wanted}))
        assert (preflight.status, preflight.body) == (204, b"")
        answer = ask(url, post("/evaluate/v1/boolean", BOOLEAN, origin=origin))
        for each in (preflight, answer):
            assert each.headers.get("access-control-allow-origin") == (origin if granted else None)
            assert "origin" in each.headers["vary"].lower()
        assert "etag" in answer.headers.get("access-control-expose-headers", "").lower() or not granted


def test_it_says_503_before_the_first_release_and_answers_from_the_last_good_one_after_the_store_breaks(
    cloud: Cloud, evaluate: Path, tmp_path: Path
) -> None:
    store = a_store(tmp_path, released=False)
    asked = Asked("POST", "/evaluate/v1/boolean", json.dumps(BOOLEAN).encode())
    environ = {"BURGEE_STORE": store, "BURGEE_AUTH": "none", "BURGEE_TTL": "0.05", "BURGEE_KEEP": str(tmp_path / "k")}
    with cloud.serves("evaluate", tmp_path, environ, package=evaluate) as url:
        before = ask(url, asked)
        assert (before.status, "retry-after" in before.headers) == (503, True)
        document = a_document([a_boolean_flag("on", enabled=True)]).content
        publish(open_store(store), {"default": document}, at=int(time() * 1000))
        assert eventually(lambda: ask(url, asked).status == 200)
        sleep(1.1)
        assert ask(url, asked).fields["enabled"] is True
        (tmp_path / "store").rename(tmp_path / "gone")
        sleep(0.2)
        after = ask(url, asked)
        assert (after.status, after.fields["enabled"]) == (200, True)
        assert int(after.headers["burgee-age"]) >= 0
    with cloud.serves("evaluate", tmp_path, environ, package=evaluate) as url:
        again = ask(url, asked)
        assert (again.status, again.fields["enabled"]) == (200, True), "the next process answers from what was kept"


def test_a_function_never_answers_of_now_when_it_is_asked_of_then(url: str) -> None:
    for path in ("/evaluate/v1/boolean", "/ofrep/v1/evaluate/flags/on"):
        answer = ask(url, post(f"{path}?at=2026-12-01T00:00:00Z", BOOLEAN))
        assert (answer.status, b"ask `burgee serve` over the same store" in answer.body) == (501, True)


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it comes to hold within some seconds."""
    end = time() + seconds
    while time() < end:
        if holds():
            return True
        sleep(0.05)
    return False


# Webhook


@pytest.fixture(scope="module")
def place(cloud: Cloud) -> Place:
    return cloud.place()


@pytest.fixture(scope="module")
def hook(cloud: Cloud, place: Place, folder: Path, store: str) -> Iterator[str]:
    with cloud.serves("webhook", folder, hook_variables(place, store)) as url:
        yield url


def hook_variables(place: Place, store: str) -> dict[str, str]:
    known = {"BURGEE_REPOSITORY": events.REPOSITORY, "BURGEE_WEBHOOK_SECRET": events.SECRET, "BURGEE_STORE": store}
    return {**place.variables(), **known, "BURGEE_CONFIG_REF": "main"}


def taken(place: Place) -> list[Message]:
    """What is in the queue, which is empty then."""
    messages = []
    for received in place.queue.receive():
        messages.append(received.message)
        place.queue.delete(received.receipt)
    return messages


@pytest.mark.parametrize("host", events.HOSTS)
def test_a_signed_push_of_every_host_is_queued_once(hook: str, place: Place, host: str) -> None:
    make, sign = events.HOSTS[host]
    body = make()
    headers = sign(body, delivery=f"d-{host}", **({"seconds": int(time())} if host == "gitlab signed" else {}))
    headers = {"content-type": "application/json", **headers}
    answer = ask(hook, Asked("POST", "/hooks/push", body, headers))
    if host in ("gitea", "forgejo"):
        # Their event is GitHub's, byte for byte, and nobody sends it twice under two names.
        assert answer.status in (202, 409)
        taken(place)
        return
    assert (answer.status, answer.fields["outcome"]) == (202, "queued"), answer.body
    (message,) = taken(place)
    job = decode_job(message.body)
    assert (job.cause, job.ref, job.commit) == ("push", "refs/heads/main", events.COMMIT)
    assert message.group == sha256(events.REPOSITORY.encode()).hexdigest()


def test_an_event_as_a_form_is_the_same_event(hook: str, place: Place) -> None:
    body = urlencode({"payload": events.github_push(ref="refs/heads/main", pushed_at=int(time())).decode()}).encode()
    headers = {**events.github_headers(body, delivery="form"), "content-type": "application/x-www-form-urlencoded"}
    assert ask(hook, Asked("POST", "/", body, headers)).status == 202
    assert len(taken(place)) == 1


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"x-hub-signature-256": "sha256=" + "0" * 64}, 401),
        ({"x-hub-signature-256": ""}, 401),
        ({"x-github-event": "ping"}, 202),
    ],
)
def test_what_is_not_signed_or_no_push_is_not_queued(
    hook: str, place: Place, changed: Mapping[str, str], status: int
) -> None:
    body = events.github_push()
    assert (
        ask(hook, Asked("POST", "/", body, {**events.github_headers(body, delivery="x"), **changed})).status == status
    )
    assert taken(place) == []


def test_pushes_of_other_repositories_and_branches_are_left_out(hook: str, place: Place) -> None:
    for body in (
        events.github_push(repository="https://git.example.org/acme/other"),
        events.github_push(ref="refs/heads/feature"),
    ):
        answer = ask(hook, Asked("POST", "/", body, events.github_headers(body, delivery="left-out")))
        assert (answer.status, answer.fields["outcome"]) == (202, "ignored")
    assert taken(place) == []


def test_an_event_that_is_too_large_is_413_and_other_methods_are_405(hook: str, place: Place) -> None:
    body = b" " * (4 * 1024 * 1024) + events.github_push()
    assert ask(hook, Asked("POST", "/", body, events.github_headers(body, delivery="large"))).status == 413
    assert ask(hook, Asked("GET", "/")).status == 405
    assert taken(place) == []


NOWHERE = {
    "aws": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9"},
    "azure": {"BURGEE_QUEUE": "http://127.0.0.1:9/devstoreaccount1/queue"},
    "gcp": {"PUBSUB_EMULATOR_HOST": "127.0.0.1:9"},
}


def test_a_queue_that_is_down_is_503_so_that_the_host_sends_again(
    request: pytest.FixtureRequest, cloud: Cloud, place: Place, tmp_path: Path, store: str
) -> None:
    nowhere = NOWHERE[request.node.callspec.params["cloud"]]
    body = events.github_push()
    with cloud.serves("webhook", tmp_path, {**hook_variables(place, store), **nowhere}) as url:
        answer = ask(url, Asked("POST", "/", body, events.github_headers(body)))
    assert answer.status == 503 and "could not be queued" in answer.fields["error"]


# Publish


class Repository(NamedTuple):
    """Where what is published comes from, and where it goes."""

    path: Path
    store: str

    def variables(self, **more: str) -> dict[str, str]:
        return {"BURGEE_REPOSITORY": str(self.path), "BURGEE_STORE": self.store, "BURGEE_CONFIG_REF": "main", **more}

    def revision(self, environment: str = "staging") -> int:
        found = open_store(self.store).read_head(environment)
        return found[0].revision if found else 0


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    tree = a_work_tree(tmp_path / "repository", files(features("a"), features("a")))
    return Repository(tree, (tmp_path / "published").as_uri())


@pytest.fixture
def work(cloud: Cloud, tmp_path: Path, repository: Repository) -> Iterator[Work]:
    with cloud.works(cloud.place(), tmp_path, repository.variables(BURGEE_TRIES="2")) as work:
        yield work


def a_push(commit: str, number: int = 1) -> Message:
    return Message(encode_job(Job("push", "refs/heads/main", commit, f"github:{number}")), "g", f"github:{number}")


def test_a_job_becomes_a_release_and_leaves_the_queue(work: Work, repository: Repository) -> None:
    work.place.queue.send(a_push("1f" * 20))
    work.run()
    assert (repository.revision(), repository.revision("production"), work.waiting()) == (1, 1, 0)
    changed = commit(repository.path, {"flags/staging/features.yaml": features("a", "b")})
    work.place.queue.send(a_push(changed, 2))
    work.run()
    assert (repository.revision(), repository.revision("production"), work.waiting()) == (2, 1, 0)
    assert work.place.dead_letters() == []
    assert '"Published"' in work.log(), "the metric is counted"


def test_a_tick_publishes_what_no_event_told(work: Work, repository: Repository) -> None:
    work.tick()
    work.run()
    assert (repository.revision(), work.waiting()) == (1, 0)


def test_what_is_no_job_lies_with_the_dead_letters_and_says_why(work: Work, repository: Repository) -> None:
    work.place.queue.send(Message("no job, \u2028 but text", "g", "odd"))
    work.run()
    (dead,) = work.place.dead_letters()
    assert dead.body == "no job, \u2028 but text"
    assert dead.reason is not None and "wanted a job as JSON" in dead.reason
    assert (work.waiting(), repository.revision()) == (0, 0)


@pytest.mark.slow
def test_what_fails_is_tried_again_and_then_given_up_with_its_reason(work: Work, repository: Repository) -> None:
    lose(work, repository)
    work.place.queue.send(a_push("1f" * 20))
    work.run()
    assert (work.waiting(), work.place.dead_letters()) == (1, [])
    work.run()
    assert work.waiting() == 1, "it is not due yet"
    work.let_pass()
    work.run()
    (dead,) = work.place.dead_letters()
    assert work.waiting() == 0
    assert dead.reason is not None and dead.reason.startswith("tried 2 times: ")
    assert decode_job(dead.body).commit == "1f" * 20
    assert '"DeadLetters"' in work.log() and '"PublishFailed"' in work.log()


@pytest.mark.slow
def test_what_failed_once_is_published_when_it_comes_again(work: Work, repository: Repository) -> None:
    away = lose(work, repository)
    work.place.queue.send(a_push(commit(away, {"flags/staging/features.yaml": features("a", "b")})))
    work.run()
    assert (repository.revision(), work.waiting()) == (1, 1)
    away.rename(repository.path)
    work.let_pass()
    work.run()
    assert (repository.revision(), work.waiting(), work.place.dead_letters()) == (2, 0, [])


def lose(work: Work, repository: Repository) -> Path:
    """Where the repository is after its first release, when nobody finds it any more."""
    work.tick()
    work.run()
    return repository.path.rename(repository.path.with_name("away"))


def test_files_that_are_wrong_are_no_reason_to_try_again(work: Work, repository: Repository) -> None:
    wrong = commit(repository.path, {"flags/staging/features.yaml": "flags: 1\n"})
    work.place.queue.send(a_push(wrong))
    work.run()
    assert (repository.revision(), repository.revision("production")) == (0, 1)
    assert (work.waiting(), work.place.dead_letters()) == (0, [])
    assert '"PublishInvalid"' in work.log()


def test_jobs_are_worked_by_one_process_after_the_other(cloud: Cloud, tmp_path: Path, repository: Repository) -> None:
    place = cloud.place()
    with ExitStack() as stack:
        work = stack.enter_context(cloud.works(place, tmp_path, repository.variables()))
        for number in range(3):
            place.queue.send(a_push(f"{number + 1:02x}" * 20, number))
        work.run()
    assert (repository.revision(), work.waiting()) == (1, 0)


def test_what_is_pushed_is_published_to_the_clouds_own_store_and_evaluated_from_it(
    cloud: Cloud, evaluate: Path, tmp_path: Path, repository: Repository
) -> None:
    commit(repository.path, {"flags/staging/features.yaml": features("a", percentage=100)})
    place, store = cloud.place(), cloud.store(tmp_path.name)
    with cloud.works(place, tmp_path, {**repository.variables(), **store}) as work:
        place.queue.send(a_push("1f" * 20))
        work.run()
        assert work.waiting() == 0, work.log()
    asked = Asked("POST", "/evaluate/v1/boolean", b'{"flagKey":"a","entityId":"u"}')
    with cloud.serves("evaluate", tmp_path, {**store, "BURGEE_AUTH": "none"}, package=evaluate) as url:
        answer = ask(url, asked)
        assert (answer.status, answer.fields["enabled"]) == (200, True), answer.body
    push = events.github_push(ref="refs/heads/feature")
    known = {"BURGEE_REPOSITORY": str(repository.path), "BURGEE_WEBHOOK_SECRET": events.SECRET}
    with cloud.serves("webhook", tmp_path, {**place.variables(), **store, **known}) as url:
        # The webhook has read the index that the publish wrote: it knows whose store it is.
        answer = ask(url, Asked("POST", "/", push, events.github_headers(push)))
        assert (answer.status, answer.fields["outcome"]) == (202, "ignored")
