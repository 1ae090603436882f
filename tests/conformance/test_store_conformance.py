"""What every implementation of the four verbs does. A new one is one line in IMPLEMENTATIONS."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from burgee.core.errors import Conflict, InvalidRequest, NotFound
from burgee.store.azblob import open_azblob
from burgee.store.file import FileObjects
from burgee.store.gs import open_gs
from burgee.store.memory import MemoryObjects
from burgee.store.port import Objects
from burgee.store.s3 import open_s3
from tests.servers.clouds import BUCKET, Clouds
from tests.servers.dev import wait_for

# A test's folder is its own, and so is the prefix of that name.
IMPLEMENTATIONS: dict[str, Callable[[Path, Clouds], Objects]] = {
    "memory": lambda folder, servers: MemoryObjects(),
    "file": lambda folder, servers: FileObjects(folder / "store"),
    "gs": lambda folder, servers: open_gs(f"gs://{BUCKET}{folder}", servers.google.environ()),
    "s3": lambda folder, servers: open_s3(f"s3://{BUCKET}{folder}", servers.aws.environ()),
    "azblob": lambda folder, servers: open_azblob(
        servers.azure.store_url(BUCKET, str(folder)), servers.azure.environ()
    ),
}
KEY = "environments/staging/head.json"
THREADS = 16
ROUNDS = 30


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def objects(request: pytest.FixtureRequest, tmp_path: Path, servers: Clouds) -> Objects:
    return IMPLEMENTATIONS[request.param](tmp_path, servers)


def put(objects: Objects, key: str, content: bytes = b"content") -> str:
    return objects.put_new(key, content, content_type="application/json", cache_control="no-cache")


def swap(objects: Objects, key: str, content: bytes, expected: str | None) -> str:
    return objects.swap(key, content, expected=expected, content_type="application/json", cache_control="no-cache")


def test_an_object_that_was_never_written_is_not_found(objects: Objects) -> None:
    with pytest.raises(NotFound, match=r"environments/staging/head\.json"):
        objects.get(KEY)


def test_a_new_object_reads_back_with_the_etag_it_was_written_with(objects: Objects) -> None:
    etag = put(objects, KEY, b"first")
    found = objects.get(KEY)
    assert (found.content, found.etag) == (b"first", etag)


def test_put_new_of_an_existing_object_is_a_conflict_even_with_the_same_bytes(objects: Objects) -> None:
    put(objects, KEY, b"first")
    for content in (b"first", b"second"):
        with pytest.raises(Conflict):
            put(objects, KEY, content)
    assert objects.get(KEY).content == b"first"


def test_swap_replaces_the_version_it_expected(objects: Objects) -> None:
    first = put(objects, KEY, b"first")
    second = swap(objects, KEY, b"second", first)
    assert second != first
    assert objects.get(KEY).content == b"second"
    assert objects.get(KEY).etag == second


def test_swap_of_a_version_that_was_replaced_is_a_conflict(objects: Objects) -> None:
    first = put(objects, KEY, b"first")
    swap(objects, KEY, b"second", first)
    with pytest.raises(Conflict):
        swap(objects, KEY, b"third", first)
    assert objects.get(KEY).content == b"second"


def test_swap_that_expects_nothing_writes_a_new_object(objects: Objects) -> None:
    etag = swap(objects, KEY, b"first", None)
    assert objects.get(KEY).etag == etag


def test_swap_that_expects_nothing_is_a_conflict_when_the_object_exists(objects: Objects) -> None:
    put(objects, KEY, b"first")
    with pytest.raises(Conflict):
        swap(objects, KEY, b"second", None)


def test_swap_that_expects_a_version_is_a_conflict_when_there_is_no_object(objects: Objects) -> None:
    with pytest.raises(Conflict):
        swap(objects, KEY, b"first", "some-etag")
    with pytest.raises(NotFound):
        objects.get(KEY)


@pytest.mark.parametrize("content", [b"", b"\0\r\n\xff\x80", "é\u2028".encode(), bytes(range(256)) * 3])
def test_content_is_kept_byte_for_byte(objects: Objects, content: bytes) -> None:
    etag = put(objects, KEY, content)
    assert objects.get(KEY).content == content
    swap(objects, KEY, content[::-1] + b"!", etag)
    assert objects.get(KEY).content == content[::-1] + b"!"


def test_objects_of_five_megabytes_are_kept(objects: Objects) -> None:
    content = bytes(range(256)) * (5 * 4096)
    put(objects, KEY, content)
    assert objects.get(KEY).content == content


@pytest.mark.parametrize("key", ["a", "a,b/c_d", "A-1/_,_/x.json", "name with blank/é", "a/" * 50 + "z", "x" * 255])
def test_odd_but_legal_keys_are_written_and_listed(objects: Objects, key: str) -> None:
    put(objects, key)
    assert objects.get(key).content == b"content"
    assert list(objects.list("")) == [key]


ILLEGAL = [
    "",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "a/./b",
    ".tmp/x",
    "a/.b",
    "a\\b",
    "a\0",
    "a\nb",
    "\x85",
    "\ud800",
]


@pytest.mark.parametrize("key", [*ILLEGAL, "x" * 256, "é" * 128, "a/" * 512 + "a"])
def test_keys_that_are_no_relative_path_are_refused_by_every_verb(objects: Objects, key: str) -> None:
    with pytest.raises(InvalidRequest):
        objects.get(key)
    with pytest.raises(InvalidRequest):
        put(objects, key)
    with pytest.raises(InvalidRequest):
        swap(objects, key, b"", "etag")
    assert list(objects.list("")) == []


@pytest.mark.parametrize("prefix", ["/", "../", "a/../", ".", ".tmp/", "a\\", "a//"])
def test_prefixes_that_no_key_can_begin_with_are_refused(objects: Objects, prefix: str) -> None:
    with pytest.raises(InvalidRequest):
        objects.list(prefix)


def test_listing_is_sorted_by_code_point_over_the_whole_key(objects: Objects) -> None:
    # A walk folder by folder would put "a/z" before "a-b".
    keys = ["a/z", "a-b", "a,b", "aé", "B", "a_", "a0", "a/b/c", "a/b0"]
    for key in keys:
        put(objects, key)
    assert list(objects.list("")) == sorted(keys)


def test_a_prefix_is_text_and_need_not_end_at_a_slash(objects: Objects) -> None:
    for key in ("env/a", "env/ab/c", "env/b", "environment/a"):
        put(objects, key)
    assert list(objects.list("env/a")) == ["env/a", "env/ab/c"]
    assert list(objects.list("env")) == ["env/a", "env/ab/c", "env/b", "environment/a"]
    assert list(objects.list("env/")) == ["env/a", "env/ab/c", "env/b"]
    assert list(objects.list("env/ab/")) == ["env/ab/c"]


def test_listing_what_is_not_there_is_empty(objects: Objects) -> None:
    assert list(objects.list("")) == []
    put(objects, "a/b")
    assert list(objects.list("b/")) == []
    assert list(objects.list("a/b/")) == []


def test_a_listing_shows_an_object_once_however_often_it_was_swapped(objects: Objects) -> None:
    etag = put(objects, KEY)
    for number in range(3):
        etag = swap(objects, KEY, b"%d" % number, etag)
    assert list(objects.list("")) == [KEY]


def test_of_many_threads_that_put_one_new_object_exactly_one_wins(objects: Objects, servers: Clouds) -> None:
    for number in range(ROUNDS):
        key = f"race/{number}"
        won = _sole(_race(partial(_put_number, objects, key)), key, objects, servers)
        assert objects.get(key).content == b"%d" % won


def test_of_many_threads_that_swap_one_version_exactly_one_wins(objects: Objects, servers: Clouds) -> None:
    etag = put(objects, KEY, b"start")
    for number in range(ROUNDS):
        won = _sole(_race(partial(_swap_number, objects, KEY, etag)), KEY, objects, servers, writes=number + 2)
        found = objects.get(KEY)
        assert found.content.startswith(b"%d of" % won)
        etag = found.etag


def test_of_many_threads_that_swap_nothing_for_something_exactly_one_wins(objects: Objects, servers: Clouds) -> None:
    for number in range(ROUNDS):
        key = f"race/{number}"
        _sole(_race(partial(_swap_number, objects, key, None)), key, objects, servers)


def _put_number(objects: Objects, key: str, thread: int) -> None:
    put(objects, key, b"%d" % thread)


def _swap_number(objects: Objects, key: str, expected: str | None, thread: int) -> None:
    swap(objects, key, f"{thread} of {expected}".encode(), expected)


def _race(attempt: Callable[[int], object]) -> list[int]:
    """The threads, of THREADS that start together, whose attempt was no Conflict."""
    barrier = Barrier(THREADS)

    def run(thread: int) -> bool:
        barrier.wait()
        try:
            attempt(thread)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        return [thread for thread, won in enumerate(pool.map(run, range(THREADS))) if won]


def _sole(won: list[int], key: str, objects: Objects, servers: Clouds, *, writes: int = 1) -> int:
    """The one that won a key, which by its log the server has written so many times in all."""
    # A log may be a moment behind the answers.
    agrees = wait_for(lambda: servers.writes(objects.url, key) in (None, writes), 2)
    assert len(won) == 1, f"threads {won} won {key}; by its log the server wrote {servers.writes(objects.url, key)}"
    assert agrees, f"thread {won[0]} alone won {key}; by its log the server wrote {servers.writes(objects.url, key)}"
    return won[0]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "swap", "stale"]), st.sampled_from(["a", "b/c", "b/c,d/e"]), st.binary(max_size=8)
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@pytest.mark.parametrize("name", sorted(IMPLEMENTATIONS))
def test_any_sequence_of_writes_ends_as_in_a_dictionary(
    name: str, steps: list[tuple[str, str, bytes]], tmp_path_factory: pytest.TempPathFactory, servers: Clouds
) -> None:
    objects = IMPLEMENTATIONS[name](tmp_path_factory.mktemp("steps"), servers)
    model: dict[str, tuple[bytes, str]] = {}
    for verb, key, content in steps:
        expected = {"put": None, "stale": "stale"}.get(verb, model.get(key, (b"", None))[1])
        try:
            etag = put(objects, key, content) if verb == "put" else swap(objects, key, content, expected)
        except Conflict:
            assert (key in model) is (expected is None) or verb == "stale"
            continue
        assert verb != "stale"
        assert (key in model) is (expected is not None)
        model[key] = (content, etag)
    assert list(objects.list("")) == sorted(model)
    assert {key: objects.get(key).content for key in model} == {key: content for key, (content, _) in model.items()}
