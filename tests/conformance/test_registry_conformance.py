"""What every Store does, whatever keeps it: objects, a folder of artifacts, or a registry with three ways to log in.

And what a registry cannot do, as far as it goes: see the law of `store/oci.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import NamedTuple

import pytest

from burgee.bundle.digest import digest_of
from burgee.bundle.head import Head, append, decode_head
from burgee.bundle.index import Index, Listed
from burgee.bundle.manifest import MANIFEST_TYPE, encode_manifest
from burgee.bundle.release import Release
from burgee.core.errors import (
    ConfigurationError,
    Conflict,
    DigestMismatch,
    InvalidDocument,
    InvalidRequest,
    NotFound,
)
from burgee.store.file import FileObjects
from burgee.store.layout import LayoutArtifacts
from burgee.store.memory import MemoryObjects
from burgee.store.objects import ObjectStore
from burgee.store.oci import RegistryStore
from burgee.store.opening import open_objects, open_store
from burgee.store.port import Store
from burgee.store.registry import open_registry
from tests.fakes.publisher import a_document, a_release
from tests.servers.registry import Auth, Running, registry

pytestmark = pytest.mark.integration

AUTHS: tuple[Auth, ...] = ("none", "basic", "token")
INSTANT = 1_700_000_000_000
THREADS = 16
ROUNDS = 30


class Registries:
    """One of each kind, started when it is first asked for."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self._running: dict[Auth, Running] = {}
        self._repositories = 0

    def get(self, auth: Auth) -> Running:
        if auth not in self._running:
            self._running[auth] = self._stack.enter_context(registry(self._folder / auth, auth))
        return self._running[auth]

    def new_url(self, auth: Auth) -> str:
        """A repository of nobody else's."""
        self._repositories += 1
        return self.get(auth).url(f"acme/flags-{self._repositories}")


def _registry_store(auth: Auth) -> Callable[[Path, Registries], Store]:
    return lambda folder, registries: RegistryStore(
        open_registry(registries.new_url(auth), registries.get(auth).environ())
    )


STORES: dict[str, Callable[[Path, Registries], Store]] = {
    "memory": lambda folder, registries: ObjectStore(MemoryObjects()),
    "file": lambda folder, registries: ObjectStore(FileObjects(folder / "store")),
    "layout": lambda folder, registries: RegistryStore(LayoutArtifacts(folder / "layout")),
    **{f"registry-{auth}": _registry_store(auth) for auth in AUTHS},
}


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registries]:
    with ExitStack() as stack:
        yield Registries(stack, tmp_path_factory.mktemp("registries"))


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path, registries: Registries) -> Store:
    return STORES[request.param](tmp_path, registries)


@pytest.fixture
def tagging(tmp_path: Path, registries: Registries) -> RegistryStore:
    found = STORES["registry-none"](tmp_path, registries)
    assert isinstance(found, RegistryStore)
    return found


