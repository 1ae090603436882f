"""The stub of Google Cloud Storage, asked by Google's own client: each of its requests, and each condition."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    GoogleAPICallError,
    NotFound,
    NotModified,
    PreconditionFailed,
    Unauthorized,
)
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud.storage import Blob, Client
from google.oauth2.credentials import Credentials
from requests.adapters import HTTPAdapter

from tests.integration.conftest import BUCKET
from tests.servers.gcs import GET, READER, WRITER, Gcs

pytestmark = pytest.mark.integration

NAME = "shop/environments/staging/head.json"
OLD = 1_000_000
LARGE = bytes(range(256)) * 36_000
THREADS = 16
ROUNDS = 30


def client(gs: Gcs, token: str | None = None) -> Client:
    """Google's, which asks as who has the token, or as nobody, and only what it is asked to."""
    credentials = Credentials(token=token) if token else AnonymousCredentials()
    session = AuthorizedSession(credentials, refresh_status_codes=())
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    made = Client(project="acme", credentials=credentials, client_options={"api_endpoint": gs.url}, _http=session)
    # Else it asks for the bucket too, on a thread of its own.
    made._bucket_metadata_cache = None
    return made


def blob(gs: Gcs, name: str = NAME, bucket: str = BUCKET, token: str | None = None) -> Blob:
    return client(gs, token).bucket(bucket).blob(name)


def write(to: Blob, content: bytes, **options: Any) -> int:
    """Its generation."""
    to.upload_from_string(content, content_type="application/json", retry=None, **options)
    assert isinstance(to.generation, int)
    return to.generation


def read(of: Blob, **options: Any) -> bytes:
    content: bytes = of.download_as_bytes(retry=None, **options)
    return content


# Create and replace


def test_an_object_is_created_if_there_is_none_and_only_then(gs: Gcs) -> None:
    first = write(blob(gs), b"first", if_generation_match=0)
    with pytest.raises(PreconditionFailed, match="pre-conditions you specified did not hold"):
        write(blob(gs), b"second", if_generation_match=0)
    found = blob(gs)
    assert read(found) == b"first"
    assert found.generation == first


def test_an_object_is_replaced_at_the_generation_that_was_named_and_only_then(gs: Gcs) -> None:
    first = write(blob(gs), b"first")
    second = write(blob(gs), b"second", if_generation_match=first)
    assert second > first
    for stale in (first, OLD):
        with pytest.raises(PreconditionFailed):
            write(blob(gs), b"third", if_generation_match=stale)
    assert read(blob(gs)) == b"second"


def test_a_generation_of_an_object_that_is_not_there_is_not_replaced(gs: Gcs) -> None:
    with pytest.raises(PreconditionFailed):
        write(blob(gs), b"first", if_generation_match=OLD)
    with pytest.raises(PreconditionFailed):
        write(blob(gs), b"first", if_generation_not_match=0)
    with pytest.raises(NotFound):
        read(blob(gs))


def test_without_a_condition_every_write_is_done(gs: Gcs) -> None:
    assert write(blob(gs), b"same") < write(blob(gs), b"same")


@pytest.mark.parametrize("content", [b"", b"\0\r\n--\xff", b"\r\n", bytes(range(256)), b"x" * 100_000])
def test_content_is_kept_byte_for_byte_and_its_sums_are_checked(gs: Gcs, content: bytes) -> None:
    write(blob(gs), content, checksum="crc32c")
    for checksum in ("crc32c", "md5"):
        assert read(blob(gs), checksum=checksum) == content
    with pytest.raises(BadRequest, match="crc32c hash does not match"):
        other = blob(gs)
        other.crc32c = "AAAAAA=="
        write(other, content + b"!", checksum=None)


def test_a_large_object_is_written_in_two_requests_under_the_same_conditions(gs: Gcs) -> None:
    first = write(blob(gs), LARGE, if_generation_match=0)
    assert [(each.method, each.status) for each in gs.log] == [("POST", 200), ("PUT", 200)]
    with pytest.raises(PreconditionFailed):
        write(blob(gs), LARGE, if_generation_match=0)
    write(blob(gs), LARGE[::-1], if_generation_match=first)
    assert read(blob(gs)) == LARGE[::-1]


def test_the_condition_of_a_large_object_has_to_hold_at_its_end_too(gs: Gcs) -> None:
    begun = blob(gs).create_resumable_upload_session(if_generation_match=0, retry=None)
    write(blob(gs), b"theirs", if_generation_match=0)
    connection = HTTPConnection(urlsplit(gs.url).netloc, timeout=10)
    connection.request("PUT", begun.removeprefix(gs.url), b"ours", {"Content-Range": "bytes 0-3/4"})
    assert connection.getresponse().status == 412
    connection.close()
    assert read(blob(gs)) == b"theirs"


