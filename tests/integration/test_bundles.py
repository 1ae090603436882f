"""Bundles between a real registry, folders, a bucket and stores: copied byte for byte, read, unpacked, compared."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from socket import socket
from time import time
from typing import Any

import pytest

from burgee.bundle.digest import digest_of
from burgee.bundle.document import encode
from burgee.bundle.index import Index
from burgee.bundle.manifest import encode_manifest
from burgee.cli.bundles import shown_by
from burgee.core.errors import InvalidDocument
from burgee.deliver.bundles import Progress, copy, read_bundle
from burgee.store.layout import LayoutArtifacts
from burgee.store.memory import MemoryObjects
from burgee.store.object_artifacts import ObjectArtifacts
from burgee.store.objects import ObjectStore
from burgee.store.opening import open_store
from burgee.store.port import Store
from burgee.store.reference import open_artifacts
from tests.builders import a_boolean_flag
from tests.commands import Burgee, Said, in_process
from tests.fakes.publisher import publish
from tests.flipt_bundles import MANIFEST_TYPE, SHOP, THE_SHOP, WAREHOUSE, Layer, a_manifest, push
from tests.publishing import features
from tests.servers.clouds import clouds
from tests.servers.moto import ANYBODY, REGION, Moto
from tests.servers.played import Answer, Asked, played
from tests.servers.registry import Running, registry

pytestmark = pytest.mark.integration
BUCKET = "acme-flags"
INDEX = 'version: "1.0"\ninclude: ["shop/*.yml"]\nexclude: ["shop/old.yml"]\n'
DOCUMENT = encode({"namespace": "default", "flags": [a_boolean_flag("on", enabled=True)]})


@pytest.fixture
def burgee(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Burgee:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return in_process(capsys)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture
def old(running: Running, request: pytest.FixtureRequest) -> str:
    """The repository that Flipt v1 pushed bundles to: `prod` in manifest 1.1 and `older` in 1.0."""
    url = running.url(f"old/{digest_of(request.node.name.encode())[7:20]}")
    push(open_artifacts(url, {}, now=lambda: 0), "prod", *THE_SHOP)
    push(open_artifacts(url, {}, now=lambda: 0), "older", *THE_SHOP, version="1.0")
    return url


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with one release of environment `production`."""
    url = (tmp_path / "store").as_uri()
    opened = open_store(url)
    release(opened, {"default": DOCUMENT}, at=int(time() * 1000), environment="production")
    opened.swap_index(Index("example", {"production": ("main", True)}), None)
    return url


def release(store: Store, documents: Mapping[str, bytes], **options: Any) -> str:
    """Publish documents with their manifest; its digest."""
    layers = {namespace: (digest_of(content), len(content)) for namespace, content in documents.items()}
    for content in documents.values():
        store.put_blob(content)
    digest = store.put_blob(encode_manifest(layers), content_type=MANIFEST_TYPE)
    publish(store, documents, **options)
    return digest


