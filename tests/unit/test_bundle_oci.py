"""Registries by their URLs, challenges, logins and artifacts: everything that is decided without asking one."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.manifest import LAYER_TYPE, encode_manifest
from burgee.bundle.oci_address import OciAddress, read_oci_address, read_repository
from burgee.bundle.oci_artifacts import bundle_layers, bundle_size, encode_artifact, layer_of
from burgee.bundle.oci_auth import (
    Challenge,
    Login,
    config_login,
    config_path,
    login_of,
    read_challenge,
    refusal_of,
    token_address,
)
from burgee.bundle.oci_records import HEAD, INDEX, RELEASE, Layer, first_layer, tag_of
from burgee.core.errors import ConfigurationError, Denied, InvalidDocument, InvalidRequest
from tests.fakes.publisher import a_document, a_release

DIGEST = digest_of(b"something")
CONFIG = "/home/ann/.docker/config.json"


# Addresses


@pytest.mark.parametrize(
    ("url", "address", "base"),
    [
        ("oci://ghcr.io/acme/flags", ("ghcr.io", "acme/flags", None, None), "https://ghcr.io"),
        ("OCI://ghcr.io/flags", ("ghcr.io", "flags", None, None), "https://ghcr.io"),
        ("oci://docker.io/acme/flags", ("docker.io", "acme/flags", None, None), "https://registry-1.docker.io"),
        ("oci://r.eu:5000/a/b-c_d.e", ("r.eu:5000", "a/b-c_d.e", None, None), "https://r.eu:5000"),
        ("oci://localhost:5000/flags", ("localhost:5000", "flags", None, None), "http://localhost:5000"),
        ("oci://127.0.0.1/flags", ("127.0.0.1", "flags", None, None), "http://127.0.0.1"),
        ("oci://[::1]:5000/flags", ("[::1]:5000", "flags", None, None), "http://[::1]:5000"),
        ("oci://LOCALHOST:5000/flags", ("LOCALHOST:5000", "flags", None, None), "http://LOCALHOST:5000"),
        ("oci://127.8.0.2/flags", ("127.8.0.2", "flags", None, None), "http://127.8.0.2"),
        ("oci://localhost.eu/flags", ("localhost.eu", "flags", None, None), "https://localhost.eu"),
        ("oci://ghcr.io/flags:production", ("ghcr.io", "flags", "production", None), "https://ghcr.io"),
        (f"oci://ghcr.io/flags@{DIGEST}", ("ghcr.io", "flags", DIGEST, None), "https://ghcr.io"),
        (
            "oci://ghcr.io/flags?endpoint=http://[::1]:1/",
            ("ghcr.io", "flags", None, "http://[::1]:1"),
            "http://[::1]:1",
        ),
    ],
)
def test_a_url_says_registry_repository_and_reference(
    url: str, address: tuple[str, str, str | None, str | None], base: str
) -> None:
    found = read_oci_address(url)
    assert (found, found.base) == (OciAddress(*address), base)
    assert found.url == f"oci://{address[0]}/{address[1]}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("oci://", "wanted a registry and a repository, as oci://ghcr.io/acme/flags, got 'oci://'"),
        ("oci://ghcr.io", "wanted a registry and a repository"),
        ("oci://ghcr.io/Acme", "wanted a registry and a repository"),
        ("oci://ghcr.io/acme//flags", "wanted a registry and a repository"),
        ("oci://ghcr.io/acme/../flags", "wanted a registry and a repository"),
        ("oci://ghcr.io/-acme", "wanted a registry and a repository"),
        ("oci://ghcr.io:port/acme", "wanted a registry and a repository"),
        ("oci://gh\tcr.io/acme", "wanted a registry and a repository"),
        ("oci://[::1/acme", "wanted a registry and a repository"),
        ("oci://a..b/acme", "wanted a registry and a repository"),
        ("oci://ghcr.io/me:hidden@acme", "wanted a registry and a repository"),
        ("oci://me:hidden@ghcr.io/acme", "has no credentials and no fragment"),
        ("oci://ghcr.io/acme#production", "has no credentials and no fragment"),
        ("oci://ghcr.io/acme?region=x", "says endpoint and nothing else"),
        ("oci://ghcr.io/acme?endpoint=ftp://x", "wanted an endpoint such as https://registry.example.org"),
    ],
)
def test_a_url_that_names_no_repository_is_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        read_oci_address(url)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("end", [":production", f"@{DIGEST}", ":"])
def test_a_store_is_a_whole_repository(end: str) -> None:
    assert read_repository("oci://ghcr.io/acme/flags").reference is None
    with pytest.raises(
        ConfigurationError, match=r"names one bundle of it: leave that out, as oci://ghcr\.io/acme/flags, and"
    ):
        read_repository(f"oci://ghcr.io/acme/flags{end}")


# Challenges and logins


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (
            'Bearer realm="https://auth.example.org/token",service="registry.example.org",scope="repository:a:pull"',
            ("bearer", "https://auth.example.org/token", "registry.example.org"),
        ),
        ('bearer service="s", REALM="https://a.example.org/t?x=1,2"', ("bearer", "https://a.example.org/t?x=1,2", "s")),
        ('Basic realm="flags"', ("basic", "flags", "")),
        ('Basic realm="flags", Bearer realm="https://a.example.org"', ("bearer", "https://a.example.org", "")),
        ('Bearer realm="https://a.example.org", Basic realm="flags"', ("bearer", "https://a.example.org", "")),
        ("Basic", None),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_a_challenge_says_where_tokens_are_given(header: str, challenge: tuple[str, str, str] | None) -> None:
    assert read_challenge(header) == (Challenge(*challenge) if challenge else None)


def test_a_token_is_asked_for_one_repository_and_what_is_done_there() -> None:
    challenge = Challenge("bearer", "https://auth.example.org/token", "registry")
    realm, fields = token_address(challenge, "https://ghcr.io", "acme/flags", "pull,push")
    assert realm == challenge.realm
    assert fields == {"service": "registry", "scope": "repository:acme/flags:pull,push"}


@pytest.mark.parametrize(
    ("realm", "base"),
    [
        ("http://auth.example.org/token", "https://ghcr.io"),
        ("", "https://ghcr.io"),
        ("ftp://auth.example.org", "http://127.0.0.1"),
        ("//auth.example.org", "http://127.0.0.1"),
        ("https://me@auth.example.org", "https://ghcr.io"),
        ("https:///token", "https://ghcr.io"),
        ("https://auth.example.org/a b", "https://ghcr.io"),
        ("https://auth.example.org/\r\nX: y", "https://ghcr.io"),
    ],
)
def test_a_password_goes_to_no_other_place_than_a_safe_one(realm: str, base: str) -> None:
    with pytest.raises(Denied, match="wanted an https URL: a password is sent there"):
        token_address(Challenge("bearer", realm, ""), base, "acme/flags", "pull")


def test_a_registry_on_plain_http_may_have_its_tokens_given_there_too() -> None:
    challenge = Challenge("bearer", "http://127.0.0.1:5001/token", "")
    assert token_address(challenge, "http://127.0.0.1:5000", "flags", "pull")[0] == challenge.realm


def test_a_login_of_variables_is_whole_and_never_shown() -> None:
    login = login_of({"BURGEE_OCI_USERNAME": "ann", "BURGEE_OCI_PASSWORD": "hidden"}, "ghcr.io")
    assert login is not None
    assert "hidden" not in f"{login!r} {login}"
    assert login.basic() == f"Basic {b64encode(b'ann:hidden').decode()}"
    assert login_of({}, "ghcr.io") is None
    with pytest.raises(ConfigurationError, match="wanted both"):
        login_of({"BURGEE_OCI_USERNAME": "ann"}, "ghcr.io")


@pytest.mark.parametrize(("username", "password"), [("ann\udcff", "hidden"), ("ann", "hidden\udcff")])
def test_a_login_that_is_no_text_is_refused_and_not_shown(username: str, password: str) -> None:
    with pytest.raises(ConfigurationError, match="password of BURGEE_OCI_USERNAME is not in UTF-8") as raised:
        login_of({"BURGEE_OCI_USERNAME": username, "BURGEE_OCI_PASSWORD": password}, "ghcr.io")
    assert "hidden" not in str(raised.value)


def test_a_login_of_variables_is_for_every_registry_or_for_the_one_they_name() -> None:
    environ = {"BURGEE_OCI_USERNAME": "ann", "BURGEE_OCI_PASSWORD": "hidden"}
    assert login_of(environ, "quay.io") == login_of(environ, "ghcr.io") == ("ann", "hidden", "BURGEE_OCI_USERNAME")
    bound = {**environ, "BURGEE_OCI_REGISTRY": " GHCR.io "}
    assert login_of(bound, "ghcr.io") == login_of(environ, "ghcr.io")
    assert login_of(bound, "ghcr.io.example.org") is None
    assert login_of(bound, "ghcr.io:5000") is None
    for named in ("https://ghcr.io", "ghcr.io/acme"):
        with pytest.raises(ConfigurationError, match=r"wanted a host such as ghcr\.io as BURGEE_OCI_REGISTRY"):
            login_of({**environ, "BURGEE_OCI_REGISTRY": named}, "ghcr.io")


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/home/ann"}, CONFIG),
        ({"HOME": "/home/ann", "DOCKER_CONFIG": "/etc/docker"}, "/etc/docker/config.json"),
        ({}, None),
    ],
)
def test_dockers_configuration_is_where_dockers_tools_look_for_it(environ: dict[str, str], path: str | None) -> None:
    assert config_path(environ) == path


def auth(text: str) -> dict[str, str]:
    return {"auth": b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("auths", "registry", "found"),
    [
        ({"ghcr.io": auth("ann:pass:word")}, "ghcr.io", ("ann", "pass:word")),
        ({"https://ghcr.io": auth("ann:x")}, "ghcr.io", ("ann", "x")),
        ({"https://index.docker.io/v1/": auth("ann:x")}, "docker.io", ("ann", "x")),
        ({"ghcr.io": {}}, "ghcr.io", None),
        ({"ghcr.io": auth("ann:x")}, "quay.io", None),
        ({}, "ghcr.io", None),
        (None, "ghcr.io", None),
    ],
)
def test_dockers_configuration_has_a_login_by_registry(
    auths: object, registry: str, found: tuple[str, str] | None
) -> None:
    assert config_login({"auths": auths}, registry, CONFIG) == (Login(*found, CONFIG) if found else None)


@pytest.mark.parametrize("entry", [{"auth": "%"}, {"auth": "/w=="}, {"auth": 7}, [], "text"])
def test_a_broken_login_is_named_and_not_shown(entry: object) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.json: wanted base64 of name:password as auth of ghcr\.io"):
        config_login({"auths": {"ghcr.io": entry}}, "ghcr.io", CONFIG)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"errors":[{"code":"NAME_X","message":"not known."}]}', ("NAME_X", "404 NAME_X: not known")),
        (b'{"errors":[{"code":"DENIED"}]}', ("DENIED", "404 DENIED")),
        (b'{"errors":[]}', ("", "404 Not Found")),
        (b"<html>", ("", "404 Not Found")),
        (b'{"errors":[{"code":"X","message":"\\u001b[2J"}]}', ("X", "404 X: \\x1b[2J")),
    ],
)
def test_a_refusal_says_the_first_error_on_one_line(content: bytes, said: tuple[str, str]) -> None:
    assert refusal_of(404, "Not Found", content) == said


# Records


@pytest.mark.parametrize(
    ("key", "tag"),
    [
        (keys.INDEX, (INDEX, "_environments")),
        (keys.head("production"), (HEAD, "production.head")),
        (keys.release("production", 42), (RELEASE, "production.0000000042")),
        (keys.static_snapshot("production", "default"), None),
        (keys.static_snapshot("production", "7"), None),
        ("environments/production/instances/7.json", None),
        ("environments/production/7.json", None),
        (keys.PROBE, None),
    ],
)
def test_what_has_a_key_in_object_stores_has_a_tag(key: str, tag: tuple[str, str] | None) -> None:
    assert tag_of(key) == tag


def test_a_tag_is_only_made_of_the_name_of_an_environment() -> None:
    with pytest.raises(InvalidRequest):
        tag_of("environments/Prod/head.json")


def an_artifact(*layers: object) -> bytes:
    return json.dumps({"artifactType": "application/vnd.burgee.head.v1", "layers": layers}).encode()


def test_an_artifact_has_these_bytes_for_ever() -> None:
    content = encode_artifact(HEAD, [layer_of(HEAD, b"head"), layer_of(RELEASE, b"release"), layer_of(HEAD, b"head")])
    assert content.decode() == (
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"artifactType":"application/vnd.burgee.head.v1",'
        '"config":{"mediaType":"application/vnd.oci.empty.v1+json",'
        '"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},'
        '"layers":['
        f'{{"mediaType":"application/vnd.burgee.head.v1+json","digest":"{digest_of(b"head")}","size":4}},'
        f'{{"mediaType":"application/vnd.burgee.release.v1+json","digest":"{digest_of(b"release")}","size":7}}],'
        '"annotations":{"org.opencontainers.image.created":"1970-01-01T00:00:00Z"}}'
    )
    assert first_layer(content, HEAD) == layer_of(HEAD, b"head")


@pytest.mark.parametrize(
    "content",
    [
        encode_artifact(RELEASE, [layer_of(RELEASE, b"release")]),
        encode_artifact(HEAD, []),
        encode_manifest({}),
        b"{",
        b"[]",
        b"\xff",
        an_artifact({"mediaType": "", "digest": "x", "size": 1}),
        an_artifact({"mediaType": "", "digest": DIGEST, "size": "1"}),
        an_artifact({"digest": DIGEST, "size": 1}),
    ],
)
def test_what_is_no_artifact_of_that_kind_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidDocument):
        first_layer(content, HEAD)


def test_a_release_names_its_bundle_and_its_documents() -> None:
    documents = {"b": a_document("b"), "a": a_document("a")}
    release = a_release(None, documents, at=1, environment="production")
    size = bundle_size(release)
    assert size == len(encode_manifest(release.namespaces))
    bundle, first, second = bundle_layers(release, size)
    assert bundle == Layer("application/vnd.burgee.bundle.v1+json", release.bundle, size)
    assert (first, second) == tuple(Layer(LAYER_TYPE, *release.namespaces[name]) for name in ("a", "b"))
    assert bundle_size(release._replace(bundle=DIGEST)) is None
