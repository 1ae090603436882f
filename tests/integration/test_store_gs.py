"""What is Google Cloud Storage's own in writing to it: generations, checksums, uploads in pieces, and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import active_count

import pytest

from burgee import __version__
from burgee.core.errors import Conflict, Unavailable
from burgee.fetch.opening import open_fetcher
from burgee.store.gs import open_gs
from burgee.store.remote import RemoteObjects
from tests.integration.conftest import BUCKET
from tests.servers.faulty import Faulty, Harm, faulty
from tests.servers.gcs import Gcs
from tests.servers.played import Answer
from tests.servers.wires import gs_refusal as refusal
from tests.writing import IMPATIENT, KEY, get_it, put, said_of, swap

pytestmark = pytest.mark.integration

URL = f"gs://{BUCKET}/shop"
NAME = f"shop/{KEY}"


@pytest.fixture
def relay(gs: Gcs) -> Iterator[Faulty]:
    with faulty(gs.url) as running:
        yield running


@pytest.fixture
def objects(relay: Faulty) -> RemoteObjects:
    """Objects behind the relay, for who does not wait long for an answer."""
    return open_gs(URL, {"STORAGE_EMULATOR_HOST": relay.url}, pace=IMPATIENT)


# What is written


def test_an_object_has_its_type_and_cache_rules_and_a_mark_and_nothing_else_is_asked(
    gs: Gcs, relay: Faulty, objects: RemoteObjects
) -> None:
    threads = active_count()
    etag = put(objects, b"{}\r\n")
    kept = gs.buckets.list(BUCKET, NAME, "", 1)[0][0]
    assert (kept.content, str(kept.generation)) == (b"{}\r\n", etag)
    assert (kept.fields["contentType"], kept.fields["cacheControl"]) == ("application/json", "no-cache")
    assert len(kept.fields["metadata"]["burgee-write"]) == 32
    (asked,) = relay.asked
    assert asked.path == f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart&ifGenerationMatch=0"
    assert f"burgee/{__version__}" in asked.headers["user-agent"]
    assert active_count() <= threads + 2


def test_an_object_of_more_than_a_request_takes_is_written_whole(gs: Gcs, objects: RemoteObjects) -> None:
    content = bytes(range(256)) * 40_000
    etag = put(objects, content)
    assert objects.get(KEY).content == content
    with pytest.raises(Conflict):
        put(objects, content)
    with pytest.raises(Conflict):
        swap(objects, content, "5")
    swap(objects, content[::-1], etag)
    assert objects.get(KEY).content == content[::-1]


@pytest.mark.parametrize("url", [f"gs://{BUCKET}", f"gs://{BUCKET}/a/b/", f"GS://{BUCKET}/with%20percent"])
def test_writer_and_reader_of_one_url_mean_the_same_objects(gs: Gcs, url: str) -> None:
    with_query = f"{url}?endpoint={gs.url}"
    put(open_gs(with_query, {}))
    assert open_fetcher(with_query, {}).get(KEY).content == b"content"
    assert open_fetcher(url, gs.environ()).get(KEY).content == b"content"


DAMAGED = {"x-goog-hash": "crc32c=AAAAAA==,md5=AAAAAAAAAAAAAAAAAAAAAA==", "x-goog-generation": "1"}


@pytest.mark.parametrize(
    ("headers", "said"),
    [(DAMAGED, "hecksum mismatch"), ({**DAMAGED, "x-goog-stored-content-length": "8"}, "tored-Content-Length is 8")],
)
def test_content_that_does_not_have_its_sum_is_read_again(
    relay: Faulty, objects: RemoteObjects, headers: Mapping[str, str], said: str
) -> None:
    put(objects)
    relay.next("GET", Harm(answer=(200, b"damaged", headers)))
    assert objects.get(KEY).content == b"content"
    relay.always = lambda asked: Harm(answer=(200, b"damaged", headers))
    with pytest.raises(Unavailable, match=said):
        objects.get(KEY)


def test_content_that_stops_midway_is_read_again(relay: Faulty, objects: RemoteObjects) -> None:
    put(objects)
    relay.next("GET", Harm(answer=(200, b"cont", {"Content-Length": "7"})))
    assert objects.get(KEY).content == b"content"


def test_a_large_write_that_was_done_before_its_answer_was_lost_is_known_as_ones_own(
    gs: Gcs, relay: Faulty, objects: RemoteObjects
) -> None:
    content = bytes(range(256)) * 40_000
    relay.next("PUT", Harm(arrives=True))
    etag = put(objects, content)
    relay.next("PUT", Harm(), Harm(answer=refusal(503, "backendError")))
    etag = swap(objects, content[::-1], etag)
    assert (objects.get(KEY).content, objects.get(KEY).etag) == (content[::-1], etag)
    assert len(gs.writes(NAME)) == 2


def test_a_request_that_took_too_long_is_tried_again(relay: Faulty, objects: RemoteObjects) -> None:
    late = Harm(answer=refusal(408, "requestTimeout"))
    relay.next("POST", late, late)
    etag = put(objects, b"first")
    relay.next("POST", late, late, late)
    swap(objects, b"second", etag)
    relay.next("GET", late, late, late)
    assert objects.get(KEY).content == b"second"
    relay.next("GET", late)
    assert list(objects.list("")) == [KEY]


@pytest.mark.parametrize("times", [1, 4])
def test_a_write_that_is_answered_with_another_page_is_known_by_a_look(
    gs: Gcs, relay: Faulty, objects: RemoteObjects, times: int
) -> None:
    page = Harm(arrives=True, answer=(200, b"<html>", {}))
    relay.next("POST", *[page] * times)
    etag = put(objects, b"first")
    relay.next("POST", *[page] * times)
    etag = swap(objects, b"second", etag)
    assert (objects.get(KEY).content, objects.get(KEY).etag) == (b"second", etag)
    assert len(gs.writes(NAME)) == 2


# Refusals


REFUSALS = [
    (refusal(404, "notFound"), "Unavailable", "check the bucket's name in the URL of the store, and the endpoint"),
    (refusal(403, "forbidden"), "Denied", f"for the bucket {BUCKET} burgee needs storage.objects.create and"),
    (refusal(401, "authError"), "Denied", "asked by nobody, for there are no credentials; run `gcloud auth"),
    (refusal(501, "notImplemented"), "Unfit", "cannot do what burgee needs"),
    (refusal(400, "invalid"), "Unavailable", "400 invalid: Said invalid"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), REFUSALS)
def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    relay: Faulty, objects: RemoteObjects, answer: Answer, kind: str, said: str
) -> None:
    relay.always = lambda asked: Harm(answer=answer)
    message = said_of(objects)
    assert message.startswith(f"{kind}: PUT {URL}/{KEY} at {relay.url}: {answer[0]} ")
    assert said in message
    assert relay.methods() == ["POST"]


def test_a_service_that_leads_elsewhere_is_not_followed(relay: Faulty, objects: RemoteObjects) -> None:
    relay.always = lambda asked: Harm(answer=(302, b"", {"Location": f"{relay.url}/elsewhere"}))
    assert f"302, it leads to {relay.url}/elsewhere; check the endpoint" in said_of(objects)
    assert f"302, it leads to {relay.url}/elsewhere; check the endpoint" in said_of(objects, get_it)
    assert len(relay.asked) == 2


@pytest.mark.parametrize("answer", [b"{}", b'{"generation": "first"}'])
def test_an_answer_without_a_generation_is_of_no_use(relay: Faulty, objects: RemoteObjects, answer: bytes) -> None:
    relay.next("POST", Harm(answer=(200, answer, {"Content-Type": "application/json"})))
    assert said_of(objects) == (
        f"Unfit: {KEY} in {URL} has no generation; burgee can only publish where versions have names"
    )


def test_the_clock_of_the_server_is_known_from_its_answers(relay: Faulty, objects: RemoteObjects) -> None:
    assert objects.wire.clock_difference() is None
    relay.ahead_seconds = 3600
    put(objects)
    difference = objects.wire.clock_difference()
    assert difference is not None
    assert 3590 < difference < 3610