@pytest.fixture
def bucket(server: Moto, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a bucket, with the variables that its owner has."""
    for name, value in ANYBODY.environ().items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}?region={REGION}&endpoint={server.url}"


def put(server: Moto, **contents: str) -> None:
    """Objects by key, as Flipt v1's users have uploaded them."""
    for key, content in contents.items():
        server.client().put_object(Bucket=BUCKET, Key=key, Body=content.encode())


def skopeo(*arguments: str) -> bytes:
    return subprocess.run(["skopeo", *arguments], capture_output=True, check=True, timeout=30).stdout


def refused(said: Said, code: int, *words: str) -> None:
    assert (said.code, said.out) == (code, ""), said
    assert said.err.startswith("error: ") and all(word in said.err for word in words), said.err


# Copying


@pytest.mark.parametrize(("tag", "version"), [("prod", "1.1"), ("older", "1.0")])
def test_a_bundle_that_flipt_pushed_is_copied_byte_for_byte(
    burgee: Burgee, old: str, running: Running, bucket: str, tmp_path: Path, tag: str, version: str
) -> None:
    content = a_manifest(THE_SHOP, version=version)
    places = [f"{running.url('new/' + tag)}", f"oci-layout://{tmp_path}/bundles", bucket, f"file://{tmp_path}/store"]
    previous = f"{old}:{tag}"
    for place in places:
        copied = burgee("bundle", "copy", previous, place, "--json").json
        assert (copied["from"], copied["bundle"], copied["sent"]) == (previous, digest_of(content), 3)
        again = burgee("bundle", "copy", previous, place, "--json").json
        assert (again["to"], again["sent"], again["bytes"]) == (copied["to"], 0, 0)
        artifacts = open_artifacts(place, dict(ANYBODY.environ()), now=lambda: 0)
        assert artifacts.get_manifest(digest_of(content)).content == content
        assert artifacts.get_blob(digest_of(SHOP), max_bytes=len(SHOP)) == SHOP
        previous = copied["to"]


def test_skopeo_copies_and_reads_what_burgee_copied(
    burgee: Burgee, store: str, running: Running, tmp_path: Path
) -> None:
    target = running.url("skopeo/flags")
    assert burgee("bundle", "copy", f"{store}#production", f"{target}:production").code == 0
    named = f"docker://{running.host}/skopeo/flags:production"
    content = skopeo("inspect", "--raw", "--tls-verify=false", named)
    assert digest_of(content) == burgee("bundle", "list", store, "--json").json[0]["bundle"]
    skopeo("copy", "--src-tls-verify=false", named, f"oci:{tmp_path}/copy:production")
    copied = burgee("bundle", "import", f"{tmp_path}/copy", running.url("skopeo/again"), "--json").json
    assert (copied["bundle"], copied["to"]) == (digest_of(content), f"{running.url('skopeo/again')}:production")


def test_a_folder_takes_a_bundle_away_and_brings_it_back(
    burgee: Burgee, old: str, running: Running, tmp_path: Path
) -> None:
    exported = burgee("bundle", "export", f"{old}:prod", "bundles")
    assert exported.code == 0
    assert exported.out.startswith(f"oci-layout://{tmp_path}/bundles:prod  sha256:")
    assert burgee("bundle", "export", f"{old}:older", "bundles:v1").code == 0
    refused(burgee("bundle", "import", "bundles", running.url("back")), 2, "2 tags", "FOLDER:TAG", "prod, v1")
    assert burgee("bundle", "import", "bundles:v1", f"{running.url('back')}:stable").code == 0
    assert [each["name"] for each in burgee("bundle", "list", running.url("back"), "--json").json] == ["stable"]


def test_a_store_takes_a_bundle_and_releases_nothing(burgee: Burgee, old: str, store: str) -> None:
    said = burgee("bundle", "copy", f"{old}:prod", store)
    assert (said.code, "Nothing was released" in said.err) == (0, True)
    listed = burgee("bundle", "list", store, "--json").json
    assert [each["name"] for each in listed] == ["production"]
    assert listed[0]["bundle"] != digest_of(a_manifest(THE_SHOP))
    refused(burgee("bundle", "copy", f"{old}:prod", f"{store}#production"), 2, "environment moves by a release")


@pytest.mark.parametrize("tag", ["production", "production.head", "production.0000000001", "_environments"])
def test_a_tag_that_moves_by_releases_is_not_written_over(
    burgee: Burgee, store: str, running: Running, tag: str
) -> None:
    url = running.url("released/flags")
    documents = {"default": DOCUMENT}
    registry_store = open_store(url, environ={"BURGEE_SINGLE_PUBLISHER": "yes"})
    if registry_store.read_head("production") is None:
        release(registry_store, documents, at=int(time() * 1000), environment="production")
    refused(burgee("bundle", "copy", f"{store}#production", f"{url}:{tag}"), 2, repr(tag), "another")
    assert burgee("bundle", "copy", f"{store}#production", f"{url}:copied").code == 0
    assert [each["name"] for each in burgee("bundle", "list", url, "--json").json] == ["copied"]


def test_a_copy_that_was_cut_off_goes_on_where_it_was(burgee: Burgee, old: str, tmp_path: Path) -> None:
    half = LayoutArtifacts(tmp_path / "half")
    half.put_blob(SHOP)
    copied = burgee("bundle", "export", f"{old}:prod", "half", "--json").json
    assert (copied["blobs"], copied["sent"], copied["bytes"]) == (3, 2, len(WAREHOUSE) + 2)


def test_progress_is_told_for_every_blob_in_bytes(tmp_path: Path) -> None:
    source, target = LayoutArtifacts(tmp_path / "a"), LayoutArtifacts(tmp_path / "b")
    push(source, "prod", *THE_SHOP)
    told: list[Progress] = []
    copy(source, read_bundle(source, "prod"), target, "prod", told.append)
    size = 2 + len(SHOP) + len(WAREHOUSE)
    shown: list[str] = []
    shown_by(shown.append)(Progress(2, 3, 1_500_000, 3_000_000))
    assert shown == ["blob 2 of 3, 1.4 of 2.9 MiB"]
    assert told == [Progress(1, 3, 2, size), Progress(2, 3, 2 + len(SHOP), size), Progress(3, 3, size, size)]


@pytest.mark.parametrize("by", [1, -1])
def test_a_blob_of_another_size_than_its_manifest_says_is_not_copied(tmp_path: Path, by: int) -> None:
    source, target = LayoutArtifacts(tmp_path / "a"), LayoutArtifacts(tmp_path / "b")
    push(source, "prod", Layer(SHOP))
    lying = a_manifest([], layers=[{**Layer(SHOP).descriptor(), "size": len(SHOP) + by}])
    source.put_manifest("lying", lying, MANIFEST_TYPE)
    with pytest.raises(InvalidDocument, match="bytes"):
        copy(source, read_bundle(source, "lying"), target, "lying", lambda done: None)
    assert target.tags() == ()


def test_the_manifest_comes_last_so_a_missing_blob_leaves_no_tag(tmp_path: Path, burgee: Burgee) -> None:
    source = LayoutArtifacts(tmp_path / "a")
    source.put_manifest("prod", a_manifest(THE_SHOP), MANIFEST_TYPE)
    refused(burgee("bundle", "copy", "a:prod", f"oci-layout://{tmp_path}/b:prod"), 3, "is damaged", "blobs/sha256")
    assert LayoutArtifacts(tmp_path / "b").tags() == ()


def test_what_is_no_bundle_is_not_copied(burgee: Burgee, tmp_path: Path) -> None:
    image = a_manifest([], layers=[{**Layer(SHOP).descriptor(), "mediaType": "application/vnd.oci.image.layer.v1.tar"}])
    LayoutArtifacts(tmp_path / "a").put_manifest("image", image, MANIFEST_TYPE)
    LayoutArtifacts(tmp_path / "a").put_manifest("empty", a_manifest([]), MANIFEST_TYPE)
    refused(burgee("bundle", "export", "a:image", "b"), 3, "image in oci-layout://", "no bundle of flags")
    refused(burgee("bundle", "export", "a:empty", "b"), 3, "the bundle is empty", "build it again")


MISTAKES = [
    (("copy", "oci://HOST/none", "b"), ("does not say which bundle", "oci://HOST/none:production")),
    (("copy", "oci://HOST/none:prod", "b"), ("none",)),
    (("copy", "nowhere", "b"), ("no bundle with a tag in oci-layout://", "burgee bundle export")),
    (("copy", "nowhere:prod", "b"), ("no image layout at",)),
    (("export", "nowhere:prod", "oci://HOST/x"), ("wanted a folder", "burgee bundle copy")),
    (("import", "oci://HOST/x:prod", "b"), ("wanted a folder",)),
    (("copy", "STORE#staging", "b"), ("'staging'", "there are production")),
    (("copy", "STORE#production", "https://flags.example.org"), ("not published to",)),
    (("copy", "STORE#production", "b@sha256:" + "0" * 64), ("the bundle has digest", "name a tag")),
    (("list", "STORE#production"), ("the place alone", "STORE")),
    (("unpack", "STORE#staging", "out"), ("'staging'",)),
    (("unpack", "STORE", "out"), ("does not say which bundle", "STORE#production")),
    (("copi",), ("copi",)),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda given: " ".join(given))
def test_a_mistake_is_said_in_one_message(
    burgee: Burgee, running: Running, store: str, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    def placed(text: str) -> str:
        return text.replace("HOST", running.host).replace("STORE", store)

    refused(burgee("bundle", *map(placed, arguments)), 2, *map(placed, words))


def test_the_group_alone_says_how_bundles_are_named(burgee: Burgee) -> None:
    said = burgee("bundle")
    assert (said.code, said.out) == (2, "")
    assert "oci-layout:///srv/bundles:production" in said.err


# Listing


def test_bundles_are_listed_with_the_digest_by_which_flipt_tells_changes(burgee: Burgee, old: str) -> None:
    older, prod = burgee("bundle", "list", old, "--json").json
    assert (older["name"], prod["name"]) == ("older", "prod")
    assert older["stripped"] != prod["stripped"]
    assert prod["namespaces"] == ["default", "warehouse"]
    assert prod["bundle"] == digest_of(a_manifest(THE_SHOP))
    table = burgee("bundle", "list", old)
    assert table.out.splitlines()[2].split("  ")[0].strip() == "prod"
    assert "2026-01-01T00:00:00Z" in table.out


def test_other_artifacts_of_a_place_are_left_out_of_the_list(burgee: Burgee, tmp_path: Path) -> None:
    layout = LayoutArtifacts(tmp_path / "a")
    push(layout, "prod", *THE_SHOP)
    layout.put_manifest("image", a_manifest([]), MANIFEST_TYPE)
    for record in ("prod.head", "prod.0000000001", "_environments", "_probe"):
        layout.put_manifest(record, a_manifest([], artifactType="application/vnd.burgee.x"), MANIFEST_TYPE)
    said = burgee("bundle", "list", "a", "--json")
    assert [each["name"] for each in said.json] == ["prod"]
    assert said.err.count("is left out") == 1 and said.err.startswith("image is left out: image in oci-layout://")


def test_a_tag_with_a_manifest_of_another_making_does_not_hide_the_others(burgee: Burgee, tmp_path: Path) -> None:
    layout = LayoutArtifacts(tmp_path / "a")
    push(layout, "prod", *THE_SHOP)
    layout.put_manifest("odd", a_manifest(THE_SHOP, subject="x"), MANIFEST_TYPE)
    said = burgee("bundle", "list", "a", "--json")
    assert [each["name"] for each in said.json] == ["prod"]
    assert said.err.startswith("odd is left out: ") and "this is no bundle of flags" in said.err


def test_names_that_no_tag_can_have_are_counted_and_left_out(burgee: Burgee) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/tags/list"):
            return 200, json.dumps({"tags": ["prod", "../../x", "\ud800", "a\x1b[31m"]}).encode(), {}
        return 200, a_manifest(THE_SHOP), {"Content-Type": MANIFEST_TYPE}

    with played(answer) as server:
        said = burgee("bundle", "list", f"{server.url.replace('http:', 'oci:')}/acme/flags", "--json")
    assert [each["name"] for each in said.json] == ["prod"]
    assert said.err.startswith("left out: 3 of the names that oci://")


# Reading


def test_a_bundle_is_unpacked_validated_compared_and_evaluated(burgee: Burgee, old: str, tmp_path: Path) -> None:
    bundle = f"{old}:prod"
    said = burgee("bundle", "unpack", bundle, "flags/production")
    assert said.out.splitlines() == [
        f"wrote flags/production/{name}/features.yaml" for name in ("default", "warehouse")
    ]
    assert (tmp_path / "flags/production/warehouse/features.yaml").read_bytes() == WAREHOUSE
    assert burgee("diff", bundle, "flags/production", "--exit-code").out == "default: no changes\n"
    assert burgee("diff", "flags/production", f"{old}:older", "--exit-code").code == 0
    assert burgee("validate", bundle, "--json").json == []
    answers = [
        burgee("evaluate", "banner", "--entity", "u", "--context", "plan=pro", "--source", place, "--json").json
        for place in (bundle, "flags/production")
    ]
    assert answers[0] == answers[1] and answers[0]["match"] is True
    on = burgee("evaluate", "scan", "-n", "warehouse", "--entity", "u", "--source", bundle)
    assert on.out == "true\n"


def test_a_bundle_is_compared_with_the_environment_that_is_asked_for(
    burgee: Burgee, old: str, store: str, tmp_path: Path
) -> None:
    burgee("bundle", "unpack", f"{old}:prod", "flags/production")
    (tmp_path / "flags/staging").mkdir()
    (tmp_path / "flags/staging/features.yaml").write_text(features("a"))
    project = "version: 1\nenvironments:\n  staging: {default: true, directory: flags/staging}\n"
    (tmp_path / "burgee.yaml").write_text(project + "  production: {directory: flags/production}\n")
    same = burgee("diff", f"{old}:prod", ".", "-e", "production")
    assert same.out == f"default ({old}:prod) -> production (.): no changes\n"
    assert "+ flag default/a" in burgee("diff", f"{old}:prod").out
    released = burgee("diff", "production@1", f"{store}#production", "--store", store, "--exit-code")
    assert (released.code, released.out.endswith("no changes\n")) == (0, True)
    refused(burgee("diff", f"{old}:prod", ".", "-e", "nope"), 2, "no environment 'nope'")


def test_problems_of_a_bundle_are_told_by_its_layers(burgee: Burgee, tmp_path: Path) -> None:
    push(LayoutArtifacts(tmp_path / "a"), "prod", Layer(b'{"flags":[{"key":"f"}]}'), Layer(b"flags: {", "web", "+yml"))
    said = burgee("validate", f"oci-layout://{tmp_path}/a:prod", "--json")
    assert said.code == 1
    assert {each["file"] for each in json.loads(said.out)} == {"default/features.json", "web/features.yml"}
    refused(burgee("validate", "--format", "json", f"oci-layout://{tmp_path}/a:none"), 2, "no tag 'none'")
    refused(
        burgee("evaluate", "f", "--entity", "u", "--source", f"{tmp_path.as_uri()}#x", "--commit", "HEAD"),
        2,
        "--commit",
    )


def test_json_is_kept_as_it_is_if_asked(burgee: Burgee, old: str, tmp_path: Path) -> None:
    written = burgee("bundle", "unpack", f"{old}:prod", "out", "--as-is", "--json").json
    assert written[0] == {"file": "out/default/features.json", "bytes": len(SHOP)}
    assert (tmp_path / "out/default/features.json").read_bytes() == SHOP


def test_no_file_is_replaced_unless_that_is_said(burgee: Burgee, old: str, tmp_path: Path) -> None:
    kept = tmp_path / "out/warehouse/features.yaml"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    refused(burgee("bundle", "unpack", f"{old}:prod", "out"), 2, "features.yaml would be replaced", "--force")
    assert (kept.read_text(), (tmp_path / "out/default").exists()) == ("mine", False)
    assert burgee("bundle", "unpack", f"{old}:prod", "out", "--force").code == 0
    assert kept.read_bytes() == WAREHOUSE


def test_a_pipe_is_not_written_to(burgee: Burgee, old: str, tmp_path: Path) -> None:
    (tmp_path / "out/warehouse").mkdir(parents=True)
    os.mkfifo(tmp_path / "out/warehouse/features.yaml")
    refused(burgee("bundle", "unpack", f"{old}:prod", "out", "--force"), 2, "features.yaml is no file")


def test_a_folder_that_is_a_link_is_as_good_as_the_one_it_names(burgee: Burgee, old: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    assert burgee("bundle", "unpack", f"{old}:prod", "out").code == 0
    assert (tmp_path / "real/warehouse/features.yaml").read_bytes() == WAREHOUSE
    (tmp_path / "real/default/features.yaml").unlink()
    (tmp_path / "real/default/features.yaml").mkdir()
    refused(burgee("bundle", "unpack", f"{old}:prod", "out", "--force"), 2, "is a folder")


@pytest.mark.parametrize("link", ["default", "default/features.yaml"])
def test_nothing_is_written_through_a_link(burgee: Burgee, old: str, tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out" / link).parent.mkdir(parents=True)
    (tmp_path / "out" / link).symlink_to(elsewhere / "x" if "/" in link else elsewhere)
    refused(burgee("bundle", "unpack", f"{old}:prod", "out", "--force"), 2, "is a link")
    assert list(elsewhere.iterdir()) == []


def test_a_namespace_that_is_a_path_is_written_nowhere(burgee: Burgee, tmp_path: Path) -> None:
    push(LayoutArtifacts(tmp_path / "a"), "prod", Layer(SHOP, "../../escaped"))
    refused(burgee("bundle", "unpack", "a:prod", "out/deep"), 3, "could be no file's name")
    assert not (tmp_path / "out").exists()


# Buckets of flag files


def test_a_bucket_that_flipt_reads_is_unpacked_validated_compared_and_evaluated(
    burgee: Burgee, server: Moto, bucket: str, tmp_path: Path
) -> None:
    flags = {"shop/a.yml": features("a"), "shop/old.yml": "flags: 7\n", "shop/": "", "else.yml": "flags: 8\n"}
    put(server, **{".flipt.yml": INDEX, **flags})
    written = burgee("bundle", "unpack", bucket, "flags")
    assert written.out.splitlines() == ["wrote flags/.flipt.yml", "wrote flags/shop/a.yml"]
    assert (tmp_path / "flags/.flipt.yml").read_text() == INDEX
    assert burgee("diff", bucket, "flags", "--exit-code").out == "default: no changes\n"
    assert burgee("validate", bucket).code == 0
    source = ("--entity", "u", "--source", bucket)
    assert burgee("evaluate", "a", *source).out == burgee("evaluate", "a", "--entity", "u", "--source", "flags").out


def test_a_prefix_of_a_bucket_is_read_without_an_index(burgee: Burgee, server: Moto, bucket: str) -> None:
    put(server, **{"prod/features.yml": features("a"), "prod/web/features.yml": features("b"), "features.yml": "x: 1"})
    prefixed = bucket.replace("?", "/prod?")
    assert "2 files" in burgee("validate", prefixed).err


def test_no_link_on_the_way_of_a_deep_path_is_followed(
    burgee: Burgee, server: Moto, bucket: str, tmp_path: Path
) -> None:
    put(server, **{"a/b/c/features.yml": features("a")})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").symlink_to(tmp_path / "elsewhere")
    refused(burgee("bundle", "unpack", bucket, "out"), 2, "out/a is a link")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_keys_that_are_no_paths_are_left_alone(burgee: Burgee, server: Moto, bucket: str, tmp_path: Path) -> None:
    odd = [
        "../features.yml",
        "a/../features.yml",
        "/features.yml",
        "a//features.yml",
        ".git/features.yml",
        "a\\b/features.yml",
    ]
    put(server, **dict.fromkeys(odd, features("a")), **{"good/features.yml": features("a")})
    assert burgee("bundle", "unpack", bucket, "out").out == "wrote out/good/features.yml\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_bucket_without_flag_files_or_with_releases_is_said_to_be_that(
    burgee: Burgee, server: Moto, bucket: str
) -> None:
    refused(burgee("validate", bucket), 2, "no flag files in s3://acme-flags")
    put(server, **{"environments/index.json": "{}"})
    refused(burgee("bundle", "unpack", bucket, "out"), 2, "is a store of burgee", "#production")
    refused(burgee("validate", bucket.replace(BUCKET, "no-such-bucket")), 3, "no-such-bucket")


@pytest.mark.parametrize("cloud", ["azblob", "gs"])
def test_buckets_of_the_other_clouds_are_read_alike(
    burgee: Burgee, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cloud: str
) -> None:
    place: Callable[..., object]
    with clouds() as running:
        if cloud == "azblob":
            url, environ, place = running.azure.store_url(BUCKET, "prod"), running.azure.environ(), running.azure.put
        else:
            url, environ, place = f"gs://{BUCKET}/prod", running.google.environ(), running.google.put
        for key, content in {".flipt.yml": INDEX, "shop/a.yml": features("a"), "shop/old.yml": "flags: 7"}.items():
            place(BUCKET, key, content.encode(), prefix="prod")
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        written = burgee("bundle", "unpack", url, "flags")
        assert written.out.splitlines() == ["wrote flags/.flipt.yml", "wrote flags/shop/a.yml"], written
        assert burgee("diff", url, "flags", "--exit-code").out == "default: no changes\n"


def test_a_wrong_index_in_a_bucket_is_a_problem_with_its_place(burgee: Burgee, server: Moto, bucket: str) -> None:
    put(server, **{".flipt.yml": "include: 7\n", "features.yml": features("a")})
    said = burgee("validate", bucket, "--json")
    assert [each["file"] for each in json.loads(said.out)] == [".flipt.yml"]


# What newcomers write


def test_a_tag_that_is_not_there_is_answered_with_those_that_are(burgee: Burgee, old: str, running: Running) -> None:
    refused(burgee("bundle", "unpack", f"{old}:prd", "out"), 2, "no tag 'prd' in", "there are older, prod\n")
    nothing = running.url("no/such")
    refused(burgee("bundle", "copy", f"{nothing}:prod", "out"), 2, "no tag 'prod' in", "or no such repository")


def test_environments_are_the_first_of_the_tags_that_are_told(burgee: Burgee, running: Running) -> None:
    artifacts = open_artifacts(running.url("many/flags"), {}, now=lambda: 0)
    for tag in ("a1", "a2", "a3", "a4", "a5", "a6", "a7", "staging"):
        push(artifacts, tag, *THE_SHOP)
    for record in ("staging.head", "staging.0000000001", "_environments"):
        artifacts.put_manifest(record, a_manifest(THE_SHOP), MANIFEST_TYPE)
    said = burgee("bundle", "export", f"{running.url('many/flags')}:nope", "out")
    refused(said, 2, "there are staging, a1, a2, a3, a4, a5, a6, a7\n")
    push(artifacts, "b", *THE_SHOP)
    assert burgee("bundle", "export", f"{running.url('many/flags')}:nope", "out").err.endswith("a7 and 1 more\n")


def test_a_head_is_said_to_be_no_bundle(burgee: Burgee, running: Running) -> None:
    url = running.url("heads/flags")
    registry_store = open_store(url, environ={"BURGEE_SINGLE_PUBLISHER": "yes"})
    release(registry_store, {"default": DOCUMENT}, at=1_000, environment="production")
    said = burgee("bundle", "unpack", f"{url}:production.head", "out")
    refused(said, 3, "this is no bundle of flags, but 'application/vnd.burgee.head.v1'")


def test_a_closed_port_is_told_plainly(burgee: Burgee) -> None:
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        said = burgee("bundle", "list", f"oci://127.0.0.1:{closed.getsockname()[1]}/shop/flags")
    refused(said, 3, "Connection refused")
    assert "Max retries" not in said.err and "Connection object" not in said.err, said.err


def test_a_place_that_is_not_there_has_no_empty_list(burgee: Burgee, running: Running, tmp_path: Path) -> None:
    refused(burgee("bundle", "list", running.url("no/such")), 3, f"no repository at {running.url('no/such')}")
    refused(burgee("bundle", "list", f"file://{tmp_path}/relesed"), 3, f"no folder at {tmp_path}/relesed")
    refused(burgee("bundle", "list", "relesed"), 3, f"no folder at {tmp_path}/relesed")
    web = running.url("shop/flags").replace("oci:", "http:")
    refused(burgee("bundle", "list", web), 3, "no store at", f"named as {running.url('shop/flags')}\n")
    refused(burgee("bundle", "list", "oci:/localhost/flags"), 2, "wanted oci://localhost/flags")
    (tmp_path / "empty").mkdir()
    for empty in ("empty", f"file://{tmp_path}/empty"):
        said = burgee("bundle", "list", empty)
        assert (said.code, said.out, "no bundle with a name yet" in said.err) == (0, "", True)


def test_a_store_that_is_named_as_a_folder_is_told_by_its_url(burgee: Burgee, store: str, tmp_path: Path) -> None:
    refused(burgee("bundle", "list", "store"), 2, "store is a store of burgee", f"name it as {store}, ")
    refused(burgee("bundle", "export", f"{store}#production", "store"), 2, f"{store}#production")
    for command in (("bundle", "unpack"), ("diff",)):
        refused(burgee(*command, "store#production", "out"), 2, f"is a store of burgee: write {store}#production")
    (tmp_path / "flags").mkdir()
    (tmp_path / "flags/features.yaml").write_text(features("a"))
    refused(burgee("bundle", "list", "flags"), 2, "has no file oci-layout", "name another\n")


def test_the_store_of_the_variables_is_listed_without_a_url(
    burgee: Burgee, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(burgee("bundle", "list"), 2, "no store: give --store or set BURGEE_STORE")
    assert burgee("bundle", "list", "--store", store, "--json").json[0]["name"] == "production"
    refused(burgee("bundle", "list", store, "--store", store), 2, "named twice")
    monkeypatch.setenv("BURGEE_STORE", store)
    assert burgee("bundle", "list", "--json").json[0]["name"] == "production"


def test_flag_files_are_not_written_into_what_others_keep(burgee: Burgee, old: str, store: str, tmp_path: Path) -> None:
    assert burgee("bundle", "export", f"{old}:prod", "bundles").code == 0
    for folder, words in (
        ("/", "is the root folder"),
        ("bundles", "in OCI's image layout"),
        ("bundles/blobs/out", f"is in {tmp_path}/bundles"),
        ("store/new", "is a store of burgee"),
    ):
        refused(burgee("bundle", "unpack", f"{old}:prod", folder, "--force"), 2, words)
    assert not any(tmp_path.rglob("features.yaml"))


def test_a_copy_that_no_tag_names_is_noted(burgee: Burgee, old: str, running: Running) -> None:
    digest = digest_of(a_manifest(THE_SHOP))
    url = running.url("nameless/flags")
    said = burgee("bundle", "copy", f"{old}@{digest}", url)
    assert said.code == 0
    assert f"No tag names it there, and a registry may clear it away; copy it with one, as {url}:" in said.err
    assert "No tag" not in burgee("bundle", "copy", f"{old}@{digest}", f"{url}:prod").err


def test_the_digits_that_tables_show_are_enough_for_one_bundle(
    burgee: Burgee, old: str, store: str, tmp_path: Path
) -> None:
    digest = digest_of(a_manifest(THE_SHOP))
    copied = burgee("bundle", "copy", f"{old}@{digest[:19]}", "copy:prod", "--json").json
    assert (copied["bundle"], copied["from"]) == (digest, f"{old}@{digest}")
    released = burgee("bundle", "list", store, "--json").json[0]["bundle"]
    assert burgee("bundle", "unpack", f"{store}#{released[:19]}", "out").code == 0
    refused(burgee("bundle", "unpack", f"{old}@sha256:{'0' * 12}", "out"), 2, "no bundles with a name", "all 64 digits")
    refused(burgee("bundle", "copy", f"{old}:prod", f"copy@{digest[:19]}"), 2, "wanted all 64 digits")


# A store as a place of artifacts


def test_a_store_shows_the_active_bundle_of_each_environment(tmp_path: Path) -> None:
    store = ObjectStore(MemoryObjects("memory://artifacts"))
    first = release(store, {"default": DOCUMENT}, at=1_000)
    second = release(store, {"web": encode({"namespace": "web"})}, at=2_000, active_after=500)
    assert ObjectArtifacts(store, now=lambda: 2_100).get_manifest("staging").digest == first
    assert ObjectArtifacts(store, now=lambda: 2_500).get_manifest("staging").digest == second


def test_a_store_keeps_blobs_with_the_type_they_have(tmp_path: Path) -> None:
    artifacts = ObjectArtifacts(ObjectStore(MemoryObjects("memory://artifacts")), now=lambda: 0)
    assert artifacts.tags() == ()
    digest = artifacts.put_blob(WAREHOUSE)
    assert (artifacts.has_blob(digest), artifacts.has_blob(digest_of(SHOP))) == (True, False)
    with pytest.raises(InvalidDocument, match="wanted at most 5"):
        artifacts.get_blob(digest, max_bytes=5)