# Read


def test_media_is_read_with_its_generation_and_sums(gs: Gcs) -> None:
    generation = write(blob(gs), b"123456789")
    connection = HTTPConnection(urlsplit(gs.url).netloc, timeout=10)
    connection.request("GET", f"/download/storage/v1/b/{BUCKET}/o/{NAME.replace('/', '%2F')}?alt=media")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"123456789")
    assert answer.getheader("x-goog-generation") == str(generation)
    assert answer.getheader("x-goog-metageneration") == "1"
    assert answer.getheader("x-goog-hash") == "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw=="
    connection.close()


def test_a_read_is_not_modified_while_the_generation_is_the_one_that_was_named(gs: Gcs) -> None:
    first = write(blob(gs), b"first")
    with pytest.raises(NotModified):
        read(blob(gs), if_generation_not_match=first)
    write(blob(gs), b"second")
    assert read(blob(gs), if_generation_not_match=first) == b"second"


def test_a_read_of_a_generation_that_is_not_live_fails(gs: Gcs) -> None:
    first = write(blob(gs), b"first")
    second = write(blob(gs), b"second")
    assert read(blob(gs), if_generation_match=second) == b"second"
    with pytest.raises(PreconditionFailed):
        read(blob(gs), if_generation_match=first)


def test_old_generations_are_kept_by_buckets_with_versioning(gs: Gcs) -> None:
    versioned = gs.make_bucket("acme-versions", versioning=True)
    for bucket in (BUCKET, versioned):
        gs.put(bucket, NAME, b"first")
    old = {bucket: blob(gs, bucket=bucket) for bucket in (BUCKET, versioned)}
    for each in old.values():
        each.reload(retry=None)
    for bucket in old:
        gs.put(bucket, NAME, b"second")
    of = {bucket: client(gs).bucket(bucket).blob(NAME, generation=each.generation) for bucket, each in old.items()}
    assert read(of[versioned]) == b"first"
    with pytest.raises(NotFound):
        read(of[BUCKET])


# Stat, list, delete, buckets


def test_a_stat_has_what_was_written(gs: Gcs) -> None:
    written = blob(gs)
    written.metadata, written.cache_control = {"burgee-write": "m"}, "no-cache"
    generation = write(written, b"content")
    found = blob(gs)
    found.reload(retry=None)
    assert (found.generation, found.metageneration, found.size) == (generation, 1, 7)
    assert (found.content_type, found.cache_control) == ("application/json", "no-cache")
    assert found.metadata == {"burgee-write": "m"}
    assert blob(gs).exists(retry=None)
    assert not blob(gs, "other").exists(retry=None)


def test_a_listing_has_what_begins_with_a_prefix_page_by_page(gs: Gcs) -> None:
    names = ["a/z", "a-b", "aé", "B", "a_", "a0", "a/b/c", "b"]
    for name in names:
        write(blob(gs, name), b"")
    gs.page_size = 3
    gs.log.clear()
    assert [each.name for each in client(gs).list_blobs(BUCKET, retry=None)] == sorted(names)
    assert len(gs.log) == 3
    assert [each.name for each in client(gs).list_blobs(BUCKET, prefix="a/", retry=None)] == ["a/b/c", "a/z"]
    assert [each.name for each in client(gs).list_blobs(BUCKET, prefix="none", retry=None)] == []


def test_an_object_is_deleted_at_the_generation_that_was_named(gs: Gcs) -> None:
    first = write(blob(gs), b"first")
    second = write(blob(gs), b"second")
    with pytest.raises(PreconditionFailed):
        blob(gs).delete(if_generation_match=first, retry=None)
    blob(gs).delete(if_generation_match=second, retry=None)
    with pytest.raises(NotFound):
        blob(gs).delete(retry=None)
    with pytest.raises(PreconditionFailed):
        write(blob(gs), b"third", if_generation_match=second)


def test_buckets_are_made_once_and_found(gs: Gcs) -> None:
    made = client(gs).create_bucket("acme-other", retry=None)
    write(made.blob("a"), b"content")
    assert client(gs).get_bucket("acme-other", retry=None).name == "acme-other"
    with pytest.raises(Conflict):
        client(gs).create_bucket("acme-other", retry=None)
    with pytest.raises(NotFound, match="The specified bucket does not exist"):
        client(gs).get_bucket("acme-none", retry=None)


