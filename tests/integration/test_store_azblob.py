"""Writing to Azure's Blob Storage through faults, refusals and races; and publishing to it from a Git repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from burgee import __version__
from burgee.core.errors import BurgeeError, ConfigurationError, Conflict, InvalidDocument, Unavailable
from burgee.fetch.live import Live
from burgee.fetch.opening import open_fetcher
from burgee.store import remote
from burgee.store.azblob import AzblobWire, open_azblob
from burgee.store.azblob_session import principal_of
from burgee.store.objects import ObjectStore
from burgee.store.opening import open_objects, open_store
from burgee.store.pace import Pace
from burgee.store.remote import RemoteObjects
from burgee.store.self_test import publisher_test
from tests.fakes.aws import an_error
from tests.fakes.clock import VirtualClock
from tests.integration.conftest import BUCKET
from tests.publishing import features, files, publish_once, revisions
from tests.servers.azurite import ACCOUNT, Azurite
from tests.servers.dev import BURGEE
from tests.servers.faulty import Faulty, Harm, faulty
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.played import Answer

pytestmark = pytest.mark.integration

KEY = "environments/staging/head.json"
URL = f"azblob://{ACCOUNT}/{BUCKET}/shop"
# As burgee is, save that a test has no time.
HASTY = Pace(first=0.01, longest=0.05)
# Where a server may be silent.
IMPATIENT = replace(HASTY, answer=0.5)


@pytest.fixture
def relay(storage: Azurite) -> Iterator[Faulty]:
    with faulty(storage.blob_url.rpartition("/")[0]) as running:
        yield running


def behind(relay: Faulty, *, container: str = BUCKET, prefix: str = "shop") -> str:
    """The URL of the store as the relay has it."""
    return f"azblob://{ACCOUNT}/{container}/{prefix}?endpoint={relay.url}/{ACCOUNT}"


@pytest.fixture
def objects(storage: Azurite, relay: Faulty) -> RemoteObjects:
    """Objects behind the relay."""
    return open_azblob(behind(relay), storage.environ(), pace=HASTY)


@pytest.fixture
def impatient(storage: Azurite, relay: Faulty) -> RemoteObjects:
    """The same, for who does not wait long for an answer."""
    return open_azblob(behind(relay), storage.environ(), pace=IMPATIENT)


@pytest.fixture
def another(storage: Azurite) -> RemoteObjects:
    """The same objects, of somebody with no relay before them."""
    return open_azblob(storage.store_url(BUCKET, "shop"), storage.environ(), pace=HASTY)


def put(objects: RemoteObjects, content: bytes = b"content", key: str = KEY) -> str:
    return objects.put_new(key, content, content_type="application/json", cache_control="no-cache")


def swap(objects: RemoteObjects, content: bytes, expected: str | None, key: str = KEY) -> str:
    return objects.swap(key, content, expected=expected, content_type="application/json", cache_control="no-cache")


def refusal(status: int, code: str, **headers: str) -> Answer:
    named = {"Content-Type": "application/xml", "x-ms-error-code": code, **headers}
    return status, an_error(code, f"Said {code}.\nRequestId:1\nTime:2"), named


BROKEN = refusal(500, "InternalError")
BUSY = refusal(503, "ServerBusy")


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


def test_what_others_put_into_the_container_is_not_listed(storage: Azurite, objects: RemoteObjects) -> None:
    for key in ("a", ".hidden", "b//c", "z/é"):
        storage.put(BUCKET, f"shop/{key}", b"")
    storage.put(BUCKET, "shopping/a", b"")
    assert list(objects.list("")) == ["a", "z/é"]


def test_a_listing_of_more_than_one_page_is_whole_and_sorted(storage: Azurite, objects: RemoteObjects) -> None:
    wire = objects.wire
    assert isinstance(wire, AzblobWire)
    for number in range(25):
        storage.put(BUCKET, f"shop/n/{number}", b"")
    wire.names_at_once = 10
    assert list(objects.list("n/")) == sorted(f"n/{number}" for number in range(25))
    listed = [path for _, path, _ in storage.requests() if "maxresults=10" in path]
    assert len(listed) == 3


def test_a_blob_that_is_longer_than_readers_take_is_not_read(
    objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LARGEST_BYTES", 10)
    put(objects, b"x" * 10, "fits")
    put(objects, b"x" * 11, "long")
    assert objects.get("fits").content == b"x" * 10
    with pytest.raises(InvalidDocument, match="11 bytes or more, wanted at most 10"):
        objects.get("long")


@pytest.mark.parametrize("prefix", ["", "a/b/", "with%20percent"])
def test_writer_and_reader_of_one_url_mean_the_same_objects(storage: Azurite, prefix: str) -> None:
    url, environ = storage.store_url(BUCKET, prefix), storage.environ()
    put(open_azblob(url, environ))
    assert open_fetcher(url, environ).get(KEY).content == b"content"


# Faults that pass


@pytest.mark.parametrize(
    "harm", [Harm(answer=BUSY), Harm(answer=BROKEN), Harm(answer=(502, b"<html>", {})), Harm(), Harm(hangs=True)]
)
def test_a_read_is_tried_again_through_faults_that_pass(relay: Faulty, impatient: RemoteObjects, harm: Harm) -> None:
    put(impatient)
    relay.next("GET", harm, harm, harm)
    assert impatient.get(KEY).content == b"content"
    relay.next("GET", harm)
    assert list(impatient.list("")) == [KEY]


@pytest.mark.parametrize("harm", [Harm(answer=BUSY), Harm(answer=BROKEN), Harm(), Harm(hangs=True)])
def test_a_write_that_did_not_arrive_is_done_by_a_later_attempt(
    relay: Faulty, impatient: RemoteObjects, harm: Harm
) -> None:
    relay.next("PUT", harm, harm)
    etag = put(impatient, b"first")
    relay.next("PUT", harm, harm, harm)
    swap(impatient, b"second", etag)
    assert impatient.get(KEY).content == b"second"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Harm(answer=BUSY), "503 ServerBusy: Said ServerBusy"),
        (Harm(answer=BROKEN), "500 InternalError: Said InternalError"),
        (Harm(), "emote end closed connection"),
        (Harm(hangs=True), "ead timed out"),
    ],
)
def test_faults_that_stay_are_unavailable_after_four_attempts(
    relay: Faulty, impatient: RemoteObjects, harm: Harm, said: str
) -> None:
    relay.always = lambda asked: harm if asked.method in ("GET", "PUT") else None
    place = f"{relay.url}/{ACCOUNT}/{BUCKET}"
    with pytest.raises(Unavailable, match=rf"GET {URL}/{KEY} at {place}: .*{said}"):
        impatient.get(KEY)
    with pytest.raises(Unavailable, match=rf"PUT {URL}/{KEY} at {place}: .*{said}"):
        put(impatient)
    assert relay.methods().count("GET") == relay.methods().count("PUT") == 4


# Was it us?

AFTER_IT_WAS_DONE = [
    Harm(arrives=True),
    Harm(arrives=True, hangs=True),
    Harm(arrives=True, answer=BROKEN),
    Harm(arrives=True, answer=(504, b"<html>", {})),
]


@pytest.mark.parametrize("harm", AFTER_IT_WAS_DONE)
def test_a_write_that_was_done_before_its_answer_was_lost_is_known_as_ones_own(
    relay: Faulty, impatient: RemoteObjects, harm: Harm
) -> None:
    relay.next("PUT", harm)
    etag = put(impatient, b"first")
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"first", etag)
    relay.next("PUT", harm)
    etag = swap(impatient, b"second", etag)
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"second", etag)
    assert relay.methods().count("HEAD") >= 2


@pytest.mark.parametrize("harm", AFTER_IT_WAS_DONE)
def test_a_write_whose_answers_are_all_lost_is_known_by_a_look(
    relay: Faulty, impatient: RemoteObjects, harm: Harm
) -> None:
    relay.next("PUT", *[harm] * 4)
    etag = put(impatient, b"first")
    assert (impatient.get(KEY).content, impatient.get(KEY).etag) == (b"first", etag)


def test_the_same_bytes_of_somebody_else_are_not_taken_for_ones_own(
    another: RemoteObjects, relay: Faulty, objects: RemoteObjects
) -> None:
    relay.next("PUT", Harm(then=lambda: put(another, b"same")))
    with pytest.raises(Conflict, match="for the first time, it exists"):
        put(objects, b"same")
    etag = another.get(KEY).etag
    relay.next("PUT", Harm(then=lambda: swap(another, b"both", etag)))
    with pytest.raises(Conflict, match=f"wanted {KEY} in {URL} at etag {etag}, it is at another"):
        swap(objects, b"both", etag)


def test_a_write_that_was_done_and_replaced_meanwhile_is_a_conflict(
    another: RemoteObjects, relay: Faulty, objects: RemoteObjects
) -> None:
    relay.next("PUT", Harm(arrives=True, then=lambda: swap(another, b"theirs", another.get(KEY).etag)))
    with pytest.raises(Conflict):
        put(objects, b"mine")
    assert objects.get(KEY).content == b"theirs"


def test_a_write_of_unknown_end_that_cannot_be_looked_for_is_unavailable_and_says_so(
    relay: Faulty, objects: RemoteObjects
) -> None:
    relay.next("PUT", Harm(arrives=True))
    relay.always = lambda asked: Harm(answer=BUSY) if asked.method == "HEAD" else None
    with pytest.raises(Unavailable, match=f"whether {KEY} in {URL} was written is not known: HEAD"):
        put(objects)


def test_of_many_threads_whose_answers_get_lost_exactly_one_wins(relay: Faulty, objects: RemoteObjects) -> None:
    for number in range(5):
        key = f"race/{number}"
        relay.next("PUT", *[Harm(arrives=True, answer=BROKEN)] * 8, *[Harm(answer=BUSY)] * 8)
        barrier = Barrier(16)

        def wins(thread: int, key: str = key, barrier: Barrier = barrier) -> bool:
            barrier.wait()
            try:
                put(objects, b"%d" % thread, key)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            won = [thread for thread, has_won in enumerate(pool.map(wins, range(16))) if has_won]
        assert [objects.get(key).content] == [b"%d" % thread for thread in won]


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


def said_of(objects: RemoteObjects, verb: Any = None) -> str:
    """What a verb that has to fail says, after the name of its class."""
    with pytest.raises(BurgeeError) as raised:
        (verb or put)(objects)
    return f"{type(raised.value).__name__}: {raised.value}"


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


def test_an_endpoint_that_nobody_listens_at_is_unavailable(storage: Azurite) -> None:
    url = f"{URL}?endpoint=http://127.0.0.1:1/{ACCOUNT}"
    nowhere = open_azblob(url, storage.environ(), pace=HASTY)
    for verb in (lambda objects: objects.get(KEY), put):
        message = said_of(nowhere, verb)
        assert message.startswith("Unavailable")
        assert "onnection refused" in message


def test_a_container_that_is_not_there_is_no_missing_blob(storage: Azurite) -> None:
    nowhere = open_azblob(storage.store_url("no-such-container", "shop"), storage.environ(), pace=HASTY)
    verbs = (lambda objects: objects.get(KEY), put, lambda objects: swap(objects, b"", '"e"'), lambda o: o.list(""))
    for verb in verbs:
        assert "404 ContainerNotFound" in said_of(nowhere, verb)
        assert said_of(nowhere, verb).startswith("Unavailable")


@pytest.mark.parametrize("page", [(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}), (200, b"", {})])
def test_a_page_that_a_network_puts_in_its_place_is_no_answer(
    relay: Faulty, objects: RemoteObjects, page: Answer
) -> None:
    relay.always = lambda asked: Harm(answer=page)
    assert said_of(objects).startswith(("Unavailable", "Unfit"))
    assert said_of(objects, lambda objects: objects.get(KEY)).startswith("Unavailable")
    assert said_of(objects, lambda objects: objects.list("")).startswith("Unavailable")


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
    message = said_of(only_read, lambda objects: objects.list(""))
    assert "403 AuthorizationPermissionMismatch" in message
    assert "asked by the signed URL of AZURE_STORAGE_SAS_TOKEN (for r, until" in message
    assert "burgee needs the role Storage Blob Data Reader on the container acme-flags or a signed" in message


def test_a_signed_url_that_has_expired_is_denied_and_says_until_when_it_was(storage: Azurite) -> None:
    expired = signed(storage, "rcwl", seconds=-60)
    message = said_of(expired, lambda objects: objects.get(KEY))
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
    for verb in (put, lambda objects: objects.get(KEY), lambda objects: objects.wire.asked_by()):
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
    assert done.stderr.rstrip().endswith("pip install 'burgee[azure]'")


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


# Publishing


def burgee(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BURGEE), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_a_repository_is_published_to_a_container_and_readers_follow(storage: Azurite, tmp_path: Path) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", percentage=0), features("a", percentage=100)))
    url = storage.store_url(BUCKET, "shop")
    environ = storage.environ(HOME=str(tmp_path), PATH="/usr/bin:/bin", BURGEE_STORE=url)
    first = burgee(environ, "publish", str(shop))
    assert first.returncode == 0, first.stderr
    clock = VirtualClock()
    live = Live(open_fetcher(url, storage.environ()), "staging", ttl_ms=1_000, clock=clock, random=lambda: 0.5)
    assert live.current().release.revision == 1
    commit(shop, {"flags/staging/features.yaml": features("a", percentage=100)})
    assert burgee(environ, "publish", str(shop)).returncode == 0
    clock.advance(2_000)
    assert live.current().release.revision == 2
    assert burgee(environ, "evaluate", "a", "--entity", "u", "--store", url).stdout == "true\n"


def test_of_publishers_that_race_one_makes_the_release_and_the_log_stays_a_chain(
    storage: Azurite, relay: Faulty, tmp_path: Path
) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))
    for round_number in range(3):
        commit(shop, {"flags/staging/features.yaml": features("a", percentage=11 + round_number)})
        relay.next("PUT", *[Harm(arrives=True, answer=BROKEN), Harm(answer=BUSY)] * 4)
        publish = partial(publish_once, shop)
        with ThreadPoolExecutor(4) as pool:
            receipts = list(
                pool.map(publish, [open_azblob(behind(relay), storage.environ(), pace=HASTY) for _ in range(4)])
            )
        outcomes = sorted(each["staging"].outcome for each in receipts)
        assert outcomes == ["published", "unchanged", "unchanged", "unchanged"]
    store = open_store(storage.store_url(BUCKET, "shop"), environ=storage.environ())
    assert revisions(store, "staging") == [3, 2, 1]
    assert revisions(store, "production") == [1]


def test_a_publish_through_a_slow_and_broken_service_is_whole(
    storage: Azurite, relay: Faulty, objects: RemoteObjects, tmp_path: Path
) -> None:
    shop = a_work_tree(tmp_path / "shop", files(features("a", "b"), features("a")))
    count = iter(range(10_000))
    harms = (None, Harm(answer=BUSY), None, Harm(arrives=True, answer=BROKEN), None, Harm(arrives=True))
    relay.always = lambda asked: harms[next(count) % len(harms)]
    receipts = publish_once(shop, objects)
    assert {receipt.outcome for receipt in receipts.values()} == {"published"}
    url = storage.store_url(BUCKET, "shop")
    store = ObjectStore(open_objects(url, environ=storage.environ()))
    assert revisions(store, "staging") == revisions(store, "production") == [1]
