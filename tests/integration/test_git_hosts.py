"""Git hosts: what they are told, how they word what is wrong, and that a token goes nowhere else."""

from __future__ import annotations

import json
import socket
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import sha256
from hmac import new
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from burgee.core.errors import BurgeeError, ConfigurationError, Denied, InvalidRequest, NotFound, TooLarge, Unavailable
from burgee.core.signature import whsec_key
from burgee.git import api as api_module
from burgee.git.address import Credentials
from burgee.git.api import Api
from burgee.git.github import GitHub
from burgee.git.host import GitHost, Hook, Status, kind_of, open_host
from tests.servers import emulate as emulated
from tests.servers.deliveries import deliveries
from tests.servers.emulate import Emulated, emulate
from tests.servers.forge import TOKEN, Fault, Forge, forge

pytestmark = pytest.mark.integration
COMMIT = "3f" * 20
SECRET = "the secret of the webhook"
URL = "https://flags.example.org/"
HOOK = Hook(URL, SECRET, whsec_key(SECRET))
HOSTS = {
    "github": "https://github.com/acme/flags",
    "gitlab": "https://gitlab.com/acme/flags",
    "gitea": "https://git.example.org/acme/flags.git",
    "forgejo": "https://codeberg.org/acme/flags",
    "bitbucket": "https://bitbucket.org/acme/flags",
}
STATUS = Status("burgee/production", "success", "release 12")
every_host = pytest.mark.parametrize("kind", HOSTS)


@pytest.fixture
def running() -> Iterator[Forge]:
    with forge() as running:
        yield running


@contextmanager
def opened(running: Forge, kind: str, *, token: str = TOKEN, address: str | None = None) -> Iterator[GitHost]:
    host = open_host(address or HOSTS[kind], kind=kind, api=running.api(kind), token=token, environ={})
    assert host is not None
    with closing(host):
        yield host


def raised(act: Callable[[], object]) -> BurgeeError:
    """The error, in whose text there is nothing secret."""
    with pytest.raises(BurgeeError) as caught:
        act()
    assert TOKEN not in str(caught.value) and SECRET not in str(caught.value)
    return caught.value


@every_host
def test_a_status_is_written_in_the_words_of_the_host(running: Forge, kind: str) -> None:
    with opened(running, kind) as host:
        for state in ("success", "failure", "error", "pending"):
            host.write_status(COMMIT, Status("burgee/production", state, "what", "https://flags.example.org/x"))
    said = running.statuses(COMMIT)
    assert {(each.kind, each.context, each.description, each.url) for each in said} == {
        (kind, "burgee/production", "what", "https://flags.example.org/x")
    }
    assert [each.state for each in said] == {
        "gitlab": ["success", "failed", "failed", "pending"],
        "bitbucket": ["SUCCESSFUL", "FAILED", "FAILED", "INPROGRESS"],
    }.get(kind, ["success", "failure", "error", "pending"])


@every_host
def test_a_description_is_cut_at_the_limit_of_the_host(running: Forge, kind: str) -> None:
    with opened(running, kind) as host:
        host.write_status(COMMIT, Status("burgee/production", "failure", "häfen " * 100))
        (said,) = running.statuses(COMMIT)
        assert host.longest_description - 6 <= len(said.description) <= host.longest_description
        assert said.description.endswith("häfen…")


def test_an_address_that_gitlab_would_refuse_is_left_out(running: Forge) -> None:
    with opened(running, "gitlab") as host:
        host.write_status(COMMIT, Status("burgee/production", "success", "what", "https://example.org/" + "x" * 255))
    assert running.statuses(COMMIT)[0].url is None


def test_gitlab_is_not_told_twice_that_something_is_pending(running: Forge) -> None:
    with opened(running, "gitlab") as host:
        for _ in range(2):
            host.write_status(COMMIT, Status("burgee/production", "pending", "what"))
    assert len(running.statuses(COMMIT)) == 1


def test_bitbucket_gets_a_short_key_for_every_environment_and_the_page_of_the_commit(running: Forge) -> None:
    names = [f"{'long-' * 10}{number}" for number in range(2)]
    with opened(running, "bitbucket") as host:
        for name in names:
            host.write_status(COMMIT, Status(f"burgee/{name}", "success", "what"))
    said = running.statuses(COMMIT)
    assert len({each.context for each in said}) == 2
    assert {len(each.context) for each in said} == {40}
    assert said[0].url == f"https://bitbucket.org/acme/flags/commits/{COMMIT}"


