"""What each cloud has of its own on the wire and in messages, in one table, for tests of what they have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import pytest

from burgee.store.azblob import AzblobWire, open_azblob
from burgee.store.gs import open_gs
from burgee.store.pace import Pace
from burgee.store.remote import RemoteObjects
from burgee.store.s3 import open_s3
from tests.fakes.aws import an_error

from .azurite import ACCOUNT
from .clouds import BUCKET, Clouds
from .faulty import Faulty, Harm
from .moto import REGION
from .played import Answer

NAMES_AT_ONCE = 10


class Server(Protocol):
    """What the servers of all clouds can do."""

    def environ(self) -> dict[str, str]:
        """The variables of somebody who may do everything."""

    def put(self, bucket: str, key: str, content: bytes, *, prefix: str = "") -> object:
        """One object below the prefix."""


class Open(Protocol):
    """`open_s3` and its like."""

    def __call__(self, url: str, environ: Mapping[str, str], *, pace: Pace | None = None) -> RemoteObjects: ...


@dataclass(frozen=True, slots=True)
class Cloud:
    """One row of the table.

    `place` is a store's URL of bucket and prefix, as messages name it, and `query` what follows; `asked_at` is where
    messages say that it was asked. `requests` are the beginnings of those that read, look at and write an object (a
    listing may begin like a look). `answers` are named by the fault, and `words` are what messages say of it.
    `in_pages` makes a server give NAMES_AT_ONCE names at once.
    """

    open: Open
    origin: Callable[[Clouds], str]
    server: Callable[[Clouds], Server]
    place: str
    query: str
    asked_at: str
    requests: Mapping[Literal["read", "look", "write"], str]
    answers: Mapping[str, Answer]
    words: Mapping[str, str]
    in_pages: Callable[[Clouds, RemoteObjects, pytest.MonkeyPatch], None]

    def harm(self, fault: str, *, arrives: bool = False, then: Callable[[], object] = lambda: None) -> Harm:
        """A fault by its name: one of `answers`, `cut`, or `silent`."""
        return Harm(arrives=arrives, answer=self.answers.get(fault), hangs=fault == "silent", then=then)


@dataclass(frozen=True, slots=True)
class Relayed:
    """A prefix of a test's own in one cloud, and the relay before it."""

    cloud: Cloud
    servers: Clouds
    relay: Faulty
    prefix: str

    @property
    def url(self) -> str:
        """As messages name it."""
        return self.cloud.place.format(bucket=BUCKET, prefix=self.prefix)

    @property
    def server(self) -> Server:
        return self.cloud.server(self.servers)

    @property
    def asked_at(self) -> str:
        """Where messages say that it was asked, through the relay."""
        return self.cloud.asked_at.format(origin=self.relay.url)

    def store_url(self, origin: str | None = None, *, bucket: str = BUCKET) -> str:
        """With the endpoint in it, which is the server itself when no other is given."""
        origin = origin or self.cloud.origin(self.servers)
        place = self.cloud.place.format(bucket=bucket, prefix=self.prefix)
        return f"{place}?{self.cloud.query.format(origin=origin)}"

    def objects(self, pace: Pace, *, origin: str | None = None, bucket: str = BUCKET) -> RemoteObjects:
        """Of somebody with no relay before them, unless it is the origin."""
        return self.cloud.open(self.store_url(origin, bucket=bucket), self.server.environ(), pace=pace)

    def next(self, *harms: Harm) -> None:
        """What becomes of the next writes."""
        self.relay.next(self.cloud.requests["write"].partition(" ")[0], *harms)

    def always(self, harm: Harm, *requests: Literal["read", "look", "write"]) -> None:
        """What becomes of all such requests."""
        begins = tuple(self.cloud.requests[request] for request in requests)
        self.relay.always = lambda asked: harm if f"{asked.method} {asked.path}".startswith(begins) else None

    def count(self, request: Literal["read", "look", "write"]) -> int:
        """How many such requests there were."""
        begin = self.cloud.requests[request]
        return sum(f"{asked.method} {asked.path}".startswith(begin) for asked in self.relay.asked)


def s3_refusal(status: int, code: str, **headers: str) -> Answer:
    return status, an_error(code, f"Said {code}"), {"Content-Type": "application/xml", **headers}


