"""The stub of Google Cloud Storage, asked by Google's own client: each of its requests, and each condition."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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

from tests.servers.gcs import GET, READER, WRITER, Gcs, gcs

pytestmark = pytest.mark.integration

BUCKET = "acme-flags"
NAME = "shop/environments/staging/head.json"
OLD = 1_000_000
LARGE = bytes(range(256)) * 36_000
THREADS = 16
ROUNDS = 30


@pytest.fixture(scope="module")
def running() -> Iterator[Gcs]:
    with gcs() as server:
        yield server


@pytest.fixture
def server(running: Gcs) -> Gcs:
    running.reset()
    running.make_bucket(BUCKET)
    return running


def client(server: Gcs, token: str | None = None) -> Client:
    """Google's, which asks as who has the token, or as nobody, and only what it is asked to."""
    credentials = Credentials(token=token) if token else AnonymousCredentials()
    session = AuthorizedSession(credentials, refresh_status_codes=())
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    made = Client(project="acme", credentials=credentials, client_options={"api_endpoint": server.url}, _http=session)
    # Else it asks for the bucket too, on a thread of its own.
    made._bucket_metadata_cache = None
    return made


def blob(server: Gcs, name: str = NAME, bucket: str = BUCKET, token: str | None = None) -> Blob:
    return client(server, token).bucket(bucket).blob(name)


def write(to: Blob, content: bytes, **options: Any) -> int:
    """Its generation."""
    to.upload_from_string(content, content_type="application/json", retry=None, **options)
    assert isinstance(to.generation, int)
    return to.generation


def read(of: Blob, **options: Any) -> bytes:
    content: bytes = of.download_as_bytes(retry=None, **options)
    return content


# Create and replace


def test_an_object_is_created_if_there_is_none_and_only_then(server: Gcs) -> None:
    first = write(blob(server), b"first", if_generation_match=0)
    with pytest.raises(PreconditionFailed, match="pre-conditions you specified did not hold"):
        write(blob(server), b"second", if_generation_match=0)
    found = blob(server)
    assert read(found) == b"first"
    assert found.generation == first


def test_an_object_is_replaced_at_the_generation_that_was_named_and_only_then(server: Gcs) -> None:
    first = write(blob(server), b"first")
    second = write(blob(server), b"second", if_generation_match=first)
    assert second > first
    for stale in (first, OLD):
        with pytest.raises(PreconditionFailed):
            write(blob(server), b"third", if_generation_match=stale)
    assert read(blob(server)) == b"second"


def test_a_generation_of_an_object_that_is_not_there_is_not_replaced(server: Gcs) -> None:
    with pytest.raises(PreconditionFailed):
        write(blob(server), b"first", if_generation_match=OLD)
    with pytest.raises(PreconditionFailed):
        write(blob(server), b"first", if_generation_not_match=0)
    with pytest.raises(NotFound):
        read(blob(server))


def test_without_a_condition_every_write_is_done(server: Gcs) -> None:
    assert write(blob(server), b"same") < write(blob(server), b"same")


@pytest.mark.parametrize("content", [b"", b"\0\r\n--\xff", b"\r\n", bytes(range(256)), b"x" * 100_000])
def test_content_is_kept_byte_for_byte_and_its_sums_are_checked(server: Gcs, content: bytes) -> None:
    write(blob(server), content, checksum="crc32c")
    for checksum in ("crc32c", "md5"):
        assert read(blob(server), checksum=checksum) == content
    with pytest.raises(BadRequest, match="crc32c hash does not match"):
        other = blob(server)
        other.crc32c = "AAAAAA=="
        write(other, content + b"!", checksum=None)


def test_a_large_object_is_written_in_two_requests_under_the_same_conditions(server: Gcs) -> None:
    first = write(blob(server), LARGE, if_generation_match=0)
    assert [(each.method, each.status) for each in server.log] == [("POST", 200), ("PUT", 200)]
    with pytest.raises(PreconditionFailed):
        write(blob(server), LARGE, if_generation_match=0)
    write(blob(server), LARGE[::-1], if_generation_match=first)
    assert read(blob(server)) == LARGE[::-1]


