"""Who asks Google Cloud Storage to write: with which rights, tokens and files of credentials."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from burgee.core.errors import ConfigurationError
from burgee.store.gs import open_gs
from burgee.store.opening import open_store
from burgee.store.remote import RemoteObjects
from burgee.store.self_test import publisher_test
from tests.integration.conftest import BUCKET
from tests.publishing import features, files
from tests.servers.dev import burgee
from tests.servers.gcs import CREATE, GET, READER, WRITER, Gcs
from tests.servers.git_cli import a_work_tree
from tests.servers.played import Answer, played
from tests.writing import HASTY, KEY, get_it, put, said_of, swap

pytestmark = pytest.mark.integration

URL = f"gs://{BUCKET}/shop"


# Permissions


def verdicts(objects: RemoteObjects) -> dict[str, str]:
    return {finding.check: finding.verdict.value for finding in publisher_test(objects)}


def test_a_bucket_that_keeps_its_promises_passes_the_self_test_with_the_documented_rights(gs: Gcs) -> None:
    gs.tokens = {"writer": WRITER}
    objects = open_gs(URL, gs.environ(GOOGLE_OAUTH_ACCESS_TOKEN="writer"), pace=HASTY)
    assert set(verdicts(objects).values()) == {"ok"}
    assert {each.name for each in gs.buckets.list(BUCKET, "", "", 100)[0]} == {"shop/probe.json"}
    assert objects.wire.asked_by() == "the token of GOOGLE_OAUTH_ACCESS_TOKEN"
    assert objects.wire.place == f"bucket {BUCKET}, prefix shop/, at {gs.url}"


@pytest.mark.parametrize(
    ("rights", "check", "said"),
    [
        (READER, "create", "storage.objects.create"),
        (READER | {CREATE}, "swap", "storage.objects.delete"),
        (WRITER - {"storage.objects.list"}, "list", "storage.objects.list"),
    ],
)
def test_a_right_that_is_missing_is_found_and_named(gs: Gcs, rights: frozenset[str], check: str, said: str) -> None:
    gs.tokens = {"token": rights}
    objects = open_gs(URL, gs.environ(GOOGLE_OAUTH_ACCESS_TOKEN="token"), pace=HASTY)
    denied = {each.check: each.detail for each in publisher_test(objects) if each.verdict == "denied"}
    assert said in denied[check]
    assert "asked by the token of GOOGLE_OAUTH_ACCESS_TOKEN; for the bucket acme-flags burgee needs" in denied[check]


def test_without_the_right_to_list_an_object_that_is_missing_is_refused_and_this_is_said(gs: Gcs) -> None:
    gs.tokens = {"token": frozenset({GET})}
    objects = open_gs(URL, gs.environ(GOOGLE_OAUTH_ACCESS_TOKEN="token"), pace=HASTY)
    message = said_of(objects, get_it)
    assert message.startswith("Denied: GET")
    assert "an object that is missing is refused in the same words" in message


def test_a_service_that_ignores_conditions_is_unfit(gs: Gcs) -> None:
    gs.ignores = {"ifGenerationMatch"}
    found = [each for each in publisher_test(open_gs(URL, gs.environ())) if each.verdict == "unfit"]
    assert [(each.check, "do not publish to it" in each.detail) for each in found] == [("create", True)]


# Who asks


def test_a_refused_token_is_said_to_be_renewed_and_never_shown(gs: Gcs) -> None:
    gs.tokens = {}
    message = said_of(open_gs(URL, gs.environ(GOOGLE_OAUTH_ACCESS_TOKEN="hidden"), pace=HASTY))
    assert "401 authError: Invalid Credentials; asked by the token of GOOGLE_OAUTH_ACCESS_TOKEN; renew" in message
    assert "hidden" not in message
    assert len(gs.log) == 1


def test_a_token_that_is_none_is_said_when_the_store_is_opened_and_never_shown() -> None:
    with pytest.raises(ConfigurationError, match="GOOGLE_OAUTH_ACCESS_TOKEN is one line") as raised:
        open_store(URL, environ={"GOOGLE_OAUTH_ACCESS_TOKEN": "hidden\n"})
    assert "hidden" not in str(raised.value)


def test_tokens_are_not_told_to_another_machine_without_tls() -> None:
    environ = {"STORAGE_EMULATOR_HOST": "http://gcs.example.org", "GOOGLE_OAUTH_ACCESS_TOKEN": "hidden"}
    assert open_gs(URL, environ).wire.asked_by() == "nobody, for tokens are not told without TLS"


def a_key(path: Path, accounts: str) -> Path:
    """The file with a service account's key, which the server at that address exchanges tokens for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "client_email": "publisher@acme.iam.gserviceaccount.com"}
    account |= {"private_key": pem, "token_uri": f"{accounts}/token", "project_id": "acme"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(account))
    return path


