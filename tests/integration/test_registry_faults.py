"""What a publisher makes of registries that lead elsewhere, page, lie, refuse or hang: each one is played."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from burgee.bundle.digest import digest_of
from burgee.bundle.manifest import MANIFEST_TYPE, encode_manifest
from burgee.core.errors import (
    BurgeeError,
    ConfigurationError,
    Denied,
    DigestMismatch,
    InvalidDocument,
    InvalidRequest,
    NotFound,
    TooLarge,
    Unavailable,
    Unfit,
)
from burgee.store.pace import HASTE, Pace
from burgee.store.registry import Registry, open_registry
from tests.servers.played import Answer, Asked, Played, played
from tests.servers.registry import PASSWORD, USERNAME

pytestmark = pytest.mark.integration

LOGIN = {"BURGEE_OCI_USERNAME": USERNAME, "BURGEE_OCI_PASSWORD": PASSWORD}
MANIFEST = encode_manifest({})
BLOB = b"a blob"
DIGEST = digest_of(BLOB)
BASIC: Answer = (401, b"", {"WWW-Authenticate": 'Basic realm="flags"'})


@contextmanager
def a_registry(
    answer: Callable[[Asked], Answer], *, environ: dict[str, str] = LOGIN, pace: Pace = HASTE
) -> Iterator[tuple[Registry, Played]]:
    with played(answer) as server:
        yield open_registry(server.url.replace("http:", "oci:") + "/acme/flags", environ, pace=pace), server


def authorizations(server: Played) -> list[str | None]:
    return [asked.headers.get("authorization") for asked in server.asked]


def behind_a_password(answer: Answer) -> Callable[[Asked], Answer]:
    return lambda asked: answer if "authorization" in asked.headers else BASIC


def test_where_a_blob_is_redirected_to_is_not_shown_the_login() -> None:
    with played(lambda asked: (200, BLOB, {})) as elsewhere:
        leads = behind_a_password((307, b"", {"Location": f"{elsewhere.url}/blob"}))
        with a_registry(leads) as (registry, server):
            assert registry.get_blob(DIGEST, max_bytes=100) == BLOB
            assert len([shown for shown in authorizations(server) if shown]) == 1
            assert authorizations(elsewhere) == [None]


def test_where_an_upload_is_to_go_is_not_shown_the_login() -> None:
    with played(lambda asked: (201, b"", {})) as elsewhere:
        begins = behind_a_password((202, b"", {"Location": f"{elsewhere.url}/upload?state=1"}))

        def answer(asked: Asked) -> Answer:
            return (404, b"", {}) if asked.method == "HEAD" else begins(asked)

        with a_registry(answer) as (registry, _):
            assert registry.put_blob(BLOB) == DIGEST
        assert authorizations(elsewhere) == [None]
        assert elsewhere.requests() == [f"PUT /upload?state=1&digest={DIGEST}"]
        assert elsewhere.asked[0].body == BLOB


def test_an_upload_may_go_to_a_path_of_the_same_registry() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return 202, b"", {"Location": "/somewhere/else"}
        return (404, b"", {}) if asked.method == "HEAD" else (201, b"", {})

    with a_registry(answer) as (registry, server):
        registry.put_blob(BLOB)
    assert server.requests()[-1] == f"PUT /somewhere/else?digest={DIGEST}"


@pytest.mark.parametrize("status", [302, 307])
def test_a_write_that_is_led_elsewhere_is_not_done_and_is_not_followed(status: int) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.method == "PUT":
            return status, b"", {"Location": "/login"}
        return (404, b"", {}) if asked.method == "HEAD" else (202, b"", {"Location": "/upload"})

    with a_registry(answer) as (registry, server):
        with pytest.raises(Unavailable, match=f"{status} .*; that is no answer of a registry's to it"):
            registry.put_manifest("production", MANIFEST, MANIFEST_TYPE)
        with pytest.raises(Unavailable, match=f"{status} .*; that is no answer of a registry's to it"):
            registry.put_blob(BLOB)
        assert not any("/login" in asked.path for asked in server.asked)


def test_where_a_registry_leads_to_is_said_without_what_signs_it() -> None:
    leads: Answer = (307, b"", {"Location": "http://127.0.0.1:1/layer?X-Amz-Signature=hidden"})
    with a_registry(lambda asked: leads) as (registry, _):
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1: Connection refused") as raised:
            registry.get_blob(DIGEST, max_bytes=100)
        assert "hidden" not in str(raised.value)

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return 202, b"", {"Location": "/upload?_state=hidden"}
        return (404, b"", {}) if asked.method == "HEAD" else (201, b"x" * 100_000, {})

    with a_registry(answer) as (registry, _), pytest.raises(InvalidDocument, match=r"PUT http://.*/upload: ") as told:
        registry.put_blob(BLOB)
    assert "hidden" not in str(told.value)


def test_an_upload_that_leads_nowhere_is_said_to() -> None:
    def answer(asked: Asked) -> Answer:
        return (404, b"", {}) if asked.method == "HEAD" else (202, b"", {})

    with a_registry(answer) as (registry, _), pytest.raises(Unavailable, match="does not say where to upload"):
        registry.put_blob(BLOB)


def test_a_challenge_of_another_place_is_not_met() -> None:
    with played(lambda asked: BASIC) as elsewhere:
        with (
            a_registry(lambda asked: (307, b"", {"Location": f"{elsewhere.url}/blob"})) as (registry, _),
            pytest.raises(Denied),
        ):
            registry.get_blob(DIGEST, max_bytes=100)
        assert authorizations(elsewhere) == [None]


def test_a_token_is_not_asked_for_where_a_redirect_leads() -> None:
    with played(lambda asked: (200, b'{"token":"t"}', {})) as elsewhere:

        def answer(asked: Asked) -> Answer:
            if asked.path.startswith("/token"):
                return 307, b"", {"Location": f"{elsewhere.url}/token"}
            realm = f"http://{asked.headers['host']}/token"
            return 401, b"", {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}

        with a_registry(answer) as (registry, server), pytest.raises(Denied, match="no token for oci://"):
            registry.get_manifest("production")
        assert server.requests()[-1] == "GET /token?service=s&scope=repository%3Aacme%2Fflags%3Apull"
        assert elsewhere.asked == []


def test_tokens_that_are_about_to_expire_are_not_shown_any_more() -> None:
    given, now = iter(["one", "two", "three"]), [0.0]

    def answer(asked: Asked) -> Answer:
        if asked.path.startswith("/token"):
            return 200, json.dumps({"access_token": next(given), "expires_in": 300}).encode(), {}
        if "authorization" in asked.headers:
            return 200, MANIFEST, {}
        return 401, b"", {"WWW-Authenticate": f'Bearer realm="http://{asked.headers["host"]}/token"'}

    with played(answer) as server:
        registry = open_registry(f"{server.url.replace('http:', 'oci:')}/acme/flags", LOGIN, now=lambda: now[0])
        for instant in (0.0, 269.0, 271.0):
            now[0] = instant
            registry.get_manifest("production")
    shown = [asked.headers.get("authorization") for asked in server.asked if asked.path.startswith("/v2")]
    assert shown == [None, "Bearer one", "Bearer one", None, "Bearer two"]


def test_tags_are_read_page_by_page() -> None:
    pages: dict[str, tuple[list[str], str]] = {
        "/v2/acme/flags/tags/list": (["c", "a"], '</v2/acme/flags/tags/list?last=c>; rel="next"'),
        "/v2/acme/flags/tags/list?last=c": (["b"], ""),
    }

    def answer(asked: Asked) -> Answer:
        tags, link = pages[asked.path]
        return 200, json.dumps({"name": "acme/flags", "tags": tags}).encode(), {"Link": link} if link else {}

    with a_registry(answer) as (registry, _):
        assert registry.tags() == ("a", "b", "c")


@pytest.mark.parametrize("body", [b'{"name":"acme/flags","tags":null}', b'{"name":"acme/flags"}'])
def test_a_repository_whose_tags_are_all_gone_has_none(body: bytes) -> None:
    with a_registry(lambda asked: (200, body, {})) as (registry, _):
        assert registry.tags() == ()


def test_a_manifest_that_is_not_what_the_registry_says_is_refused() -> None:
    lies: Answer = (200, MANIFEST, {"Docker-Content-Digest": DIGEST})
    with a_registry(lambda asked: (201, *lies[1:]) if asked.method == "PUT" else lies) as (registry, _):
        with pytest.raises(DigestMismatch, match=f"wanted {DIGEST}"):
            registry.get_manifest("production")
        with pytest.raises(DigestMismatch):
            registry.put_manifest("production", MANIFEST, MANIFEST_TYPE)
        with pytest.raises(DigestMismatch):
            registry.get_manifest(DIGEST)
        with pytest.raises(DigestMismatch):
            registry.put_manifest(DIGEST, MANIFEST, MANIFEST_TYPE)


@pytest.mark.parametrize("reference", ["", "a/b", "../x", ".hidden", "sha256:7", "a" * 129])
def test_what_is_no_reference_is_asked_for_nowhere(reference: str) -> None:
    with a_registry(lambda asked: (200, MANIFEST, {})) as (registry, server):
        with pytest.raises(InvalidRequest, match="wanted a tag such as production or a digest"):
            registry.get_manifest(reference)
        assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}', {}), Unavailable, "make the repository first"),
        ((403, b'{"errors":[{"code":"DENIED","message":"no."}]}', {}), Denied, "403 DENIED: no; asked by"),
        ((405, b"<html>", {}), Unfit, "this registry does not take what burgee writes"),
        ((413, b"", {}), TooLarge, "does not take that much"),
        ((302, b"", {}), Unavailable, "302"),
        ((200, b"<html>", {}), Unavailable, "200 OK; that is no answer of a registry's to it, check the address"),
        ((429, b"", {}), Unavailable, "429"),
    ],
)
def test_refusals_of_a_write_say_what_to_do(answer: Answer, error: type[BurgeeError], said: str) -> None:
    with a_registry(lambda asked: answer) as (registry, _), pytest.raises(error, match=said):
        registry.put_manifest("production", MANIFEST, MANIFEST_TYPE)


def test_what_may_pass_is_asked_again_and_what_may_not_is_not() -> None:
    answers: list[Answer] = [(503, b"", {}), (429, b"", {}), (200, MANIFEST, {})]
    pace = Pace(sleep=lambda seconds: None)
    with a_registry(lambda asked: answers.pop(0), pace=pace) as (registry, server):
        assert registry.get_manifest("production").content == MANIFEST
        assert len(server.asked) == 3
    with a_registry(lambda asked: (404, b"", {}), pace=pace) as (registry, server):
        with pytest.raises(NotFound):
            registry.get_manifest("production")
        assert len(server.asked) == 1


def test_a_registry_that_says_nothing_is_left_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        pace = Pace(connect=0.2, answer=0.2, tries=1)
        registry = open_registry(f"oci://127.0.0.1:{silent.getsockname()[1]}/flags", {}, pace=pace)
        with pytest.raises(Unavailable, match="it did not answer in time"):
            registry.get_manifest("production")


def test_nothing_of_the_process_is_shown_to_a_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The library would look into the variables and the home of the process: passwords for others may be there."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password hidden\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ORAS_USER", "somebody")
    monkeypatch.setenv("ORAS_PASS", "hidden")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with a_registry(lambda asked: (200, MANIFEST, {"Set-Cookie": "a=b"}), environ={}) as (registry, server):
        for _ in range(2):
            registry.get_manifest("production")
    assert authorizations(server) == [None, None]
    assert all("cookie" not in asked.headers for asked in server.asked)


NO_ADDRESSES = ("http://[zz]/", "http://[::1/", "http://a..b/", "http://\xff\xfe/", f"http://{'a' * 300}/")


@pytest.mark.parametrize("address", NO_ADDRESSES)
@pytest.mark.parametrize("header", ["Location", "WWW-Authenticate", "Link"])
def test_what_a_registry_names_and_is_no_address_is_told_as_that(header: str, address: str) -> None:
    written = {"WWW-Authenticate": f'Bearer realm="{address}"', "Link": f'<{address}>; rel="next"'}
    status = {"Location": 302, "WWW-Authenticate": 401, "Link": 200}[header]
    answer: Answer = (status, b'{"tags":["a"]}', {header: written.get(header, address)})
    with a_registry(lambda asked: answer) as (registry, _), pytest.raises(Unavailable) as raised:
        registry.tags()
    assert str(raised.value).startswith("GET tags of oci://")


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_an_upload_that_leads_to_no_address_is_told_as_that(address: str) -> None:
    def answer(asked: Asked) -> Answer:
        return (404, b"", {}) if asked.method == "HEAD" else (202, b"", {"Location": address})

    with a_registry(answer) as (registry, _), pytest.raises(Unavailable, match="PUT blob"):
        registry.put_blob(BLOB)


@pytest.mark.parametrize("tags", [b"5", b'"abc"', b'{"a":1}', b'["a",5]', b"[[]]"])
def test_an_answer_without_a_list_of_tags_is_said_to_be_that(tags: bytes) -> None:
    with (
        a_registry(lambda asked: (200, b'{"tags":%b}' % tags, {})) as (registry, _),
        pytest.raises(InvalidDocument, match="has no list of tags"),
    ):
        registry.tags()


@pytest.mark.parametrize("content", [b'{"a":' + b"[" * 200_000, b"\xff", b"[]"])
def test_a_configuration_of_dockers_that_is_none_is_said_to_be_that(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with (
        a_registry(lambda asked: BASIC, environ={"DOCKER_CONFIG": str(tmp_path)}) as (registry, _),
        pytest.raises(ConfigurationError, match=r"config\.json is not"),
    ):
        registry.tags()


def helped(folder: Path, script: str) -> dict[str, str]:
    """The variables of somebody whose logins a helper has, which is that script."""
    helper = folder / "docker-credential-tests"
    helper.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    helper.chmod(0o755)
    (folder / "config.json").write_text('{"credsStore":"tests"}', encoding="utf-8")
    return {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        ("echo token=hidden >&2; exit 3", Denied, "gave no login for .*: it ended with exit code 3; "),
        ("echo hidden; exit 1", Denied, "it ended with exit code 1"),
        ("echo no credentials username; echo hidden >&2; exit 1", Denied, ": no credentials username; "),
        ("head -c 200000 /dev/zero | tr '\\0' '['", Denied, "something else than a name and a secret"),
        (r"""printf '{"Username":"u","Secret":"hidden\\ud800"}'""", ConfigurationError, "is not in UTF-8"),
        (r"""printf '{"Username":"\\ud800","Secret":"hidden"}'""", ConfigurationError, "is not in UTF-8"),
    ],
)
def test_what_a_helper_says_is_not_shown(script: str, error: type[BurgeeError], said: str, tmp_path: Path) -> None:
    environ = helped(tmp_path, script)
    with a_registry(lambda asked: BASIC, environ=environ) as (registry, _), pytest.raises(error, match=said) as raised:
        registry.tags()
    assert "hidden" not in str(raised.value)


def test_an_identity_token_that_is_no_text_is_refused(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        return 401, b"", {"WWW-Authenticate": f'Bearer realm="http://{asked.headers["host"]}/token"'}

    with a_registry(answer, environ={"DOCKER_CONFIG": str(tmp_path)}) as (registry, server):
        auths = {server.url.partition("://")[2]: {"identitytoken": "hidden\ud800"}}
        (tmp_path / "config.json").write_text(json.dumps({"auths": auths}), encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"identitytoken of .* is not in UTF-8"):
            registry.tags()