def test_what_is_missing_is_said_in_googles_words(gs: Gcs) -> None:
    with pytest.raises(NotFound, match=f"No such object: {BUCKET}/{NAME}"):
        read(blob(gs))
    with pytest.raises(NotFound, match=f"No such object: {BUCKET}/{NAME}"):
        blob(gs).reload(retry=None)
    for attempt in (read, lambda nowhere: write(nowhere, b"")):
        with pytest.raises(NotFound, match="The specified bucket does not exist"):
            attempt(blob(gs, bucket="acme-none"))


def test_errors_are_json_and_those_of_media_plain_words(gs: Gcs) -> None:
    gs.put(BUCKET, NAME, b"")
    error = json.loads(refused(lambda: write(blob(gs), b"", if_generation_match=0)))["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (412, "conditionNotMet")
    assert refused(lambda: read(blob(gs, "other"))) == f"No such object: {BUCKET}/other"


def refused(attempt: Callable[[], object]) -> str:
    """The body of an answer that is an error."""
    with pytest.raises(GoogleAPICallError) as raised:
        attempt()
    assert raised.value.response is not None
    return str(raised.value.response.text)


@pytest.mark.parametrize("options", [{"if_metageneration_match": 1}, {"predefined_acl": "private"}])
def test_what_the_stub_does_not_know_is_refused(gs: Gcs, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="this server knows no parameter"):
        write(blob(gs), b"", **options)


# Who may


def test_tokens_may_do_what_the_table_says(gs: Gcs) -> None:
    gs.tokens = {"writer": WRITER, "reader": READER, "creator": READER | {"storage.objects.create"}}
    write(blob(gs, token="writer"), b"first")
    assert read(blob(gs, token="reader")) == b"first"
    write(blob(gs, "new", token="creator"), b"")
    for token in ("reader", "creator"):
        with pytest.raises(Forbidden, match="does not have storage"):
            write(blob(gs, token=token), b"second")
    with pytest.raises(PreconditionFailed):
        write(blob(gs, token="creator"), b"second", if_generation_match=0)
    with pytest.raises(Forbidden, match=r"storage\.objects\.delete"):
        blob(gs, token="creator").delete(retry=None)
    assert [each.name for each in client(gs, "reader").list_blobs(BUCKET, retry=None)] == ["new", NAME]


def test_nobody_reads_public_buckets_and_no_others(gs: Gcs) -> None:
    gs.tokens = {"object": frozenset({GET})}
    gs.put(gs.make_bucket("acme-public", public=True), NAME, b"content")
    gs.put(BUCKET, NAME, b"content")
    assert read(blob(gs, bucket="acme-public")) == b"content"
    for each in (blob(gs), blob(gs, "missing", "acme-public"), blob(gs, token="unknown")):
        with pytest.raises(Unauthorized):
            read(each)
    with pytest.raises(Unauthorized):
        list(client(gs).list_blobs("acme-public", retry=None))
    with pytest.raises(Forbidden, match=r"storage\.objects\.list"):
        read(blob(gs, "missing", token="object"))


# Races


@pytest.mark.parametrize("size", [10, 9_000_000])
def test_of_many_writers_exactly_one_wins(gs: Gcs, size: int) -> None:
    content = b"x" * size
    google = client(gs)
    generation = 0
    for _ in range(ROUNDS if size < 100 else 2):
        barrier = Barrier(THREADS)
        won = [each for each in raced(google, content, generation, barrier) if each]
        assert len(won) == 1, gs.writes(NAME)
        assert won[0] > generation
        assert gs.buckets.generation(BUCKET, NAME) == won[0]
        generation = won[0]
    assert len(gs.writes(NAME)) == (ROUNDS if size < 100 else 2)


def raced(google: Client, content: bytes, expected: int, barrier: Barrier) -> list[int]:
    """The generations that racers made, 0 for each that lost."""

    def race(_: int) -> int:
        racer = google.bucket(BUCKET).blob(NAME)
        barrier.wait()
        try:
            return write(racer, content, if_generation_match=expected)
        except GoogleAPICallError as error:
            assert error.code == 412
            return 0

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(race, range(THREADS)))


def test_another_service_may_ignore_conditions(gs: Gcs) -> None:
    gs.ignores = {"ifGenerationMatch"}
    google = client(gs)
    won = [each for each in raced(google, b"x", 0, Barrier(THREADS)) if each]
    assert len(won) == len(gs.writes(NAME)) == THREADS
