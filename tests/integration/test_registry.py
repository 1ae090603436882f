"""A registry as burgee's users have it: published to, read from, copied by others' tools, with and without logins."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from burgee.bundle.digest import digest_of
from burgee.bundle.manifest import MANIFEST_TYPE, encode_manifest
from burgee.client import Client
from burgee.core.errors import Denied, InvalidDocument, NotFound, Unavailable
from burgee.deliver.publish import publish
from burgee.deliver.publisher import Publisher
from burgee.deliver.receipt import Receipt
from burgee.fetch.oci import OciFetcher
from burgee.fetch.opening import open_fetcher
from burgee.fetch.port import NOT_MODIFIED
from burgee.git.repository import open_repository
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from burgee.store.opening import open_store
from burgee.store.pace import Pace
from burgee.store.port import Store
from burgee.store.registry import open_registry
from tests.publishing import a_rim, features, files, revisions
from tests.servers.git_cli import a_work_tree, commit
from tests.servers.registry import PASSWORD, READER, USERNAME, Auth, Running, clear_away, config_file, registry
from tests.servers.tokens import IDENTITY_TOKEN

pytestmark = pytest.mark.integration

FLAGS = files(features("a", "b"), features("a"))
FOREVER = 3600.0
AUTHS: tuple[Auth, ...] = ("none", "basic", "token")


@pytest.fixture(scope="module")
def open_registry_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with registry(tmp_path_factory.mktemp("open")) as running:
        yield running


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, open_registry_server: Running) -> Iterator[dict[str, Running]]:
    with ExitStack() as stack:
        started: dict[str, Running] = {"none": open_registry_server}
        for auth in AUTHS[1:]:
            started[auth] = stack.enter_context(registry(tmp_path_factory.mktemp(auth), auth))
        yield started


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return a_work_tree(tmp_path / "flags", FLAGS)


def a_primary(running: Running, name: str) -> Store:
    return open_store(running.url(name), environ=running.environ() | {"BURGEE_SINGLE_PUBLISHER": "yes"})


def publish_to(store: Store, repository: Path) -> dict[str, Receipt]:
    with open_repository(repository) as opened:
        receipts = publish(Publisher(opened, store, a_rim()))
    return {receipt.environment: receipt for receipt in receipts}


def skopeo(*arguments: str) -> str:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed: apt-get install skopeo")
    done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("auth", AUTHS)
def test_a_whole_publish_goes_to_a_registry_and_is_read_from_it(
    auth: Auth, servers: dict[str, Running], repository: Path
) -> None:
    running = servers[auth]
    store = a_primary(running, "whole")
    receipts = publish_to(store, repository)
    assert {name: (receipt.outcome, receipt.warnings) for name, receipt in receipts.items()} == {
        "staging": ("published", ()),
        "production": ("published", ()),
    }
    environ = running.environ(READER if auth == "token" else USERNAME)
    with Client(running.url("whole"), environment="staging", ttl=FOREVER, environ=environ) as client:
        first = client.boolean("a", "amira")
        commit(repository, {"flags/staging/features.yaml": features("a", percentage=100)})
        assert publish_to(store, repository)["staging"].outcome == "published"
        client.refresh()
        second = client.boolean("a", "amira")
    assert (first.revision, second.revision, second.enabled) == (1, 2, True)
    assert revisions(store, "staging") == [2, 1]


def test_an_unchanged_head_costs_a_reader_one_request_and_no_bytes(
    open_registry_server: Running, repository: Path
) -> None:
    running = open_registry_server
    publish_to(a_primary(running, "unchanged"), repository)
    with Client(running.url("unchanged"), environment="staging", ttl=FOREVER, environ={}) as client:
        client.boolean("a", "amira")
        before = len(running.requests())
        for _ in range(3):
            client.refresh()
        assert running.requests()[before:] == [("GET", "/v2/unchanged/manifests/staging.head", 304)] * 3


def test_a_second_publish_of_the_same_writes_nothing(open_registry_server: Running, repository: Path) -> None:
    store = a_primary(open_registry_server, "same")
    publish_to(store, repository)
    before = len(open_registry_server.requests())
    assert {receipt.outcome for receipt in publish_to(store, repository).values()} == {"unchanged"}
    assert {method for method, _, _ in open_registry_server.requests()[before:]} == {"GET"}


def test_the_bundle_is_the_same_bytes_in_a_folder_and_a_registry(
    open_registry_server: Running, repository: Path, tmp_path: Path
) -> None:
    folder = ObjectStore(FileObjects(tmp_path / "store"))
    publish_to(folder, repository)
    store = a_primary(open_registry_server, "bytes")
    publish_to(store, repository)
    heads = folder.read_head("staging"), store.read_head("staging")
    assert heads[0] and heads[1]
    bundle = heads[0][0].last.release.bundle
    assert heads[1][0].last.release.bundle == bundle
    kept = open_registry(open_registry_server.url("bytes"), {}).get_manifest("staging")
    assert kept.content == folder.get_blob(bundle)
    assert (kept.digest, kept.media_type) == (bundle, MANIFEST_TYPE)


def test_skopeo_sees_and_copies_the_very_bytes(open_registry_server: Running, repository: Path, tmp_path: Path) -> None:
    running = open_registry_server
    publish_to(a_primary(running, "copied"), repository)
    kept = open_registry(running.url("copied"), {}).get_manifest("staging")
    place = f"docker://{running.host}/copied"
    assert skopeo("inspect", "--raw", "--tls-verify=false", f"{place}:staging").encode() == kept.content
    listed = json.loads(skopeo("list-tags", "--tls-verify=false", place))["Tags"]
    numbered = {f"{name}{end}" for name in ("staging", "production") for end in ("", ".head", ".0000000001")}
    assert set(listed) == numbered | {"_environments"}
    for tag in sorted(listed):
        folder = tmp_path / tag
        skopeo("copy", "--src-tls-verify=false", f"{place}:{tag}", f"oci:{folder}:copy")
        digest = open_registry(running.url("copied"), {}).get_manifest(tag).digest
        copied = (folder / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()
        assert digest_of(copied) == digest
        assert json.loads((folder / "index.json").read_text())["manifests"][0]["digest"] == digest


def test_a_fetcher_reads_what_there_is_and_says_what_there_is_not(
    open_registry_server: Running, repository: Path
) -> None:
    running = open_registry_server
    publish_to(a_primary(running, "fetched"), repository)
    fetcher = open_fetcher(running.url("fetched"), {})
    assert isinstance(fetcher, OciFetcher)
    for key in ("environments/index.json", "environments/staging/head.json"):
        first = fetcher.get(key)
        assert fetcher.get(key, first.etag) is NOT_MODIFIED
    release = fetcher.get("environments/staging/releases/0000000001.json")
    bundle = json.loads(release.content)["bundle"]
    assert digest_of(fetcher.get(f"blobs/sha256/{bundle.removeprefix('sha256:')}").content) == bundle
    for key in (
        "environments/nowhere/head.json",
        "environments/staging/releases/0000000002.json",
        "environments/staging/internal/v1/evaluation/snapshot/namespace/default",
        f"blobs/sha256/{'0' * 64}",
    ):
        with pytest.raises(NotFound):
            fetcher.get(key)
    with pytest.raises(InvalidDocument, match="at most 10"):
        fetcher.get("environments/staging/head.json", max_bytes=10)
    fetcher.close()


def test_what_a_registry_clears_away_is_nothing_of_the_log(repository: Path, tmp_path: Path) -> None:
    """Bundles that are not active have no tag: as manifests they go, as content of the log they stay."""
    with registry(tmp_path / "before", kept=tmp_path / "kept") as running:
        store = a_primary(running, "cleared")
        publish_to(store, repository)
        commit(repository, {"flags/staging/features.yaml": features("a", "b", "c")})
        publish_to(store, repository)
    said = clear_away(tmp_path / "before")
    with registry(tmp_path / "after", kept=tmp_path / "kept") as running:
        store = a_primary(running, "cleared")
        assert revisions(store, "staging") == [2, 1]
        first = store.get_release("staging", 1).release
        for digest in (first.bundle, *(digest for digest, _size in first.namespaces.values())):
            assert digest_of(store.get_blob(digest)) == digest
        assert f"manifest eligible for deletion: {first.bundle}" in said
        store.tag_active("staging", first.bundle)
        assert open_registry(running.url("cleared"), {}).get_manifest("staging").digest == first.bundle
        with Client(running.url("cleared"), environment="staging", environ={}) as client:
            assert client.boolean("c", "amira").revision == 2


def test_a_repository_that_is_not_there_has_no_tags_and_no_manifests(open_registry_server: Running) -> None:
    nowhere = open_registry(open_registry_server.url("no/where"), {})
    assert nowhere.tags() == ()
    assert not nowhere.has_blob(digest_of(b""))
    with pytest.raises(NotFound, match=r"GET manifest production of oci://.*404 MANIFEST_UNKNOWN"):
        nowhere.get_manifest("production")


def test_a_manifest_that_names_what_was_never_written_is_refused(open_registry_server: Running) -> None:
    lonely = open_registry(open_registry_server.url("lonely"), {})
    manifest = encode_manifest({"default": (digest_of(b"{}"), 2)})
    with pytest.raises(Unavailable, match="something it names was never written"):
        lonely.put_manifest("production", manifest, MANIFEST_TYPE)


def test_blobs_are_bounded_in_size(open_registry_server: Running) -> None:
    bounded = open_registry(open_registry_server.url("bounded"), {})
    digest = bounded.put_blob(b"0123456789")
    assert bounded.get_blob(digest, max_bytes=10) == b"0123456789"
    with pytest.raises(InvalidDocument, match="wanted at most 9"):
        bounded.get_blob(digest, max_bytes=9)


def test_tokens_are_asked_for_what_is_done_with_them(servers: dict[str, Running]) -> None:
    running = servers["token"]
    assert running.tokens
    running.tokens.asked.clear()
    writer = open_registry(running.url("scopes"), running.environ())
    for number in range(3):
        writer.put_blob(b"%d" % number)
    assert running.tokens.asked == [
        (USERNAME, "repository:scopes:pull"),
        (USERNAME, "repository:scopes:pull,push"),
    ]


def test_readers_ask_for_tokens_to_pull_and_take_another_after_one_that_was_refused(
    servers: dict[str, Running], repository: Path
) -> None:
    running = servers["token"]
    publish_to(a_primary(running, "expiring"), repository)
    assert running.tokens
    fetcher = open_fetcher(running.url("expiring"), running.environ(READER))
    # The registry allows for a minute by which clocks differ.
    running.tokens.holds = -61
    with pytest.raises(Denied, match="asked by reader of BURGEE_OCI_USERNAME"):
        fetcher.get("environments/index.json")
    running.tokens.holds = None
    running.tokens.asked.clear()
    assert fetcher.get("environments/index.json").content
    assert running.tokens.asked == [(READER, "repository:expiring:pull")]
    fetcher.close()


def test_who_may_not_push_is_told_which_right_is_missing(servers: dict[str, Running]) -> None:
    running = servers["token"]
    with pytest.raises(Denied, match="asked by reader of BURGEE_OCI_USERNAME; burgee needs the right to push"):
        open_registry(running.url("denied"), running.environ(READER)).put_blob(b"mine")


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_nobody_and_a_wrong_password_are_refused_with_what_to_set(auth: str, servers: dict[str, Running]) -> None:
    running = servers[auth]
    wrong = running.environ() | {"BURGEE_OCI_PASSWORD": "wrong"}
    for environ, said in ((wrong, "publisher of BURGEE_OCI_USERNAME"), ({}, "nobody, for there is no login")):
        with pytest.raises(Denied, match=said) as of_writer:
            open_registry(running.url("refused"), environ).get_manifest("production")
        with pytest.raises(Denied) as of_reader:
            open_fetcher(running.url("refused"), environ).get("environments/index.json")
        assert "wrong" not in f"{of_writer.value}{of_reader.value}"


def basic(username: str, password: str) -> str:
    from base64 import b64encode

    return b64encode(f"{username}:{password}".encode()).decode()


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_logins_of_dockers_configuration_are_taken_by_writers_and_readers(
    auth: str, servers: dict[str, Running], tmp_path: Path
) -> None:
    running = servers[auth]
    folder = config_file(tmp_path / "docker", {running.host: {"auth": basic(USERNAME, PASSWORD)}})
    environ = {"DOCKER_CONFIG": str(folder)}
    open_registry(running.url("configured"), environ).put_blob(b"{}")
    with pytest.raises(NotFound):
        open_fetcher(running.url("configured"), environ).get("environments/index.json")


def test_writers_take_an_identity_token(servers: dict[str, Running], tmp_path: Path) -> None:
    running = servers["token"]
    folder = config_file(tmp_path / "docker", {running.host: {"identitytoken": IDENTITY_TOKEN}})
    open_registry(running.url("identity"), {"DOCKER_CONFIG": str(folder)}).put_blob(b"{}")


HELPER = """\
#!/bin/sh
read registry
[ "$1 $registry" = "get %s" ] || { echo "credentials not found in native keychain"; exit 1; }
echo '{"ServerURL": "'"$registry"'", "Username": "%s", "Secret": "%s"}'
"""


@pytest.mark.parametrize("named", ["credsStore", "credHelpers"])
def test_writers_ask_credential_helpers_and_readers_say_that_they_do_not(
    named: str, servers: dict[str, Running], tmp_path: Path
) -> None:
    running = servers["basic"]
    helper = tmp_path / "bin" / "docker-credential-tests"
    helper.parent.mkdir()
    helper.write_text(HELPER % (running.host, USERNAME, PASSWORD), encoding="utf-8")
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    said = {"credsStore": "tests"} if named == "credsStore" else {"credHelpers": {running.host: "tests"}}
    folder = config_file(tmp_path / "docker", {running.host: {}}, **said)
    environ = {"DOCKER_CONFIG": str(folder), "PATH": f"{helper.parent}:/usr/bin:/bin"}
    open_registry(running.url("helped"), environ).put_blob(b"{}")
    with pytest.raises(Denied, match="leaves logins to a program, which readers do not run"):
        open_fetcher(running.url("helped"), environ).get("environments/index.json")


def test_a_credential_helper_that_is_not_there_is_named(servers: dict[str, Running], tmp_path: Path) -> None:
    running = servers["basic"]
    folder = config_file(tmp_path / "docker", {}, credHelpers={running.host: "nowhere"})
    with pytest.raises(Denied, match=r"docker-credential-nowhere, .* is not in PATH"):
        open_registry(running.url("helped"), {"DOCKER_CONFIG": str(folder), "PATH": "/nowhere"}).put_blob(b"{}")


def test_a_registry_that_is_down_is_unavailable_after_as_many_tries_as_the_pace_says(tmp_path: Path) -> None:
    with registry(tmp_path) as running:
        host = running.host
    waited: list[float] = []
    pace = Pace(tries=3, sleep=waited.append, random=lambda: 1.0)
    with pytest.raises(Unavailable, match="HEAD blob"):
        open_registry(f"oci://{host}/acme/flags", {}, pace=pace).put_blob(b"{}")
    assert waited == [0.4, 0.8]
