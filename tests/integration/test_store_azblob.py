"""What is Azure Blob Storage's own in writing to it: kinds of blobs, refusals, keys, signed URLs and identities."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from burgee import __version__
from burgee.core.errors import ConfigurationError, Conflict, Unavailable
from burgee.fetch.opening import open_fetcher
from burgee.store.azblob import open_azblob
from burgee.store.azblob_session import principal_of
from burgee.store.opening import open_store
from burgee.store.remote import RemoteObjects
from burgee.store.self_test import publisher_test
from tests.integration.conftest import BUCKET
from tests.servers.azurite import ACCOUNT, Azurite
from tests.servers.faulty import Faulty, Harm, faulty
from tests.servers.played import Answer
from tests.servers.wires import azblob_refusal as refusal
from tests.writing import HASTY, KEY, get_it, list_all, put, said_of, swap

pytestmark = pytest.mark.integration

URL = f"azblob://{ACCOUNT}/{BUCKET}/shop"


@pytest.fixture
def relay(storage: Azurite) -> Iterator[Faulty]:
    with faulty(storage.blob_url.rpartition("/")[0]) as running:
        yield running


def behind(relay: Faulty) -> str:
    """The URL of the store as the relay has it."""
    return f"{URL}?endpoint={relay.url}/{ACCOUNT}"


@pytest.fixture
def objects(storage: Azurite, relay: Faulty) -> RemoteObjects:
    """Objects behind the relay."""
    return open_azblob(behind(relay), storage.environ(), pace=HASTY)


@pytest.fixture
def another(storage: Azurite) -> RemoteObjects:
    """The same objects, of somebody with no relay before them."""
    return open_azblob(storage.store_url(BUCKET, "shop"), storage.environ(), pace=HASTY)


# What is written


def test_a_blob_has_its_type_and_cache_rules_and_a_checksum_of_its_content(
    storage: Azurite, relay: Faulty, objects: RemoteObjects
) -> None:
    put(objects, b"{}\r\n")
    with storage.client() as client:
        found = client.get_blob_client(BUCKET, f"shop/{KEY}").get_blob_properties()
    assert (found.content_settings.content_type, found.content_settings.cache_control) == (
        "application/json",
        "no-cache",
    )
    (asked,) = relay.asked
    assert asked.headers["if-none-match"] == "*"
    assert "content-md5" in asked.headers
    assert f"burgee/{__version__}" in asked.headers["user-agent"]


@pytest.mark.parametrize("prefix", ["", "a/b/", "with%20percent"])
def test_writer_and_reader_of_one_url_mean_the_same_objects(storage: Azurite, prefix: str) -> None:
    url, environ = storage.store_url(BUCKET, prefix), storage.environ()
    put(open_azblob(url, environ))
    assert open_fetcher(url, environ).get(KEY).content == b"content"


def test_a_blob_of_another_kind_is_a_conflict_and_a_lease_is_not(storage: Azurite, objects: RemoteObjects) -> None:
    with storage.client() as client:
        client.get_blob_client(BUCKET, "shop/appended").create_append_blob()
        with pytest.raises(Conflict):
            put(objects, key="appended")
        etag = put(objects)
        client.get_blob_client(BUCKET, f"shop/{KEY}").acquire_lease(lease_duration=15)
    with pytest.raises(Unavailable, match="412 LeaseIdMissing"):
        swap(objects, b"second", etag)


# Refusals

ASKED_BY = f"asked by the key of account {ACCOUNT} (AZURE_STORAGE_KEY)"
REFUSALS = [
    (refusal(404, "ContainerNotFound"), "Unavailable", "check the account's and the container's name in the URL"),
    (refusal(409, "ContainerBeingDeleted"), "Unavailable", "check the account's and the container's name in the URL"),
    (refusal(403, "AuthenticationFailed"), "Denied", f"{ASKED_BY}; renew or replace it, and check the account's name"),
    (refusal(403, "AuthorizationPermissionMismatch"), "Denied", f"{ASKED_BY}; burgee needs the role Storage"),
    (refusal(403, "AuthorizationFailure"), "Denied", "and a network that the account lets in"),
    (refusal(307, ""), "Unavailable", "check the account's and the container's name"),
    (refusal(501, "NotImplemented"), "Unfit", "cannot do what burgee needs"),
    (refusal(409, "BlobImmutableDueToPolicy"), "Unavailable", "409 BlobImmutableDueToPolicy: Said BlobImmutable"),
    (refusal(400, "InvalidHeaderValue"), "Unavailable", "400 InvalidHeaderValue: Said InvalidHeaderValue"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), REFUSALS)
def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    storage: Azurite, relay: Faulty, objects: RemoteObjects, answer: Answer, kind: str, said: str
) -> None:
    relay.always = lambda asked: Harm(answer=answer)
    message = said_of(objects)
    assert message.startswith(f"{kind}: PUT {URL}/{KEY} at {relay.url}/{ACCOUNT}/{BUCKET}: {answer[0]}")
    assert said in message
    assert "RequestId" not in message
    assert relay.methods() == ["PUT"]
    assert storage.key not in message


def test_a_clock_that_is_off_is_said_with_both_times(relay: Faulty, objects: RemoteObjects) -> None:
    relay.ahead_seconds = 3600
    relay.always = lambda asked: Harm(answer=refusal(403, "AuthenticationFailed"))
    message = said_of(objects)
    assert message.startswith("Denied: PUT")
    assert "set this machine's clock: it says 20" in message
    assert message.endswith("GMT")
    assert 3500 < (objects.wire.clock_difference() or 0) < 3700


@pytest.mark.parametrize("page", [(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}), (200, b"", {})])
def test_a_page_that_a_network_puts_in_its_place_is_no_answer(
    relay: Faulty, objects: RemoteObjects, page: Answer
) -> None:
    relay.always = lambda asked: Harm(answer=page)
    assert said_of(objects).startswith(("Unavailable", "Unfit"))
    assert said_of(objects, get_it).startswith("Unavailable")
    assert said_of(objects, list_all).startswith("Unavailable")


# Who asks


def test_a_wrong_key_is_denied_in_the_services_words(storage: Azurite) -> None:
    wrong = {"AZURE_STORAGE_KEY": "d3Jvbmcga2V5"}
    message = said_of(open_azblob(storage.store_url(BUCKET, "shop"), wrong, pace=HASTY))
    assert message.startswith(f"Denied: PUT {URL}/{KEY} at {storage.blob_url}/{BUCKET}: 403 ")
    assert ASKED_BY in message
    assert "d3Jvbmcga2V5" not in message


def signed(storage: Azurite, rights: str, *, seconds: float = 3600) -> RemoteObjects:
    environ = {"AZURE_STORAGE_SAS_TOKEN": "?" + storage.sas(BUCKET, rights=rights, seconds=seconds)}
    return open_azblob(storage.store_url(BUCKET, "shop"), environ, pace=HASTY)


def test_a_signed_url_does_what_it_is_for_and_nothing_else(storage: Azurite) -> None:
    whole = signed(storage, "rcwl")
    swap(whole, b"second", put(whole))
    assert (whole.get(KEY).content, list(whole.list(""))) == (b"second", [KEY])
    assert "the signed URL of AZURE_STORAGE_SAS_TOKEN (for rcwl, until 20" in whole.wire.asked_by()
    only_read = signed(storage, "r")
    assert only_read.get(KEY).content == b"second"
    assert "Denied: PUT" in said_of(only_read, lambda objects: put(objects, key="new"))
    message = said_of(only_read, list_all)
    assert "403 AuthorizationPermissionMismatch" in message
    assert "asked by the signed URL of AZURE_STORAGE_SAS_TOKEN (for r, until" in message
    assert "burgee needs the role Storage Blob Data Reader on the container acme-flags or a signed" in message


def test_a_signed_url_that_has_expired_is_denied_and_says_until_when_it_was(storage: Azurite) -> None:
    expired = signed(storage, "rcwl", seconds=-60)
    message = said_of(expired, get_it)
    assert message.startswith("Denied: GET")
    assert "(for rcwl, until 20" in message
    assert "sig=" not in message


class Entra:
    """An identity that gives tokens, or does not."""

    def __init__(self, token: str | None) -> None:
        self.token = token

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        assert scopes == ("https://storage.azure.com/.default",)
        if self.token is None:
            raise ClientAuthenticationError("DefaultAzureCredential failed to retrieve a token.\nAttempted: ...")
        return AccessToken(self.token, 4_102_444_800)


def test_an_identity_is_looked_for_when_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    import azure.identity

    made: list[dict[str, str]] = []

    def of(**options: str) -> Entra:
        made.append(options)
        return Entra(None)

    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", of)
    objects = open_azblob(URL, {"AZURE_CLIENT_ID": "0-1"}, pace=HASTY)
    assert made == [{"managed_identity_client_id": "0-1"}]
    for verb in (put, get_it, lambda objects: objects.wire.asked_by()):
        message = said_of(objects, verb)
        assert message.startswith("Denied: ")
        assert "DefaultAzureCredential failed to retrieve a token; set AZURE_STORAGE_KEY or AZURE_STORAGE" in message
        assert "Attempted" not in message


@pytest.mark.parametrize(
    ("token", "principal"),
    [
        ("e30.eyJvaWQiOiJvLTEiLCJhcHBpZCI6ImEtMSJ9.c2ln", "a-1"),
        ("e30.eyJvaWQiOiJvLTEifQ.c2ln", "o-1"),
        ("e30.e30.c2ln", "of a token that does not name it"),
        ("e30.W10.c2ln", "of a token that does not name it"),
        ("opaque", "of a token that does not name it"),
    ],
)
def test_an_identity_is_shown_by_what_its_token_says(token: str, principal: str) -> None:
    assert principal_of(token) == principal


@pytest.mark.parametrize(
    ("url", "environ", "said"),
    [
        (URL, {"AZURE_STORAGE_KEY": "hidden!"}, "AZURE_STORAGE_KEY is no key of a storage account"),
        (URL, {"AZURE_STORAGE_SAS_TOKEN": "hidden"}, "AZURE_STORAGE_SAS_TOKEN is no query of a signed URL"),
        (f"{URL}?endpoint=http://127.0.0.1:1/a", {}, "an identity is proven over https only; set AZURE_STORAGE_KEY or"),
        (f"{URL}?sig=hidden", {}, "says endpoint and nothing else"),
        ("azblob://acme", {}, "wanted an account, a container and a prefix"),
    ],
)
def test_what_is_wrong_is_said_when_the_store_is_opened(url: str, environ: Mapping[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        open_store(url, environ=environ)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("missing", "environ", "said"),
    [
        ("azure.storage.blob", {}, "stores in Azure need azure-storage-blob"),
        ("azure.identity", {}, "without AZURE_STORAGE_KEY and AZURE_STORAGE_SAS_TOKEN stores in Azure need azure-id"),
        ("azure.identity", {"AZURE_STORAGE_KEY": "a2V5"}, None),
    ],
)
def test_a_store_without_its_sdk_says_which_extra_to_install(
    missing: str, environ: Mapping[str, str], said: str | None
) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"from burgee.store.opening import open_store\nopen_store({URL!r}, environ={environ!r})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    if said is None:
        assert (done.returncode, done.stderr) == (0, "")
        return
    assert f"ConfigurationError: {said}" in done.stderr
    assert done.stderr.rstrip().endswith("install burgee with the extra `azure`")


# Trust


def verdicts(objects: RemoteObjects) -> dict[str, str]:
    return {finding.check: str(finding.verdict) for finding in publisher_test(objects)}


def test_a_container_is_found_fit(another: RemoteObjects) -> None:
    assert set(verdicts(another).values()) == {"ok"}


@pytest.mark.parametrize("without", [("if-none-match",), ("if-match",), ("if-none-match", "if-match")])
def test_a_lookalike_that_ignores_conditions_is_found_unfit(
    storage: Azurite, relay: Faulty, without: tuple[str, ...]
) -> None:
    relay.without = without
    # Not by a key, which signs the conditions too.
    environ = {"AZURE_STORAGE_SAS_TOKEN": storage.sas(BUCKET, rights="rcwl")}
    assert "unfit" in verdicts(open_azblob(behind(relay), environ, pace=HASTY)).values()


def test_who_has_no_identity_is_told_so_in_one_line() -> None:
    script = "from burgee.cli.main import run; raise SystemExit(run(['doctor', 'azblob://acmeflags/flags']))"
    environ = {"PATH": "", "HOME": "/nowhere", "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "let an identity of Microsoft Entra be found" in done.stdout
    assert done.stderr.splitlines() == [
        "store azblob://acmeflags/flags (--store)",
        "error: the store cannot be published to as it is",
    ]