@every_host
def test_a_hook_is_created_once_and_then_updated(running: Forge, kind: str) -> None:
    with opened(running, kind) as host:
        before = host.connect(HOOK, dry_run=True)
        assert (before.id, before.action, running.hooks[kind]) == (None, "created", [])
        made = host.connect(HOOK)
        assert (made.action, made.others, made.signed) == ("created", (), True)
        running.hooks[kind][0] |= {"active": False, "events": ["issues"], "push_events": False}
        again = host.connect(Hook(URL, "another secret, as long", whsec_key("another secret, as long")))
        assert (again.id, again.action) == (made.id, "updated")
    (hook,) = running.hooks[kind]
    assert wanted(kind).items() <= hook.items()
    assert "another secret" in json.dumps(hook) or kind == "gitlab"


def wanted(kind: str) -> Mapping[str, Any]:
    config = {"url": URL, "content_type": "json", "secret": "another secret, as long"}
    if kind == "github":
        return {"active": True, "events": ["push"], "config": {**config, "insecure_ssl": "0"}}
    if kind == "gitlab":
        return {"url": URL, "push_events": True, "push_events_branch_filter": "", "enable_ssl_verification": True}
    if kind == "bitbucket":
        return {"url": URL, "active": True, "events": ["repo:push"], "secret": config["secret"]}
    return {"active": True, "events": ["push"], "branch_filter": "", "config": config}


@every_host
def test_a_hook_on_a_later_page_is_found(running: Forge, kind: str) -> None:
    running.page = 2
    with opened(running, kind) as host:
        for number in range(5):
            host.connect(Hook(f"{URL}{number}", SECRET, whsec_key(SECRET)))
        assert host.connect(Hook(f"{URL}4", SECRET, whsec_key(SECRET))).action == "updated"
    assert len(running.hooks[kind]) == 5


@every_host
def test_hooks_that_are_told_the_same_are_named(running: Forge, kind: str) -> None:
    with opened(running, kind) as host:
        first = host.connect(HOOK)
        other = host.connect(Hook(f"{URL}x", SECRET, whsec_key(SECRET)))
        hook = running.hooks[kind][1]
        hook.get("config", hook)["url"] = URL
        assert host.connect(HOOK, dry_run=True).others == (other.id,)
        assert host.connect(HOOK, dry_run=True).id == first.id


def test_gitlab_signs_with_a_key_that_follows_from_the_secret_and_keeps_no_token(running: Forge) -> None:
    with opened(running, "gitlab") as host:
        running.signs = False
        host.connect(HOOK)
        assert running.hooks["gitlab"][0]["token"] == SECRET
        running.signs = True
        assert host.connect(HOOK).signed
    (hook,) = running.hooks["gitlab"]
    assert hook["token"] == ""
    assert hook["signing_token"].startswith("whsec_")
    assert b64decode(hook["signing_token"].removeprefix("whsec_")) == sha256(SECRET.encode()).digest()


@pytest.mark.parametrize("there", [False, True])
def test_a_gitlab_that_cannot_sign_gets_the_secret_itself(running: Forge, there: bool) -> None:
    running.signs = False
    with opened(running, "gitlab") as host:
        if there:
            host.connect(HOOK)
            running.asked.clear()
        assert not host.connect(HOOK).signed
    (hook,) = running.hooks["gitlab"]
    assert hook["token"] == SECRET and "signing_token" not in hook
    assert [asked.method for asked in running.asked] == [
        "GET",
        *(("GET",) if there else ()),
        ("PUT" if there else "POST"),
        "PUT",
    ]


def test_a_project_in_groups_of_groups_is_one_name_for_gitlab(running: Forge) -> None:
    running.repository = "acme/ships/flags"
    with opened(running, "gitlab", address="https://gitlab.com/acme/ships/flags.git") as host:
        host.write_status(COMMIT, STATUS)
    assert running.requests() == [f"POST /gitlab/api/v4/projects/acme%2Fships%2Fflags/statuses/{COMMIT}"]


