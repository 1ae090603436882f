"""The evaluate function as one would write it with boto3: the same core and the same App, objects read by its client.

It is a function's entry point, which the benchmark of AWS puts into a package of its own.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from burgee.core.errors import InvalidDocument, NotFound, Unavailable
from burgee.fetch.clock import SystemClock, system_random
from burgee.fetch.environments import Environments
from burgee.fetch.port import MAX_BYTES, NOT_MODIFIED, Fetched
from burgee.serve.app import App
from burgee.serve.function_url import answer
from burgee.serve.opening import service_over
from burgee.settings import read_settings


class Boto3Fetcher:
    """Objects in the bucket of an `s3://bucket/prefix`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/"
        self._s3 = boto3.client("s3")

    def get(self, key: str, etag: str | None = None, *, max_bytes: int = MAX_BYTES) -> Fetched:
        condition = {"IfNoneMatch": etag} if etag else {}
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + key, **condition)
            content = found["Body"].read(max_bytes + 1)
        except ClientError as error:
            if error.response["Error"]["Code"] == "304":
                return NOT_MODIFIED
            raise (NotFound if error.response["Error"]["Code"] == "NoSuchKey" else Unavailable)(str(error)) from error
        except BotoCoreError as error:
            raise Unavailable(str(error)) from error
        if len(content) > max_bytes:
            raise InvalidDocument(f"{key} has more than {max_bytes} bytes")
        return Fetched(content, found["ETag"])

    def close(self) -> None:
        self._s3.close()


def _app() -> App:
    settings = read_settings(os.environ)
    environments = Environments(
        Boto3Fetcher(settings.store), ttl_ms=settings.ttl_ms, clock=SystemClock(), random=system_random
    )
    return App(service_over(environments, None))


_APP = _app()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """What AWS calls for each request."""
    return answer(_APP, event)