class Interrupted(LayoutArtifacts):
    """Others may write before and after the next tag of a head is written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[], object] = lambda: None
        self.written: str | None = None

    def put_manifest(self, reference: str, content: bytes, media_type: str) -> str:
        if not reference.endswith(".head"):
            return super().put_manifest(reference, content, media_type)
        before, self.before = self.before, lambda: None
        before()
        self.written = super().put_manifest(reference, content, media_type)
        after, self.after = self.after, lambda: None
        after()
        return self.written


class Made(NamedTuple):
    """A head with one more release, whose bundle is in the store."""

    head: Head
    release: Release
    manifest: bytes


def make(store: Store, present: Head | None = None, *, key: str = "default", later: int = 0) -> Made:
    """The next head, with documents and bundle written as a publish does, and not yet swapped."""
    revision = present.revision if present else 0
    document = a_document(key, enabled=revision % 2 == 0)
    at = INSTANT + revision * 10 + later
    release = a_release(present, {key: document}, at=at, environment="production")
    store.put_blob(document)
    manifest = encode_manifest(release.namespaces)
    store.put_blob(manifest, content_type=MANIFEST_TYPE)
    return Made(append(present, release, max_reader_ttl_seconds=60), release, manifest)


def test_a_store_without_anything_says_so(store: Store) -> None:
    assert store.read_head("production") is None
    assert store.read_index() is None
    assert store.list_static("production") == ()
    with pytest.raises(NotFound):
        store.get_release("production", 1)
    with pytest.raises(NotFound):
        store.get_blob(digest_of(b"nothing"))


def seen(store: Store) -> tuple[Head, str]:
    """The head and its etag, whatever the store says of when it was written."""
    found = store.read_head("production")
    assert found is not None
    return found[:2]


def test_a_head_is_read_back_with_the_etag_it_was_swapped_to(store: Store) -> None:
    first = make(store).head
    etag = store.swap_head(first, None)
    assert seen(store) == (first, etag)
    second = make(store, first).head
    moved = store.swap_head(second, etag)
    assert moved != etag
    assert seen(store) == (second, moved)


def test_a_head_that_somebody_else_moved_is_a_conflict(store: Store) -> None:
    first = make(store).head
    etag = store.swap_head(first, None)
    second = make(store, first).head
    for seen in (None, digest_of(b"another")):
        with pytest.raises(Conflict):
            store.swap_head(second, seen)
    store.swap_head(second, etag)
    with pytest.raises(Conflict):
        store.swap_head(make(store, second).head, etag)
    found = store.read_head("production")
    assert found is not None
    assert found[0].revision == 2


def test_a_head_never_goes_back_and_a_revision_is_never_another_release(store: Store) -> None:
    first = make(store).head
    etag = store.swap_head(first, None)
    second = make(store, first).head
    etag = store.swap_head(second, etag)
    with pytest.raises(Conflict, match="never goes back"):
        store.swap_head(first, etag)
    with pytest.raises(Conflict, match="another release 2 already"):
        store.swap_head(make(store, first, later=1).head, etag)


def test_the_same_release_can_be_swapped_in_again_with_a_hold(store: Store) -> None:
    head = make(store).head
    etag = store.swap_head(head, None)
    held = head._replace(hold={"reason": "rolled back"})
    store.swap_head(held, etag)
    found = store.read_head("production")
    assert found is not None
    assert found[0] == held


def test_environments_have_heads_of_their_own(store: Store) -> None:
    store.swap_head(make(store).head, None)
    assert store.read_head("staging") is None


def test_blobs_are_kept_byte_for_byte_and_may_be_written_again(store: Store) -> None:
    for content in (b"{}", b"\0\r\n\xff\x80", bytes(range(256)) * 300):
        assert store.put_blob(content) == store.put_blob(content) == digest_of(content)
        assert store.get_blob(digest_of(content)) == content


def test_a_bundles_manifest_is_a_blob_like_any_other(store: Store) -> None:
    made = make(store)
    assert store.get_blob(made.release.bundle) == made.manifest


def test_a_release_of_the_log_never_changes(store: Store) -> None:
    entry = make(store).head.last
    for _ in range(2):
        store.put_release(entry)
    assert store.get_release("production", 1) == entry
    other = make(store, later=1).head.last
    with pytest.raises(DigestMismatch, match="never changes"):
        store.put_release(other)
    assert store.get_release("production", 1) == entry


def test_the_index_moves_by_its_etag(store: Store) -> None:
    index = Index("https://example.org/flags", {"production": Listed("main", True)})
    etag = store.swap_index(index, None)
    assert store.read_index() == (index, etag)
    with pytest.raises(Conflict):
        store.swap_index(index, None)
    more = index._replace(environments={**index.environments, "staging": Listed("main", False)})
    assert store.read_index() == (index, etag)
    moved = store.swap_index(more, etag)
    assert store.read_index() == (more, moved)
    with pytest.raises(Conflict):
        store.swap_index(index, etag)


def test_a_store_has_static_snapshots_or_a_tag(store: Store) -> None:
    made = make(store)
    store.tag_active("production", made.release.bundle)
    if store.keeps_static:
        store.swap_static("production", "default", b"{}", None)
        assert store.list_static("production") == ("default",)
    else:
        assert isinstance(store, RegistryStore)
        assert store.artifacts.get_manifest("production").content == made.manifest


def test_a_store_keeps_reports_of_readers_or_says_that_it_does_not(store: Store) -> None:
    if store.keeps_static:
        etag = store.swap_instance("production", "web-1", b"{}", None)
        assert store.read_instance("production", "web-1") == (b"{}", etag)
        assert store.list_instances("production") == ("web-1",)
        return
    with pytest.raises(InvalidRequest, match="is a registry and keeps no reports"):
        store.swap_instance("production", "web-1", b"{}", None)
    assert (store.list_instances("production"), store.read_instance("production", "web-1")) == ((), None)


def test_a_release_that_lost_its_head_in_a_race_gives_its_number_to_the_one_that_has_it(tagging: RegistryStore) -> None:
    tagging.put_release(make(tagging, later=1).head.last)
    won = make(tagging).head
    tagging.swap_head(won, None)
    tagging.put_release(won.last)
    assert tagging.get_release("production", 1) == won.last


def test_the_tag_of_an_environment_moves_to_any_bundle_and_back(tagging: RegistryStore) -> None:
    first, second = make(tagging), make(tagging, key="other")
    for made in (first, second, second, first):
        tagging.tag_active("production", made.release.bundle)
        assert tagging.artifacts.get_manifest("production").digest == made.release.bundle
    with pytest.raises(NotFound):
        tagging.tag_active("production", digest_of(b"no bundle"))


def test_artifacts_name_all_that_a_registry_has_to_keep(tagging: RegistryStore) -> None:
    """`docker-registry garbage-collect` deletes blobs that no manifest names."""
    made = make(tagging)
    tagging.swap_head(made.head, None)
    tagging.put_release(made.head.last)
    (document,) = (digest for digest, _size in made.release.namespaces.values())
    for tag in ("production.head", "production.0000000001"):
        content = tagging.artifacts.get_manifest(tag).content.decode()
        assert all(digest in content for digest in (made.head.last.digest, made.release.bundle, document))
    assert tagging.artifacts.tags() == ("production.0000000001", "production.head")


def test_a_release_without_any_documents_is_kept_too(tagging: RegistryStore) -> None:
    release = a_release(None, {}, at=INSTANT, environment="production")
    tagging.put_blob(encode_manifest({}), content_type=MANIFEST_TYPE)
    head = append(None, release, max_reader_ttl_seconds=60)
    tagging.swap_head(head, None)
    tagging.put_release(head.last)
    tagging.tag_active("production", release.bundle)
    assert _head(tagging) == head


def test_a_tag_that_is_something_else_is_said_to_be(tagging: RegistryStore) -> None:
    made = make(tagging)
    tagging.artifacts.put_blob(b"{}")
    tagging.artifacts.put_manifest("production.head", made.manifest, MANIFEST_TYPE)
    with pytest.raises(InvalidDocument, match=r"production\.head in oci://.*wanted application/vnd\.burgee\.head\.v1"):
        tagging.read_head("production")


def test_a_registry_is_a_primary_only_where_somebody_says_that_there_is_one_publisher(registries: Registries) -> None:
    url = registries.new_url("none")
    with pytest.raises(ConfigurationError, match="BURGEE_SINGLE_PUBLISHER=yes"):
        open_store(url, environ={})
    mirror = open_store(url, environ={}, as_mirror=True)
    primary = open_store(url, environ={"BURGEE_SINGLE_PUBLISHER": "yes"})
    assert mirror.read_index() is primary.read_index() is None


def test_a_registry_is_no_place_of_objects_and_a_tag_is_no_store(registries: Registries) -> None:
    url = registries.new_url("none")
    with pytest.raises(ConfigurationError, match="has no objects"):
        open_objects(url)
    with pytest.raises(ConfigurationError, match="leave that out, as oci://"):
        open_store(f"{url}:production", environ={}, as_mirror=True)


def test_of_threads_that_share_a_store_exactly_one_moves_the_head(tagging: RegistryStore) -> None:
    etag = tagging.swap_head(make(tagging).head, None)
    head = _head(tagging)
    for _ in range(3):
        rivals = [make(tagging, head, later=number).head for number in range(THREADS)]
        won = _race([partial(tagging.swap_head, rival, etag) for rival in rivals])
        assert len(won) == 1
        found = tagging.read_head("production")
        assert found is not None
        head, etag, _ = found
        assert head == rivals[won[0]]


def test_of_writers_at_once_the_one_whose_head_stays_is_told_so(registries: Registries) -> None:
    """What remains of a race where tags cannot be compared and swapped.

    The head is that of a writer who was told so, and is no older than what any of them was told.
    """
    url = registries.new_url("none")
    stores = [RegistryStore(open_registry(url, {})) for _ in range(THREADS)]
    etag: str | None = None
    head: Head | None = None
    for _ in range(ROUNDS):
        made = make(stores[0], head)
        rivals = [_rival(made, head, number) for number in range(THREADS)]
        won = _race([partial(store.swap_head, rival, etag) for store, rival in zip(stores, rivals, strict=True)])
        found = stores[0].read_head("production")
        assert found is not None
        head, etag, _ = found
        assert head in [rivals[number] for number in won]
        assert all(head.revision >= rivals[number].revision for number in won)


def test_a_writer_whose_head_was_written_over_at_once_is_told_so(tmp_path: Path) -> None:
    artifacts = Interrupted(tmp_path / "layout")
    store = RegistryStore(artifacts)
    first = make(store).head
    second = make(store, first).head
    other = RegistryStore(LayoutArtifacts(tmp_path / "layout"))
    artifacts.after = lambda: other.swap_head(second, artifacts.written)
    with pytest.raises(Conflict, match="written by somebody else at the same time"):
        store.swap_head(first, None)
    assert _head(store).revision == 2


def test_a_writer_that_stalls_after_its_look_undoes_what_others_wrote(tmp_path: Path) -> None:
    """This is why a registry is the primary of a single publisher only. Readers that have seen more refuse it."""
    artifacts = Interrupted(tmp_path / "layout")
    stalled, other = RegistryStore(artifacts), RegistryStore(LayoutArtifacts(tmp_path / "layout"))
    first = make(other).head
    etag = other.swap_head(first, None)
    second = make(other, first).head
    third = make(other, second).head
    artifacts.before = lambda: other.swap_head(third, other.swap_head(second, etag))
    stalled.swap_head(make(stalled, first, later=1).head, etag)
    assert _head(other).revision == 2


def _rival(made: Made, present: Head | None, number: int) -> Head:
    """Another release of the same bundle under the same number."""
    release = made.release._replace(published_at=made.release.published_at + number)
    return append(present, release, max_reader_ttl_seconds=60)


def _head(store: Store) -> Head:
    found = store.read_head("production")
    assert found is not None
    return found[0]


def _race(attempts: list[Callable[[], object]]) -> list[int]:
    """The numbers of those, of attempts that start together, that were no Conflict."""
    barrier = Barrier(len(attempts))

    def run(attempt: Callable[[], object]) -> bool:
        barrier.wait()
        try:
            attempt()
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(len(attempts)) as pool:
        return [number for number, won in enumerate(pool.map(run, attempts)) if won]


def test_a_head_in_a_registry_is_the_bytes_of_a_head_elsewhere(tagging: RegistryStore) -> None:
    objects = MemoryObjects()
    made = make(tagging)
    make(ObjectStore(objects))
    tagging.swap_head(made.head, None)
    ObjectStore(objects).swap_head(made.head, None)
    content = objects.get("environments/production/head.json").content
    assert tagging.get_blob(digest_of(content)) == content
    assert decode_head(content) == made.head