@every_host
def test_a_token_that_is_not_known_is_denied(running: Forge, kind: str) -> None:
    with opened(running, kind, token="an0ther") as host:
        error = raised(lambda: host.write_status(COMMIT, STATUS))
        assert isinstance(error, Denied)
        assert "expired" in str(error) and "an0ther" not in str(error)


@every_host
def test_a_right_that_the_token_lacks_is_named(running: Forge, kind: str) -> None:
    running.lacking = {"statuses", "hooks"}
    rights = {
        "github": ("'Commit statuses: write'", "'Webhooks: write'"),
        "gitlab": ("'api'", "Maintainer"),
        "bitbucket": ("'repository'", "'webhook'"),
    }.get(kind, ("write:repository", "write:repository"))
    with opened(running, kind) as host:
        for act, right in (
            (lambda: host.write_status(COMMIT, STATUS), rights[0]),
            (lambda: host.connect(HOOK), rights[1]),
        ):
            error = raised(act)
            assert isinstance(error, Denied)
            assert right in str(error).rpartition("the token needs")[2]


@every_host
def test_a_repository_that_the_token_does_not_see_is_not_found(running: Forge, kind: str) -> None:
    running.repository = "acme/elsewhere"
    with opened(running, kind) as host:
        assert isinstance(raised(lambda: host.write_status(COMMIT, STATUS)), NotFound)
        assert isinstance(raised(lambda: host.connect(HOOK)), NotFound)


def test_what_a_host_will_not_take_is_said_in_its_words(running: Forge) -> None:
    with opened(running, "github") as host:
        error = raised(lambda: host.write_status("0" * 40, STATUS))
    assert isinstance(error, InvalidRequest)
    assert "status 422, saying 'No commit found for SHA: 000" in str(error)


@pytest.mark.parametrize("body", [{"message": f"{SECRET} {TOKEN}"}, {"error": {"x": [json.dumps(SECRET)]}}, "no", None])
def test_what_a_host_repeats_of_secrets_is_not_said(running: Forge, body: Any) -> None:
    with opened(running, "bitbucket") as host:
        running.faults = [Fault(200, {}, {"values": []}), Fault(422, {}, body)]
        raised(lambda: host.connect(HOOK))
        for shown in (repr(host), repr(HOOK)):
            assert TOKEN not in shown and SECRET not in shown


class Waiting:
    """A GitHub whose pauses are noted instead of waited for."""

    def __init__(self, running: Forge) -> None:
        self.pauses: list[float] = []
        api = Api(running.api("github"), "github", Credentials("", TOKEN), environ={}, sleep=self.pauses.append)
        self.host = GitHub(api, "acme/flags")

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, *_: object) -> None:
        self.host.close()


@pytest.mark.parametrize(
    ("status", "headers", "pauses"),
    [
        (502, {}, [0.5]),
        (429, {}, [0.5]),
        (429, {"Retry-After": "3"}, [3.0]),
        (403, {"Retry-After": "1"}, [1.0]),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, [0.5]),
    ],
)
def test_a_passing_fault_is_passed_once(
    running: Forge, status: int, headers: Mapping[str, str], pauses: list[float]
) -> None:
    with Waiting(running) as waiting:
        running.fail(status=status, headers=headers)
        waiting.host.write_status(COMMIT, STATUS)
        assert (waiting.pauses, len(running.statuses(COMMIT))) == (pauses, 1)
        running.fail(2, status=status, headers=headers)
        assert isinstance(raised(lambda: waiting.host.write_status(COMMIT, STATUS)), Unavailable)
        assert len(waiting.pauses) == 2


def test_a_host_that_asks_for_a_long_pause_is_left_alone(running: Forge) -> None:
    with Waiting(running) as waiting:
        running.fail(status=429, headers={"Retry-After": "60"})
        assert isinstance(raised(lambda: waiting.host.write_status(COMMIT, STATUS)), Unavailable)
        assert waiting.pauses == []


def test_a_hook_is_not_created_a_second_time_after_a_fault(running: Forge) -> None:
    with Waiting(running) as waiting:
        running.faults = [Fault(200, {}, []), Fault(502)]
        assert isinstance(raised(lambda: waiting.host.connect(HOOK)), Unavailable)
        assert (waiting.pauses, running.requests()[-1]) == ([], "POST /github/api/v3/repos/acme/flags/hooks")


