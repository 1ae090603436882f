"""Objects in a bucket of Amazon's S3, or of a service that speaks its protocol."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from hashlib import md5
from typing import Any

import boto3.session

from ..bundle.s3_address import read_s3_address
from ..core.errors import BurgeeError, Unfit
from .pace import Pace
from .port import Object
from .remote import Meaning, RemoteObjects, Right, Write, milliseconds, whole
from .s3_bucket import Asker, Bucket
from .s3_faults import FAULTS, is_lost, is_missing, is_race, may_be_done
from .s3_session import a_client, a_session, asker_of, endpoint_of, region_of

_MARK = "burgee-write"
_PIECE = 65_536


class S3Wire:
    """See `remote.Wire` for each verb."""

    faults = FAULTS

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.url: str = bucket.address.url

    def get(self, key: str) -> Object:
        answer = self._note(self.bucket.client().get_object(**self._where(key)))
        # As its own context it would give what is below it, whose faults are urllib3's and whose end is not checked.
        with closing(answer["Body"]) as body:
            content = whole(iter(lambda: body.read(_PIECE), b""), key=key, url=self.url)
        return Object(content, self._etag(key, answer), milliseconds(answer.get("LastModified")))

    def put(self, key: str, write: Write) -> str:
        answer = self.bucket.client().put_object(
            **self._where(key),
            **({"IfNoneMatch": "*"} if write.expected is None else {"IfMatch": write.expected}),
            Body=write.content,
            # Buckets with an object lock take nothing without.
            ContentMD5=b64encode(md5(write.content, usedforsecurity=False).digest()).decode(),
            ContentType=write.content_type,
            CacheControl=write.cache_control,
            Metadata={_MARK: write.mark},
        )
        return self._etag(key, self._note(answer))

    def look(self, key: str) -> tuple[str, str | None]:
        answer = self._note(self.bucket.client().head_object(**self._where(key)))
        return self._etag(key, answer), answer.get("Metadata", {}).get(_MARK)

    def list(self, prefix: str) -> Iterator[str]:
        address = self.bucket.address
        pages = (
            self.bucket.client()
            .get_paginator("list_objects_v2")
            .paginate(Bucket=address.bucket, Prefix=address.prefix + prefix)
        )
        for page in map(self._note, pages):
            for each in page.get("Contents", ()):
                yield each["Key"].removeprefix(address.prefix)

    def meaning(self, error: Any) -> Meaning:
        return Meaning(
            passes=self.bucket.passes(error),
            is_missing=is_missing(error),
            is_lost=is_lost(error),
            is_race=is_race(error),
            may_be_done=may_be_done(error),
        )

    def fault(self, attempt: str, right: Right, error: Any) -> BurgeeError:
        return self.bucket.fault(attempt, right, error)

    @property
    def place(self) -> str:
        address = self.bucket.address
        return f"bucket {address.bucket}, prefix {address.prefix or 'none'}, at {self.bucket.place}"

    def asked_by(self) -> str:
        return self.bucket.asker().shown

    def clock_difference(self) -> float | None:
        return self.bucket.clock_difference()

    def _where(self, key: str) -> dict[str, Any]:
        return {"Bucket": self.bucket.address.bucket, "Key": self.bucket.address.prefix + key}

    def _note(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        self.bucket.note(answer)
        return answer

    def _etag(self, key: str, answer: Mapping[str, Any]) -> str:
        etag = answer.get("ETag")
        if not etag:
            raise Unfit(f"{key} in {self.url} has no ETag; burgee can only publish where versions have names")
        return str(etag)


def open_s3(url: str, environ: Mapping[str, str], *, pace: Pace | None = None) -> RemoteObjects:
    """The objects at `s3://bucket/prefix`, asked for as who `environ` says. Raises ConfigurationError."""
    address = read_s3_address(url)
    session = a_session(environ)
    clients = boto3.session.Session(botocore_session=session)
    endpoint = endpoint_of(address, environ)
    pace = pace or Pace()

    def connect(region: str) -> Asker:
        client = a_client(
            clients,
            endpoint=endpoint,
            region=region,
            # Behind an endpoint nobody has set up names of hosts for buckets.
            in_path=endpoint is not None or not address.fits_a_host,
            pace=pace,
        )
        return Asker(client, asker_of(session))

    region = region_of(address, environ, session)
    return RemoteObjects(S3Wire(Bucket(address, connect, region=region, endpoint=endpoint)), pace=pace)
