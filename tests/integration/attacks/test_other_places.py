"""What else readers believe or do not: the index, mirrors, and what was kept on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from burgee.bundle import keys
from burgee.bundle.head import decode_head, encode_head
from burgee.bundle.index import Listed, encode_index
from burgee.core.errors import ContentError, Unavailable
from burgee.fetch.disk import Disk
from burgee.fetch.environments import Environments
from burgee.fetch.fallbacks import Fallbacks
from burgee.fetch.live import Live
from burgee.store.memory import MemoryObjects
from tests.fakes.attacked import HEAD, TTL_MS, VALIDITY_MS, Attacked
from tests.fakes.fetcher import FaultyFetcher
from tests.fakes.forgeries import signed_by_another_key

# The index


def an_index(**environments: bool) -> bytes:
    return encode_index("https://example.org/flags", {name: Listed("main", on) for name, on in environments.items()})


def environments_of(store: Attacked) -> Environments:
    return Environments(store.fetcher, ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0, verifier=store.verifier())


def test_an_index_does_not_say_which_environment_is_the_default_one(store: Attacked) -> None:
    store.publish(environment="production")
    store.show({keys.INDEX: an_index(staging=True, production=False)})
    environments = environments_of(store)
    assert environments.default() is None
    assert environments.find("") is None
    assert environments.live("production").current().release.environment == "production"


def test_an_index_that_takes_an_environment_away_does_not_make_its_reader_forget(store: Attacked) -> None:
    store.show({keys.INDEX: an_index(staging=True)})
    environments, before = environments_of(store), store.recorded()
    store.publish()
    assert environments.live("staging").current().release.revision == 2
    store.show({keys.INDEX: an_index(other=True)})
    store.later()
    assert environments.names() == ("staging", "other")
    store.show(before)
    store.later()
    assert environments.live("staging").current().release.revision == 2


# Other places


def test_a_mirror_is_asked_where_the_first_place_shows_what_is_not_believed(store: Attacked) -> None:
    bad = FaultyFetcher(store.objects)
    bad.contents[HEAD] = encode_head(signed_by_another_key(store.head()))
    verifier = store.verifier()
    fetcher = Fallbacks([bad, store.fetcher], monotonic=store.clock.monotonic, decode=verifier.decode)
    reader = Live(fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0, verifier=verifier)
    assert reader.current().release.revision == 1
    assert HEAD in bad.calls


def test_a_mirror_is_asked_where_the_first_place_is_kept_back_until_its_head_expires(store: Attacked) -> None:
    frozen = FaultyFetcher(MemoryObjects())
    frozen.contents.update(store.recorded())
    verifier = store.verifier()
    fetcher = Fallbacks([frozen, store.fetcher], monotonic=store.clock.monotonic, decode=verifier.decode)
    reader = Live(fetcher, "staging", ttl_ms=TTL_MS, clock=store.clock, random=lambda: 0.0, verifier=verifier)
    assert reader.current().release.revision == 1
    store.later(VALIDITY_MS)
    store.publish()
    assert reader.current().release.revision == 2
    assert reader.status().stale is False


def test_what_was_kept_on_disk_is_believed_by_its_signature_though_it_has_expired(
    store: Attacked, tmp_path: Path
) -> None:
    reader = store.reader()
    reader.current()
    held = reader.kept()
    assert held is not None
    Disk(str(tmp_path), "staging").keep(held)
    store.later(2 * VALIDITY_MS)
    store.fetcher.faults[""] = Unavailable("silence")
    again = store.reader()
    assert again.resume(Disk(str(tmp_path), "staging").fetcher()).release.revision == 1
    assert again.status().stale is True


def test_what_somebody_put_onto_the_disk_is_not_believed(store: Attacked, tmp_path: Path) -> None:
    reader = store.reader()
    reader.current()
    held = reader.kept()
    assert held is not None
    content = encode_head(signed_by_another_key(store.head()))
    Disk(str(tmp_path), "staging").keep(held._replace(content=content, head=decode_head(content)))
    with pytest.raises(ContentError, match="not signed by the key"):
        store.reader().resume(Disk(str(tmp_path), "staging").fetcher())