@pytest.mark.parametrize("status", [307, 301])
def test_a_redirect_at_the_host_is_followed_and_one_elsewhere_is_not(running: Forge, status: int) -> None:
    with forge() as elsewhere, opened(running, "github") as host:
        renamed = f"{running.api('github')}/repos/acme/flags/statuses/{'ab' * 20}"
        running.faults = [Fault(status, {"Location": renamed})]
        host.write_status(COMMIT, STATUS)
        assert len(running.statuses("ab" * 20)) == 1
        running.faults = [Fault(status, {"Location": elsewhere.api("github")})]
        error = raised(lambda: host.write_status(COMMIT, STATUS))
        assert isinstance(error, Unavailable) and "where the token is not sent" in str(error)
        assert elsewhere.asked == []
        running.faults = [Fault(status, {"Location": f"{renamed}{number}"}) for number in range(3)]
        assert "redirects too often" in str(raised(lambda: host.write_status(COMMIT, STATUS)))


def test_an_answer_that_is_none_of_an_api_is_said(running: Forge) -> None:
    with opened(running, "github") as host:
        running.faults = [Fault(200, {}, {"welcome": "to a web server"})]
        assert "list of hooks" in str(raised(lambda: host.connect(HOOK)))
        running.faults = [Fault(200, {}, []), Fault(201, {}, {"welcome": "again"})]
        assert "answer with a hook" in str(raised(lambda: host.connect(HOOK)))


def test_a_list_without_end_is_left(running: Forge) -> None:
    endless = [Fault(200, {}, [{"id": number, "config": {"url": "x"}}]) for number in range(100)]
    with opened(running, "github") as host:
        running.faults = endless
        assert host.connect(HOOK, dry_run=True).id is None
        assert len(running.asked) == 50


def test_a_host_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    host = open_host(HOSTS["github"], api=f"http://127.0.0.1:{port}", token=TOKEN, environ={})
    assert host is not None
    with closing(host):
        error = raised(lambda: host.write_status(COMMIT, STATUS))
    assert isinstance(error, Unavailable) and "nothing accepts connections there" in str(error)


