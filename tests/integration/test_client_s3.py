"""The SDK reads a release from S3, with nothing but the standard library between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from burgee.client import Client
from burgee.core.errors import Denied, NotReady
from burgee.store.file import FileObjects
from burgee.store.objects import ObjectStore
from tests.fakes.publisher import a_document, publish
from tests.servers.moto import Moto

pytestmark = pytest.mark.integration

# In the past, or the release would still be pending.
PUBLISHED_AT = 1_700_000_000_000
FOREVER = 3600.0


class Bucket:
    """A store in a bucket: published to a folder, and uploaded."""

    def __init__(self, aws: Moto, folder: Path, name: str, *, public: bool = False) -> None:
        self.aws, self.folder, self.name = aws, folder, name
        self.url = f"s3://{name}/shop"
        aws.make_bucket(name, public=public)

    def publish(self, *, enabled: bool, at: int = PUBLISHED_AT) -> None:
        store = ObjectStore(FileObjects(self.folder))
        publish(store, {"default": a_document(enabled=enabled)}, at=at, environment="production")
        self.aws.upload(self.folder, self.name, prefix="shop")


def test_a_release_is_read_evaluated_and_followed(aws: Moto, tmp_path: Path) -> None:
    bucket = Bucket(aws, tmp_path, "followed")
    bucket.publish(enabled=True)
    with Client(bucket.url, environment="production", ttl=FOREVER, environ=aws.environ()) as client:
        first = client.boolean("on", "amira", {"orders": 3})
        bucket.publish(enabled=False, at=PUBLISHED_AT + 1)
        client.refresh()
        second = client.boolean("on", "amira", {"orders": 3})
    assert (first.enabled, first.revision, second.enabled, second.revision) == (True, 1, False, 2)


def test_a_public_bucket_needs_no_credentials(aws: Moto, tmp_path: Path) -> None:
    bucket = Bucket(aws, tmp_path, "public-flags", public=True)
    bucket.publish(enabled=True)
    with Client(bucket.url, environment="production", environ=aws.environ(None)) as client:
        assert client.boolean("on", "amira").enabled


def test_who_may_not_read_is_told_so_and_the_next_place_answers(aws: Moto, tmp_path: Path) -> None:
    bucket = Bucket(aws, tmp_path, "private-flags")
    bucket.publish(enabled=True)
    nobody = aws.environ(None)
    with Client(bucket.url, environment="production", environ=nobody) as alone:
        with pytest.raises(Denied, match="403"):
            alone.refresh()
        with pytest.raises(NotReady, match="403"):
            alone.boolean("on", "amira")
    with Client(bucket.url, tmp_path.as_uri(), environment="production", environ=nobody) as two:
        assert two.boolean("on", "amira").enabled
