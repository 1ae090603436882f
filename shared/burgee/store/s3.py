"""Objects in a bucket of Amazon's S3, or of a service that speaks its protocol, written under conditions.

Law: every write carries a mark of its own. One that came to an unknown end is looked for by it, so that nobody takes
their own write for somebody else's, nor somebody else's for their own.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from hashlib import md5
from secrets import token_hex
from typing import Any

import boto3.session

from ..bundle.s3_address import read_s3_address
from ..core.errors import BurgeeError, Conflict, InvalidDocument, InvalidRequest, Unavailable, Unfit
from .port import Object, checked_key, checked_prefix
from .s3_bucket import GET, LIST, PUT, Asker, Bucket, Pace
from .s3_faults import FAULTS, Fault, is_lost, is_missing, is_race, may_be_done
from .s3_session import a_client, a_session, asker_of, endpoint_of, region_of

# As much as readers take.
LARGEST_BYTES = 32 * 1024 * 1024

_MARK = "burgee-write"
_PIECE = 65_536


class S3Objects:
    """Safe among threads; nobody is asked before the first verb."""

    def __init__(self, bucket: Bucket, *, make_mark: Callable[[], str] = lambda: token_hex(16)) -> None:
        """`make_mark` gives another text each time."""
        self.url: str = bucket.address.url
        self._bucket = bucket
        self._make_mark = make_mark

    @property
    def bucket(self) -> Bucket:
        """Where the objects are."""
        return self._bucket

    def get(self, key: str) -> Object:
        where = self._where(checked_key(key))

        def read(client: Any) -> Object:
            answer = self._bucket.note(client.get_object(**where))
            return Object(self._content(key, answer), self._etag(key, answer))

        return self._bucket.ask(f"GET {self.url}/{key}", GET, read)

    def put_new(self, key: str, content: bytes, *, content_type: str, cache_control: str) -> str:
        return self.swap(key, content, expected=None, content_type=content_type, cache_control=cache_control)

    def swap(self, key: str, content: bytes, *, expected: str | None, content_type: str, cache_control: str) -> str:
        where = self._where(checked_key(key))
        if expected == "":
            raise self._conflict(key, expected)
        request = {
            **where,
            **({"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}),
            "Body": content,
            # Buckets with an object lock take nothing without.
            "ContentMD5": b64encode(md5(content, usedforsecurity=False).digest()).decode(),
            "ContentType": content_type,
            "CacheControl": cache_control,
            "Metadata": {_MARK: self._make_mark()},
        }
        return self._written(key, request, expected)

    def list(self, prefix: str) -> Iterator[str]:
        address = self._bucket.address
        request = {"Bucket": address.bucket, "Prefix": address.prefix + checked_prefix(prefix)}

        def listed(client: Any) -> list[str]:
            pages = map(self._bucket.note, client.get_paginator("list_objects_v2").paginate(**request))
            return [each["Key"].removeprefix(address.prefix) for page in pages for each in page.get("Contents", ())]

        keys = self._bucket.ask(f"list {self.url}/{prefix}*", LIST, listed)
        return iter(sorted(filter(_is_key, keys)))

    def _where(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket.address.bucket, "Key": self._bucket.address.prefix + key}

    def _content(self, key: str, answer: Mapping[str, Any]) -> bytes:
        pieces: list[bytes] = []
        size: int = answer.get("ContentLength") or 0
        with answer["Body"] as body:
            while size <= LARGEST_BYTES and (piece := body.read(_PIECE)):
                pieces.append(piece)
                size = max(size, len(pieces) * _PIECE - _PIECE + len(piece))
        if size > LARGEST_BYTES:
            raise InvalidDocument(f"{key} in {self.url}: {size} bytes or more, wanted at most {LARGEST_BYTES}")
        return b"".join(pieces)

    def _written(self, key: str, request: Mapping[str, Any], expected: str | None) -> str:
        """The etag of a write. Raises Conflict, or what the last fault means."""
        faults: list[Fault] = []
        for client in self._bucket.attempts():
            try:
                return self._etag(key, self._bucket.note(client.put_object(**request)))
            except FAULTS as error:
                faults.append(error)
                if not self._bucket.tries_again_after(error):
                    break
        last = faults[-1]
        if is_race(last) or any(map(may_be_done, faults)):
            return self._found_written(key, request, expected, last)
        raise self._refusal(key, expected, last) from last

    def _found_written(self, key: str, request: Mapping[str, Any], expected: str | None, last: Fault) -> str:
        """The etag of a write that was done in spite of its faults. Raises as `_written` does when it was not."""
        etag, mark = self._look(key)
        if etag is not None and mark == request["Metadata"][_MARK]:
            return etag
        if etag != expected:
            raise self._conflict(key, expected) from last
        raise self._refusal(key, expected, last) from last

    def _look(self, key: str) -> tuple[str | None, str | None]:
        """The etag of an object and the mark of the write that made it; None twice when there is no object."""
        where = self._where(key)

        def look(client: Any) -> tuple[str | None, str | None]:
            try:
                answer = self._bucket.note(client.head_object(**where))
            except FAULTS as error:
                if is_missing(error):
                    return None, None
                raise
            return self._etag(key, answer), answer.get("Metadata", {}).get(_MARK)

        try:
            return self._bucket.ask(f"HEAD {self.url}/{key}", GET, look)
        except BurgeeError as error:
            raise Unavailable(f"whether {key} in {self.url} was written is not known: {error}") from error

    def _refusal(self, key: str, expected: str | None, error: Fault) -> BurgeeError:
        if is_lost(error):
            return self._conflict(key, expected)
        return self._bucket.fault(f"PUT {self.url}/{key}", PUT, error)

    def _conflict(self, key: str, expected: str | None) -> Conflict:
        if expected is None:
            return Conflict(f"wanted to write {key} in {self.url} for the first time, it exists")
        return Conflict(f"wanted {key} in {self.url} at etag {expected}, it is at another")

    def _etag(self, key: str, answer: Mapping[str, Any]) -> str:
        etag = answer.get("ETag")
        if not etag:
            raise Unfit(f"{key} in {self.url} has no ETag; burgee can only publish where versions have names")
        return str(etag)


def open_s3(url: str, environ: Mapping[str, str], *, pace: Pace | None = None) -> S3Objects:
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
            connect_seconds=pace.connect,
            answer_seconds=pace.answer,
        )
        return Asker(client, asker_of(session))

    region = region_of(address, environ, session)
    return S3Objects(Bucket(address, connect, region=region, endpoint=endpoint, pace=pace))


def _is_key(text: str) -> bool:
    """Whether burgee could have written it: a bucket may hold what others put there."""
    try:
        checked_key(text)
    except InvalidRequest:
        return False
    return True
