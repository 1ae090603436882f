"""Reading Azure's Blob Storage from a server that checks keys and signed URLs, with credentials of every kind.

The server knows no tokens of Microsoft Entra; a small one before it does, and asks it by a signed URL instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import time
from urllib.parse import parse_qs, urlsplit

import pytest

from burgee.core.errors import BurgeeError, Denied, InvalidDocument, NotFound, Unavailable
from burgee.fetch.azblob import AzblobFetcher
from burgee.fetch.live import Live
from burgee.fetch.opening import open_fetcher
from burgee.fetch.port import NOT_MODIFIED
from burgee.fetch.rim import Rim, system_rim
from burgee.store.azblob import open_azblob
from burgee.store.objects import ObjectStore
from tests.fakes.clock import VirtualClock
from tests.fakes.publisher import a_document, publish
from tests.integration.conftest import BUCKET
from tests.servers.azurite import ACCOUNT, Azurite
from tests.servers.outage import between
from tests.servers.played import Answer, Asked, Played, played

pytestmark = pytest.mark.integration

KEY = "environments/staging/head.json"
URL = f"azblob://{ACCOUNT}/{BUCKET}/shop"
NOWHERE = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}


def reading(storage: Azurite, environ: Mapping[str, str], *, container: str = BUCKET) -> AzblobFetcher:
    return AzblobFetcher(storage.store_url(container, "shop"), environ)


def fault(storage: Azurite, environ: Mapping[str, str], *, container: str = BUCKET, key: str = KEY) -> BurgeeError:
    """What a read that has to fail says."""
    with pytest.raises(BurgeeError) as raised:
        reading(storage, environ, container=container).get(key)
    assert "sig=" not in str(raised.value)
    assert storage.key not in str(raised.value)
    return raised.value


def by_sas(storage: Azurite, *, rights: str = "r", seconds: float = 3600) -> dict[str, str]:
    return {"AZURE_STORAGE_SAS_TOKEN": storage.sas(BUCKET, rights=rights, seconds=seconds)}


# Objects


@pytest.mark.parametrize("by", [Azurite.environ, by_sas])
def test_an_object_is_read_and_is_then_not_modified(storage: Azurite, by: Callable[[Azurite], dict[str, str]]) -> None:
    storage.put(BUCKET, KEY, b"first", prefix="shop")
    fetcher = open_fetcher(storage.store_url(BUCKET, "shop"), by(storage))
    first = fetcher.get(KEY)
    assert first.content == b"first"
    assert fetcher.get(KEY, first.etag) is NOT_MODIFIED
    storage.put(BUCKET, KEY, b"second", prefix="shop")
    assert fetcher.get(KEY, first.etag).content == b"second"
    fetcher.close()


@pytest.mark.parametrize("by", [Azurite.environ, by_sas])
def test_every_key_is_found_by_its_own_name_with_its_proof_checked(
    storage: Azurite, by: Callable[[Azurite], dict[str, str]]
) -> None:
    keys = ["plain", "a b", "a,b", "a+b", "a%b", "a%20b", "ä/ö", "a~b-c_d.e", "a=b&c", "(a)!*'"]
    for number, key in enumerate(keys):
        storage.put(BUCKET, key, b"%d" % number, prefix="shop")
    fetcher = reading(storage, by(storage))
    assert [fetcher.get(key).content for key in keys] == [b"%d" % number for number in range(len(keys))]


def test_an_object_that_is_longer_than_wanted_is_not_taken(storage: Azurite) -> None:
    storage.put(BUCKET, KEY, b"x" * 11, prefix="shop")
    with pytest.raises(InvalidDocument, match="11 bytes, wanted at most 10") as raised:
        reading(storage, by_sas(storage)).get(KEY, max_bytes=10)
    assert "sig=" not in str(raised.value)


def test_a_public_container_is_read_without_credentials(storage: Azurite) -> None:
    with storage.client() as client:
        client.delete_container(BUCKET)
    storage.make_container(BUCKET, public=True)
    storage.put(BUCKET, KEY, b"content", prefix="shop")
    fetcher = reading(storage, NOWHERE)
    first = fetcher.get(KEY)
    assert first.content == b"content"
    assert fetcher.get(KEY, first.etag) is NOT_MODIFIED
    assert isinstance(fault(storage, NOWHERE, key="missing"), NotFound)


def test_a_private_container_is_not_read_without_credentials(storage: Azurite) -> None:
    storage.put(BUCKET, KEY, b"content", prefix="shop")
    refused = fault(storage, NOWHERE)
    assert isinstance(refused, Denied)
    assert "asked by nobody, for there are no credentials" in str(refused)


def test_a_blob_that_is_missing_is_not_found_and_a_container_that_is_missing_is_said(storage: Azurite) -> None:
    missing = fault(storage, storage.environ())
    assert isinstance(missing, NotFound)
    assert (
        f"GET {URL}/{KEY} at {storage.blob_url}/{BUCKET}: 404 BlobNotFound: The specified blob does not exist"
        in str(missing)
    )
    nowhere = fault(storage, storage.environ(), container="no-such-container")
    assert isinstance(nowhere, Unavailable)
    assert "404 ContainerNotFound: The specified container does not exist; check the account's and the" in str(nowhere)


# Keys and signed URLs


def test_a_wrong_key_is_denied(storage: Azurite) -> None:
    refused = fault(storage, {"AZURE_STORAGE_KEY": "d3Jvbmcga2V5"})
    assert isinstance(refused, Denied)
    assert f"asked by the key of account {ACCOUNT} (AZURE_STORAGE_KEY)" in str(refused)


def test_a_signed_url_that_has_expired_or_is_for_something_else_is_denied(storage: Azurite) -> None:
    storage.put(BUCKET, KEY, b"content", prefix="shop")
    expired = fault(storage, by_sas(storage, seconds=-60))
    assert isinstance(expired, Denied)
    assert "asked by the signed URL of AZURE_STORAGE_SAS_TOKEN" in str(expired)
    other = fault(storage, by_sas(storage, rights="w"))
    assert isinstance(other, Denied)
    assert "403 AuthorizationPermissionMismatch" in str(other)
    assert "burgee needs the role Storage Blob Data Reader on the container acme-flags or a signed" in str(other)


def test_a_server_that_is_away_is_named_without_what_proves_who_asks(storage: Azurite) -> None:
    url = f"{URL}?endpoint=http://127.0.0.1:1/{ACCOUNT}"
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/.*: Connection refused") as raised:
        AzblobFetcher(url, by_sas(storage)).get(KEY)
    assert "sig=" not in str(raised.value)


# Tokens


def a_grant(token: str, *, until: float) -> Answer:
    content = json.dumps({"access_token": token, "expires_in": str(int(until - time())), "token_type": "Bearer"})
    return 200, content.encode(), {}


@contextmanager
def entra_before(storage: Azurite, *tokens: str) -> Iterator[Played]:
    """The server, for those who have one of these tokens."""
    sas = storage.sas(BUCKET)

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("authorization") not in [f"Bearer {token}" for token in tokens]:
            return 401, b"", {"x-ms-error-code": "InvalidAuthenticationInfo"}
        parts = urlsplit(storage.blob_url)
        connection = HTTPConnection(parts.netloc, timeout=10)
        try:
            passed = {name: value for name, value in asked.headers.items() if name in ("x-ms-version", "if-none-match")}
            connection.request("GET", f"{asked.path}?{sas}", headers=passed)
            response = connection.getresponse()
            named = {
                name: value for name, value in response.getheaders() if name.lower() in ("etag", "x-ms-error-code")
            }
            return response.status, response.read(), named
        finally:
            connection.close()

    with played(answer) as front:
        yield front


def asking(front: Played, environ: Mapping[str, str], rim: Rim | None = None) -> AzblobFetcher:
    return AzblobFetcher(f"{URL}?endpoint={front.url}/{ACCOUNT}", environ, rim=rim)


def test_a_function_reads_as_its_managed_identity(storage: Azurite) -> None:
    storage.put(BUCKET, KEY, b"content", prefix="shop")

    def identity(asked: Asked) -> Answer:
        if asked.headers.get("x-identity-header") != "secret of the function":
            return 401, b"", {}
        return a_grant("of-the-function", until=time() + 3600)

    with entra_before(storage, "of-the-function") as front, played(identity) as service:
        environ = {"IDENTITY_ENDPOINT": f"{service.url}/msi/token", "IDENTITY_HEADER": "secret of the function"}
        fetcher = asking(front, {**environ, "AZURE_CLIENT_ID": "0-1"})
        first = fetcher.get(KEY)
        assert first.content == b"content"
        assert fetcher.get(KEY, first.etag) is NOT_MODIFIED
        (asked,) = service.asked
        assert parse_qs(urlsplit(asked.path).query) == {
            "api-version": ["2019-08-01"],
            "resource": ["https://storage.azure.com/"],
            "client_id": ["0-1"],
        }
        with pytest.raises(NotFound, match="404 BlobNotFound"):
            fetcher.get("missing")
        fetcher.close()
        with pytest.raises(Denied, match="401 Unauthorized; asked for a token of the managed identity of this app"):
            asking(front, {**environ, "IDENTITY_HEADER": "wrong"}).get(KEY)


def test_a_machine_reads_as_its_managed_identity_and_renews_its_token_before_it_expires(storage: Azurite) -> None:
    storage.put(BUCKET, KEY, b"content", prefix="shop")
    clock = VirtualClock()
    started = clock.wall()

    def metadata(asked: Asked) -> Answer:
        if asked.headers.get("metadata") != "true":
            return 400, b"", {}
        return a_grant("second" if clock.wall() > started else "first", until=time() + 3600)

    with entra_before(storage, "first", "second") as front, played(metadata) as service:
        environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": service.url}
        fetcher = asking(front, environ, system_rim(clock.wall))
        for minutes in (0, 50, 6):
            clock.advance(minutes * 60_000)
            assert fetcher.get(KEY).content == b"content"
        fetcher.close()
        assert len(service.asked) == 2
        assert [asked.headers["authorization"] for asked in front.asked] == [
            "Bearer first",
            "Bearer first",
            "Bearer second",
        ]


def test_a_workload_reads_by_the_token_that_kubernetes_keeps_for_it(storage: Azurite, tmp_path: Path) -> None:
    storage.put(BUCKET, KEY, b"content", prefix="shop")
    (tmp_path / "token").write_text("of.the.pod\n")

    def authority(asked: Asked) -> Answer:
        form = parse_qs(asked.body.decode())
        if form.get("client_assertion") != ["of.the.pod"]:
            return 401, b'{"error":"invalid_client","error_description":"AADSTS700213: No match."}', {}
        return a_grant("of-the-workload", until=time() + 3600)

    with entra_before(storage, "of-the-workload") as front, played(authority) as service:
        environ = {
            "AZURE_AUTHORITY_HOST": service.url,
            "AZURE_TENANT_ID": "acme.example",
            "AZURE_CLIENT_ID": "0-1",
            "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
        }
        fetcher = asking(front, environ)
        assert fetcher.get(KEY).content == b"content"
        assert service.requests() == ["POST /acme.example/oauth2/v2.0/token"]
        fetcher.close()
        (tmp_path / "token").write_text("of.another.pod")
        with pytest.raises(Denied, match="invalid_client: AADSTS700213: No match; asked for a token of client 0-1 of"):
            asking(front, environ).get(KEY)


def test_a_token_that_is_refused_is_looked_for_again(storage: Azurite) -> None:
    storage.put(BUCKET, KEY, b"content", prefix="shop")
    tokens = ["revoked", "fresh"]
    with (
        entra_before(storage, "fresh") as front,
        played(lambda _: a_grant(tokens.pop(0), until=time() + 3600)) as service,
    ):
        fetcher = asking(front, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": service.url})
        assert fetcher.get(KEY).content == b"content"
        assert len(service.asked) == 2
        fetcher.close()


# Readers


def test_a_live_snapshot_reads_a_container_through_an_outage(storage: Azurite) -> None:
    store = ObjectStore(open_azblob(storage.store_url(BUCKET, "shop"), storage.environ()))
    clock = VirtualClock()
    publish(store, {"default": a_document(enabled=True)}, at=clock.wall())
    with between(storage.blob_url.rpartition("/")[0]) as relay:
        fetcher = open_fetcher(f"{URL}?endpoint={relay.url}/{ACCOUNT}", storage.environ())
        live = Live(fetcher, "staging", ttl_ms=60_000, clock=clock, random=lambda: 0.0)
        assert live.current().release.revision == 1
        relay.cut()
        clock.advance(60_000)
        assert live.current().release.revision == 1
        assert f"/{BUCKET}/shop/{KEY}: " in str(live.status().last_error)
        publish(store, {"default": a_document(enabled=False)}, at=clock.wall())
        relay.mend()
        clock.advance(60_000)
        assert live.current().release.revision == 2
        assert live.status().last_error is None
        fetcher.close()