def test_the_condition_of_a_large_object_has_to_hold_at_its_end_too(server: Gcs) -> None:
    begun = blob(server).create_resumable_upload_session(if_generation_match=0, retry=None)
    write(blob(server), b"theirs", if_generation_match=0)
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("PUT", begun.removeprefix(server.url), b"ours", {"Content-Range": "bytes 0-3/4"})
    assert connection.getresponse().status == 412
    connection.close()
    assert read(blob(server)) == b"theirs"


# Read


def test_media_is_read_with_its_generation_and_sums(server: Gcs) -> None:
    generation = write(blob(server), b"123456789")
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("GET", f"/download/storage/v1/b/{BUCKET}/o/{NAME.replace('/', '%2F')}?alt=media")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"123456789")
    assert answer.getheader("x-goog-generation") == str(generation)
    assert answer.getheader("x-goog-metageneration") == "1"
    assert answer.getheader("x-goog-hash") == "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw=="
    connection.close()


def test_a_read_is_not_modified_while_the_generation_is_the_one_that_was_named(server: Gcs) -> None:
    first = write(blob(server), b"first")
    with pytest.raises(NotModified):
        read(blob(server), if_generation_not_match=first)
    write(blob(server), b"second")
    assert read(blob(server), if_generation_not_match=first) == b"second"


def test_a_read_of_a_generation_that_is_not_live_fails(server: Gcs) -> None:
    first = write(blob(server), b"first")
    second = write(blob(server), b"second")
    assert read(blob(server), if_generation_match=second) == b"second"
    with pytest.raises(PreconditionFailed):
        read(blob(server), if_generation_match=first)


def test_old_generations_are_kept_by_buckets_with_versioning(server: Gcs) -> None:
    versioned = server.make_bucket("acme-versions", versioning=True)
    for bucket in (BUCKET, versioned):
        server.put(bucket, NAME, b"first")
    old = {bucket: blob(server, bucket=bucket) for bucket in (BUCKET, versioned)}
    for each in old.values():
        each.reload(retry=None)
    for bucket in old:
        server.put(bucket, NAME, b"second")
    of = {bucket: client(server).bucket(bucket).blob(NAME, generation=each.generation) for bucket, each in old.items()}
    assert read(of[versioned]) == b"first"
    with pytest.raises(NotFound):
        read(of[BUCKET])


# Stat, list, delete, buckets


def test_a_stat_has_what_was_written(server: Gcs) -> None:
    written = blob(server)
    written.metadata, written.cache_control = {"burgee-write": "m"}, "no-cache"
    generation = write(written, b"content")
    found = blob(server)
    found.reload(retry=None)
    assert (found.generation, found.metageneration, found.size) == (generation, 1, 7)
    assert (found.content_type, found.cache_control) == ("application/json", "no-cache")
    assert found.metadata == {"burgee-write": "m"}
    assert blob(server).exists(retry=None)
    assert not blob(server, "other").exists(retry=None)


def test_a_listing_has_what_begins_with_a_prefix_page_by_page(server: Gcs) -> None:
    names = ["a/z", "a-b", "aé", "B", "a_", "a0", "a/b/c", "b"]
    for name in names:
        write(blob(server, name), b"")
    server.page_size = 3
    server.log.clear()
    assert [each.name for each in client(server).list_blobs(BUCKET, retry=None)] == sorted(names)
    assert len(server.log) == 3
    assert [each.name for each in client(server).list_blobs(BUCKET, prefix="a/", retry=None)] == ["a/b/c", "a/z"]
    assert [each.name for each in client(server).list_blobs(BUCKET, prefix="none", retry=None)] == []


def test_an_object_is_deleted_at_the_generation_that_was_named(server: Gcs) -> None:
    first = write(blob(server), b"first")
    second = write(blob(server), b"second")
    with pytest.raises(PreconditionFailed):
        blob(server).delete(if_generation_match=first, retry=None)
    blob(server).delete(if_generation_match=second, retry=None)
    with pytest.raises(NotFound):
        blob(server).delete(retry=None)
    with pytest.raises(PreconditionFailed):
        write(blob(server), b"third", if_generation_match=second)