@contextmanager
def saying(head: bytes, drop: bytes, seconds: float) -> Iterator[str]:
    """A server that says a head at once, and then drop by drop for ever."""

    def speak(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(head)
            try:
                while True:
                    connection.sendall(drop)
                    time.sleep(seconds)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=speak, args=(server,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize(
    ("drop", "seconds", "error"), [(b" ", 0.02, Unavailable), (b" " * 65536, 0.0, TooLarge)], ids=["slow", "large"]
)
def test_an_answer_without_end_is_left(
    drop: bytes, seconds: float, error: type[BurgeeError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "SECONDS", 0.5 if error is Unavailable else 10.0)
    with saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", drop, seconds) as url:
        host = open_host(HOSTS["github"], api=url, token=TOKEN, environ={})
        assert host is not None
        began = time.monotonic()
        with closing(host):
            assert isinstance(raised(lambda: host.write_status(COMMIT, STATUS)), error)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("https://github.com/acme/flags", "github"),
        ("https://ann@GitHub.com/acme/flags.git", "github"),
        ("git@github.com:acme/flags.git", "github"),
        ("https://acme.ghe.com/acme/flags", "github"),
        ("https://gitlab.com/acme/ships/flags", "gitlab"),
        ("https://codeberg.org/acme/flags", "forgejo"),
        ("ssh://git@bitbucket.org/acme/flags", "bitbucket"),
        ("https://git.example.org/acme/flags", None),
        ("https://github.com.example.org/acme/flags", None),
        ("somewhere/here", None),
    ],
)
def test_well_known_hosts_are_known_by_name(address: str, kind: str | None) -> None:
    assert kind_of(address) == kind
    assert (open_host(address, token=TOKEN) is not None) == (kind is not None)


@pytest.mark.parametrize(
    ("address", "kind", "shown"),
    [
        ("https://github.com/acme/flags", None, "GitHub('https://api.github.com/repos/acme/flags')"),
        ("https://acme.ghe.com/acme/flags", None, "GitHub('https://api.acme.ghe.com/repos/acme/flags')"),
        ("https://git.example.org/acme/flags", "github", "GitHub('https://git.example.org/api/v3/repos/acme/flags')"),
        ("http://git.local:3000/a/b", "gitea", "Gitea('http://git.local:3000/api/v1/repos/a/b')"),
        ("https://codeberg.org/a/b", None, "Gitea('https://codeberg.org/api/v1/repos/a/b')"),
        ("https://gitlab.com/a/b/c.git", None, "GitLab('https://gitlab.com/api/v4/projects/a%2Fb%2Fc')"),
        ("https://bitbucket.org/a/b", None, "Bitbucket('https://api.bitbucket.org/2.0/repositories/a/b')"),
    ],
)
def test_the_api_is_where_such_hosts_have_it(address: str, kind: str | None, shown: str) -> None:
    assert repr(open_host(address, kind=kind, token=TOKEN)) == shown


def test_a_host_below_a_path_says_so_by_its_api() -> None:
    host = open_host("https://example.org/git/a/b", kind="gitlab", api="https://example.org/git/api/v4/", token=TOKEN)
    assert repr(host) == "GitLab('https://example.org/git/api/v4/projects/a%2Fb')"


def test_without_a_token_there_is_no_host() -> None:
    assert open_host(HOSTS["github"]) is None
    assert open_host(HOSTS["github"], token=" ") is None
    assert open_host("https://ann:tok3n@github.com/acme/flags") is not None


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("https://github.com/acme", {}),
        ("https://github.com/acme/ships/flags", {}),
        ("/srv/flags", {"kind": "github"}),
        ("https://github.com/acme/flags", {"api": "github.com"}),
        ("https://github.com/acme/flags", {"api": "https://ann:secret@github.com/"}),
        ("https://github.com/acme/flags", {"token": "two\nlines"}),
        ("https://github.com/acme/flags", {"kind": "svn"}),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(address: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as error:
        open_host(address, **{"token": TOKEN, **options})
    assert "secret" not in str(error.value) and "two" not in str(error.value)


def test_a_person_at_bitbucket_logs_in_with_their_email(running: Forge) -> None:
    address = "https://ann%40example.org@bitbucket.org/acme/flags"
    with opened(running, "bitbucket", address=address) as host:
        raised(lambda: host.write_status(COMMIT, STATUS))
    kind, _, value = running.asked[0].headers["authorization"].partition(" ")
    assert (kind, b64decode(value)) == ("Basic", f"ann@example.org:{TOKEN}".encode())


def test_requests_go_through_the_proxy_of_the_environment(running: Forge) -> None:
    environ = {"http_proxy": running.url, "no_proxy": ""}
    host = open_host("http://git.example.org/acme/flags", kind="gitea", token=TOKEN, environ=environ)
    assert host is not None
    with closing(host):
        raised(lambda: host.write_status(COMMIT, STATUS))
    assert running.requests() == [f"POST http://git.example.org/api/v1/repos/acme/flags/statuses/{COMMIT}"]


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    if not emulated.PROGRAM.exists():
        pytest.skip("that needs the npm package emulate; `make test` installs it where there is npm")
    with emulate(tmp_path_factory.mktemp("emulate")) as github:
        yield github


def test_a_push_at_github_is_told_to_the_hook_and_signed_with_its_secret(github: Emulated) -> None:
    address = f"https://github.com/{emulated.REPOSITORY}"
    host = open_host(address, api=github.url, token=emulated.TOKEN, environ={})
    assert host is not None
    with closing(host), deliveries() as receiver:
        made = host.connect(Hook(receiver.url, "the first secret", b""))
        assert made.action == "created"
        again = host.connect(Hook(receiver.url, SECRET, b""))
        assert (again.id, again.action) == (made.id, "updated")
        assert [hook["config"]["url"] for hook in github.hooks()] == [receiver.url]
        commit = github.push("flags/features.yaml", "version: '1.4'\n")
        (delivery,) = receiver.wait()
    assert delivery.headers["x-github-event"] == "push"
    assert (pushed := json.loads(delivery.body))["after"] == commit and pushed["ref"] == "refs/heads/main"
    signature = new(SECRET.encode(), delivery.body, "sha256").hexdigest()
    assert delivery.headers["x-hub-signature-256"] == f"sha256={signature}"


def test_a_repository_that_github_does_not_have_is_not_found(github: Emulated, tmp_path: Path) -> None:
    host = open_host("https://github.com/admin/nothing", api=github.url, token=emulated.TOKEN, environ={})
    assert host is not None
    with closing(host):
        assert isinstance(raised(lambda: host.connect(HOOK)), NotFound)