@pytest.mark.parametrize("variable", ["GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "HOME"])
def test_the_file_of_credentials_is_found_where_google_has_it_and_exchanged_once(
    gs: Gcs, tmp_path: Path, variable: str
) -> None:
    gs.tokens = {"fresh": WRITER}
    path = tmp_path / ".config/gcloud/application_default_credentials.json"
    with played(lambda asked: (200, b'{"access_token": "fresh", "expires_in": 3600}', {})) as accounts:
        a_key(path, accounts.url)
        places = {"GOOGLE_APPLICATION_CREDENTIALS": path, "CLOUDSDK_CONFIG": path.parent, "HOME": tmp_path}
        objects = open_gs(URL, gs.environ(**{variable: str(places[variable])}), pace=HASTY)
        put(objects)
        assert objects.get(KEY).content == b"content"
        assert accounts.requests() == ["POST /token"]
        assert b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer" in accounts.asked[0].body
    assert objects.wire.asked_by() == f"publisher@acme.iam.gserviceaccount.com of the file {path}"


def test_a_token_that_was_revoked_is_exchanged_for_another(gs: Gcs, tmp_path: Path) -> None:
    tokens = iter(["first", "second"])
    gs.tokens = {"first": WRITER}

    def answer(asked: Any) -> Answer:
        return 200, json.dumps({"access_token": next(tokens), "expires_in": 3600}).encode(), {}

    with played(answer) as accounts:
        path = a_key(tmp_path / "key.json", accounts.url)
        objects = open_gs(URL, gs.environ(GOOGLE_APPLICATION_CREDENTIALS=str(path)), pace=HASTY)
        etag = put(objects)
        gs.tokens = {"second": WRITER}
        swap(objects, b"second", etag)
        assert accounts.requests() == ["POST /token"] * 2


def test_a_login_of_gcloud_is_known_by_its_file(tmp_path: Path) -> None:
    login = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    path = tmp_path / "application_default_credentials.json"
    path.write_text(json.dumps(login))
    objects = open_gs(f"{URL}?endpoint=https://gcs.example.org", {"CLOUDSDK_CONFIG": str(tmp_path)})
    assert objects.wire.asked_by() == f"the file {path}"


@pytest.mark.parametrize("content", [None, "{", "{}", '{"type": "service_account"}', "[]"])
def test_a_file_of_credentials_that_is_none_is_denied_with_what_to_do(
    gs: Gcs, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    message = said_of(open_gs(URL, gs.environ(GOOGLE_APPLICATION_CREDENTIALS=str(path)), pace=HASTY))
    assert message.startswith(f"Denied: cannot ask {URL}: ")
    assert message.endswith("run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS")
    assert gs.log == []


def test_accounts_that_cannot_be_reached_are_unavailable_and_those_that_refuse_denied(gs: Gcs, tmp_path: Path) -> None:
    path = a_key(tmp_path / "key.json", "http://127.0.0.1:1")
    environ = gs.environ(GOOGLE_APPLICATION_CREDENTIALS=str(path))
    said = f"Unavailable: PUT {URL}/{KEY} at {gs.url}: could not connect to 127.0.0.1"
    assert said_of(open_gs(URL, environ, pace=HASTY)) == said
    with played(lambda asked: (400, b'{"error": "invalid_grant", "error_description": "Expired."}', {})) as accounts:
        a_key(path, accounts.url)
        message = said_of(open_gs(URL, environ, pace=HASTY))
    assert message.startswith("Denied: PUT")
    assert "invalid_grant: Expired; run `gcloud auth" in message


def test_a_machine_of_googles_asks_as_its_service_account(gs: Gcs, tmp_path: Path) -> None:
    gs.tokens = {"fresh": WRITER}
    shop = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))

    def metadata(asked: Any) -> Answer:
        flavor = {"Metadata-Flavor": "Google", "Content-Type": "application/json"}
        if asked.path.startswith("/computeMetadata/v1/instance/service-accounts/default/token"):
            return 200, b'{"access_token": "fresh", "expires_in": 3600, "token_type": "Bearer"}', flavor
        if asked.path.startswith("/computeMetadata/v1/instance/service-accounts/default/"):
            return 200, b'{"email": "publisher@acme.iam.gserviceaccount.com", "scopes": []}', flavor
        if asked.path == "/computeMetadata/v1/project/project-id":
            return 200, b"acme", {**flavor, "Content-Type": "text/plain"}
        return (200, b"", flavor) if asked.path == "/" else (404, b"", flavor)

    with played(metadata) as machine:
        host = machine.url.removeprefix("http://")
        environ = gs.environ(HOME=str(tmp_path), PATH="/usr/bin:/bin", BURGEE_STORE=URL)
        environ |= {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}
        done = burgee(environ, "publish", str(shop))
    assert (done.returncode, done.stderr) == (0, f"store {URL} (BURGEE_STORE)\n")
    assert not {each.status for each in gs.log} & {401, 403}


def test_a_store_in_gs_without_its_sdk_says_which_extra_to_install() -> None:
    script = (
        "import sys; sys.modules['google.cloud.storage'] = None\n"
        f"from burgee.store.opening import open_store\nopen_store({URL!r})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "ConfigurationError: stores in Google Cloud Storage need google-cloud-storage" in done.stderr
    assert done.stderr.rstrip().endswith("install burgee with the extra `gcp`")
