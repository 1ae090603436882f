"""Content that breaks off, and content without end."""

from __future__ import annotations

import pytest

from burgee.bundle import keys
from burgee.bundle.digest import digest_of
from burgee.bundle.head import encode_head
from burgee.bundle.signed import PublicKey
from burgee.fetch.held import HEAD_BYTES
from burgee.store.memory import MemoryObjects
from tests.fakes.attacked import HEAD, OURS, Attacked, Kept, starts_refusing
from tests.fakes.forgeries import EVIL


@pytest.mark.parametrize("share", [0, 1, 10, 50, 90, 99])
def test_a_head_that_breaks_off_is_refused(kept: Kept, share: int) -> None:
    head = encode_head(kept.store.publish())
    kept.store.show_head(head[: len(head) * share // 100])
    kept.refuses("")


def test_a_document_that_breaks_off_is_refused(kept: Kept) -> None:
    kept.store.publish(enabled=False)
    kept.store.show({keys.blob(digest_of(EVIL)): EVIL[:-10]})
    kept.refuses("wanted content with digest")


def test_a_head_without_end_is_not_read_to_its_end(kept: Kept) -> None:
    kept.store.publish()
    objects = MemoryObjects()
    objects.swap(HEAD, b"{" * (HEAD_BYTES + 1), expected=None, content_type="", cache_control="")
    kept.store.fetcher.objects = objects
    kept.refuses(f"wanted at most {HEAD_BYTES}")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"format":1,"signatures":['])
def test_a_head_that_is_nested_without_end_is_refused(kept: Kept, opening: bytes) -> None:
    kept.store.show_head(opening * 300_000 + b"]}\n")
    kept.refuses("not signed")


def test_of_each_key_one_signature_is_looked_at_however_many_are_listed(
    store: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    verifies = PublicKey.verifies

    def counted(key: PublicKey, message: bytes, signature: bytes) -> bool:
        asked.append(key.id)
        return verifies(key, message, signature)

    monkeypatch.setattr(PublicKey, "verifies", counted)
    listed = {"algorithm": "ed25519", "key": OURS.public_key().id, "signature": "AAAA"}
    store.show_head(store.head()._replace(signatures=(listed,) * 10_000))
    starts_refusing(store, "not signed")
    assert len(asked) == 1
