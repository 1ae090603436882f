"""Tokens: entries, scopes, expiry, and the file that is read again when it changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from burgee.bundle.digest import digest_of
from burgee.core.errors import ConfigurationError, Forbidden
from burgee.serve.auth import Gate, open_gate
from burgee.serve.message import Request
from burgee.serve.scopes import EVERYTHING, Scopes
from burgee.serve.token_file import LOOK_MS, TokenFile
from burgee.serve.tokens import read_token, read_tokens
from burgee.settings import read_settings
from tests.builders import a_boolean_flag
from tests.fakes.clock import VirtualClock
from tests.serving import FLAGS, TTL_MS, Served, header

SECRET, OTHER = "bgt_secret", "bgt_other"
DIGEST = digest_of(SECRET.encode())
BEARER = {"authorization": f"Bearer {SECRET}"}
FORBIDDEN = "the token is not for this environment and namespace"


def served_with(*scopes: str, more: str = "") -> Served:
    """`staging` has namespace `default`, `production` the namespaces `default` and `checkout`."""
    served = Served(gate=Gate([read_token(" ".join((DIGEST, *scopes, more)))]))
    served.publish(*FLAGS, environment="production", namespace="checkout")
    return served


@pytest.mark.parametrize(
    ("entry", "written"),
    [
        (DIGEST, DIGEST),
        (f"{DIGEST} */*", DIGEST),
        (f"  {DIGEST}   production ", f"{DIGEST} production/*"),
        (f"{DIGEST} staging/* production/a,b", f"{DIGEST} production/a,b staging/*"),
        (f"{DIGEST} */checkout", f"{DIGEST} */checkout"),
        (f"{DIGEST} expires=2027-06-30", f"{DIGEST} expires=2027-06-30T00:00:00Z"),
        (f"{DIGEST} a/b expires=2027-06-30T02:00:00.500+02:00", f"{DIGEST} a/b expires=2027-06-30T00:00:00.500Z"),
    ],
)
def test_an_entry_is_read_and_written(entry: str, written: str) -> None:
    token = read_token(entry)
    assert str(token) == written
    assert read_token(str(token)) == token


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("bgt_secret", "begins with the digest"),
        (f"{DIGEST.upper()}", "begins with the digest"),
        (digest_of(b""), "the digest of the empty text"),
        (f"{DIGEST} Production", "word 2"),
        (f"{DIGEST} a/b /b", "word 3"),
        (f"{DIGEST} a/", "word 2"),
        (f"{DIGEST} a/b/c", "word 2"),
        (f"{DIGEST} a/{'b' * 256}", "word 2"),
        (f"{DIGEST} bgt_secret", "word 2"),
        (f"{DIGEST} expires=soon", "date or an instant"),
        (f"{DIGEST} expires=2027-02-30", "date or an instant"),
    ],
)
def test_a_wrong_entry_is_refused_without_repeating_what_may_be_a_token(entry: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as refusal:
        read_token(entry)
    assert "secret" not in str(refusal.value)


def test_lines_of_a_file_may_have_comments_and_mistakes_are_named_by_line() -> None:
    text = f"# tokens\n\n{DIGEST} production/*  # the shop\r\n"
    assert [str(token) for token in read_tokens(text, "f")] == [f"{DIGEST} production/*"]
    with pytest.raises(ConfigurationError, match=r"^f:4: an entry begins"):
        read_tokens(text + "x\n", "f")
    with pytest.raises(ConfigurationError, match=r"^f has no entry$"):
        read_tokens("# nothing yet\n", "f")


EVALUATE = ("POST", "/evaluate/v1/boolean", {"flagKey": "bool"})


def asking(environment: str, namespace: str) -> list[tuple[str, str, Any, dict[str, str]]]:
    """Every way to ask for something of a namespace: method, path, body and headers."""
    headers = {"x-flipt-environment": environment, "x-flipt-namespace": namespace}
    fields = {"environmentKey": environment, "namespaceKey": namespace, "entityId": "u"}
    below = f"/api/v1/namespaces/{namespace}"
    return [
        ("POST", "/evaluate/v1/boolean", {**fields, "flagKey": "bool"}, {}),
        ("POST", "/evaluate/v1/variant", {**fields, "flagKey": "split"}, {}),
        ("POST", "/api/v1/evaluate", {**fields, "flagKey": "split"}, {}),
        ("POST", f"{below}/evaluate", {"flagKey": "split", "entityId": "u"}, headers),
        ("POST", f"{below}/batch-evaluate", {"requests": [{"flagKey": "split", "entityId": "u"}]}, headers),
        ("GET", f"{below}/flags", None, headers),
        ("GET", f"{below}/flags/bool", None, headers),
        ("GET", f"/internal/v1/evaluation/snapshot/namespace/{namespace}", None, headers),
        ("GET", f"/client/v2/environments/{environment}/namespaces/{namespace}/snapshot", None, {}),
        ("POST", "/ofrep/v1/evaluate/flags/bool", {}, headers),
        ("POST", "/ofrep/v1/evaluate/flags", {}, headers),
    ]


WAYS = range(len(asking("", "")))


@pytest.mark.parametrize("way", WAYS)
def test_what_is_in_scope_is_answered(way: int) -> None:
    served = served_with("production/checkout", "staging/default")
    for environment, namespace in (("production", "checkout"), ("staging", "default"), ("default", "default")):
        method, path, body, headers = asking(environment, namespace)[way]
        assert served.call(method, path, body, headers=headers | BEARER).status == 200


@pytest.mark.parametrize("way", WAYS)
def test_what_is_out_of_scope_is_403_whether_it_exists_or_not_and_the_store_is_not_looked_at(way: int) -> None:
    served = served_with("production/checkout")
    for environment, namespace in (
        ("production", "default"),
        ("production", "nope"),
        ("staging", "checkout"),
        ("nope", "checkout"),
        ("default", "default"),
    ):
        method, path, body, headers = asking(environment, namespace)[way]
        response = served.call(method, path, body, headers=headers | BEARER)
        answer = json.loads(response.body)
        assert response.status == 403
        assert (answer.get("message") or answer["errorDetails"]) == FORBIDDEN
        assert answer.get("code", 7) == 7
    assert served.fetcher.calls == []


@pytest.mark.parametrize("way", WAYS)
def test_without_a_known_token_nothing_is_answered_and_the_store_is_not_looked_at(way: int) -> None:
    served = served_with("production/checkout")
    method, path, body, headers = asking("production", "checkout")[way]
    refused = served.call(method, path, body, headers=headers)
    assert (refused.status, header(refused, "www-authenticate")) == (401, "Bearer")
    assert served.call(method, path, body, headers={**headers, "authorization": f"Bearer {OTHER}"}).status == 401
    assert served.fetcher.calls == []


def test_a_request_that_names_no_environment_means_the_default_one_for_every_token() -> None:
    body = {"flagKey": "bool", "namespaceKey": "default"}
    assert served_with("staging/*").post("/evaluate/v1/boolean", body, headers=BEARER)[0] == 200
    assert served_with("production/*").post("/evaluate/v1/boolean", body, headers=BEARER)[0] == 403


def test_a_namespace_of_any_environment_can_be_a_scope() -> None:
    served = served_with("*/checkout")
    assert served.call(*ask("production", "checkout"), headers=BEARER).status == 200
    assert served.call(*ask("production", "default"), headers=BEARER).status == 403
    assert served.call(*ask("staging", "checkout"), headers=BEARER).status == 404


def ask(environment: str, namespace: str) -> tuple[str, str, dict[str, str]]:
    return (
        "POST",
        "/evaluate/v1/boolean",
        {
            "flagKey": "bool",
            "environmentKey": environment,
            "namespaceKey": namespace,
        },
    )


def test_items_of_a_batch_are_in_scope_or_errors_that_do_not_tell_what_exists() -> None:
    served = served_with("production/checkout")
    asked = [
        {"flagKey": "bool", "environmentKey": environment, "namespaceKey": namespace}
        for environment, namespace in (
            ("production", "checkout"),
            ("production", "default"),
            ("staging", "default"),
            ("nope", "default"),
        )
    ]
    status, answer = served.post("/evaluate/v1/batch", {"requests": asked}, headers=BEARER)
    assert status == 200
    assert answer["responses"][0]["booleanResponse"]["flagKey"] == "bool"
    reasons = {item["errorResponse"]["reason"] for item in answer["responses"][1:]}
    assert reasons == {"UNKNOWN_ERROR_EVALUATION_REASON"}


def test_a_batch_that_names_an_environment_out_of_scope_is_refused_whole() -> None:
    headers = {**BEARER, "x-flipt-environment": "staging"}
    assert served_with("production/*").post("/evaluate/v1/batch", {"requests": []}, headers=headers)[0] == 403


def test_status_lists_only_what_the_token_is_for() -> None:
    _, answer = served_with("production/checkout").get("/status", headers=BEARER)
    assert [environment["environment"] for environment in answer["environments"]] == ["production"]
    assert answer["default"] is None
    _, answer = served_with("staging").get("/status", headers=BEARER)
    assert answer["default"] == "staging"


def test_one_token_in_two_entries_has_the_scopes_of_both() -> None:
    tokens = [read_token(f"{DIGEST} production/checkout"), read_token(f"{DIGEST} staging/*")]
    served = Served(gate=Gate(tokens))
    assert served.call(*ask("staging", "default"), headers=BEARER).status == 200
    assert served.call(*ask("production", "default"), headers=BEARER).status == 403


def test_an_expired_token_is_not_let_in() -> None:
    served = served_with(more="expires=2027-01-15T08:00:10Z")
    assert served.call(*EVALUATE, headers=BEARER).status == 200
    served.clock.advance(9_999)
    assert served.call(*EVALUATE, headers=BEARER).status == 200
    served.clock.advance(1)
    assert served.call(*EVALUATE, headers=BEARER).status == 401


def test_nothing_is_answered_by_a_service_that_nobody_was_admitted_to() -> None:
    service = served_with().service
    for ask_service in (
        lambda: service.find(Request("GET", "/"), "staging", "default"),
        lambda: service.serving(Request("GET", "/"), "staging"),
        lambda: service.live(""),
    ):
        with pytest.raises(Forbidden):
            ask_service()
    assert list(service.names()) == []


def a_file(tmp_path: Path, *entries: str) -> Path:
    path = tmp_path / "tokens"
    path.write_text("".join(f"{entry}\n" for entry in entries))
    return path


def test_a_file_of_tokens_is_read_again_within_a_second_of_its_change(tmp_path: Path) -> None:
    clock, path = VirtualClock(), a_file(tmp_path, DIGEST)
    file = TokenFile(str(path), now=clock.wall, say=pytest.fail)
    a_file(tmp_path, DIGEST, digest_of(OTHER.encode()))
    clock.advance(LOOK_MS - 1)
    assert len(file.tokens()) == 1
    clock.advance(1)
    assert len(file.tokens()) == 2
    assert file.tokens() is file.tokens()


def test_a_file_that_is_replaced_within_one_tick_of_its_clock_is_read_again(tmp_path: Path) -> None:
    import os

    clock, path = VirtualClock(), a_file(tmp_path, DIGEST)
    os.utime(path, ns=(clock.wall() * 1_000_000, clock.wall() * 1_000_000))
    file = TokenFile(str(path), now=clock.wall, say=pytest.fail)
    with path.open("r+") as opened:
        opened.write(digest_of(OTHER.encode()))
    os.utime(path, ns=(clock.wall() * 1_000_000, clock.wall() * 1_000_000))
    clock.advance(LOOK_MS)
    assert file.tokens()[0].digest == digest_of(OTHER.encode())


@pytest.mark.parametrize("content", [None, b"", b"nonsense\n", b"\xff\n", f"{DIGEST} Wrong\n".encode()])
def test_a_file_that_went_wrong_leaves_the_last_good_tokens_and_says_so_once(
    tmp_path: Path, content: bytes | None
) -> None:
    clock, path, said = VirtualClock(), a_file(tmp_path, DIGEST), list[str]()
    file = TokenFile(str(path), now=clock.wall, say=said.append)
    path.unlink() if content is None else path.write_bytes(content)
    for _ in range(3):
        clock.advance(LOOK_MS)
        assert [token.digest for token in file.tokens()] == [DIGEST]
    assert len(said) == 1 and str(path) in said[0] and "last good tokens stay in force" in said[0]
    assert file.fault is not None
    a_file(tmp_path, DIGEST)
    clock.advance(LOOK_MS)
    file.tokens()
    assert file.fault is None
    assert len(said) == 2


def test_a_pipe_in_place_of_the_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    import os

    clock, path, said = VirtualClock(), a_file(tmp_path, DIGEST), list[str]()
    file = TokenFile(str(path), now=clock.wall, say=said.append)
    path.unlink()
    os.mkfifo(path)
    clock.advance(LOOK_MS)
    assert [token.digest for token in file.tokens()] == [DIGEST]
    assert "is not a file" in said[0]
    with pytest.raises(ConfigurationError, match="is not a file"):
        TokenFile(str(path), now=clock.wall, say=pytest.fail)


def test_a_file_that_is_wrong_from_the_beginning_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", a_file(tmp_path, "x"), tmp_path):
        with pytest.raises(ConfigurationError, match=str(path)):
            TokenFile(str(path), now=VirtualClock().wall, say=pytest.fail)


def test_tokens_are_rotated_in_the_file_without_a_restart(tmp_path: Path) -> None:
    clock, path = VirtualClock(), a_file(tmp_path, DIGEST)
    served = Served(gate=Gate(file=TokenFile(str(path), now=clock.wall, say=pytest.fail)))

    def statuses() -> list[int]:
        tokens = (SECRET, OTHER)
        return [served.call(*EVALUATE, headers={"authorization": f"Bearer {token}"}).status for token in tokens]

    assert statuses() == [200, 401]
    for entries, expected in (
        ((DIGEST, digest_of(OTHER.encode())), [200, 200]),
        ((digest_of(OTHER.encode()),), [401, 200]),
    ):
        a_file(tmp_path, *entries)
        clock.advance(LOOK_MS)
        assert statuses() == expected


def test_status_says_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    clock, path, said = VirtualClock(), a_file(tmp_path, DIGEST), list[str]()
    served = Served(gate=Gate(file=TokenFile(str(path), now=clock.wall, say=said.append)))
    assert "tokens" not in served.get("/status", headers=BEARER)[1]
    path.write_text("nonsense\n")
    clock.advance(LOOK_MS)
    assert f"{path}:1: " in served.get("/status", headers=BEARER)[1]["tokens"]


def test_settings_open_the_gate(tmp_path: Path) -> None:
    def opened(**variables: str) -> Gate | None:
        settings = read_settings({f"BURGEE_{name}": text for name, text in variables.items()})
        return open_gate(settings, now=VirtualClock().wall, say=pytest.fail)

    path = a_file(tmp_path, digest_of(OTHER.encode()))
    assert opened(AUTH="none") is None
    both = Served(gate=opened(TOKENS=f"{DIGEST} staging", TOKENS_FILE=str(path)))
    for token in (SECRET, OTHER):
        assert both.call(*EVALUATE, headers={"authorization": f"Bearer {token}"}).status == 200
    with pytest.raises(ConfigurationError, match="no client tokens"):
        opened()
    with pytest.raises(ConfigurationError, match=r"^BURGEE_TOKENS: word 2"):
        opened(TOKENS=f"{DIGEST} Staging")


def test_scopes_are_everything_only_when_they_say_so() -> None:
    assert EVERYTHING.hold("a", "b") and EVERYTHING.hold_some_of("a") and EVERYTHING.hold_somewhere("b")
    nothing = Scopes()
    assert not (nothing.hold("a", "b") or nothing.hold_some_of("a") or nothing.hold_somewhere("b"))


def test_a_change_of_release_is_seen_through_every_token() -> None:
    served = served_with("staging/*")
    assert served.call(*EVALUATE, headers=BEARER).status == 200
    served.publish(a_boolean_flag("new"))
    served.clock.advance(TTL_MS)
    asked = "POST", "/evaluate/v1/boolean", {"flagKey": "new"}
    assert served.call(*asked, headers=BEARER).status == 200