def azblob_refusal(status: int, code: str, **headers: str) -> Answer:
    named = {"Content-Type": "application/xml", "x-ms-error-code": code, **headers}
    return status, an_error(code, f"Said {code}.\nRequestId:1\nTime:2"), named


def gs_refusal(status: int, reason: str) -> Answer:
    error = {"code": status, "message": f"Said {reason}.", "errors": [{"reason": reason}]}
    return status, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"}


def _s3_in_pages(servers: Clouds, objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(NAMES_AT_ONCE))


def _azblob_in_pages(servers: Clouds, objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(objects.wire, AzblobWire)
    objects.wire.names_at_once = NAMES_AT_ONCE


def _gs_in_pages(servers: Clouds, objects: RemoteObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers.google, "page_size", NAMES_AT_ONCE)


# Of what stands between a cloud and who asks it.
_PROXY: Mapping[str, Answer] = {"502": (502, b"<html>oh</html>", {}), "504": (504, b"<html>oh</html>", {})}
# `beside`: what somebody may be told who writes at the same time as others.
WIRES = {
    "s3": Cloud(
        open=open_s3,
        origin=lambda servers: servers.aws.url,
        server=lambda servers: servers.aws,
        place="s3://{bucket}{prefix}",
        query=f"region={REGION}&endpoint={{origin}}",
        asked_at="{origin}",
        requests={"read": "GET /", "look": "HEAD /", "write": "PUT /"},
        answers={
            "busy": s3_refusal(503, "SlowDown"),
            "broken": s3_refusal(500, "InternalError"),
            "beside": s3_refusal(409, "ConditionalRequestConflict"),
            **_PROXY,
        },
        words={
            "busy": "503 SlowDown: Said SlowDown",
            "broken": "500 InternalError: Said InternalError",
            "502": "502",
            "cut": "onnection was closed before we received a valid response",
            "silent": "ead timeout",
            "nobody": "could not connect to the endpoint",
            "no bucket": "NoSuchBucket",
        },
        in_pages=_s3_in_pages,
    ),
    "azblob": Cloud(
        open=open_azblob,
        origin=lambda servers: servers.azure.blob_url.rpartition("/")[0],
        server=lambda servers: servers.azure,
        place=f"azblob://{ACCOUNT}/{{bucket}}{{prefix}}",
        query=f"endpoint={{origin}}/{ACCOUNT}",
        asked_at=f"{{origin}}/{ACCOUNT}/{BUCKET}",
        requests={"read": "GET /", "look": "HEAD /", "write": "PUT /"},
        answers={
            "busy": azblob_refusal(503, "ServerBusy"),
            "broken": azblob_refusal(500, "InternalError"),
            "beside": azblob_refusal(503, "ServerBusy"),
            **_PROXY,
        },
        words={
            "busy": "503 ServerBusy: Said ServerBusy",
            "broken": "500 InternalError: Said InternalError",
            "502": "502",
            "cut": "emote end closed connection",
            "silent": "ead timed out",
            "nobody": "onnection refused",
            "no bucket": "404 ContainerNotFound",
        },
        in_pages=_azblob_in_pages,
    ),
    "gs": Cloud(
        open=open_gs,
        origin=lambda servers: servers.google.url,
        server=lambda servers: servers.google,
        place="gs://{bucket}{prefix}",
        query="endpoint={origin}",
        asked_at="{origin}",
        requests={"read": "GET /download/", "look": "GET /storage/", "write": "POST /"},
        answers={
            "busy": gs_refusal(429, "rateLimitExceeded"),
            "broken": gs_refusal(503, "backendError"),
            "beside": gs_refusal(429, "rateLimitExceeded"),
            **_PROXY,
        },
        words={
            "busy": "429 rateLimitExceeded: Said rateLimitExceeded",
            "broken": "503 backendError: Said backendError",
            "502": "502 Bad Gateway",
            "cut": "onnection aborted",
            "silent": "ead timed out",
            "nobody": "could not connect to 127.0.0.1",
            "no bucket": "specified bucket does not exist; check the bucket's name",
        },
        in_pages=_gs_in_pages,
    ),
}
