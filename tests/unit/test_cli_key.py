"""`burgee key` in-process: keys are made and shown, and what a store has is signed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from burgee.fetch.clock import SystemClock
from burgee.fetch.verify import Verifier
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.commands import Burgee, refused
from tests.fakes.publisher import a_document, publish
from tests.publishing import features, files
from tests.servers.git_cli import a_work_tree, commit


def made(burgee: Burgee, path: Path) -> dict[str, str]:
    said = burgee("key", "make", path, "--json")
    assert said.code == 0, said.err
    answer: dict[str, str] = json.loads(said.out)
    return answer


def test_a_key_is_made_for_its_owner_alone_and_its_public_one_is_printed(burgee: Burgee, tmp_path: Path) -> None:
    said = burgee("key", "make", tmp_path / "key.pem")
    assert said.code == 0
    assert said.out.startswith("ed25519:")
    assert "PRIVATE" not in said.out + said.err
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert burgee("key", "show", (tmp_path / "key.pem").as_uri()).out == said.out


def test_a_key_is_not_written_over(burgee: Burgee, tmp_path: Path) -> None:
    made(burgee, tmp_path / "key.pem")
    refused(burgee("key", "make", tmp_path / "key.pem"), 2, "there is a file")


def test_what_is_no_key_is_told(burgee: Burgee, tmp_path: Path) -> None:
    refused(burgee("key", "show", "key.pem"), 2, "is named by a URL")
    refused(burgee("key", "show", (tmp_path / "key.pem").as_uri()), 2, "cannot read the signing key")


def test_publish_says_by_which_keys_it_has_signed(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made(burgee, tmp_path / "key.pem")
    monkeypatch.setenv("BURGEE_SIGNING_KEYS", key["url"])
    folder = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))
    publishing = ("publish", folder, "--store", (tmp_path / "store").as_uri())
    assert "signed by" not in burgee(*publishing, "--dry-run").err
    assert burgee(*publishing).err.endswith(f"signed by {key['key']}\n")
    assert "signed by" not in burgee(*publishing).err


def test_what_a_store_has_is_signed_as_it_is(burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = made(burgee, tmp_path / "key.pem")
    store = ObjectStore(FileObjects(tmp_path / "store"))
    release = publish(store, {"default": a_document()}, at=SystemClock.wall())
    monkeypatch.setenv("BURGEE_SIGNING_KEYS", key["url"])
    monkeypatch.setenv("BURGEE_SIGNATURE_VALIDITY", "600")
    said = burgee("key", "sign", "staging", "--store", (tmp_path / "store").as_uri(), "--json")
    assert said.code == 0, said.err
    (signed,) = json.loads(said.out)
    assert (signed["environment"], signed["revision"], signed["keys"]) == ("staging", 1, [key["key"]])
    verifier = Verifier([key["public_key"]], now=SystemClock.wall)
    head = verifier.decode(FileObjects(tmp_path / "store").get("environments/staging/head.json").content)
    assert head.last.release == release


def test_without_keys_or_releases_nothing_is_signed(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store").mkdir()
    store = (tmp_path / "store").as_uri()
    refused(burgee("key", "sign", "staging", "--store", store), 2, "no keys to sign with")
    monkeypatch.setenv("BURGEE_SIGNING_KEYS", made(burgee, tmp_path / "key.pem")["url"])
    refused(burgee("key", "sign", "staging", "--store", store), 3, "has no releases")


def test_signing_heals_a_release_whose_signatures_somebody_has_damaged(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, store = made(burgee, tmp_path / "key.pem"), (tmp_path / "store").as_uri()
    monkeypatch.setenv("BURGEE_SIGNING_KEYS", key["url"])
    folder = a_work_tree(tmp_path / "shop", files(features("a"), features("a")))
    assert burgee("publish", folder, "--store", store).code == 0
    objects = ObjectStore(FileObjects(tmp_path / "store"))
    found = objects.read_head("staging")
    assert found is not None
    last = found.head.last
    bogus = {**last.signatures[0], "signature": "AAAA"}
    damaged = last._replace(signatures=(bogus, *last.signatures))
    objects.swap_head(found.head._replace(releases=(damaged,)), found.etag)
    assert "is signed by none of our keys" in burgee("publish", folder, "--store", store).out
    assert burgee("key", "sign", "staging", "--store", store).code == 0
    commit(folder, {"flags/staging/features.yaml": features("a", percentage=50)})
    assert burgee("publish", folder, "--store", store).code == 0
    monkeypatch.setenv("BURGEE_VERIFY_KEYS", key["public_key"])
    said = burgee("verify", "staging", "--store", store)
    assert (said.code, "staging: 2 of 2 releases sound" in said.out) == (0, True), said


def test_status_says_of_a_head_that_it_is_not_signed_by_a_key_that_is_believed(
    burgee: Burgee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made(burgee, tmp_path / "key.pem")
    work = a_work_tree(tmp_path / "work", files(features("a"), features("a")))
    store = (tmp_path / "store").as_uri()
    monkeypatch.setenv("BURGEE_SIGNING_KEYS", key["url"])
    assert burgee("publish", work, "--store", store).code == 0
    monkeypatch.setenv("BURGEE_VERIFY_KEYS", key["public_key"])
    assert burgee("status", "--store", store).code == 0
    head = tmp_path / "store/environments/production/head.json"
    head.write_text(head.read_text().replace('"max_reader_ttl_seconds":60', '"max_reader_ttl_seconds":6000'))
    said = burgee("status", "--store", store)
    assert said.code == 3
    assert "environment 'production': the head is not signed by" in said.err
