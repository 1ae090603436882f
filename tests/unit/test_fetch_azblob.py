"""Reading a container, as far as it needs no network: addresses, who asks, and what answers mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from burgee.bundle.azblob_given import given_credentials
from burgee.core.errors import BurgeeError, ConfigurationError, Denied, NotFound, Unavailable
from burgee.fetch.azblob import AzblobFetcher
from burgee.fetch.azure_tokens import METADATA, find_token
from burgee.fetch.connections import Patience
from burgee.fetch.port import NOT_MODIFIED
from tests.fakes.aws import Answer, Asked, FakeConnections, FakeRim, an_error
from tests.fakes.clock import NOON

KEY = "environments/staging/head.json"
ACCOUNT_KEY = {"AZURE_STORAGE_KEY": "aGlkZGVu"}
SIGNED = {"AZURE_STORAGE_SAS_TOKEN": "?sv=1&sp=r&sig=hidden"}
FOUND: Answer = (200, b"content", {"ETag": '"0x1"'})
BLOB = "https://acmeflags.blob.core.windows.net/flags/shop/environments/staging/head.json"
MACHINE = (
    "GET http://169.254.169.254/metadata/identity/oauth2/token"
    "?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F"
)


def a_fetcher(
    *answers: Answer,
    url: str = "azblob://acmeflags/flags/shop",
    environ: dict[str, str] | None = None,
    rim: FakeRim | None = None,
) -> tuple[AzblobFetcher, FakeConnections]:
    connections = FakeConnections(*answers)
    return AzblobFetcher(url, environ or {}, rim=(rim or FakeRim()).rim(), connections=connections), connections


def a_grant(text: str = "token", *, seconds: int = 3600) -> Answer:
    return 200, json.dumps({"access_token": text, "expires_in": str(seconds)}).encode()


def refused(status: int, code: str) -> Answer:
    return status, "\ufeff".encode() + an_error(code, f"Said {code}.\nRequestId:1"), {}


# Who asks


def test_a_signed_url_is_asked_for_with_its_query_and_nothing_else() -> None:
    fetcher, connections = a_fetcher(FOUND, (304, b""), environ={**SIGNED, **ACCOUNT_KEY})
    fetched = fetcher.get(KEY)
    assert (fetched.content, fetched.etag) == (b"content", '"0x1"')
    assert fetcher.get(KEY, fetched.etag) is NOT_MODIFIED
    first, second = connections.asked
    assert first.url == second.url == f"{BLOB}?sv=1&sp=r&sig=hidden"
    assert first.headers == {"x-ms-version": "2021-08-06"}
    assert second.headers == {"x-ms-version": "2021-08-06", "If-None-Match": '"0x1"'}


def test_a_key_signs_the_time_and_the_condition() -> None:
    fetcher, connections = a_fetcher(FOUND, (304, b""), environ=ACCOUNT_KEY)
    fetched = fetcher.get(KEY)
    fetcher.get(KEY, fetched.etag)
    first, second = (asked.headers for asked in connections.asked)
    assert first["x-ms-date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    assert first["Authorization"].startswith("SharedKey acmeflags:")
    assert first["Authorization"] != second["Authorization"]
    assert {asked.url for asked in connections.asked} == {BLOB}


def test_an_identity_asks_with_its_token_until_shortly_before_it_expires() -> None:
    rim = FakeRim(answers={MACHINE: a_grant()})
    fetcher, connections = a_fetcher(FOUND, FOUND, FOUND, rim=rim)
    for minutes in (0, 54, 1):
        rim.clock.advance(minutes * 60_000)
        fetcher.get(KEY)
    assert [asked.headers["Authorization"] for asked in connections.asked] == ["Bearer token"] * 3
    assert [asked.url for asked in rim.asked] == [MACHINE.removeprefix("GET ")] * 2


def test_with_nothing_anywhere_requests_are_nobodys() -> None:
    fetcher, connections = a_fetcher(FOUND, FOUND)
    fetcher.get(KEY)
    fetcher.get(KEY)
    assert [asked.headers for asked in connections.asked] == [{"x-ms-version": "2021-08-06"}] * 2
    assert fetcher.asked_by().startswith("nobody, for there are no credentials (AZURE_STORAGE_SAS_TOKEN, AZURE_STOR")


def test_a_token_is_not_told_to_a_place_that_others_can_listen_to() -> None:
    url = "azblob://acmeflags/flags/shop?endpoint=http://azure.example.org/acmeflags"
    rim = FakeRim(answers={MACHINE: a_grant()})
    fetcher, connections = a_fetcher(FOUND, url=url, rim=rim)
    fetcher.get(KEY)
    assert connections.asked[0].headers == {"x-ms-version": "2021-08-06"}
    assert rim.asked == []
    assert fetcher.asked_by() == (
        "nobody, for an identity is proven over https only, not to http://azure.example.org/acmeflags"
    )


def test_a_refused_token_is_replaced_by_a_newer_one_once() -> None:
    grants = [a_grant("old"), a_grant("new"), a_grant("new")]
    rim = FakeRim(answers={MACHINE: lambda _: grants.pop(0)})
    outdated = refused(401, "InvalidAuthenticationInfo")
    fetcher, connections = a_fetcher(outdated, FOUND, outdated, rim=rim)
    assert fetcher.get(KEY).content == b"content"
    with pytest.raises(Denied, match="401 InvalidAuthenticationInfo: Said InvalidAuthenticationInfo; asked by the man"):
        fetcher.get(KEY)
    tokens = [asked.headers["Authorization"] for asked in connections.asked]
    assert tokens == ["Bearer old", "Bearer new", "Bearer new"]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"AZURE_STORAGE_SAS_TOKEN": "hidden"}, "AZURE_STORAGE_SAS_TOKEN is no query of a signed URL"),
        ({"AZURE_STORAGE_SAS_TOKEN": "https://a/b?sig=hidden"}, "no query of a signed URL"),
        ({"AZURE_STORAGE_SAS_TOKEN": '"sv=1&sig=hidden"'}, "no query of a signed URL"),
        ({"AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=hid den"}, "no query of a signed URL"),
        ({"AZURE_STORAGE_KEY": "hidden!!"}, "AZURE_STORAGE_KEY is no key of a storage account, which is base64"),
        ({"AZURE_STORAGE_KEY": "hidde"}, "AZURE_STORAGE_KEY is no key of a storage account, which is base64"),
    ],
)
def test_variables_that_are_wrong_are_said_when_it_is_opened(environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        a_fetcher(environ=environ)
    assert "hid" not in str(raised.value)


def test_what_is_given_is_shown_without_what_is_secret() -> None:
    for environ in (SIGNED, ACCOUNT_KEY):
        given = given_credentials(environ, "acmeflags", "https://x")
        assert "hidden" not in repr(given)
        assert "aGlkZGVu" not in repr(given)
    assert given_credentials({"AZURE_STORAGE_KEY": " aGlkZGVu\n"}, "a", "http://x") == (
        None,
        "aGlkZGVu",
        "the key of account a (AZURE_STORAGE_KEY)",
    )


def test_a_signed_url_is_not_shown_to_a_place_that_others_can_listen_to_and_a_key_signs_there() -> None:
    url = "azblob://acmeflags/flags?endpoint=http://azure.example.org/acmeflags"
    with pytest.raises(ConfigurationError, match=r"shown over https only, and http://azure\.example\.org/acmeflags is"):
        a_fetcher(url=url, environ=SIGNED)
    fetcher, connections = a_fetcher(FOUND, url=url, environ=ACCOUNT_KEY)
    fetcher.get(KEY)
    assert "aGlkZGVu" not in str(connections.asked)
    near, _ = a_fetcher(FOUND, url="azblob://acmeflags/flags?endpoint=http://127.0.0.2/acmeflags", environ=SIGNED)
    assert near.get(KEY).content == b"content"


def test_a_token_that_still_holds_is_not_given_up_for_a_machine_that_is_silent() -> None:
    rim = FakeRim(answers={MACHINE: a_grant()})
    fetcher, connections = a_fetcher(FOUND, FOUND, FOUND, rim=rim)
    fetcher.get(KEY)
    del rim.answers[MACHINE]
    rim.clock.advance(56 * 60_000)
    fetcher.get(KEY)
    rim.clock.advance(5 * 60_000)
    with pytest.raises(Unavailable, match="Connection refused"):
        fetcher.get(KEY)
    rim.answers[MACHINE] = a_grant("new")
    fetcher.get(KEY)
    shown = [asked.headers["Authorization"] for asked in connections.asked]
    assert shown == ["Bearer token", "Bearer token", "Bearer new"]


def test_who_was_nobody_is_looked_for_again_after_a_while_or_a_refusal() -> None:
    rim = FakeRim()
    fetcher, connections = a_fetcher(FOUND, FOUND, refused(404, "ResourceNotFound"), FOUND, rim=rim)
    fetcher.get(KEY)
    rim.clock.advance(59_000)
    fetcher.get(KEY)
    assert len(rim.asked) == 1
    rim.answers[MACHINE] = a_grant()
    fetcher.get(KEY)
    assert "Authorization" in connections.asked[-1].headers
    later = FakeRim()
    waiting, asked = a_fetcher(FOUND, FOUND, rim=later)
    waiting.get(KEY)
    later.answers[MACHINE] = a_grant()
    later.clock.advance(61_000)
    waiting.get(KEY)
    assert ["Authorization" in each.headers for each in asked.asked] == [False, True]


# Places and answers


@pytest.mark.parametrize(
    ("url", "key", "place"),
    [
        ("azblob://acmeflags/flags", "a/b", "https://acmeflags.blob.core.windows.net/flags/a/b"),
        ("azblob://acmeflags/flags/x/", "a,b+c", "https://acmeflags.blob.core.windows.net/flags/x/a%2Cb%2Bc"),
        ("azblob://acmeflags/flags/a%20b", "ä ~", "https://acmeflags.blob.core.windows.net/flags/a%2520b/%C3%A4%20~"),
        (
            "azblob://devstoreaccount1/flags?endpoint=http://127.0.0.1:10000/devstoreaccount1",
            "k",
            "http://127.0.0.1:10000/devstoreaccount1/flags/k",
        ),
    ],
)
def test_a_key_is_looked_for_below_the_prefix_which_is_taken_as_it_is_written(url: str, key: str, place: str) -> None:
    fetcher, connections = a_fetcher(FOUND, url=url)
    fetcher.get(key)
    assert connections.asked[0].url == place


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (refused(404, "BlobNotFound"), NotFound, "404 BlobNotFound: Said BlobNotFound"),
        ((404, b"", {"x-ms-error-code": "BlobNotFound"}), NotFound, "404 BlobNotFound: Said So"),
        (refused(404, "ContainerNotFound"), Unavailable, "check the account's and the container's name in the URL"),
        (refused(403, "AuthenticationFailed"), Denied, "asked by the key of account acmeflags"),
        (refused(403, "AuthorizationPermissionMismatch"), Denied, "burgee needs the role Storage Blob Data Reader on"),
        (refused(503, "ServerBusy"), Unavailable, "503 ServerBusy: Said ServerBusy"),
        ((502, b"<html>"), Unavailable, "502: Said So"),
        ((307, b"", {"Location": "https://elsewhere.example"}), Unavailable, "307: Said So; check the account"),
        ((304, b""), Unavailable, "304: Said So"),
    ],
)
def test_an_answer_that_is_no_object_says_what_it_is(answer: Answer, kind: type[BurgeeError], said: str) -> None:
    fetcher, connections = a_fetcher(answer, environ=ACCOUNT_KEY)
    with pytest.raises(kind) as raised:
        fetcher.get(KEY)
    assert str(raised.value).startswith(
        f"GET azblob://acmeflags/flags/shop/{KEY} at https://acmeflags.blob.core.windows.net/flags: "
    )
    assert said in str(raised.value)
    assert len(connections.asked) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "ResourceNotFound"), (409, "PublicAccessNotPermitted"), (401, "NoAuthenticationInformation"), (403, "X")],
)
def test_nobody_is_denied_what_is_not_public(status: int, code: str) -> None:
    fetcher, _ = a_fetcher(refused(status, code))
    with pytest.raises(
        Denied, match=f"{status} {code}.*; asked by nobody, for there are no credentials .*; burgee needs"
    ):
        fetcher.get(KEY)


# Sources of tokens

CLIENT = {"AZURE_CLIENT_SECRET": "hid&den", "AZURE_TENANT_ID": "acme.example", "AZURE_CLIENT_ID": "0-1"}
WORKLOAD = {"AZURE_FEDERATED_TOKEN_FILE": "/token", "AZURE_TENANT_ID": "acme.example", "AZURE_CLIENT_ID": "0-1"}
APP = {"IDENTITY_ENDPOINT": "http://172.16.0.2:8081/msi/token", "IDENTITY_HEADER": "hidden"}
ENTRA = "POST https://login.microsoftonline.com/acme.example/oauth2/v2.0/token"
OF_APP = f"GET {APP['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com%2F"


def everything() -> FakeRim:
    """A machine on which every source has something to give."""

    def of_entra(asked: Asked) -> Answer:
        return a_grant("client" if b"hid%26den" in asked.body else "workload")

    answers: dict[str, Answer | Callable[[Asked], Answer]] = {
        ENTRA: of_entra,
        OF_APP: (200, b'{"access_token":"app","expires_on":"1800003600"}'),
        MACHINE: a_grant("machine"),
    }
    return FakeRim({"/token": "a.b.c\n"}, answers)


@pytest.mark.parametrize(
    ("environ", "text", "source"),
    [
        ({**CLIENT, **WORKLOAD, **APP}, "client", "client 0-1 of tenant acme.example"),
        ({**WORKLOAD}, "workload", "client 0-1 of tenant acme.example"),
        (APP, "app", "the managed identity of this app"),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1/arc"}, "machine", "the managed identity of this machine"),
        ({}, "machine", "the managed identity of this machine"),
    ],
)
def test_sources_are_asked_in_the_order_of_microsofts_libraries(
    environ: dict[str, str], text: str, source: str
) -> None:
    assert find_token(environ, everything().rim()) == (text, NOON + 3_600_000, source)


def test_a_client_proves_itself_by_its_secret_or_by_the_token_of_its_workload() -> None:
    rim = everything()
    for environ in (CLIENT, WORKLOAD):
        find_token(environ, rim.rim())
    by_secret, by_token = (parse_qs(asked.body.decode()) for asked in rim.asked)
    common = {
        "grant_type": ["client_credentials"],
        "client_id": ["0-1"],
        "scope": ["https://storage.azure.com/.default"],
    }
    assert by_secret == {**common, "client_secret": ["hid&den"]}
    assert by_token == {
        **common,
        "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
        "client_assertion": ["a.b.c"],
    }


def test_a_managed_identity_is_chosen_by_its_client_id_and_asked_for_in_a_hurry() -> None:
    rim = everything()
    for environ in (APP, {}):
        url = (OF_APP if environ else MACHINE) + "&client_id=0-1"
        rim.answers[url] = a_grant("chosen")
        found = find_token({**environ, "AZURE_CLIENT_ID": "0-1"}, rim.rim())
        assert found.text == "chosen"
        assert "the managed identity 0-1 of this" in found.source
    of_app, of_machine = rim.asked
    assert of_app.headers == {"X-IDENTITY-HEADER": "hidden"}
    assert of_machine.headers == {"Metadata": "true"}
    assert rim.patience[1] == METADATA


def test_an_authority_of_another_cloud_is_asked_there() -> None:
    rim = FakeRim(answers={"POST https://login.chinacloudapi.cn/acme.example/oauth2/v2.0/token": a_grant("cn")})
    environ = {**CLIENT, "AZURE_AUTHORITY_HOST": "https://login.chinacloudapi.cn/"}
    assert find_token(environ, rim.rim()).text == "cn"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"AZURE_CLIENT_SECRET": "hidden"}, "AZURE_CLIENT_SECRET is set; set AZURE_TENANT_ID and AZURE_CLIENT_ID"),
        ({"AZURE_FEDERATED_TOKEN_FILE": "/t"}, "AZURE_FEDERATED_TOKEN_FILE is set; set AZURE_TENANT_ID and AZURE_CLI"),
        ({**CLIENT, "AZURE_TENANT_ID": "a/../b"}, "set AZURE_TENANT_ID"),
        (
            {**WORKLOAD, "AZURE_FEDERATED_TOKEN_FILE": "/gone"},
            "cannot read /gone of AZURE_FEDERATED_TOKEN_FILE: No such",
        ),
        ({**WORKLOAD, "AZURE_FEDERATED_TOKEN_FILE": "/two"}, "/two of AZURE_FEDERATED_TOKEN_FILE has no token of one"),
        (
            {**CLIENT, "AZURE_AUTHORITY_HOST": "http://login.example"},
            "AZURE_AUTHORITY_HOST is https, got 'http://login",
        ),
        ({**CLIENT, "AZURE_AUTHORITY_HOST": "login.example"}, "wanted an address such as"),
    ],
)
def test_a_source_that_is_named_and_wrong_is_an_error_that_shows_no_secret(environ: dict[str, str], said: str) -> None:
    rim = FakeRim({"/token": "t", "/two": "hidden\nhidden"})
    with pytest.raises(ConfigurationError, match=said) as raised:
        find_token(environ, rim.rim())
    assert "hid" not in str(raised.value)
    assert rim.asked == []


def test_what_an_authority_refuses_is_said_in_its_words_and_shows_no_secret() -> None:
    wrong = json.dumps({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret.\r\nTrace"})
    rim = FakeRim(answers={ENTRA: (401, wrong.encode())})
    with pytest.raises(
        Denied, match="401 Said So: invalid_client: AADSTS7000215: Invalid secret; asked for a token of"
    ):
        find_token(CLIENT, rim.rim())
    fetcher, connections = a_fetcher(environ=CLIENT, rim=rim)
    with pytest.raises(Denied) as raised:
        fetcher.get(KEY)
    assert "hid" not in str(raised.value)
    assert connections.asked == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, b'{"error":"invalid_request","error_description":"Identity not found"}'), None),
        ((404, b""), None),
        ((403, b"Metadata-Flavor"), None),
        ((500, b""), Unavailable),
        ((410, b""), Unavailable),
        ((429, b""), Unavailable),
        ((200, b"<html>"), Unavailable),
    ],
)
def test_a_machine_without_an_identity_is_passed_over_and_one_that_is_busy_is_not(
    answer: Answer, kind: type[BurgeeError] | None
) -> None:
    rim = FakeRim(answers={MACHINE: answer})
    if kind is None:
        assert find_token({}, rim.rim()).text is None
        return
    with pytest.raises(kind):
        find_token({}, rim.rim())


def test_an_app_whose_identity_is_refused_says_so() -> None:
    rim = FakeRim(answers={OF_APP: (400, b'{"statusCode":400,"message":"No managed identity"}')})
    with pytest.raises(Denied, match="400 Said So; asked for a token of the managed identity of this app"):
        find_token(APP, rim.rim())
    assert urlsplit(rim.asked[0].url).path == "/msi/token"


def test_a_machine_that_has_given_a_token_is_in_trouble_when_it_gives_none() -> None:
    rim = FakeRim()
    for answer, kind in ((None, Unavailable), ((404, b""), Unavailable), ((400, b""), Denied)):
        rim.answers = {MACHINE: answer} if answer is not None else {}
        with pytest.raises(kind):
            find_token({}, rim.rim(), was_found=True)


def test_services_are_asked_as_patiently_as_their_reader_reads() -> None:
    rim, patience = everything(), Patience(1.0, 2.0, 3.0)
    for environ in (CLIENT, APP, {}):
        find_token(environ, rim.rim(), patience=patience)
    assert rim.patience == [patience, patience, METADATA]