def test_buckets_are_made_once_and_found(server: Gcs) -> None:
    made = client(server).create_bucket("acme-other", retry=None)
    write(made.blob("a"), b"content")
    assert client(server).get_bucket("acme-other", retry=None).name == "acme-other"
    with pytest.raises(Conflict):
        client(server).create_bucket("acme-other", retry=None)
    with pytest.raises(NotFound, match="The specified bucket does not exist"):
        client(server).get_bucket("acme-none", retry=None)


def test_what_is_missing_is_said_in_googles_words(server: Gcs) -> None:
    with pytest.raises(NotFound, match=f"No such object: {BUCKET}/{NAME}"):
        read(blob(server))
    with pytest.raises(NotFound, match=f"No such object: {BUCKET}/{NAME}"):
        blob(server).reload(retry=None)
    for attempt in (read, lambda nowhere: write(nowhere, b"")):
        with pytest.raises(NotFound, match="The specified bucket does not exist"):
            attempt(blob(server, bucket="acme-none"))


def test_errors_are_json_and_those_of_media_plain_words(server: Gcs) -> None:
    server.put(BUCKET, NAME, b"")
    error = json.loads(refused(lambda: write(blob(server), b"", if_generation_match=0)))["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (412, "conditionNotMet")
    assert refused(lambda: read(blob(server, "other"))) == f"No such object: {BUCKET}/other"


def refused(attempt: Callable[[], object]) -> str:
    """The body of an answer that is an error."""
    with pytest.raises(GoogleAPICallError) as raised:
        attempt()
    assert raised.value.response is not None
    return str(raised.value.response.text)


@pytest.mark.parametrize("options", [{"if_metageneration_match": 1}, {"predefined_acl": "private"}])
def test_what_the_stub_does_not_know_is_refused(server: Gcs, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="this server knows no parameter"):
        write(blob(server), b"", **options)


# Who may


def test_tokens_may_do_what_the_table_says(server: Gcs) -> None:
    server.tokens = {"writer": WRITER, "reader": READER, "creator": READER | {"storage.objects.create"}}
    write(blob(server, token="writer"), b"first")
    assert read(blob(server, token="reader")) == b"first"
    write(blob(server, "new", token="creator"), b"")
    for token in ("reader", "creator"):
        with pytest.raises(Forbidden, match="does not have storage"):
            write(blob(server, token=token), b"second")
    with pytest.raises(PreconditionFailed):
        write(blob(server, token="creator"), b"second", if_generation_match=0)
    with pytest.raises(Forbidden, match=r"storage\.objects\.delete"):
        blob(server, token="creator").delete(retry=None)
    assert [each.name for each in client(server, "reader").list_blobs(BUCKET, retry=None)] == ["new", NAME]


def test_nobody_reads_public_buckets_and_no_others(server: Gcs) -> None:
    server.tokens = {"object": frozenset({GET})}
    server.put(server.make_bucket("acme-public", public=True), NAME, b"content")
    server.put(BUCKET, NAME, b"content")
    assert read(blob(server, bucket="acme-public")) == b"content"
    for each in (blob(server), blob(server, "missing", "acme-public"), blob(server, token="unknown")):
        with pytest.raises(Unauthorized):
            read(each)
    with pytest.raises(Unauthorized):
        list(client(server).list_blobs("acme-public", retry=None))
    with pytest.raises(Forbidden, match=r"storage\.objects\.list"):
        read(blob(server, "missing", token="object"))


# Races


@pytest.mark.parametrize("size", [10, 9_000_000])
def test_of_many_writers_exactly_one_wins(server: Gcs, size: int) -> None:
    content = b"x" * size
    google = client(server)
    generation = 0
    for _ in range(ROUNDS if size < 100 else 2):
        barrier = Barrier(THREADS)
        won = [each for each in raced(google, content, generation, barrier) if each]
        assert len(won) == 1, server.writes(NAME)
        assert won[0] > generation
        assert server.buckets.generation(BUCKET, NAME) == won[0]
        generation = won[0]
    assert len(server.writes(NAME)) == (ROUNDS if size < 100 else 2)


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


def test_another_service_may_ignore_conditions(server: Gcs) -> None:
    server.ignores = {"ifGenerationMatch"}
    google = client(server)
    won = [each for each in raced(google, b"x", 0, Barrier(THREADS)) if each]
    assert len(won) == len(server.writes(NAME)) == THREADS
